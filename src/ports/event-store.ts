/** State: events that came in. */
import type { AwsEvent, SetAside } from '../domain/aws-events.ts';
import type { EpochMs } from '../ground/time.ts';

export type EventSource = 'sqs' | 'https' | 'replay';

/** An event as it was taken in; kept for a while after it was dealt with, so that its like is known. */
export interface EventRecord {
  /** The envelope's id, or a digest of what could not be read. */
  id: string;
  /** Unique each: an event with a key that is known is a duplicate (domain/aws-events.ts). */
  keys: readonly string[];
  receivedAt: EpochMs;
  via: EventSource;
  /** `pending` until every handler is done with it. */
  state: 'pending' | 'handled' | 'set-aside';
  /** While it is pending. */
  event?: AwsEvent | undefined;
  /** What it tells the newest of (domain/aws-events.ts), and when it happened. */
  about?: { things: readonly string[]; at: EpochMs } | undefined;
  /** Ends of handling that failed, so far. */
  tries?: number | undefined;
  settledAt?: EpochMs | undefined;
  /** Of one that is set aside. */
  reason?: SetAside | undefined;
  /** Of one that is set aside: its beginning, secrets masked. */
  excerpt?: string | undefined;
}

/** Every method returns once what it did is durable. */
export interface EventStore {
  /** Unique also among calls at the same time. @returns false: one with such a key is known */
  addEvent(record: EventRecord): Promise<boolean>;
  getEvent(id: string): Promise<EventRecord | undefined>;
  /** As `changeJob`; nothing for one that is gone. */
  changeEvent(id: string, change: (record: EventRecord) => EventRecord): Promise<void>;
  /** When the newest event about this thing happened, of those that are handled and kept. */
  newestHandled(thing: string): Promise<EpochMs | undefined>;
  /** `pending`: oldest first; others newest first. */
  listEvents(query: { state: EventRecord['state']; limit: number }): Promise<EventRecord[]>;
  /** Of those that are kept; those set aside also by their code. */
  countEvents(): Promise<{ pending: number; handled: number; setAside: Readonly<Record<string, number>> }>;
}
