/**
 * What each transaction leaves behind, so that one whose answer was lost can be found: a number in a row that only it
 * changes meanwhile. PostgreSQL's own `pg_xact_status` cannot be trusted with it: after a crash it gives the numbers of
 * lost transactions to new ones, and then says that the lost ones were committed (15.18,
 * findings/postgres-xact-status-after-crash.sh).
 */
import { randomUUID } from 'node:crypto';

export interface Mark {
  readonly slot: string;
  /** Of the transaction; in a slot they only rise. */
  readonly number: number;
}

export class Marks {
  readonly #process = randomUUID();
  readonly #free: number[] = [];
  #slots = 0;
  #number = 0;

  /** Nobody else has the mark's slot until `work` has ended. */
  async with<T>(work: (mark: Mark) => Promise<T>): Promise<T> {
    const slot = this.#free.pop() ?? this.#slots++;
    this.#number += 1;
    try {
      return await work({ slot: `${this.#process}/${slot}`, number: this.#number });
    } finally {
      this.#free.push(slot);
    }
  }
}
