/**
 * Coordination of instances that share a database. Leases are rows, and all times in them are the database's: what the
 * instances' own clocks say does not matter. Notes are rows too, kept for some minutes, so that who was cut off reads
 * what was said meanwhile; a notification only says that there are new ones.
 */
import { randomUUID } from 'node:crypto';
import { elapsed } from '../../ground/elapsed.ts';
import { AppError, toAppError } from '../../ground/errors.ts';
import type { Clock } from '../../ground/time.ts';
import type { Coordination, Lease, WakeNote } from '../../ports/coordination.ts';
import type { After } from '../in-process-coordination.ts';
import type { ConnectionOptions } from './connections.ts';
import type { Database } from './database.ts';
import { HeldLease } from './held-lease.ts';
import { Listening } from './listening.ts';
import { column } from './records.ts';

const NOTES = 'signalbox_notes';
const LEASES = 'signalbox_leases';
/** Milliseconds between looks for old notes, marks and leases. */
const TIDY_EVERY = 120_000;
const NOTES_AT_ONCE = 500;

export interface CoordinationOptions extends ConnectionOptions {
  database: Database;
  /** Only what passes on it counts. */
  clock: Clock;
  /** A listener of wake-ups failed, or none can be heard for now. */
  onError: (error: unknown, context: { topic: string }) => void;
  /** Left out: the system's timers, which keep no process alive. */
  after?: After | undefined;
  /** Somebody else who listens, by the same connection. */
  beside?: Hearer | undefined;
}

export interface Hearer {
  channel: string;
  /** @param payload undefined: anything may have been said before, and what is said from now on is heard */
  told(payload: string | undefined): void;
  /** Nothing is heard for now. */
  deaf(): void;
}

type Listener = (note: WakeNote) => void | Promise<void>;

/** @throws AppError unavailable: the database cannot be reached */
export async function openPostgresCoordination(options: CoordinationOptions): Promise<PostgresCoordination> {
  const coordination = new PostgresCoordination(options);
  await coordination.open();
  return coordination;
}

export class PostgresCoordination implements Coordination {
  readonly #options: CoordinationOptions;
  readonly #database: Database;
  readonly #listening: Listening;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #leases = new Set<HeldLease>();
  /** Lease → who waits for it. */
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #closed = new AbortController();
  readonly #busy = new Set<Promise<unknown>>();
  #outgoing: { topic: string; text: string; done: () => void; failed: (error: unknown) => void }[] = [];
  #sending = false;
  /** Number of the last note that was heard. */
  #heard = 0;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  #cutOff = false;
  #stopTidying: () => void = () => {};

  constructor(options: CoordinationOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#listening = new Listening({
      url: options.url,
      channels: [NOTES, LEASES, ...(options.beside ? [options.beside.channel] : [])],
      onTold: (told) => this.#told(told),
      onDown: (error) => {
        options.beside?.deaf();
        options.onError(error, { topic: 'all of them, until the database answers' });
      },
    });
  }

  /** Called once, before anything else. */
  async open(): Promise<void> {
    await this.#database.persist(() => this.#listening.open());
    // What comes after this is told.
    const [row] = await this.#database.read<{ seq: string }>(
      'select coalesce(max(seq), 0)::text as seq from notes',
    );
    this.#heard = Number(row!.seq);
    this.#options.beside?.told(undefined);
    this.#tidyLater();
  }

  // --- Leases ---

  async lease(name: string, ttl: number, signal?: AbortSignal): Promise<Lease> {
    for (;;) {
      signal?.throwIfAborted();
      this.#requireOpen();
      // Before asking: who gives it back in between is heard.
      const change = this.#changeOf(name, signal);
      try {
        const lease = await this.tryLease(name, ttl);
        if (lease && signal?.aborted) await lease.release();
        signal?.throwIfAborted();
        if (lease) return lease;
        // Given back since, it has ended at '-infinity', from which nothing can be subtracted.
        const [row] = await this.#run<{ left: number }>(
          `select 1000 * extract(epoch from greatest(expires_at, database_time()) - database_time())::float8 as left
           from leases where name = $1`,
          [column(name)],
        );
        await change.within(Math.max(1, row?.left ?? 1));
      } finally {
        change.end();
      }
    }
  }

  async tryLease(name: string, ttl: number): Promise<Lease | undefined> {
    this.#requireOpen();
    // Asked again because the answer was lost, the same holder has it already.
    const holder = randomUUID();
    const asked = this.#elapsed();
    const [row] = await this.#run<{ fence: string }>(
      `insert into leases (name, holder, fence, expires_at)
       values ($1, $2, nextval('fence_numbers'), database_time() + $3 * interval '1 millisecond')
       on conflict (name) do update
         set holder = excluded.holder, fence = nextval('fence_numbers'),
           expires_at = database_time() + $3 * interval '1 millisecond'
         where leases.expires_at <= database_time() or leases.holder = excluded.holder
       returning fence::text`,
      [column(name), holder, ttl],
    );
    if (!row) return undefined;
    const lease: HeldLease = new HeldLease({
      ...{ name, ttl, holder, asked, fence: Number(row.fence) },
      now: () => this.#elapsed(),
      after: (ms, run) => this.#after(ms, run),
      run: (text, values) => this.#run(text, values),
      ended: () => void this.#leases.delete(lease),
    });
    if (this.#closed.signal.aborted) {
      await lease.release();
      throw unavailable();
    }
    this.#leases.add(lease);
    return lease;
  }

  /** Begins to listen at once. `within` resolves when the lease may be free. */
  #changeOf(name: string, signal: AbortSignal | undefined) {
    const line = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, line);
    let look = (): void => {};
    const changed = new Promise<void>((resolve) => {
      look = resolve;
    });
    line.add(look);
    const ends = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])]);
    return {
      within: async (ms: number): Promise<void> => {
        ends.throwIfAborted();
        let fail = (): void => {};
        const aborted = new Promise<never>((_, reject) => {
          fail = () => reject(ends.reason instanceof Error ? ends.reason : toAppError(ends.reason));
          ends.addEventListener('abort', fail, { once: true });
        });
        const clear = this.#after(ms, look);
        try {
          await Promise.race([changed, aborted]);
        } finally {
          clear();
          ends.removeEventListener('abort', fail);
        }
      },
      end: (): void => {
        line.delete(look);
        if (line.size === 0 && this.#waiting.get(name) === line) this.#waiting.delete(name);
      },
    };
  }

  // --- Wake-ups ---

  wake(topic: string, note: WakeNote): Promise<void> {
    const text = JSON.stringify(note);
    return new Promise<void>((done, failed) => {
      this.#requireOpen();
      this.#outgoing.push({ topic, text, done, failed });
      if (!this.#sending) void this.#track(this.#send());
    });
  }

  /** One statement at a time, so that they come in order; what came during one goes with the next. */
  async #send(): Promise<void> {
    this.#sending = true;
    // Those of the same turn of the event loop go together from the start.
    await Promise.resolve();
    while (this.#outgoing.length > 0) {
      const group = this.#outgoing;
      this.#outgoing = [];
      try {
        await this.#run('select send_notes($1, $2)', [
          group.map(({ topic }) => column(topic)),
          group.map(({ text }) => text),
        ]);
        for (const { done } of group) done();
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
    }
    this.#sending = false;
  }

  onWake(topic: string, listener: Listener): () => void {
    this.#requireOpen();
    // A function of its own: the same one may listen twice.
    const own: Listener = (note) => listener(note);
    const name = column(topic);
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(own));
    return () => {
      all.delete(own);
      if (all.size === 0 && this.#listeners.get(name) === all) this.#listeners.delete(name);
    };
  }

  #told(told: { channel: string; payload: string } | undefined): void {
    if (this.#cutOff) return;
    const { beside } = this.#options;
    if (beside && (told === undefined || told.channel === beside.channel)) beside.told(told?.payload);
    if (beside && told?.channel === beside.channel) return;
    if (told === undefined) for (const line of this.#waiting.values()) for (const look of line) look();
    else if (told.channel === LEASES) for (const look of this.#waiting.get(told.payload) ?? []) look();
    if (told?.channel !== LEASES) this.#read();
  }

  #read(): void {
    if (this.#reading) {
      this.#readAgain = true;
      return;
    }
    this.#reading = this.#track(this.#readNotes()).finally(() => {
      this.#reading = undefined;
      if (this.#readAgain) this.#read();
    });
  }

  async #readNotes(): Promise<void> {
    this.#readAgain = false;
    for (;;) {
      // While it is down, nothing: it reads again as soon as it is up.
      const rows = await this.#listening.ask<{ seq: string; topic: string; note: string }>(
        `select seq::text, topic, note::text from notes where seq > $1 order by notes.seq limit ${NOTES_AT_ONCE}`,
        [this.#heard],
      );
      for (const { seq, topic, note } of rows ?? []) {
        this.#heard = Number(seq);
        this.#hear(topic, note);
      }
      if (rows?.length !== NOTES_AT_ONCE) return;
    }
  }

  #hear(topic: string, text: string): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) {
      // Everybody has a copy of their own.
      const heard = async (): Promise<void> => listener(JSON.parse(text) as WakeNote);
      heard().catch((error: unknown) => this.#options.onError(error, { topic }));
    }
  }

  // --- All of it ---

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(unavailable());
    this.#stopTidying();
    this.#listeners.clear();
    await Promise.all([...this.#leases].map((lease) => lease.release()));
    await this.#listening.close();
    this.#options.beside?.deaf();
  }

  /** For tests: as when its connections are gone. */
  cutOff(): void {
    this.#cutOff = true;
  }

  /** For tests: resolves when nothing is under way, and what others have said so far has been heard. */
  async settled(): Promise<void> {
    for (;;) {
      while (this.#busy.size > 0) await Promise.allSettled([...this.#busy]);
      await this.#listening.ask('select');
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      if (this.#busy.size === 0) return;
    }
  }

  /** Of notes and marks that nobody needs any more, and of leases that ended long ago. */
  #tidyLater(): void {
    this.#stopTidying = this.#after(TIDY_EVERY, () => {
      // Somebody else does it, or the next time does.
      void this.#run(
        `with notes as (delete from notes where at < database_time() - interval '10 minutes'),
           marks as (delete from marks where at < now() - interval '1 day')
         delete from leases where expires_at < database_time() - interval '1 day'`,
      ).catch(() => {});
      this.#tidyLater();
    });
  }

  #run<R extends Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    if (this.#cutOff) return Promise.reject(unavailable());
    return this.#track(this.#database.read<R>(text, values));
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    const done = (): void => void this.#busy.delete(work);
    work.then(done, done);
    return work;
  }

  #elapsed(): number {
    return elapsed(this.#options.clock);
  }

  #after(ms: number, run: () => void): () => void {
    if (this.#options.after) return this.#options.after(ms, run);
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  }

  #requireOpen(): void {
    if (this.#closed.signal.aborted || this.#cutOff) throw unavailable();
  }
}

const unavailable = (): AppError =>
  new AppError('unavailable', 'The coordination of instances is closed: Signalbox is stopping.');
