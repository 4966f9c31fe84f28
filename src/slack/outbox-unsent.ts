/**
 * The messages that Slack does not show yet, in memory, and what becomes of each one. Every change is stored before
 * anybody goes on.
 */
import type { Logger } from 'pino';
import { AppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { OutboxRecord, OutboxStore } from '../ports/outbox-store.ts';
import type { OutgoingMessage } from '../ports/outgoing-message.ts';
import { afterSending } from './outbox-content.ts';

interface Options {
  store: OutboxStore;
  clock: Clock;
  log: Logger;
}

export interface UnsentListener {
  /** Something can be done about the message: it has an edit to send, or its thread's first message was posted or failed. */
  ready(record: OutboxRecord): void;
  /** Slack shows the message for the first time, or it is given up. */
  tell(what: 'posted' | 'failed', record: OutboxRecord): Promise<void>;
  sleep(ms: number): Promise<void>;
}

export class UnsentMessages {
  readonly #options: Options;
  readonly #listener: UnsentListener;
  /** Once aborted, nothing is sent any more. */
  readonly #stopping: AbortSignal;
  readonly #records = new Map<string, OutboxRecord>();
  /** Keys of messages whose last edit may or may not have arrived, so that it is not known what Slack shows. */
  readonly #unsure = new Set<string>();

  constructor(options: Options, stopping: AbortSignal, listener: UnsentListener) {
    this.#options = options;
    this.#stopping = stopping;
    this.#listener = listener;
  }

  get size(): number {
    return this.#records.size;
  }

  get(key: string): OutboxRecord | undefined {
    return this.#records.get(key);
  }

  values(): Iterable<OutboxRecord> {
    return this.#records.values();
  }

  /** Reads what a stop or a crash left. */
  async load(): Promise<void> {
    for (const record of await this.#options.store.listUnsent())
      if (!this.#records.has(record.key)) {
        this.keep(record);
        if (record.posted) this.#unsure.add(record.key);
      }
  }

  /** Takes a record as stored. @returns whether there is anything to send */
  keep(record: OutboxRecord): boolean {
    if (record.message === undefined || record.failed) {
      this.#records.delete(record.key);
      return false;
    }
    this.#records.set(record.key, record);
    return true;
  }

  /** Whether it is unknown if the last edit arrived. */
  isUnsure(key: string): boolean {
    return this.#unsure.has(key);
  }

  /** Whether the error means that this process must stop sending: it stops, or the store refuses its older fence. */
  isOver(error: unknown): boolean {
    const { aborted, reason } = this.#stopping;
    return (aborted && error === reason) || (error instanceof AppError && error.code === 'conflict');
  }

  // --- What becomes of a message ---

  /** A post is about to be sent. @returns the newest content */
  posting({ key }: OutboxRecord): Promise<OutboxRecord | undefined> {
    return this.#change(key, (known) => ({ ...known, postingSince: this.#options.clock.now() }));
  }

  /** The post certainly did not arrive, so the next try need not search the channel for it. */
  async notPosted({ key }: OutboxRecord): Promise<void> {
    await this.#change(key, ({ postingSince: _, ...rest }) => rest);
  }

  /** @param message what was posted; undefined: an earlier version, found in the channel */
  async posted(
    record: OutboxRecord,
    { channel, ts, version, plainer }: { channel: string; ts: string; version: number; plainer?: boolean },
    message?: OutgoingMessage,
  ): Promise<void> {
    const at = this.#options.clock.now();
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...afterSending(known, { ...record, version }, message, at),
      posted: { channel, ts, at, ...(plainer ? { plainer } : {}) },
    }));
    if (!after?.posted) return;
    for (const reply of this.#repliesTo(record.key)) if (!reply.posted) this.#listener.ready(reply);
    await this.#listener.tell('posted', after);
  }

  /** An edit is about to be sent. */
  editing({ key }: OutboxRecord): void {
    this.#unsure.add(key);
  }

  async edited(record: OutboxRecord, message: OutgoingMessage): Promise<void> {
    const { clock } = this.#options;
    await this.#change(record.key, (known) => afterSending(known, record, message, clock.now()));
    this.#unsure.delete(record.key);
  }

  /** Slack already shows this version. */
  async shown({ key, version }: OutboxRecord): Promise<void> {
    await this.#change(key, (known) => ({
      ...known,
      message: known.version === version ? undefined : known.message,
    }));
  }

  /** The message is given up, and what waits for its thread with it. */
  async fail(record: OutboxRecord, code: string): Promise<void> {
    const at = this.#options.clock.now();
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...known,
      failed: { code, at },
      message: undefined,
    }));
    this.#unsure.delete(record.key);
    if (!after) return;
    this.#options.log.warn({ key: record.key, channel: record.channel, code }, 'a message is given up');
    for (const reply of this.#repliesTo(record.key)) this.#listener.ready(reply);
    await this.#listener.tell('failed', after);
  }

  #repliesTo(key: string): OutboxRecord[] {
    return [...this.#records.values()].filter(({ thread }) => thread === key);
  }

  /** Tries until it is stored, however long the disk takes: what Slack did would be done again otherwise. */
  async #change(
    key: string,
    change: (known: OutboxRecord) => OutboxRecord,
  ): Promise<OutboxRecord | undefined> {
    const { store, log } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        const record = await store.changePost(key, (known) => known && change(known));
        if (!record) this.#records.delete(key);
        else if (this.keep(record) && record.posted) this.#listener.ready(record);
        return record;
      } catch (error) {
        if (this.#stopping.aborted || this.isOver(error)) throw error;
        log.error({ err: error, key, tries }, 'what became of a message cannot be stored');
        await this.#listener.sleep(Math.min(30_000, 500 * tries));
      }
    }
  }
}
