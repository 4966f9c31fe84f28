/**
 * The one sender of notifications. A message is stored first (`outbox-writer.ts`) and sent later, in order, at the pace
 * that Slack allows, even after a restart (`outbox-sender.ts`).
 */
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { OutboxSender, type SenderOptions } from './outbox-sender.ts';
import { OutboxWriter } from './outbox-writer.ts';

export type OutboxOptions = SenderOptions;

export interface OutboxListener {
  /** Slack shows its first version. Called once, and again for a message recovered after a restart. */
  posted?(record: OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> }): void | Promise<void>;
  /** It was given up: `failed.code` is Slack's error, `expired` or `thread_lost`. */
  failed?(record: OutboxRecord): void | Promise<void>;
}

export class Outbox extends OutboxWriter {
  readonly #options: OutboxOptions;
  readonly #sender: OutboxSender;
  readonly #listeners = new Set<OutboxListener>();

  constructor(options: OutboxOptions) {
    super({ ...options, stored: (record) => this.#sender.take(record) });
    this.#options = options;
    this.#sender = new OutboxSender(options, this, (what, record) => this.#tell(what, record));
  }

  /** Continues with what a stop or a crash left. Messages that come earlier wait for this. */
  async start(): Promise<void> {
    await this.#sender.start();
  }

  /** Sends a message that another instance has stored, unless it is shown already. */
  async takeUp(key: string): Promise<void> {
    const record = await this.#options.store.getPost(key);
    if (record) this.#sender.take(record);
  }

  /** Sends messages that other instances stored without being able to say so. */
  async takeUpMissed(): Promise<void> {
    for (const record of await this.#options.store.listUnsent())
      if (!this.#sender.knows(record)) await this.takeUp(record.key);
  }

  /** @returns ends it */
  listen(listener: OutboxListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The bot is in the channel (again): what waits for it is sent at once. Does nothing for a channel that works. */
  async revive(channel: string): Promise<void> {
    await this.#sender.revive(channel);
  }

  /** Waiting messages, including those for dead channels. */
  get waiting(): number {
    return this.#sender.waiting;
  }

  /** The problem that holds up all messages, for readiness checks. */
  problem(): string | undefined {
    return this.#sender.problem;
  }

  /** Resolves when nothing is left that can be sent now, or rejects with the signal's reason. */
  async drain(signal?: AbortSignal): Promise<void> {
    await this.#sender.drain(signal);
  }

  /** Running calls end and are recorded; the rest waits for the next start. */
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
