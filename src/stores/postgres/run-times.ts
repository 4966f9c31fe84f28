/** When what of runs arrived, in the database: lines (domain/run-times.ts), a second's together, of whatever instance. */
import { readTimes, TimeLines, type Times, type TimeTable, timeTable } from '../../domain/run-times.ts';
import { keepRecent } from '../../ground/recent.ts';
import type { EpochMs } from '../../ground/time.ts';
import type { RunLogInfo } from '../../ports/run-log-store.ts';
import type { RunTimesStore } from '../../ports/run-times.ts';
import type { Database } from './database.ts';

/** Milliseconds for which lines are gathered. */
const GATHER = 1_000;
/** Runs whose lines are gathered. */
const OPEN = 256;
/** Finished runs that are asked for again with each page. */
const KEPT = 16;

const ADD = `insert into run_times (run, lines)
  select run, one.lines from unnest($1::text[], $2::text[]) as one (id, lines)
  join run_logs on run_logs.id = one.id and not arriving`;
/** A row for all of a run that has ended. */
const MERGE = `with gone as (
    delete from run_times using run_logs
    where run_times.run = run_logs.run and id = $1 and not arriving returning run_logs.run, seq, lines
  )
  insert into run_times (run, lines) select run, string_agg(lines, '' order by seq) from gone group by run`;
const REMOVE =
  'delete from run_times using run_logs where run_times.run = run_logs.run and id = $1 and not arriving';
const READ = `select string_agg(lines, '' order by seq) as lines from run_times
  join run_logs using (run) where id = $1 and not arriving`;

interface Noted {
  createdAt: EpochMs;
  lines: TimeLines;
  /** Not stored yet. */
  pending: string;
}

export class PostgresRunTimes implements RunTimesStore {
  readonly #database: Database;
  /** The one that was noted last is the last. */
  readonly #open = new Map<string, Noted>();
  readonly #known = new Map<string, { text: string; times: Times }>();
  #timer: NodeJS.Timeout | undefined;
  #storing: Promise<void> = Promise.resolve();

  constructor(database: Database) {
    this.#database = database;
  }

  note({ id, createdAt, size }: Pick<RunLogInfo, 'id' | 'createdAt' | 'size'>, at: EpochMs): void {
    let noted = this.#open.get(id);
    // There may have been another one of this name.
    if (noted?.createdAt !== createdAt) noted = { createdAt, lines: new TimeLines(createdAt), pending: '' };
    this.#open.delete(id);
    this.#open.set(id, noted);
    noted.pending += noted.lines.note(at, size) ?? '';
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN) void this.end(oldest!);
    this.#timer ??= setTimeout(() => void this.#store(), GATHER).unref();
  }

  async end(run: string): Promise<void> {
    const noted = this.#open.get(run);
    this.#open.delete(run);
    if (noted) await this.#add([[run, noted.pending + (noted.lines.last ?? '')]]);
    await this.#write(run, MERGE);
  }

  async remove(run: string): Promise<void> {
    this.#open.delete(run);
    await this.#write(run, REMOVE);
  }

  async read({ id, createdAt, updatedAt }: RunLogInfo): Promise<TimeTable> {
    const rows = await this.#database.read<{ lines: string | null }>(READ, [id]).catch(() => []);
    const text = rows[0]?.lines ?? '';
    let known = this.#known.get(id);
    if (known?.text !== text) {
      known = { text, times: readTimes(inOrder(text)) };
      keepRecent(this.#known, id, known, KEPT);
    }
    return timeTable(known.times, { first: createdAt, last: updatedAt });
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const left = [...this.#open].map(
      ([run, { pending, lines }]) => [run, pending + (lines.last ?? '')] as const,
    );
    this.#open.clear();
    await this.#add(left);
    await this.#storing;
  }

  async #store(): Promise<void> {
    this.#timer = undefined;
    const due = [...this.#open].filter(([, { pending }]) => pending !== '');
    const lines = due.map(([run, noted]) => {
      const { pending } = noted;
      noted.pending = '';
      return [run, pending] as const;
    });
    await this.#add(lines);
  }

  /** One after the other: the order of the rows is that of the lines. Lines that cannot be stored are left out. */
  #add(lines: readonly (readonly [run: string, lines: string])[]): Promise<void> {
    const those = lines.filter(([, text]) => text !== '');
    if (those.length === 0) return this.#storing;
    this.#storing = this.#storing
      .then(() =>
        this.#database.write([], (transaction) =>
          transaction.write(ADD, [those.map(([run]) => run), those.map(([, text]) => text)]),
        ),
      )
      .then(
        () => undefined,
        () => undefined,
      );
    return this.#storing;
  }

  async #write(run: string, sql: string): Promise<void> {
    await this.#database
      .write([`run times ${run}`], (transaction) => transaction.write(sql, [run]))
      .catch(() => undefined);
  }
}

/** Lines by the size that they tell: an instance may store its last one when others have noted more. */
function inOrder(text: string): string {
  const lines = (text.match(/.+\n/g) ?? []).map((line) => ({ line, size: Number(line.split(' ')[1]) }));
  return lines
    .sort((a, b) => a.size - b.size)
    .map(({ line }) => line)
    .join('');
}
