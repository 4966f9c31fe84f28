/** Whose turn it is among the messages waiting for one channel. */
import type { OutboxRecord } from '../ports/outbox-store.ts';

/**
 * Urgent messages first. Within a rank, families take turns, so that one family's thousands do not delay another's first
 * message. Within a family, oldest first.
 */
export class Turns {
  /** Family → its latest turn. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  /** @param candidates what can be sent now, oldest first */
  next(candidates: Iterable<OutboxRecord>): OutboxRecord | undefined {
    let best: OutboxRecord | undefined;
    let bestTurn = Number.POSITIVE_INFINITY;
    for (const record of candidates) {
      const urgent = record.urgent === true;
      if (best && !urgent && best.urgent) continue;
      const turn = this.#served.get(familyOf(record)) ?? 0;
      if (best && urgent === (best.urgent === true) && turn >= bestTurn) continue;
      best = record;
      bestTurn = turn;
    }
    return best;
  }

  served(record: OutboxRecord): void {
    this.#turn += 1;
    this.#served.set(familyOf(record), this.#turn);
  }
}

const familyOf = ({ family, key }: OutboxRecord): string => family ?? key.split('/', 1)[0]!;
