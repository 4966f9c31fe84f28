/**
 * The one sender of notifications. A message is stored before it is sent; what it shows is brought about later, in
 * order, at the pace that Slack allows, also after a restart (`outbox-sender.ts`).
 */
import { randomUUID } from 'node:crypto';
import type { Message } from '../blocks/message.ts';
import type { EpochMs } from '../ground/time.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { type ContentOptions, contentOf, isShown } from './outbox-content.ts';
import { OutboxSender, type SenderOptions } from './outbox-sender.ts';

export type OutboxOptions = SenderOptions;

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

export interface OutboxListener {
  /** Slack shows it, in its first version; told once, and again after a restart for one recovered then. */
  posted?(record: OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> }): void | Promise<void>;
  /** It will not be tried any more: `failed.code` is Slack's error, `expired` or `thread_lost`. */
  failed?(record: OutboxRecord): void | Promise<void>;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #sender: OutboxSender;
  readonly #listeners = new Set<OutboxListener>();

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#sender = new OutboxSender(options, this, (what, record) => this.#tell(what, record));
  }

  /** Takes up what a stop or a crash left. What is posted before waits until then. */
  async start(): Promise<void> {
    await this.#sender.start();
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
    if (isNew && record) this.#sender.take(record);
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
    if (taken && record) this.#sender.take(record);
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

  /** @returns ends it */
  listen(listener: OutboxListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The bot came (back) to a channel: what waits for it goes on at once. Nothing for a channel that works. */
  async revive(channel: string): Promise<void> {
    await this.#sender.revive(channel);
  }

  /** Messages that wait, those for dead channels included. */
  get waiting(): number {
    return this.#sender.waiting;
  }

  /** What is in the way of all messages, for readiness checks. */
  problem(): string | undefined {
    return this.#sender.problem;
  }

  /** Resolves when nothing is left that can be sent now, or rejects with the signal's reason. */
  async drain(signal?: AbortSignal): Promise<void> {
    await this.#sender.drain(signal);
  }

  /** The calls under way end and are recorded; what is left waits for the next start. */
  async stop(): Promise<void> {
    await this.#sender.stop();
  }

  async #tell(what: keyof OutboxListener, record: OutboxRecord): Promise<void> {
    for (const listener of this.#listeners)
      try {
        await listener[what]?.(record as OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> });
      } catch (error) {
        this.#options.log.error({ err: error, key: record.key }, 'a listener of the outbox failed');
      }
  }
}
