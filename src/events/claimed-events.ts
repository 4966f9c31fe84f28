/**
 * This instance's part of the stored events that any instance may handle. It claims as many as it is about to handle, so
 * that whoever is free takes the next ones, and what it has when it ends is handled by others.
 */
import type { AwsEventKind } from '../domain/aws-events.ts';
import { toAppError } from '../ground/errors.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { EventClaims, EventStore } from '../ports/event-store.ts';
import type { FencedStore } from '../ports/fences.ts';
import type { StoreHealth } from '../ports/store.ts';
import { type EventHandler, EventHandling, type HandlingCounts, type HandlingOptions } from './handling.ts';
import { HANDLED_BY_ANY } from './lines.ts';

type ClaimStore = EventStore & EventClaims & StoreHealth;

export interface ClaimedEventsOptions extends Omit<HandlingOptions, 'freed' | 'store'> {
  /** Under the lease of the instance (`leaseOfInstance`), so that nothing is written once somebody else has its events. */
  store: ClaimStore;
  /** The instance. */
  by: string;
  /** Events that it has at once; default 64. */
  most?: number;
}

/**
 * An instance has its events for as long as it has this lease, and another name afterwards. Its downloads have a lease of
 * their own: operations/downloads-elsewhere.ts says why.
 */
export const leaseOfInstance = (by: string): string => `events/${by}`;

/** A person may be waiting for the first ones. */
const IN_ORDER: readonly (readonly AwsEventKind[])[] = [
  ['alarm'],
  [...HANDLED_BY_ANY].filter((kind) => kind !== 'alarm'),
];

export class ClaimedEvents {
  readonly #options: ClaimedEventsOptions;
  readonly #handling: EventHandling;
  readonly #most: number;
  #looking: Promise<void> | undefined;
  #again = false;
  /** There may be more than it has taken. */
  #more = false;
  #stopped = false;

  constructor(options: ClaimedEventsOptions) {
    this.#options = options;
    this.#most = options.most ?? 64;
    this.#handling = new EventHandling({ ...options, freed: () => this.#freed() });
  }

  get counts(): HandlingCounts {
    return this.#handling.counts;
  }

  /** As `EventHandling.on`. */
  on<K extends AwsEventKind>(kind: K, handler: EventHandler<K>): void {
    this.#handling.on(kind, handler);
  }

  /** Takes what is free, as much as it has room for. Does not throw. */
  look(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Begins no more handling, and gives back what it has. Does not throw. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
    await this.#handling.stop();
    const { store, by } = this.#options;
    // Otherwise others find it once the instance has no lease any more.
    await store.giveBackEvents(by).catch(() => undefined);
  }

  async #look(): Promise<void> {
    const { log } = this.#options;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        this.#more = false;
        // Asked for at once: one journey is enough.
        await Promise.all(IN_ORDER.map((kinds, rank) => this.#claim(kinds, rank)));
      }
    } catch (thrown) {
      const error = toAppError(thrown);
      // Either the store is in trouble, or the lease is over; in both cases somebody looks again soon.
      log.debug({ err: error }, 'no events could be claimed');
    }
  }

  async #claim(kinds: readonly AwsEventKind[], rank: number): Promise<void> {
    const { store, by } = this.#options;
    // However many of the others it has, there is room for the first ones.
    const room = this.#most * (IN_ORDER.length - rank) - this.#handling.busy;
    const claimed = room > 0 ? await store.claimEvents({ by, kinds, limit: room }) : [];
    if (claimed.length >= room) this.#more = true;
    for (const record of claimed) this.#handling.take(record);
  }

  #freed(): void {
    if (this.#more && this.#handling.busy <= this.#most / 2) this.look();
  }
}

/**
 * Gives back the events of instances that have ended without doing so. Whoever only hangs can write nothing about its
 * events any more before they are free.
 * @returns how many instances
 */
export async function giveBackOfGone(
  store: Pick<EventClaims, 'listClaimants'> & FencedStore<EventClaims>,
  coordination: Pick<Coordination, 'tryLease'>,
  /** Milliseconds. */
  ttl: number,
): Promise<number> {
  let gone = 0;
  for (const by of await store.listClaimants()) {
    const lease = await coordination.tryLease(leaseOfInstance(by), ttl);
    if (!lease) continue;
    try {
      const theirs = await store.under({ lease: lease.name, fence: lease.fence });
      await theirs.giveBackEvents(by);
      gone += 1;
    } finally {
      await lease.release();
    }
  }
  return gone;
}
