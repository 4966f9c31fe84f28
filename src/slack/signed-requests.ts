/**
 * Checks Slack's HTTP requests before anything else: signed by Slack, recent, not seen before, and readable. Bolt's own
 * check misses times far in the future, repeated signatures, and bodies that are not objects, which it never answers
 * (`@slack/bolt` 5.1.0, `receivers/HTTPReceiver.js`).
 */
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'node:querystring';
import { inTime } from '../ground/pause.ts';
import { sameSecret } from '../ground/same-secret.ts';
import type { EpochMs } from '../ground/time.ts';
import type { OnceStore } from '../ports/once-store.ts';

/** Seconds by which a request's time may differ from ours, either way. */
export const TIME_TOLERANCE = 300;
/** More than Slack sends in an hour. Only signed requests count, so nobody else can fill it up. */
const REMEMBERED = 50_000;

export interface RequestRefusal {
  status: 400 | 401 | 409 | 503;
  why: string;
}

export interface AcceptedRequest {
  signature: string;
  /** From when on its timestamp alone gets it refused. */
  until: EpochMs;
}

export interface SignedRequestOptions {
  signingSecret: string;
  /** Milliseconds since the epoch. */
  now?: (() => number) | undefined;
  remembered?: number | undefined;
}

export class SignedRequests {
  readonly #secret: string;
  readonly #now: () => number;
  readonly #limit: number;
  /** Signature → second from which its timestamp alone gets it refused. */
  readonly #known = new Map<string, number>();

  constructor({ signingSecret, now = Date.now, remembered = REMEMBERED }: SignedRequestOptions) {
    this.#secret = signingSecret;
    this.#now = now;
    this.#limit = remembered;
  }

  /**
   * Remembers an accepted request, and refuses it the second time.
   * @returns the signature, to `forget` if it was not taken after all; or why it is refused
   */
  accept(headers: IncomingHttpHeaders, body: Buffer): AcceptedRequest | RequestRefusal {
    const second = Math.floor(this.#now() / 1000);
    const time = headers['x-slack-request-timestamp'];
    if (typeof time !== 'string' || !/^\d{1,12}$/.test(time))
      return { status: 401, why: 'x-slack-request-timestamp is missing or no number of seconds' };
    const away = Number(time) - second;
    if (Math.abs(away) > TIME_TOLERANCE)
      return {
        status: 401,
        why: `it was signed ${Math.abs(away)} s ${away > 0 ? 'ahead of' : 'before'} this machine's time; ${TIME_TOLERANCE} s are tolerated`,
      };
    const signature = createHmac('sha256', this.#secret).update(`v0:${time}:`).update(body).digest('hex');
    const given = headers['x-slack-signature'];
    // The whole header is compared, or text after a second "=" would make the same signature look different.
    if (typeof given !== 'string' || !sameSecret(given, `v0=${signature}`))
      return { status: 401, why: 'the signature is missing or does not fit the body' };
    const unreadable = problemOf(headers['content-type'], body);
    if (unreadable !== undefined) return { status: 400, why: unreadable };
    if (this.#known.has(signature)) return { status: 409, why: 'this very request was received before' };
    this.#prune(second);
    if (this.#known.size >= this.#limit)
      return { status: 503, why: `${this.#limit} requests were received within ${TIME_TOLERANCE} s` };
    const until = Number(time) + TIME_TOLERANCE + 1;
    this.#known.set(signature, until);
    return { signature, until: until * 1000 };
  }

  /** The request was refused on our side, so it counts as the first time when it comes again. */
  forget(signature: string): void {
    this.#known.delete(signature);
  }

  #prune(second: number): void {
    if (this.#known.size < this.#limit / 2) return;
    for (const [signature, until] of this.#known) if (until <= second) this.#known.delete(signature);
  }
}

/**
 * Milliseconds: Slack waits 3 s to hear that a request was received, and until then its answer is put on record too
 * (awaited-answers.ts).
 */
const KNOWN_WITHIN = 1_500;

/**
 * Remembers a request for all instances, and for those after a restart.
 * @returns `unknown`: the store did not say in time whether it is the first
 */
export async function rememberForAll(
  store: OnceStore,
  { signature, until }: AcceptedRequest,
  within = KNOWN_WITHIN,
): Promise<'first' | 'repeated' | { unknown: unknown }> {
  try {
    const first = await inTime(within, store.takeOnce(`slack-request/${signature}`, until));
    if (first === undefined) return { unknown: `no answer in ${within} ms` };
    return first ? 'first' : 'repeated';
  } catch (unknown) {
    return { unknown };
  }
}

/** A command's form, whose answer is shown to who typed it. */
export const isCommand = (type: string | undefined, body: Buffer): boolean =>
  isForm(type) && typeof parse(body.toString('utf8')).command === 'string';

/** Slack's check that an address exists: the only request that it does not sign. */
export function isAddressCheck(type: string | undefined, body: Buffer): boolean {
  return isForm(type) && parse(body.toString('utf8')).ssl_check === '1';
}

const isForm = (type: string | undefined): boolean =>
  type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded';

/** What is wrong with a signed body: Slack sends an object that says what it is. */
function problemOf(type: string | undefined, body: Buffer): string | undefined {
  const text = body.toString('utf8');
  if (!isForm(type)) return problemOfJson(text, 'the body');
  const { payload, command } = parse(text);
  if (payload === undefined)
    return typeof command === 'string' ? undefined : 'expected a form with one command or payload';
  return typeof payload === 'string'
    ? problemOfJson(payload, 'payload')
    : 'expected one payload, but got several';
}

function problemOfJson(text: string, what: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return `${what} is not JSON`;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return `expected an object as ${what}, but got ${parsed === null ? 'null' : Array.isArray(parsed) ? 'a list' : typeof parsed}`;
  return typeof (parsed as { type?: unknown }).type === 'string' ? undefined : `${what} has no type`;
}
