/** State: runs that are watched in Slack. */
import type { Tail } from '../domain/tails.ts';

/** Every method returns once its changes are durable. */
export interface TailStore {
  getTail(id: string): Promise<Tail | undefined>;
  /** Atomic. @param change undefined, or what it was given: nothing changes. @returns the tail as it is then */
  changeTail(id: string, change: (tail: Tail | undefined) => Tail | undefined): Promise<Tail | undefined>;
  /** Those that go on, and those whose message does not yet say how they ended; oldest first. */
  listTails(): Promise<Tail[]>;
}
