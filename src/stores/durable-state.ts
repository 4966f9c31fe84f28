/**
 * The state on disk. A change is written to the journal before it is acknowledged. From time to time lowdb writes
 * the whole state, which replaces the journal; old records move to archives then.
 */
import { mkdir, stat } from 'node:fs/promises';
import { Low } from 'lowdb';
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { isDiskFull, systemCode } from '../ground/files.ts';
import { AttemptArchive, attemptsPath } from './attempt-archive.ts';
import { archivePath, type NumberedRecord } from './audit-files.ts';
import { appendLines, DurableJsonFile } from './durable-file.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { Journal, type JournalEntry } from './journal.ts';
import type { Gone, NotificationKind, NotificationRows } from './notification-tables.ts';
import { currentRecord } from './older-records.ts';
import {
  backupPath,
  EMPTY,
  readState,
  requireArchives,
  requireNothingLeft,
  type State,
  statePath,
} from './state-file.ts';
import { freeze, Tables } from './tables.ts';
import type { Undo } from './undo.ts';

/** With more audit records than this, the older half moves to the archive. */
const AUDIT_KEPT = 2_000;
/** With more attempts than this, those of the jobs that ended first move to the archive, a fifth at a time. */
const ATTEMPTS_KEPT = 5_000;
/** How large the journal may grow before the whole state is written: a few thousand changes, which load in no time. */
const JOURNAL_BYTES = 8e6;
/** Milliseconds between tries to write again after a write failed. */
const RETRY_EVERY = 5_000;

export interface StateOptions {
  /** Audit records kept in the state; default 2,000. */
  auditKept?: number;
  /** Compilation attempts kept in the state; default 5,000. Live ones always are. */
  attemptsKept?: number;
  /** Bytes of journal before the state is written whole; default 8 MB. */
  journalBytes?: number;
  /** Milliseconds after a write that failed until the disk is tried again; default 5,000. */
  retryEvery?: number;
  /** Milliseconds since the epoch; decides what is too old to keep. Default: the system's clock. */
  now?: () => number;
  /** The folder's lock was lost; the store refuses to write from then on. */
  onLockLost?: (cause: Error) => void;
}

/**
 * @throws AppError conflict when another process has the folder; unavailable when it cannot be written; internal
 *   when what is there cannot be read, or was written by a later version
 */
export async function openState(folder: string, options: StateOptions = {}): Promise<DurableState> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let lost: Error | undefined;
    const lock = await lockFolder(folder, (cause) => {
      lost = cause;
      options.onLockLost?.(cause);
    });
    try {
      const file = new DurableJsonFile<State>(statePath(folder), backupPath(folder));
      const state = await readState(folder);
      const db = new Low<State>(file, state ?? structuredClone(EMPTY));
      const journal = new Journal(folder);
      const stored = await journal.read(db.data.upTo);
      if (!state && stored.entries.length === 0)
        await requireNothingLeft(folder, [attemptsPath(folder), archivePath(folder)]);
      await requireArchives(db.data, { attempts: attemptsPath(folder), audit: archivePath(folder) });
      // Written by a version that did not keep any.
      if (state && (await bytesOf(backupPath(folder))) === undefined) await file.backUp();
      db.data.auditArchived ??= (await bytesOf(archivePath(folder))) ?? 0;
      return new DurableState(folder, db, journal, stored, lock, () => lost, options);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw cannotWrite(folder, error);
  }
}

const bytesOf = async (path: string): Promise<number | undefined> =>
  (await stat(path).catch(() => undefined))?.size;

interface Change {
  n: number;
  line: string;
  /** The record as it stands in the tables. */
  value: unknown;
  undo: Undo;
  done: () => void;
  failed: (error: unknown) => void;
}

export class DurableState {
  /** The data folder. */
  readonly folder: string;
  readonly #db: Low<State>;
  readonly #journal: Journal;
  readonly #lock: FolderLock;
  readonly #lockLost: () => Error | undefined;
  readonly #kept: { audit: number; attempts: number; journalBytes: number };
  readonly #now: () => number;
  /** Anybody may read them; only `change` may change them. */
  readonly tables = new Tables();
  readonly archive: AttemptArchive;
  /** Number of the last change. */
  #n: number;
  #nextSeq: number;
  /** Bytes written to the audit archive. */
  #auditArchived: number;
  /** Nothing may be added to the journal until the state has been written. */
  #mustWriteState: boolean;
  /** Number of attempts at which archiving is tried again; it rises while nothing can be archived. */
  #archiveAbove: number;
  /** Changes that are being written. */
  #underway: readonly Change[] = [];
  /** Changes that are not part of any write yet. */
  #waiting: Change[] = [];
  #writing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  /** Why the last write failed; cleared by the next one that succeeds. */
  #problem: string | undefined;
  readonly #retryEvery: number;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    folder: string,
    db: Low<State>,
    journal: Journal,
    { entries, whole }: { entries: readonly JournalEntry[]; whole: boolean },
    lock: FolderLock,
    lockLost: () => Error | undefined,
    options: StateOptions,
  ) {
    this.folder = folder;
    this.#db = db;
    this.#journal = journal;
    this.#lock = lock;
    this.#lockLost = lockLost;
    this.#kept = {
      audit: options.auditKept ?? AUDIT_KEPT,
      attempts: options.attemptsKept ?? ATTEMPTS_KEPT,
      journalBytes: options.journalBytes ?? JOURNAL_BYTES,
    };
    this.#now = options.now ?? Date.now;
    this.#retryEvery = options.retryEvery ?? RETRY_EVERY;
    this.#archiveAbove = this.#kept.attempts;
    this.#mustWriteState = !whole;

    const { data } = db;
    this.archive = new AttemptArchive(attemptsPath(folder), data.archivedJobs);
    this.#n = data.upTo;
    this.#nextSeq = data.nextSeq;
    this.#auditArchived = data.auditArchived ?? 0;
    for (const value of data.audit) this.#apply({ kind: 'audit', value: freeze(value) });
    for (const value of data.jobs) this.#apply({ kind: 'job', value: freeze(currentRecord('job', value)) });
    for (const value of data.attempts) this.#apply({ kind: 'attempt', value: freeze(value) });
    for (const value of data.components) this.#apply({ kind: 'component', value: freeze(value) });
    this.tables.notifications.load(data.notifications ?? {}, freeze);
    for (const entry of entries) {
      if (entry.n <= data.upTo) continue;
      this.#n = Math.max(this.#n, entry.n);
      this.#apply(
        freeze({ kind: entry.kind, value: currentRecord(entry.kind, entry.value) } as JournalEntry),
      );
    }
    // From here on the tables are the state; lowdb holds it only while it is written.
    db.data = structuredClone(EMPTY);
  }

  /** Number for the next audit record. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** What keeps changes from being stored, such as a full disk or a lost lock. Undefined: nothing known. */
  problem(): string | undefined {
    return this.#problem ?? this.#lockLost()?.message;
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      clearTimeout(this.#retry);
      await this.#writing;
      try {
        // Leaves one complete file behind, for anybody who copies the folder.
        if (this.#journal.size > 0 && !this.#lockLost()) await this.#writeState();
      } catch {
        // Everything acknowledged is in the journal, which the next start reads.
      }
      this.#journal.release();
      await this.#lock.release();
    })();
    return this.#closed;
  }

  /** @throws AppError unavailable once it is closed */
  requireOpen(): void {
    if (this.#closed) throw new AppError('unavailable', 'The store is closed: Signalbox is stopping.');
  }

  /**
   * Applies a change to the tables at once, so that the next one sees it, and resolves when it is on disk. When
   * it cannot be written it is taken back, with everything that came after it.
   */
  change<T>(kind: JournalEntry['kind'], record: T): Promise<T> {
    this.#n += 1;
    const line = JSON.stringify({ n: this.#n, kind, value: record } satisfies JournalEntry);
    const entry = freeze(JSON.parse(line) as JournalEntry);
    const undo = this.#apply(entry);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        n: entry.n,
        line,
        value: entry.value,
        undo,
        done: () => resolve(entry.value as T),
        failed: reject,
      });
      this.#writing ??= this.#writeWaiting();
    });
  }

  #apply({ kind, value }: Omit<JournalEntry, 'n'>): Undo {
    switch (kind) {
      case 'audit': {
        const record = value as NumberedRecord;
        this.#nextSeq = Math.max(this.#nextSeq, record.seq + 1);
        return this.tables.putAudit(record);
      }
      case 'job':
        return this.tables.putJob(value as JobRecord);
      case 'attempt':
        return this.tables.putAttempt(value as CompilationAttempt);
      case 'component':
        return this.tables.putComponent(value as Component);
      default:
        return this.tables.notifications.put(kind, value as NotificationRows[NotificationKind] | Gone);
    }
  }

  /** Changes made during a write share the next one. */
  async #writeWaiting(): Promise<void> {
    // Changes made in the same turn of the event loop are written together from the start.
    await Promise.resolve();
    do {
      const group = this.#waiting;
      this.#underway = group;
      this.#waiting = [];
      try {
        await this.#write(group);
        this.#problem = undefined;
        for (const { done } of group) done();
      } catch (error) {
        const all = [...group, ...this.#waiting];
        this.#waiting = [];
        // Part of it may be on disk all the same. Writing the whole state again makes it what callers were told.
        this.#mustWriteState = true;
        this.#problem = toAppError(error).message;
        for (const { undo } of all.toReversed()) undo();
        for (const { failed } of all) failed(error);
      }
    } while (this.#waiting.length > 0);
    this.#underway = [];
    this.#writing = undefined;
    if (this.#problem !== undefined) this.#tryLater();
  }

  /** Callers who were refused may not try again, so this finds out by itself when the disk can be written again. */
  #tryLater(): void {
    clearTimeout(this.#retry);
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      if (!this.#closed) this.#writing ??= this.#writeWaiting();
    }, this.#retryEvery);
    this.#retry.unref();
  }

  async #write(group: readonly Change[]): Promise<void> {
    const lost = this.#lockLost();
    if (lost)
      throw new AppError('unavailable', `The lock of the data folder ${this.folder} was lost.`, {
        hint: 'Restart Signalbox. If it happens again, look for a second process or a folder that goes away.',
        cause: lost,
      });
    try {
      const text = group.map(({ line }) => `${line}\n`).join('');
      if (this.#stateIsDue() || !(await this.#journal.append(text, group.at(-1)?.n ?? this.#n)))
        await this.#writeState();
    } catch (error) {
      throw cannotWrite(this.folder, error);
    }
  }

  #stateIsDue(): boolean {
    return (
      this.#mustWriteState ||
      this.#journal.size > this.#kept.journalBytes ||
      this.tables.audit.length > this.#kept.audit ||
      this.tables.attemptCount > this.#archiveAbove
    );
  }

  async #writeState(): Promise<void> {
    await this.#archiveAudit();
    await this.#archiveAttempts();
    // What may yet be taken back stays.
    const open = new Set([...this.#underway, ...this.#waiting].map(({ value }) => value));
    this.tables.notifications.prune(this.#now(), open);
    this.#db.data = {
      version: 2,
      upTo: this.#n,
      nextSeq: this.#nextSeq,
      audit: [...this.tables.audit],
      jobs: this.tables.jobs.all(),
      attempts: this.tables.allAttempts(),
      components: [...this.tables.components.values()],
      archivedJobs: this.archive.index(),
      auditArchived: this.#auditArchived,
      notifications: this.tables.notifications.all(),
    };
    await this.#db.write();
    // A kill before the next line leaves entries that the state already holds; their numbers show it.
    await this.#journal.clear();
    this.#mustWriteState = false;
    this.#db.data = structuredClone(EMPTY);
  }

  /** Archived first, removed second: a kill in between leaves a record in both places, and its number shows it. */
  async #archiveAudit(): Promise<void> {
    const { audit } = this.tables;
    if (audit.length <= this.#kept.audit) return;
    const old = audit.slice(0, audit.length - Math.ceil(this.#kept.audit / 2));
    const lines = old.map((record) => JSON.stringify(record));
    const begin = await appendLines(archivePath(this.folder), lines);
    const added = lines.reduce((bytes, line) => bytes + Buffer.byteLength(line) + 1, 0);
    this.#auditArchived = Math.max(this.#auditArchived, begin + added);
    const gone = new Set(old);
    this.tables.audit = this.tables.audit.filter((record) => !gone.has(record));
  }

  async #archiveAttempts(): Promise<void> {
    const { attemptCount } = this.tables;
    if (attemptCount <= this.#archiveAbove) return;
    const jobs: CompilationAttempt[][] = [];
    let remaining = attemptCount;
    // What may yet be taken back is not archived.
    const open = new Set([...this.#underway, ...this.#waiting].map(({ value }) => value));
    for (const attempts of this.tables.finishedJobs()) {
      if (remaining <= this.#kept.attempts * 0.8) break;
      if (attempts.some((attempt) => open.has(attempt))) continue;
      jobs.push(attempts);
      remaining -= attempts.length;
    }
    await this.archive.add(jobs);
    // One that changed while the archive was written stays in memory, and takes precedence over its archived copy.
    for (const attempts of jobs)
      for (const attempt of attempts)
        if (this.tables.attempt(attempt.id) === attempt) this.tables.dropAttempt(attempt.id);
    // When most are live there is little to archive, so it is not tried again at every write.
    this.#archiveAbove = Math.max(this.#kept.attempts, Math.ceil(this.tables.attemptCount * 1.2));
  }
}

function cannotWrite(folder: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const full = isDiskFull(error);
  return new AppError(
    'unavailable',
    full ? `The disk of the data folder ${folder} is full.` : `The data folder ${folder} cannot be written.`,
    {
      hint: full
        ? 'Make room on the disk, or point storage.dataDir to a larger one.'
        : `Make it a folder that the user running Signalbox may write (${systemCode(error) ?? 'unknown cause'}).`,
      cause: error,
    },
  );
}
