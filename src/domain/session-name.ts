/**
 * The name of a role session: what CloudTrail shows for everything that is done in a use case's account.
 * `{operation}-{shortUser}-{timestamp}` + 4 random characters.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';

/** The kinds of work a role session is opened for; the first part of the session's name (S1). */
export type SessionOperation = 'logs' | 'train' | 'comp' | 'pkg' | 'gg' | 'dev';

/** Rule of STS AssumeRole's RoleSessionName. */
const ALLOWED = /^[\w+=,.@-]{2,64}$/;

/** Ids that may stand in a name as they are: 12 characters hold every id Slack gives out today. */
const PLAIN = /^[A-Za-z0-9_]{1,12}$/;

const RANDOM_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * Who, in at most 25 characters. Slack's user ids are unique within a workspace only, so the team is part of
 * it: `U0ADA.T0TEAM`. When either is long or odd, 12 hex characters of SHA-256 over both; a digest has no dot,
 * so the two kinds never meet.
 */
export function shortUser(actor: Actor): string {
  if (PLAIN.test(actor.user) && PLAIN.test(actor.team)) return `${actor.user}.${actor.team}`;
  // The length comes first: ("a", "bc") and ("ab", "c") are two people.
  return createHash('sha256')
    .update(`${actor.team.length}:${actor.team}:${actor.user}`, 'utf8')
    .digest('hex')
    .slice(0, 12);
}

/**
 * A fresh, valid session name, at most 44 characters until the year 2059.
 * @param random 4 characters of `[0-9a-z]`; two calls in the same millisecond differ by them
 */
export function newSessionName(
  operation: SessionOperation,
  actor: Actor,
  now: EpochMs,
  random: () => string = fourRandomCharacters,
): string {
  const name = `${operation}-${shortUser(actor)}-${Math.trunc(now).toString(36)}${random()}`;
  assertSessionName(name);
  return name;
}

/** @throws AppError invalid_input when AWS would refuse the name: seen here, before any call */
export function assertSessionName(name: string): void {
  if (ALLOWED.test(name)) return;
  throw new AppError(
    'invalid_input',
    `A role session's name must be 2 to 64 characters of letters, digits and _+=,.@-, but got ${JSON.stringify(name.slice(0, 80))} (${name.length} characters).`,
    { hint: 'This is a fault of the program, not yours: give the reference to whoever runs Signalbox.' },
  );
}

/** Recently given suffixes of the running millisecond would be state; the counter makes it unnecessary. */
let counter = randomBytes(3).readUIntBE(0, 3);

/**
 * 36⁴ = 1.7 million names a millisecond: a counter over the whole range, so that one process never gives a
 * name twice, begun at random so that two processes hardly ever meet.
 */
function fourRandomCharacters(): string {
  // A step that shares no factor with 36⁴ visits every value once before any returns.
  counter = (counter + 1_000_003) % 36 ** 4;
  let rest = counter;
  let text = '';
  for (let i = 0; i < 4; i++) {
    text += RANDOM_ALPHABET[rest % 36];
    rest = Math.floor(rest / 36);
  }
  return text;
}
