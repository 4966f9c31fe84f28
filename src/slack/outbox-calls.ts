/** The outbox's calls to Slack: post, edit, and check whether a message is there. */
import type { Logger } from 'pino';
import type { Block, Message } from '../blocks/message.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import type { OutgoingMessage } from '../ports/outgoing-message.ts';
import type { WebClient } from './clients.ts';
import { withFallback } from './errors.ts';
import { findPost } from './find-post.ts';
import { verdictOf } from './outbox-verdict.ts';

const METADATA_TYPE = 'signalbox_message';

/** Searching the channel failed, not the post. */
export class LookupFailed extends Error {
  constructor(cause: unknown) {
    super('It could not be looked up whether a message was posted', { cause });
  }
}

export class OutboxCalls {
  readonly #client: WebClient;
  readonly #log: Logger;

  constructor({ client, log }: { client: WebClient; log: Logger }) {
    this.#client = client;
    this.#log = log;
  }

  /** @param parent the message whose thread it belongs to */
  async post(
    { id, version, channel }: OutboxRecord,
    message: OutgoingMessage,
    parent: { channel: string; ts: string } | undefined,
  ): Promise<{ channel: string; ts: string; plainer: boolean }> {
    let plainer = false;
    const told = {
      ...message,
      refused: () => {
        plainer = true;
      },
    };
    const answer = await this.#withLastResort(told, (content) =>
      this.#client.chat.postMessage({
        channel: parent?.channel ?? channel,
        ...(parent ? { thread_ts: parent.ts } : {}),
        unfurl_links: false,
        unfurl_media: false,
        metadata: { event_type: METADATA_TYPE, event_payload: { outbox_id: id, version } },
        ...content,
      }),
    );
    return { channel: answer.channel ?? channel, ts: answer.ts!, plainer };
  }

  async edit({ channel, ts }: { channel: string; ts: string }, message: OutgoingMessage): Promise<void> {
    await this.#withLastResort(message, (content) =>
      this.#client.chat.update({ channel, ts, blocks: [], ...content }),
    );
  }

  /**
   * Whether Slack received a post that got no answer.
   * @returns undefined: it is not there, or cannot be searched for
   * @throws LookupFailed
   */
  async find(
    { key, channel, id, postingSince = 0 }: OutboxRecord,
    thread: string | undefined,
  ): Promise<{ channel: string; ts: string; version: number } | undefined> {
    // A direct message's channel is unknown until something was posted there.
    if (/^[UW]/.test(channel)) return undefined;
    try {
      const found = await findPost(this.#client, {
        channel,
        thread,
        since: postingSince,
        is: (payload) => payload.outbox_id === id,
      });
      return found && { channel, ts: found.ts, version: Number(found.payload.version ?? 1) };
    } catch (error) {
      const { code, kind } = verdictOf(error);
      if (code !== 'missing_scope' && (kind === 'wait' || kind === 'again')) throw new LookupFailed(error);
      this.#log.warn({ key, code }, 'whether a message was posted cannot be looked up: it is posted again');
      return undefined;
    }
  }

  /** Blocks, else the fallback blocks, else the text alone: a failure must not be lost because of a block. */
  async #withLastResort<T>(
    message: OutgoingMessage,
    send: (content: { text: string; blocks?: Block[] }) => Promise<T>,
  ): Promise<T> {
    try {
      return await withFallback(message as Message, send);
    } catch (error) {
      if (verdictOf(error).kind !== 'content' || !message.blocks) throw error;
      this.#log.error({ err: error }, 'Slack does not take the blocks of a message: its text is sent alone');
      return send({ text: message.text.slice(0, 3900), blocks: [] });
    }
  }
}
