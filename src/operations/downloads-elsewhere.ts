/**
 * Downloads that other instances work on: known from their messages, cancelled by a wake-up. An instance is alive while
 * it holds the lease named after it.
 */
import { randomUUID } from 'node:crypto';
import type { Coordination, Lease } from '../ports/coordination.ts';
import type { UnfinishedDownload, UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

/** A download running in some instance. */
export interface KnownDownload extends Pick<UnfinishedDownload, 'user' | 'userName' | 'useCases'> {
  id: string;
  startedAt: number;
}

const TOPIC = 'cancel-download';
/** Milliseconds. */
const LIVES_FOR = 60_000;
const leaseOf = (instance: string): string => `instance/${instance}`;

export class DownloadsElsewhere {
  /** This instance's name, stored with each of its messages. */
  readonly instance = randomUUID();
  readonly #store: Pick<UnfinishedStore, 'listUnfinished'>;
  readonly #coordination: Coordination;
  #lease: Lease | undefined;
  #unlisten: (() => void) | undefined;

  constructor(store: Pick<UnfinishedStore, 'listUnfinished'>, coordination: Coordination) {
    this.#store = store;
    this.#coordination = coordination;
  }

  /** @param cancel ends a download of this instance; does nothing for others */
  async begin(cancel: (id: string, why: string, enough: boolean) => void): Promise<void> {
    this.#unlisten ??= this.#coordination.onWake(TOPIC, ({ id, why, enough }) =>
      cancel(String(id), String(why), enough === true),
    );
    this.#lease ??= await this.#coordination.tryLease(leaseOf(this.instance), LIVES_FOR);
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

  /** Nobody works on the message's download any more. */
  async isLeft({ by }: UnfinishedMessage): Promise<boolean> {
    if (by === this.instance) return false;
    if (by === undefined) return true;
    const lease = await this.#coordination.tryLease(leaseOf(by), LIVES_FOR);
    await lease?.release();
    return lease !== undefined;
  }

  async end(): Promise<void> {
    this.#unlisten?.();
    await this.#lease?.release();
  }
}
