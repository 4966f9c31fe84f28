/** Messages that are edited in place, all through one queue at a pace that Slack allows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { webApi } from '@slack/bolt';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import type { LiveMessage } from '../commands/command.ts';
import { CancelledError } from '../errors.ts';
import type { WebClient } from './clients.ts';
import { slackCall, slackErrorCode } from './errors.ts';

/** `chat.update` may be called 50 times a minute for the whole workspace; a little is left for others. */
const EDIT_INTERVAL = 1300;
/** The last picture goes before all progress. */
const FIRST = 10;
/** Tries of the last picture while Slack asks to wait. */
const FINISH_TRIES = 5;

export class LiveMessages {
  readonly #client: WebClient;
  readonly #log: Logger;
  readonly #queue: PQueue;
  /** Until then Slack wants no edits, milliseconds since the epoch. */
  #pausedUntil = 0;

  constructor(client: WebClient, log: Logger, interval = EDIT_INTERVAL) {
    this.#client = client;
    this.#log = log;
    this.#queue = new PQueue({ interval, intervalCap: 1, concurrency: 1 });
  }

  /** The handle of a message that was just posted. */
  follow(channel: string, ts: string, thread?: string): LiveMessage {
    let next: Message | undefined;
    let ended = false;
    const update = async (message: Message): Promise<void> => {
      await this.#client.chat.update({
        channel,
        ts,
        text: message.text,
        ...(message.blocks ? { blocks: message.blocks } : { blocks: [] }),
      });
    };
    return {
      channel,
      ts,
      thread,
      edit: (message) => {
        if (ended) return;
        const waiting = next !== undefined;
        next = message;
        if (waiting) return;
        this.#queue
          .add(async () => {
            const latest = next;
            next = undefined;
            if (ended || !latest || Date.now() < this.#pausedUntil) return;
            await update(latest);
          })
          .catch((error: unknown) => this.#skip(error));
      },
      finish: async (message) => {
        ended = true;
        await this.#queue.add(
          () => slackCall('the last edit of a message', () => this.#patiently(() => update(message))),
          { priority: FIRST },
        );
      },
      remove: async () => {
        ended = true;
        await this.#queue.add(
          () =>
            slackCall('removing a message', () =>
              this.#patiently(async () => {
                try {
                  await this.#client.chat.delete({ channel, ts });
                } catch (error) {
                  // Somebody was faster.
                  if (slackErrorCode(error) !== 'message_not_found') throw error;
                }
              }),
            ),
          { priority: FIRST },
        );
      },
    };
  }

  /** Progress that could not be shown is no harm: the next picture comes. */
  #skip(error: unknown): void {
    if (error instanceof webApi.WebAPIRateLimitedError)
      this.#pausedUntil = Date.now() + error.retryAfter * 1000;
    this.#log.debug({ err: error }, 'an edit of progress was skipped');
  }

  async #patiently(call: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof webApi.WebAPIRateLimitedError) || attempt >= FINISH_TRIES) throw error;
        await sleep(error.retryAfter * 1000);
      }
    }
  }
}

/** Waits; rejects with the signal's reason as soon as it is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.reason instanceof Error ? signal.reason : new CancelledError(undefined, { cause: error });
  }
}
