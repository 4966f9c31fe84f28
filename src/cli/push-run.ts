/** `signalbox run --push`: sends the log to Signalbox and keeps it here; what was not sent can be sent later. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { size as sizeWords } from '../blocks/text.ts';
import { isPushName } from '../domain/pushed-runs.ts';
import { AppError } from '../ground/errors.ts';
import { isLoopback } from '../ground/hosts.ts';
import type { Clock } from '../ground/time.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import { type PushOutcome, RunPush } from '../runs/push-client.ts';
import { EXIT_CODES } from './failures.ts';
import type { RunFlags } from './flags.ts';
import { type CliIo, line } from './io.ts';

const TOKEN_VARIABLE = 'SIGNALBOX_PUSH_TOKEN';
/** Milliseconds after the command's end in which the rest is still sent. */
const LAST_SENDING = 120_000;

/** Kept with the log here, so that another process can go on sending it as the same run. */
const markSchema = z.object({ pushKey: z.string() });

export interface Pushing {
  /** Asks whether the run may be sent at all. @throws AppError: it may not */
  begin(store: RunLogStore, id: string, say: (words: string) => void): Promise<RunPush>;
  /** Without the token, which is none of the command's business. */
  env: CliIo['env'];
}

/** @throws AppError invalid_input: the flags or the environment do not give the address or the token */
export function pushing(flags: RunFlags, { env, stderr }: CliIo): Pushing | undefined {
  const { push: url, tokenEnv = TOKEN_VARIABLE } = flags;
  if (url === undefined) return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new AppError(
      'invalid_input',
      `--push is ${JSON.stringify(url.slice(0, 80))}: expected Signalbox's address.`,
      {
        hint: 'For example --push https://signalbox.example.com',
      },
    );
  const token = env[tokenEnv]?.trim();
  if (token === undefined || token === '')
    throw new AppError(
      'invalid_input',
      `The token to push with is not set: expected ${tokenEnv} in the environment.`,
      {
        hint: `Set it to the push token of the use case, or name another variable with --token-env.`,
      },
    );
  if (/[^\x21-\x7e]/.test(token))
    throw new AppError(
      'invalid_input',
      `${tokenEnv} holds no token: it has spaces or letters that no token has.`,
    );
  const { protocol, hostname: host } = new URL(url);
  if (protocol === 'http:' && !isLoopback(host))
    line(stderr, `signalbox: ${url} is not encrypted: whoever is on the way can read the token and the log.`);
  const { [tokenEnv]: _, ...others } = env;
  return {
    env: others,
    async begin(store, id, say) {
      if (!isPushName(id))
        throw new AppError('invalid_input', `${id} is not a name for a run that is pushed.`, {
          hint: 'A name is 1 to 120 letters, digits and . _ -, and begins with a letter or digit.',
        });
      const info = await store.create(id);
      const isNew = info.size === 0 && info.cursor === undefined && !info.end;
      // A log that was not meant to be sent at first has no such note and cannot get one; but it was made only once.
      const key = keyOf(info) ?? (isNew ? randomBytes(12).toString('base64url') : `made-${info.createdAt}`);
      if (isNew) await store.append(id, 0, new Uint8Array(0), JSON.stringify({ pushKey: key }));
      const push = new RunPush({ url, token, name: id, key, host: hostname(), logs: store, id, onNote: say });
      try {
        const answers = await push.begin();
        if (!answers) say(`${url} does not answer yet. The log is kept here, and sent as soon as it does.`);
      } catch (error) {
        if (isNew) await store.remove(id);
        throw error;
      }
      return push;
    },
  };
}

function keyOf({ cursor }: RunLogInfo): string | undefined {
  if (cursor === undefined) return undefined;
  try {
    return markSchema.parse(JSON.parse(cursor)).pushKey;
  } catch {
    return undefined;
  }
}

/**
 * Once the command has ended: waits for the rest, for a bounded time, and says what remains.
 * @param goOn the command line that sends it later
 */
export async function sendRest(
  push: RunPush,
  outcome: Promise<PushOutcome>,
  { say, goOn }: { say(words: string): void; goOn: string },
): Promise<void> {
  const stop = (): void => push.stop();
  const notice = setTimeout(
    () => say(`Sending the rest of the log, for up to ${LAST_SENDING / 60_000} minutes; Ctrl-C ends that.`),
    1_000,
  );
  const limit = setTimeout(stop, LAST_SENDING);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  try {
    const end = await outcome;
    if (end.kind === 'sent') return;
    if (end.kind === 'refused')
      say(`The log is not taken: ${end.error.message} ${end.error.hint ?? ''}`.trimEnd());
    say(
      end.bytes > 0
        ? `${sizeWords(end.bytes)} of the log have not been sent; they are kept here. To send them: ${goOn}`
        : `The log has been sent, but not that it has ended. To do so: ${goOn}`,
    );
  } finally {
    clearTimeout(notice);
    clearTimeout(limit);
    for (const name of signals) process.off(name, stop);
  }
}

/** `--resume`: a log that is kept here, of a command that has ended, is sent until it is there or Ctrl-C. */
export async function resume(
  id: string,
  { store, folder, pushing, clock }: { store: RunLogStore; folder: string; pushing: Pushing; clock: Clock },
  io: CliIo,
): Promise<number> {
  const say = (words: string): void => line(io.stderr, `signalbox: ${words}`);
  const info = await store.info(id);
  if (!info)
    throw new AppError('not_found', `There is no log of a run ${id} in ${folder}.`, {
      hint: 'Give the --dir that it was kept in.',
    });
  // Its process is gone, or this is refused: whoever writes a log holds its lock.
  if (!info.end) await store.finish(id, { state: 'lost', exitCode: null, signal: null, at: clock.now() });
  const push = await pushing.begin(store, id, say);
  const stop = (): void => push.stop();
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stop();
  const outcome = await push.run();
  io.signal.removeEventListener('abort', stop);
  if (outcome.kind === 'refused') throw outcome.error;
  if (outcome.kind === 'sent') say(`${id} has been sent, all ${sizeWords(info.size)} of it.`);
  else say(`${sizeWords(outcome.bytes)} of ${id} have not been sent.`);
  return outcome.kind === 'sent' ? 0 : EXIT_CODES.unavailable;
}
