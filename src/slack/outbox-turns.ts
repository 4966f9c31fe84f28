/** Whose turn it is among what waits for one channel. */
import type { OutboxRecord } from '../ports/outbox-store.ts';

/**
 * Urgent messages before others; among those of one rank the families take turns, so that whatever one of them has
 * thousands of, another's first message goes next; within a family the first come.
 */
export class Turns {
  /** Family → the turn that it had last. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  /** @param candidates what can be sent now, in the order in which it came */
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
