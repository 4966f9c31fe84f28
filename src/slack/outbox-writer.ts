/**
 * Stores messages before anybody sends them: from then on they will be shown, whoever sends them and whenever. An
 * instance that does not send needs nothing more than this.
 */
import { randomUUID } from 'node:crypto';
import type { Message } from '../blocks/message.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { Notices } from '../ports/notices.ts';
import { isPostGone, type OutboxRecord, type OutboxStore } from '../ports/outbox-store.ts';
import { type ContentOptions, contentOf, isShown } from './outbox-content.ts';

export interface PostOptions {
  /** Key of the message whose thread it belongs to; it waits until that one is posted. */
  thread?: string | undefined;
  /** Goes before everything else waiting for the same channel. */
  urgent?: boolean | undefined;
  /** The same for messages about the same kind of thing: families take turns. Default: the first word of the key. */
  family?: string | undefined;
  notBefore?: EpochMs | undefined;
  /** Dropped if it is not posted by then. */
  expiresAt?: EpochMs | undefined;
}

export interface WriterOptions {
  store: OutboxStore;
  clock: Clock;
  /** Called when there is something to send. Not awaited: what is stored is sent in any case, by the next start at the latest. */
  stored: (record: OutboxRecord) => void;
}

export class OutboxWriter implements Notices {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Returns once the message is stored and so will be posted. With a known key it posts and changes nothing, whatever
   * the content.
   * @param channel a channel, or a user for a direct message
   * @returns whether the key was new
   */
  async post(
    key: string,
    channel: string,
    message: Message,
    options: PostOptions & ContentOptions = {},
  ): Promise<boolean> {
    let isNew = false;
    const record = await this.#options.store.changePost(key, (known) => {
      isNew = known === undefined;
      return known ?? this.#made(key, channel, message, options);
    });
    if (isNew && record) this.#options.stored(record);
    return isNew;
  }

  /**
   * Returns once it is stored. The newest content wins; content that Slack shows already is not sent again.
   * @returns false: the key is unknown (by now), or the message is gone
   */
  async update(key: string, message: Message, options: ContentOptions = {}): Promise<boolean> {
    let taken = false;
    const record = await this.#options.store.changePost(key, (known) => {
      taken = known !== undefined && !isPostGone(known);
      return known && this.#updated(known, message, options);
    });
    if (taken && record) this.#options.stored(record);
    return taken;
  }

  /** Posts it, or changes it if it exists: for cards. */
  async show(
    key: string,
    channel: string,
    message: Message,
    options: PostOptions & ContentOptions = {},
  ): Promise<void> {
    let taken = false;
    const record = await this.#options.store.changePost(key, (known) => {
      taken = known === undefined || !isPostGone(known);
      return known ? this.#updated(known, message, options) : this.#made(key, channel, message, options);
    });
    if (taken && record) this.#options.stored(record);
  }

  #made(key: string, channel: string, message: Message, options: PostOptions & ContentOptions): OutboxRecord {
    const now = this.#options.clock.now();
    const { thread, urgent, family, notBefore, expiresAt } = options;
    return {
      key,
      id: randomUUID(),
      channel,
      ...(thread === undefined ? {} : { thread }),
      ...(urgent ? { urgent } : {}),
      ...(family === undefined ? {} : { family }),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      createdAt: now,
      changedAt: now,
      ...contentOf(message, options),
      version: 1,
      shown: 0,
    };
  }

  /** With the newest content, unless it is gone or Slack shows that already. */
  #updated(known: OutboxRecord, message: Message, options: ContentOptions): OutboxRecord {
    if (isPostGone(known)) return known;
    const content = contentOf(message, options);
    // While an edit is on its way it is unknown what Slack will show; the lane decides once it knows.
    if (known.posted && known.message === undefined && isShown({ ...known, ...content })) return known;
    const { failed: _, says: _says, refreshEvery: _every, ...rest } = known;
    return { ...rest, ...content, version: known.version + 1, changedAt: this.#options.clock.now() };
  }

  /** Takes over a message that was posted in another way, so that it can be edited and replied to by its key. */
  async adopt(key: string, channel: string, ts: string): Promise<void> {
    const now = this.#options.clock.now();
    await this.#options.store.changePost(
      key,
      (known) =>
        known ?? {
          key,
          id: randomUUID(),
          channel,
          createdAt: now,
          changedAt: now,
          version: 1,
          shown: 1,
          posted: { channel, ts, at: now },
        },
    );
  }

  /** Where a message is in Slack; undefined until it is posted. */
  async posted(key: string): Promise<{ channel: string; ts: string } | undefined> {
    return (await this.#options.store.getPost(key))?.posted;
  }
}
