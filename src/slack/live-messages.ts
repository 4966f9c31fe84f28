/** Messages that are edited in place, all through one queue at a pace that Slack allows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { webApi } from '@slack/bolt';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import type { ChannelMessages, LiveMessage } from '../commands/command.ts';
import { CancelledError } from '../errors.ts';
import type { WebClient } from './clients.ts';
import { slackCall, slackErrorCode, withFallback } from './errors.ts';

/** `chat.update` may be called 50 times a minute for the whole workspace; a little is left for others. */
const EDIT_INTERVAL = 1300;
/** The last picture goes before all progress. */
const FIRST = 10;
/** Tries of the last picture while Slack asks to wait. */
const FINISH_TRIES = 5;

/** A message that is not there any more, and a channel that the bot can no longer write to. */
const MESSAGE_LOST = ['message_not_found', 'cant_update_message', 'edit_window_closed'];
const CHANNEL_LOST = ['channel_not_found', 'not_in_channel', 'is_archived', 'is_inactive'];

export class LiveMessages implements ChannelMessages {
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

  async post(channel: string, message: Message, { thread }: { thread?: string } = {}): Promise<LiveMessage> {
    const posted = await this.#queue.add(
      () =>
        slackCall('a message', () =>
          this.#patiently(() =>
            withFallback(message, (content) =>
              this.#client.chat.postMessage({
                channel,
                ...(thread === undefined ? {} : { thread_ts: thread }),
                unfurl_links: false,
                unfurl_media: false,
                ...content,
              }),
            ),
          ),
        ),
      { priority: FIRST },
    );
    return this.#handle(posted.channel ?? channel, posted.ts!, thread);
  }

  follow(channel: string, ts: string, onLost?: (what: 'message' | 'channel') => void): LiveMessage {
    return this.#handle(channel, ts, undefined, onLost);
  }

  /** The handle of an answer that was just posted, maybe in a thread. */
  answer(channel: string, ts: string, thread?: string): LiveMessage {
    return this.#handle(channel, ts, thread);
  }

  #handle(
    channel: string,
    ts: string,
    thread?: string,
    onLost?: (what: 'message' | 'channel') => void,
  ): LiveMessage {
    let next: Message | undefined;
    let ended = false;
    const update = async (message: Message): Promise<void> => {
      await withFallback({ blocks: [], ...message }, (content) =>
        this.#client.chat.update({ channel, ts, ...content }),
      );
    };
    const lost = (error: unknown): void => {
      const code = slackErrorCode(error) ?? '';
      if (MESSAGE_LOST.includes(code)) onLost?.('message');
      else if (CHANNEL_LOST.includes(code)) onLost?.('channel');
      this.#skip(error);
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
          .catch(lost);
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

  async #patiently<T>(call: () => Promise<T>): Promise<T> {
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
