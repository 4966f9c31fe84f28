/**
 * Statements that change nothing and wait for no lock. Those that are asked for while a connection is awaited go through
 * that one together: each takes a moment in the database, and the journey there many.
 */
import type { Connections, Row } from './connections.ts';
import { troubleOf } from './trouble.ts';

/** Statements that wait for one connection at most: each waits for the answers to those before it. */
const TOGETHER = 32;

interface Asked {
  text: string;
  values: readonly unknown[];
  rows: Promise<Row[]>;
  answer(rows: Row[]): void;
  fail(error: unknown): void;
}

export class Selects {
  readonly #connections: Connections;
  /** Not sent yet, by statement and values. */
  readonly #waiting = new Map<string, Asked>();
  /** How many connections are awaited. */
  #awaited = 0;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Whatever fails is thrown as it came. @returns rows that others may have too */
  ask<R extends Row>(text: string, values: readonly unknown[]): Promise<R[]> {
    const id = JSON.stringify([text, values]);
    const same = this.#waiting.get(id) ?? this.#wait(id, text, values);
    return same.rows as Promise<R[]>;
  }

  #wait(id: string, text: string, values: readonly unknown[]): Asked {
    let answer!: Asked['answer'];
    let fail!: Asked['fail'];
    const rows = new Promise<Row[]>((resolve, reject) => {
      answer = resolve;
      fail = reject;
    });
    const asked = { text, values: [...values], rows, answer, fail };
    this.#waiting.set(id, asked);
    if (this.#waiting.size > this.#awaited * TOGETHER) {
      this.#awaited += 1;
      // Those of the same turn of the event loop go together.
      setImmediate(() => void this.#send());
    }
    return asked;
  }

  async #send(): Promise<void> {
    let sent: Asked[] = [];
    try {
      await this.#connections.with(async (connection) => {
        sent = this.#take();
        const troubles = await Promise.all(
          sent.map(async ({ text, values, answer, fail }) => {
            try {
              answer(await connection.run(text, values));
              return undefined;
            } catch (error) {
              fail(error);
              return troubleOf(error) && { error };
            }
          }),
        );
        // The connection is given up with whatever is thrown here.
        const trouble = troubles.find((one) => one !== undefined);
        if (trouble) throw trouble.error;
      });
    } catch (error) {
      // There was no connection. Otherwise they have their answers already.
      if (sent.length === 0) sent = this.#take();
      for (const { fail } of sent) fail(error);
    }
  }

  #take(): Asked[] {
    this.#awaited -= 1;
    const taken = [...this.#waiting.entries()].slice(0, TOGETHER);
    for (const [id] of taken) this.#waiting.delete(id);
    return taken.map(([, asked]) => asked);
  }
}
