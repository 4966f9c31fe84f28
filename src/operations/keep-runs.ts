/**
 * Which logs of runs are kept: those that have ended are removed after a time, the oldest of them sooner if there is no
 * room. One that is still arriving, or being read, stays however much room it takes.
 */
import { PUSH_HEARTBEAT } from '../domain/pushed-runs.ts';
import { readRunId } from '../domain/runs.ts';
import type { Clock } from '../ground/time.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import { followLease, isFollowed } from './follow-runs.ts';
import { useLease } from './runs-in-use.ts';

export interface RunRetentionOptions {
  logs: Pick<RunLogStore, 'list' | 'stored' | 'under'>;
  coordination: Pick<Coordination, 'tryLease'>;
  clock: Clock;
  /** How long a log is kept after its last change, milliseconds; undefined: for ever. */
  keepFor: number | undefined;
  /** Bytes on the disk that all of them together may take. */
  disk: number;
  /** A log was removed, so anything else kept of its run may go too. */
  removed(info: RunLogInfo): Promise<void>;
  /** Failures are tried again in the next round. */
  onError(error: unknown, context: { run?: string }): void;
}

/** Milliseconds of silence after which a pushed run is given up: until then its network may come back. */
export const PUSH_GIVEN_UP = 24 * 60 * PUSH_HEARTBEAT;
const LEASE = 15_000;

export class RunRetention {
  readonly #options: RunRetentionOptions;
  readonly #stopping = new AbortController();
  #round: Promise<void> | undefined;

  constructor(options: RunRetentionOptions) {
    this.#options = options;
  }

  /** Checks all of them. While a round is under way, it returns that one. Does not throw. */
  round(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.#round ?? Promise.resolve();
    this.#round ??= this.#clear()
      .catch((error: unknown) => this.#options.onError(error, {}))
      .finally(() => {
        this.#round = undefined;
      });
    return this.#round;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#round;
  }

  async #clear(): Promise<void> {
    const { logs, clock, keepFor, disk } = this.#options;
    const all = await logs.list();
    const sizes = await logs.stored();
    let used = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const info of all.sort((a, b) => a.updatedAt - b.updatedAt)) {
      if (this.#stopping.signal.aborted) return;
      const isOld = keepFor !== undefined && clock.now() - info.updatedAt >= keepFor;
      // All that follow have changed since.
      if (!isOld && used <= disk) return;
      if (!this.#mayGo(info)) continue;
      try {
        if (await this.#remove(info)) used -= sizes.get(info.id) ?? 0;
      } catch (error) {
        this.#options.onError(error, { run: info.id });
      }
    }
  }

  /** What is followed from here and has not ended is copied again from its source once somebody opens it. */
  #mayGo({ id, end, updatedAt }: RunLogInfo): boolean {
    if (end) return true;
    try {
      if (isFollowed(readRunId(id).provider)) return true;
    } catch {
      // Not made by this version: its origin is not known.
    }
    return this.#options.clock.now() - updatedAt >= PUSH_GIVEN_UP;
  }

  /** @returns whether it was removed, which it is not while it is in use */
  async #remove(listed: RunLogInfo): Promise<boolean> {
    const { coordination, removed } = this.#options;
    const { id } = listed;
    const reading = await coordination.tryLease(useLease(id), LEASE);
    if (!reading) return false;
    try {
      const following = await coordination.tryLease(followLease(id), LEASE);
      if (!following) return false;
      try {
        const { name: lease, fence } = following;
        // Should this one hang: who follows the run by then is not robbed of its log.
        const logs = await this.#options.logs.under({ lease, fence });
        const info = await logs.info(id);
        // It was used since it was listed: the next round looks at it again.
        if (!info || info.updatedAt !== listed.updatedAt || info.createdAt !== listed.createdAt) return false;
        await logs.remove(id);
        await removed(info);
        return true;
      } finally {
        await following.release();
      }
    } finally {
      await reading.release();
    }
  }
}
