/** The embedded store: one folder, one process, one JSON file that is replaced atomically. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Low } from 'lowdb';
import { AppError } from '../errors.ts';
import type { AuditRecord, Store } from '../ports.ts';
import { archivePath, commandLinePath, matches, type NumberedRecord, readLast } from './audit-files.ts';
import { appendLines, DurableJsonFile } from './durable-file.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

/** Above so many audit records the older half moves to the archive: the file is written whole each time. */
const AUDIT_KEPT = 2_000;

interface State {
  version: 1;
  nextSeq: number;
  /** Oldest first. */
  audit: NumberedRecord[];
}

export interface LowdbStoreOptions {
  /** Audit records kept in the state file; default 2,000. */
  auditKept?: number;
  /** The folder's lock was lost; the store refuses to write from then on. */
  onLockLost?: (cause: Error) => void;
}

/** @throws AppError conflict when another process has the folder; unavailable when it cannot be written */
export async function openLowdbStore(folder: string, options: LowdbStoreOptions = {}): Promise<Store> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let lost: Error | undefined;
    const lock = await lockFolder(folder, (cause) => {
      lost = cause;
      options.onLockLost?.(cause);
    });
    try {
      const db = new Low<State>(new DurableJsonFile(join(folder, 'state.json')), {
        version: 1,
        nextSeq: 1,
        audit: [],
      });
      await db.read();
      return new LowdbStore(folder, db, lock, () => lost, options.auditKept ?? AUDIT_KEPT);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw cannotWrite(folder, error);
  }
}

class LowdbStore implements Store {
  readonly #folder: string;
  readonly #db: Low<State>;
  readonly #lock: FolderLock;
  readonly #lockLost: () => Error | undefined;
  readonly #auditKept: number;
  /** The write that will hold everything changed until it begins. */
  #nextWrite: Promise<void> | undefined;
  #lastWrite: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    folder: string,
    db: Low<State>,
    lock: FolderLock,
    lockLost: () => Error | undefined,
    auditKept: number,
  ) {
    this.#folder = folder;
    this.#db = db;
    this.#lock = lock;
    this.#lockLost = lockLost;
    this.#auditKept = auditKept;
  }

  async appendAudit(record: AuditRecord): Promise<void> {
    if (this.#closed) throw new AppError('unavailable', 'The store is closed: Signalbox is stopping.');
    const { data } = this.#db;
    data.audit.push({ ...structuredClone(record), seq: data.nextSeq++ });
    await this.#saved();
  }

  async listAudit(query: { user?: string; subject?: string; limit: number }): Promise<AuditRecord[]> {
    const own = this.#db.data.audit.filter((record) => matches(record, query));
    const commandLine = await readLast<AuditRecord>(commandLinePath(this.#folder), query);
    // The archive grows for ever: read only when what is at hand does not fill the list.
    const oldest = this.#db.data.audit[0]?.seq ?? Number.POSITIVE_INFINITY;
    const archived =
      own.length >= query.limit
        ? []
        : (await readLast<NumberedRecord>(archivePath(this.#folder), query)).filter(
            ({ seq }) => seq < oldest,
          );
    const stored = [...archived, ...own].map(({ seq: _, ...record }) => record);
    // A stable sort of the reversed list: of records of one millisecond the later one comes first.
    return [...commandLine, ...stored]
      .reverse()
      .sort((a, b) => b.at - a.at)
      .slice(0, query.limit);
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await Promise.allSettled([this.#lastWrite, this.#nextWrite]);
      await this.#lock.release();
    })();
    return this.#closed;
  }

  /** Resolves when everything changed so far is on disk. Changes during a write share the next one. */
  #saved(): Promise<void> {
    this.#nextWrite ??= this.#lastWrite.then(() => {
      this.#nextWrite = undefined;
      const write = this.#write();
      this.#lastWrite = write.catch(() => undefined); // Told to those who wait for it; the next one goes ahead.
      return write;
    });
    return this.#nextWrite;
  }

  async #write(): Promise<void> {
    const lost = this.#lockLost();
    if (lost)
      throw new AppError('unavailable', `The lock of the data folder ${this.#folder} was lost.`, {
        hint: 'Restart Signalbox. If it happens again, look for a second process or a folder that goes away.',
        cause: lost,
      });
    try {
      await this.#archiveOld();
      await this.#db.write();
    } catch (error) {
      throw cannotWrite(this.#folder, error);
    }
  }

  /** Archive first, then let go: a kill in between leaves a record in both, and its number tells. */
  async #archiveOld(): Promise<void> {
    const { audit } = this.#db.data;
    if (audit.length <= this.#auditKept) return;
    const old = audit.slice(0, audit.length - Math.ceil(this.#auditKept / 2));
    await appendLines(
      archivePath(this.#folder),
      old.map((record) => JSON.stringify(record)),
    );
    this.#db.data.audit = this.#db.data.audit.slice(old.length);
  }
}

function cannotWrite(folder: string, error: unknown): AppError {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new AppError(
    'unavailable',
    full ? `The disk of the data folder ${folder} is full.` : `The data folder ${folder} cannot be written.`,
    {
      hint: full
        ? 'Make room on the disk, or point storage.dataDir to a larger one.'
        : `Make it a folder that the user running Signalbox may write (${code ?? 'unknown cause'}).`,
      cause: error,
    },
  );
}
