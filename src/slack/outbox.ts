/**
 * The one sender of notifications. A message is stored before it is sent (`outbox-writer.ts`); what it shows is brought
 * about later, in order, at the pace that Slack allows, also after a restart (`outbox-sender.ts`).
 */
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { OutboxSender, type SenderOptions } from './outbox-sender.ts';
import { OutboxWriter } from './outbox-writer.ts';

export type OutboxOptions = SenderOptions;

export interface OutboxListener {
  /** Slack shows it, in its first version; told once, and again after a restart for one recovered then. */
  posted?(record: OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> }): void | Promise<void>;
  /** It will not be tried any more: `failed.code` is Slack's error, `expired` or `thread_lost`. */
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

  /** Takes up what a stop or a crash left. What is posted before waits until then. */
  async start(): Promise<void> {
    await this.#sender.start();
  }

  /** Another instance has stored it. Nothing for what is shown already. */
  async takeUp(key: string): Promise<void> {
    const record = await this.#options.store.getPost(key);
    if (record) this.#sender.take(record);
  }

  /** Sends what other instances have stored and could not tell of. */
  async takeUpMissed(): Promise<void> {
    for (const record of await this.#options.store.listUnsent())
      if (!this.#sender.knows(record)) await this.takeUp(record.key);
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
