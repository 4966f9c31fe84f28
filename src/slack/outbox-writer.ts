/**
 * Messages are stored before anybody sends them: from then on they will be shown, whoever sends and whenever. This is
 * all that an instance needs that sends none itself.
 */
import { randomUUID } from 'node:crypto';
import type { Message } from '../blocks/message.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { Notices } from '../ports/notices.ts';
import type { OutboxRecord, OutboxStore } from '../ports/outbox-store.ts';
import { type ContentOptions, contentOf, isShown } from './outbox-content.ts';

export interface PostOptions {
  /** Key of the message in whose thread it stands; it waits until that one is posted. */
  thread?: string | undefined;
  /** Goes before what waits for the same channel. */
  urgent?: boolean | undefined;
  /** Messages that tell of the same kind of thing: families take turns. Left out: the first word of the key. */
  family?: string | undefined;
  notBefore?: EpochMs | undefined;
  /** Of no use after that. */
  expiresAt?: EpochMs | undefined;
}

export interface WriterOptions {
  store: OutboxStore;
  clock: Clock;
  /** There is something to send. Not waited for: what is stored is sent in any case, at the latest after a start. */
  stored: (record: OutboxRecord) => void;
}

export class OutboxWriter implements Notices {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Returns once the message is stored: it will be posted. A key that is known posts nothing again and changes
   * nothing, whatever the content.
   * @param channel a channel, or a user for the direct message with them
   * @returns whether the key was new
   */
  async post(
    key: string,
    channel: string,
    message: Message,
    options: PostOptions & ContentOptions = {},
  ): Promise<boolean> {
    const now = this.#options.clock.now();
    let isNew = false;
    const record = await this.#options.store.changePost(key, (known) => {
      isNew = known === undefined;
      if (known) return known;
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
    });
    if (isNew && record) this.#options.stored(record);
    return isNew;
  }

  /**
   * Returns once it is stored. The newest content wins; what Slack shows already is not sent again.
   * @returns false: the key is not known (any more), or the message is gone
   */
  async update(key: string, message: Message, options: ContentOptions = {}): Promise<boolean> {
    const content = contentOf(message, options);
    let taken = false;
    const record = await this.#options.store.changePost(key, (known) => {
      taken = known !== undefined && (known.failed === undefined || known.failed.code.startsWith('content:'));
      if (!known || !taken) return known;
      // While something is on its way, what Slack is going to show is not known: the lane decides when it is.
      if (known.posted && known.message === undefined && isShown({ ...known, ...content })) return known;
      const { failed: _, says: _says, refreshEvery: _every, ...rest } = known;
      return { ...rest, ...content, version: known.version + 1, changedAt: this.#options.clock.now() };
    });
    if (taken && record) this.#options.stored(record);
    return taken;
  }

  /** Posts it, or changes it when it is there: for cards. */
  async show(
    key: string,
    channel: string,
    message: Message,
    options: PostOptions & ContentOptions = {},
  ): Promise<void> {
    if (!(await this.post(key, channel, message, options))) await this.update(key, message, options);
  }

  /** Takes over a message that something else posted, so that it can be changed and answered by its key. */
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

  /** Where a message stands; undefined while it is not posted. */
  async posted(key: string): Promise<{ channel: string; ts: string } | undefined> {
    return (await this.#options.store.getPost(key))?.posted;
  }
}
