/** Messages that are edited in place, within Slack's budget for edits. */

import { webApi } from '@slack/bolt';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import { pause } from '../ground/pause.ts';
import type { ChannelMessages, LiveMessage } from '../ports/channel-messages.ts';
import type { CallBudgets } from './call-budgets.ts';
import type { WebClient } from './clients.ts';
import type { EditBudget } from './edit-budget.ts';
import { slackCall, slackErrorCode, withFallback } from './errors.ts';
import type { OnceOnly, PostTarget } from './once.ts';

/** Tries of the final content while Slack asks to wait. */
const FINISH_TRIES = 5;

export interface LiveMessagesDeps {
  client: WebClient;
  once: OnceOnly;
  edits: EditBudget;
  calls: CallBudgets;
  log: Logger;
}

export class LiveMessages implements ChannelMessages {
  readonly #client: WebClient;
  readonly #edits: EditBudget;
  readonly #calls: CallBudgets;
  readonly #log: Logger;
  readonly #once: OnceOnly;

  constructor({ client, once, edits, calls, log }: LiveMessagesDeps) {
    this.#once = once;
    this.#client = client;
    this.#edits = edits;
    this.#calls = calls;
    this.#log = log;
  }

  /**
   * @param doing for the error message: `a message`
   * @throws AppError worded for people: not in the channel, archived, …
   */
  async post(doing: string, target: PostTarget, message: Message): Promise<LiveMessage> {
    const { channel, ts } = await this.#once.post(doing, target, message);
    return this.follow(channel, ts, target.thread);
  }

  follow(channel: string, ts: string, thread?: string): LiveMessage {
    let next: Message | undefined;
    let isAwaited = false;
    /** Ends the wait for an edit as mere progress. */
    let hurry = new AbortController();
    /** An edit that waits for its turn or is running; while waiting it picks up newer content. */
    let running: Promise<void> | undefined;
    const ended = new AbortController();
    const turn = async (): Promise<void> => {
      if (!isAwaited) {
        hurry = new AbortController();
        const until = AbortSignal.any([ended.signal, hurry.signal]);
        try {
          return await this.#edits.take('progress', until);
        } catch (error) {
          if (!hurry.signal.aborted) throw error;
        }
      }
      await this.#edits.take('person', ended.signal);
    };
    const update = async (message: Message): Promise<void> => {
      try {
        await withFallback({ blocks: [], ...message }, (content) =>
          this.#client.chat.update({ channel, ts, ...content }),
        );
      } catch (error) {
        if (error instanceof webApi.WebAPIRateLimitedError) this.#edits.refused(error.retryAfter * 1000);
        throw error;
      }
    };
    const progress = async (): Promise<void> => {
      try {
        while (next !== undefined) {
          await turn();
          const latest = next;
          next = undefined;
          isAwaited = false;
          await update(latest);
        }
      } catch (error) {
        if (ended.signal.aborted) return;
        // Missing progress does no harm: the next update will come.
        this.#log.debug({ err: error }, 'an edit of progress was skipped');
      } finally {
        running = undefined;
      }
    };
    /** Two edits at once might arrive in either order. */
    const end = async (): Promise<void> => {
      ended.abort();
      await running;
    };
    return {
      channel,
      ts,
      thread,
      edit: (message: Message, awaited?: 'awaited') => {
        if (ended.signal.aborted) return;
        next = message;
        if (awaited) {
          isAwaited = true;
          hurry.abort();
        }
        running ??= progress();
      },
      finish: async (message: Message) => {
        await end();
        await slackCall('the last edit of a message', () =>
          patiently(async () => {
            await this.#edits.take('person');
            await update(message);
          }),
        );
      },
      remove: async () => {
        await end();
        await slackCall('removing a message', async () => {
          try {
            await this.#calls.call('chat.delete', () => this.#client.chat.delete({ channel, ts }));
          } catch (error) {
            // Somebody was faster.
            if (slackErrorCode(error) !== 'message_not_found') throw error;
          }
        });
      },
    };
  }
}

async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof webApi.WebAPIRateLimitedError) || attempt >= FINISH_TRIES) throw error;
      await pause(error.retryAfter * 1000);
    }
  }
}
