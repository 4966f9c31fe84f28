/** What every way in for events has in common. */
import type { EventSource } from '../ports/event-store.ts';

export type Receipt = 'stored' | 'duplicate' | 'set-aside';

export interface EventIntake {
  /**
   * Returns once the event is stored, known already, or set aside with a reason: whoever sent it may forget it.
   * @throws AppError unavailable: it could not be stored, and must come again
   */
  receive(body: string, via: EventSource): Promise<Receipt>;
  /** Why nothing can be stored now: asking for more would be in vain. Undefined: nothing is known of that. */
  problem(): string | undefined;
}
