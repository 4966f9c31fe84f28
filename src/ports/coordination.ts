/**
 * Several instances on one state: which of them does what only one may do, and word from one to the others.
 */

/** Held by one at a time. It is renewed for as long as its holder lives, and ends when it is not. */
export interface Lease {
  readonly name: string;
  /** Higher than that of every earlier holder; writes carry it, and the store refuses an older one (fences.ts). */
  readonly fence: number;
  /**
   * Aborted when the lease ends, by whatever it ends. Where it could not be renewed that is a third of its time before
   * anybody else can have it: calls that are under way end in between.
   */
  readonly lost: AbortSignal;
  /** The next in line has it at once. Safe to call twice, and when it is lost. */
  release(): Promise<void>;
}

/** What a wake-up says. It travels as JSON: no dates, functions or classes. */
export type WakeNote = Readonly<Record<string, unknown>>;

export interface Coordination {
  /**
   * Waits until it is free.
   * @param ttl milliseconds for which it stays held without being renewed
   * @throws the signal's reason; AppError unavailable after `close`
   */
  lease(name: string, ttl: number, signal?: AbortSignal): Promise<Lease>;
  /** @returns undefined: somebody has it */
  tryLease(name: string, ttl: number): Promise<Lease | undefined>;
  /**
   * Told at least once to every listener of the topic, of all instances, the sender's own too; one sender's in their
   * order. Only who listens now hears it: what must not be missed stands in the store, and a note says to look there.
   */
  wake(topic: string, note: WakeNote): Promise<void>;
  /** @returns ends it */
  onWake(topic: string, listener: (note: WakeNote) => void | Promise<void>): () => void;
  /** Gives back all that is held; nothing is heard any more. */
  close(): Promise<void>;
}
