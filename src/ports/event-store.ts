/** State: incoming events. */
import type { AwsEvent, AwsEventKind, SetAside } from '../domain/aws-events.ts';
import type { EpochMs } from '../ground/time.ts';

export type EventSource = 'sqs' | 'https' | 'replay';

/** A received event; kept for a while after it was handled, so that duplicates are recognised. */
export interface EventRecord {
  /** The envelope's id, or a digest of a body that could not be read. */
  id: string;
  /** Each is unique: an event with a known key is a duplicate (domain/aws-events.ts). */
  keys: readonly string[];
  receivedAt: EpochMs;
  via: EventSource;
  /** `pending` until every handler is done with it. */
  state: 'pending' | 'handled' | 'set-aside';
  /** Only while it is pending. */
  event?: AwsEvent | undefined;
  /** What keeps it in order with others: those of one subject are handled one at a time (`subjectKey`). */
  subject?: string | undefined;
  /** The things it reports on (domain/aws-events.ts), and when it happened. */
  about?: { things: readonly string[]; at: EpochMs } | undefined;
  /** How often handling has failed so far. */
  tries?: number | undefined;
  settledAt?: EpochMs | undefined;
  /** If it was set aside. */
  reason?: SetAside | undefined;
  /** If it was set aside: its beginning, with secrets masked. */
  excerpt?: string | undefined;
}

/**
 * Which instance handles which pending event. A claim has no time of its own: it lasts until the event is settled, its
 * holder gives it back, or somebody else does so in its name, who first makes sure that the holder is gone and cannot
 * write any more (events/claimed-events.ts).
 */
export interface EventClaims {
  /**
   * Takes pending events that nobody has, and none while another instance has one of the same subject. Atomic: at any
   * time, all that is claimed of one subject is claimed by one instance.
   * @param query.by the instance
   * @param query.kinds only these
   * @returns oldest first
   */
  claimEvents(query: { by: string; kinds: readonly AwsEventKind[]; limit: number }): Promise<EventRecord[]>;
  /** Whatever the instance has is free again. */
  giveBackEvents(by: string): Promise<void>;
  /** Instances that have pending events. */
  listClaimants(): Promise<string[]>;
}

/** Every method returns once its changes are durable. */
export interface EventStore {
  /** Safe under concurrent calls. @returns false: one with such a key is known */
  addEvent(record: EventRecord): Promise<boolean>;
  getEvent(id: string): Promise<EventRecord | undefined>;
  /** As `changeJob`; does nothing if it is gone. */
  changeEvent(id: string, change: (record: EventRecord) => EventRecord): Promise<void>;
  /** When the newest handled event about this thing happened, among those still kept. */
  newestHandled(thing: string): Promise<EpochMs | undefined>;
  /** `pending`: oldest first; others newest first. */
  listEvents(query: { state: EventRecord['state']; limit: number }): Promise<EventRecord[]>;
  /** Among those still kept; those set aside also by code. */
  countEvents(): Promise<{ pending: number; handled: number; setAside: Readonly<Record<string, number>> }>;
}
