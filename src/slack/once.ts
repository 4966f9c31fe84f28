/**
 * Calls that must not be repeated blindly, because they would take effect twice, or because a repetition is refused after
 * the first one's success. If a try got no answer, we find out what happened before doing anything else.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Message, Modal } from '../blocks/message.ts';
import { pause } from '../ground/pause.ts';
import type { SlackClients } from './clients.ts';
import { slackCall, slackErrorCode, withFallback } from './errors.ts';
import { findPost } from './find-post.ts';
import { type Verdict, verdictOf } from './outbox-verdict.ts';
import type { PostBudget } from './post-budget.ts';

const METADATA_TYPE = 'signalbox_answer';
const NO_PREVIEWS = { unfurl_links: false, unfurl_media: false } as const;
/** A modal's trigger was used or has expired. */
const TRIGGER_GONE = [
  'exchanged_trigger_id',
  'trigger_exchanged',
  'expired_trigger_id',
  'trigger_expired',
  'invalid_trigger_id',
  'duplicate_external_id',
];
/** Milliseconds before each retry. */
const PAUSES = [300, 1000];
/** How often to wait when Slack asks to. */
const MOST_WAITS = 5;
/** Milliseconds of that for a window: its trigger lives for three seconds, some of which are over. */
const TRIGGER_PATIENCE = 1_500;

interface Try<T> {
  call: () => Promise<T>;
  /**
   * Called after a try that may or may not have arrived, and after a refusal that followed one.
   * @param refused Slack's code, if a later try was refused
   * @returns what the call would have answered; undefined: it was not done, or that cannot be determined
   */
  check: (refused: string | undefined) => Promise<T | undefined>;
  pauses?: readonly number[];
  /** Milliseconds to wait at most, all in all, because Slack asks to. */
  patience?: number;
  signal?: AbortSignal | undefined;
}

/** @throws what the last try threw */
export async function once<T>({
  call,
  check,
  pauses = PAUSES,
  patience = Number.POSITIVE_INFINITY,
  signal,
}: Try<T>): Promise<T> {
  let tries = 0;
  let waits = 0;
  let waited = 0;
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
    if (verdict.kind === 'wait') waited += verdict.ms;
    const isTooOften = isWait && (++waits >= MOST_WAITS || waited > patience);
    // Even when asked to end, it checks: nobody should be told to ask again for something that is there.
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

/** @returns why it was asked to end meanwhile; undefined if it was not */
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
  /** A channel, or a user for a direct message. */
  channel: string;
  thread?: string | undefined;
}

/** Posts messages and opens modals for somebody who waits. */
export class OnceOnly {
  readonly #clients: Pick<SlackClients, 'interactive' | 'once'>;
  readonly #log: Logger;
  readonly #posts: PostBudget | undefined;
  /** Channels of direct messages, known after the first post: only known ones can be searched. */
  readonly #direct = new Map<string, string>();

  /** @param posts shared with whoever else posts; left out: only Slack counts */
  constructor(clients: Pick<SlackClients, 'interactive' | 'once'>, log: Logger, posts?: PostBudget) {
    this.#clients = clients;
    this.#log = log;
    this.#posts = posts;
  }

  /** @param doing for the error message: `a message` */
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
            this.#inTurn(channel, () =>
              this.#clients.once.chat.postMessage({
                channel,
                ...(thread === undefined ? {} : { thread_ts: thread }),
                ...NO_PREVIEWS,
                metadata: { event_type: METADATA_TYPE, event_payload: { answer_id } },
                ...content,
              }),
            ),
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

  /** A refusal is heard by all who post there; whoever posts waits by itself. */
  async #inTurn<T>(channel: string, call: () => Promise<T>): Promise<T> {
    const place = this.#direct.get(channel) ?? channel;
    await this.#posts?.take(place);
    try {
      return await call();
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict.kind === 'wait') this.#posts?.refused(place, verdict.ms);
      throw error;
    }
  }

  /**
   * @param way `push`: on top of the modal in which somebody clicked
   * @returns the modal's id
   */
  async openWindow(way: 'open' | 'push', trigger_id: string, view: Modal): Promise<string> {
    const external_id = randomUUID();
    const known = { ...view, external_id };
    const opened = await once<{ view?: { id?: string | undefined } | undefined }>({
      call: () => this.#clients.once.views[way]({ trigger_id, view: known }),
      // Later it would be one more call that Slack counts, and refuses.
      patience: TRIGGER_PATIENCE,
      // A trigger works once: if it is used up, the modal may well be open.
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
