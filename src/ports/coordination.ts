/** Several instances sharing one state: leases for what only one may do at a time, and messages between them. */

/** Held by one instance at a time. Renewed while its holder lives; ends when it is not renewed. */
export interface Lease {
  readonly name: string;
  /** Higher than every earlier holder's. Writes carry it, and the store refuses an older one (fences.ts). */
  readonly fence: number;
  /**
   * Aborted when the lease ends for any reason. If it could not be renewed, that is a third of its ttl before anybody
   * else can take it, so that calls in progress end in between.
   */
  readonly lost: AbortSignal;
  /**
   * Whether it is held for certain at this moment: by the time that has passed, also where no timer has gone off yet
   * because the process hung. To be asked right before what no store can refuse.
   */
  isHeld(): boolean;
  /** The next in line gets it at once. Safe to call twice, and after it was lost. */
  release(): Promise<void>;
}

/** Sent as JSON, so no dates, functions or classes. */
export type WakeNote = Readonly<Record<string, unknown>>;

export interface Coordination {
  /**
   * Waits until it is free.
   * @param ttl milliseconds until it ends unless it is renewed
   * @throws the signal's reason; AppError unavailable after `close`
   */
  lease(name: string, ttl: number, signal?: AbortSignal): Promise<Lease>;
  /** @returns undefined: somebody has it */
  tryLease(name: string, ttl: number): Promise<Lease | undefined>;
  /**
   * Delivered at least once to every listener of the topic in all instances, including the sender's, and in each
   * sender's order. Only current listeners hear it: what must not be missed is in the store, and a note just says to
   * look there.
   */
  wake(topic: string, note: WakeNote): Promise<void>;
  /** @returns ends it */
  onWake(topic: string, listener: (note: WakeNote) => void | Promise<void>): () => void;
  /** Gives back every lease and ends all listening. */
  close(): Promise<void>;
}
