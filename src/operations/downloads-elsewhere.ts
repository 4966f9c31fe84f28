/**
 * Downloads that other instances work on: known from their messages, cancelled by a wake-up. An instance is alive while
 * it holds the lease named after it.
 *
 * Instances that handle events have a lease of another name (events/claimed-events.ts), and the two are not one. This
 * name stays for as long as the process lives: a download goes on after a while in which the lease could not be had, and
 * is still this instance's. That one is new after each such while: its events may be somebody else's by then, and what
 * was begun under it must never be written. And a process may do only one of the two.
 */
import { randomUUID } from 'node:crypto';
import { pause, untilAborted } from '../ground/pause.ts';
import type { Coordination, Lease } from '../ports/coordination.ts';
import type { UnfinishedDownload, UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

/** A download running in some instance. */
export interface KnownDownload extends Pick<UnfinishedDownload, 'user' | 'userName' | 'useCases'> {
  id: string;
  startedAt: number;
}

const TOPIC = 'cancel-download';
/** Milliseconds. */
const LIVES_FOR = 20_000;
/** Milliseconds before the lease is asked for again that could not be had. */
const AGAIN_AFTER = 2_000;
const leaseOf = (instance: string): string => `instance/${instance}`;

export class DownloadsElsewhere {
  /** This instance's name, stored with each of its messages. */
  readonly instance = randomUUID();
  readonly #store: Pick<UnfinishedStore, 'listUnfinished'>;
  readonly #coordination: Coordination;
  readonly #ending = new AbortController();
  #living: Promise<void> | undefined;
  #lease: Lease | undefined;
  #unlisten: (() => void) | undefined;
  #previous: string | undefined;

  constructor(store: Pick<UnfinishedStore, 'listUnfinished'>, coordination: Coordination) {
    this.#store = store;
    this.#coordination = coordination;
  }

  /**
   * @param cancel ends a download of this instance; does nothing for others
   * @param previous an instance that is known to have ended, though its lease may not have yet
   */
  async begin(
    cancel: (id: string, why: string, enough: boolean) => void,
    previous?: string | undefined,
  ): Promise<void> {
    this.#previous = previous;
    this.#unlisten ??= this.#coordination.onWake(TOPIC, ({ id, why, enough }) =>
      cancel(String(id), String(why), enough === true),
    );
    const first = await this.#coordination.tryLease(leaseOf(this.instance), LIVES_FOR);
    this.#living ??= this.#live(first);
  }

  /** An instance that hung or reached nobody for a while lives again afterwards. */
  async #live(first: Lease | undefined): Promise<void> {
    const { signal } = this.#ending;
    let lease = first;
    while (!signal.aborted)
      try {
        lease ??= await this.#coordination.lease(leaseOf(this.instance), LIVES_FOR, signal);
        this.#lease = lease;
        await untilAborted(AbortSignal.any([signal, lease.lost]));
        if (signal.aborted) await lease.release();
        lease = undefined;
      } catch {
        await pause(AGAIN_AFTER, signal).catch(() => undefined);
      }
  }

  /** The same as long as no other instance can have taken this one for ended; undefined: now they can. */
  continuity(): number | undefined {
    return this.#lease?.isHeld() ? this.#lease.fence : undefined;
  }

  async find(is: (download: UnfinishedDownload, id: string) => boolean): Promise<KnownDownload | undefined> {
    for (const message of await this.#store.listUnfinished()) {
      const { id, since, download } = message;
      if (!download || message.by === this.instance || !is(download, id)) continue;
      if (await this.isLeft(message)) continue;
      const { user, userName, useCases } = download;
      return { id, startedAt: since, user, userName, useCases };
    }
    return undefined;
  }

  async cancel(id: string, why: string, enough: boolean): Promise<void> {
    await this.#coordination.wake(TOPIC, { id, why, enough });
  }

  /** Known for certain, and not only by its lease. */
  hasEnded({ by }: Pick<UnfinishedMessage, 'by'>): boolean {
    return by !== undefined && by === this.#previous;
  }

  /** Nobody works on the message's download any more. */
  async isLeft({ by }: UnfinishedMessage): Promise<boolean> {
    if (by === this.instance) return false;
    if (by === undefined || this.hasEnded({ by })) return true;
    const lease = await this.#coordination.tryLease(leaseOf(by), LIVES_FOR);
    await lease?.release();
    return lease !== undefined;
  }

  async end(): Promise<void> {
    this.#unlisten?.();
    this.#ending.abort();
    await this.#living;
  }
}
