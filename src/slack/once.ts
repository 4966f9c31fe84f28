/**
 * Calls that must not be repeated blindly, because what they do would be done twice, or because the second time is
 * refused for the first one's success. A try that got no answer is looked after before anything is said or done.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Message, Modal } from '../blocks/message.ts';
import { pause } from '../ground/pause.ts';
import type { SlackClients } from './clients.ts';
import { slackCall, slackErrorCode, withFallback } from './errors.ts';
import { findPost } from './find-post.ts';
import { type Verdict, verdictOf } from './outbox-verdict.ts';

const METADATA_TYPE = 'signalbox_answer';
const NO_PREVIEWS = { unfurl_links: false, unfurl_media: false } as const;
/** A modal's trigger was used, or its time has passed. */
const TRIGGER_GONE = [
  'exchanged_trigger_id',
  'trigger_exchanged',
  'expired_trigger_id',
  'trigger_expired',
  'invalid_trigger_id',
  'duplicate_external_id',
];
/** Milliseconds before a further try; as many tries as there are, and one. */
const PAUSES = [300, 1000];
/** For as often as Slack asks to wait. */
const MOST_WAITS = 5;

interface Try<T> {
  call: () => Promise<T>;
  /**
   * After a try of which nobody knows whether it arrived, and after a refusal that followed one.
   * @param refused Slack's code, when a later try was refused
   * @returns what the call would have answered; undefined: it was not done, or that cannot be seen
   */
  check: (refused: string | undefined) => Promise<T | undefined>;
  pauses?: readonly number[];
  signal?: AbortSignal | undefined;
}

/** @throws what the last try threw */
export async function once<T>({ call, check, pauses = PAUSES, signal }: Try<T>): Promise<T> {
  let tries = 0;
  let waits = 0;
  let perhaps = false;
  for (;;) {
    let verdict: Verdict;
    let thrown: unknown;
    try {
      return await call();
    } catch (error) {
      thrown = error;
      verdict = verdictOf(error);
    }
    const isUnknown = verdict.kind === 'again' && verdict.arrived === 'maybe';
    perhaps ||= isUnknown;
    const isWait = verdict.kind === 'wait';
    const isTooOften = isWait && ++waits >= MOST_WAITS;
    // Asked to end, it looks all the same: nobody is told to ask again for what is there.
    let asked: { why: unknown } | undefined;
    if (verdict.kind === 'wait' && !isTooOften) asked = await endedDuring(verdict.ms, signal);
    else if (isUnknown) asked = await endedDuring(pauses[Math.min(tries, pauses.length - 1)] ?? 0, signal);
    if (isWait && !asked && !isTooOften) continue;
    if (perhaps) {
      const done = await check(isUnknown || isWait ? undefined : slackErrorCode(thrown));
      if (done !== undefined) return done;
    }
    if (asked) throw asked.why;
    tries += 1;
    if (verdict.kind !== 'again' || tries > pauses.length) throw thrown;
    if (!isUnknown) await pause(pauses[tries - 1]!, signal);
  }
}

/** @returns why it was asked to end meanwhile; undefined when it was not */
async function endedDuring(
  ms: number,
  signal: AbortSignal | undefined,
): Promise<{ why: unknown } | undefined> {
  try {
    await pause(ms, signal);
    return undefined;
  } catch (why) {
    return { why };
  }
}

export interface PostTarget {
  /** A channel, or a user for the direct message with them. */
  channel: string;
  thread?: string | undefined;
}

/** Posts messages and opens windows for somebody who waits. */
export class OnceOnly {
  readonly #clients: Pick<SlackClients, 'interactive' | 'once'>;
  readonly #log: Logger;
  /** Channels of direct messages, known after the first one: only there can be looked. */
  readonly #direct = new Map<string, string>();

  constructor(clients: Pick<SlackClients, 'interactive' | 'once'>, log: Logger) {
    this.#clients = clients;
    this.#log = log;
  }

  /** @param doing for the words of a failure: `a message` */
  async post(
    doing: string,
    { channel, thread }: PostTarget,
    message: Message,
  ): Promise<{ channel: string; ts: string }> {
    const answer_id = randomUUID();
    const since = Date.now();
    const posted = await slackCall(doing, () =>
      once<{ channel?: string; ts?: string }>({
        call: () =>
          withFallback(message, (content) =>
            this.#clients.once.chat.postMessage({
              channel,
              ...(thread === undefined ? {} : { thread_ts: thread }),
              ...NO_PREVIEWS,
              metadata: { event_type: METADATA_TYPE, event_payload: { answer_id } },
              ...content,
            }),
          ),
        check: async (refused) => {
          if (refused !== undefined) return undefined;
          const where = this.#direct.get(channel) ?? channel;
          if (/^[UW]/.test(where)) return undefined;
          try {
            const found = await findPost(this.#clients.interactive, {
              channel: where,
              thread,
              since,
              is: (payload) => payload.answer_id === answer_id,
            });
            return found && { channel: where, ts: found.ts };
          } catch (error) {
            this.#log.warn({ err: error, channel }, 'whether an answer was posted cannot be looked up');
            return undefined;
          }
        },
      }),
    );
    const place = posted.channel ?? channel;
    if (place !== channel) this.#direct.set(channel, place);
    return { channel: place, ts: posted.ts! };
  }

  /**
   * @param way `push`: on top of the window in which somebody clicked
   * @returns the window's id
   */
  async openWindow(way: 'open' | 'push', trigger_id: string, view: Modal): Promise<string> {
    const external_id = randomUUID();
    const known = { ...view, external_id };
    const opened = await once<{ view?: { id?: string | undefined } | undefined }>({
      call: () => this.#clients.once.views[way]({ trigger_id, view: known }),
      // A trigger works once: where it is used up, the window may well be open.
      check: async (refused) => {
        if (refused !== undefined && !TRIGGER_GONE.includes(refused)) return undefined;
        try {
          return await this.#clients.interactive.views.update({ external_id, view: known });
        } catch {
          return undefined;
        }
      },
    });
    return opened.view?.id ?? '';
  }
}
