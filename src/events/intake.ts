/** What every way in for events has in common. */
import type { EventSource } from '../ports/event-store.ts';

export type Receipt = 'stored' | 'duplicate' | 'set-aside';

export interface EventIntake {
  /**
   * Returns once the event is stored, already known, or set aside with a reason: its sender may forget it.
   * @throws AppError unavailable: it could not be stored, and must be sent again
   */
  receive(body: string, via: EventSource): Promise<Receipt>;
  /** Why nothing can be stored now, so that asking for more is pointless; undefined: no problem is known. */
  problem(): string | undefined;
}
