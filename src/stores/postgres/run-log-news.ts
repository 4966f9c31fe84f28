/** Says to other instances which logs have changed: after the change, so that no writer waits for another one's word. */
import type { Database } from './database.ts';
import type { RunLogRow } from './run-log-rows.ts';

/** Of PostgreSQL. */
export const RUN_LOGS = 'signalbox_run_logs';

const SAY = `select pg_notify('${RUN_LOGS}', one) from unnest($1::text[]) as one`;

export class RunLogNews {
  readonly #database: Database;
  /** Id → what is to be said of it. */
  #pending = new Map<string, string>();
  #saying: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Neither waits nor fails: others look now and then. What comes while something is said goes together, the last of each log. */
  say({ id, run, revision }: Pick<RunLogRow, 'id' | 'run' | 'revision'>): void {
    this.#pending.set(id, `${run} ${revision} ${id}`);
    this.#saying ??= this.#sayAll().finally(() => {
      this.#saying = undefined;
    });
  }

  /** Resolves when everything is said. */
  async idle(): Promise<void> {
    await this.#saying;
  }

  async #sayAll(): Promise<void> {
    await Promise.resolve();
    while (this.#pending.size > 0) {
      const words = [...this.#pending.values()];
      this.#pending = new Map();
      await this.#database.read(SAY, [words]).catch(() => []);
    }
  }
}

/** @returns undefined: said by something else */
export function readNews(payload: string): { id: string; run: string; revision: number } | undefined {
  const [, run, revision, id] = /^(\d+) (\d+) (\S+)$/.exec(payload) ?? [];
  return id === undefined ? undefined : { id, run: run!, revision: Number(revision) };
}
