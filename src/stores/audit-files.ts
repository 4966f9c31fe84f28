/**
 * Audit records as lines of JSON: what is too old for the store's own file, and what the command line writes
 * beside a running bot.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import { appendLines } from './durable-file.ts';
import { cannotRead } from './unreadable.ts';

export const archivePath = (folder: string): string => join(folder, 'audit-archive.jsonl');
export const commandLinePath = (folder: string): string => join(folder, 'audit-cli.jsonl');

/** A record with its number in this folder, which shows when the same record is in two files. */
export type NumberedRecord = AuditRecord & { seq: number };

export interface AuditQuery {
  user?: string;
  subject?: string;
  limit: number;
}

export const matches = (record: AuditRecord, query: AuditQuery): boolean =>
  (query.user === undefined || record.actor.user === query.user) &&
  (query.subject === undefined || record.subject === query.subject);

/**
 * Appends one record of the command line; needs no lock. Returns once it is on disk.
 * @throws AppError unavailable when it cannot be written
 */
export async function appendCommandLineAudit(folder: string, record: AuditRecord): Promise<void> {
  const path = commandLinePath(folder);
  try {
    await appendLines(path, [JSON.stringify(record)]);
  } catch (error) {
    const why = systemCode(error) ?? String(error);
    throw new AppError('unavailable', `The audit trail ${path} cannot be written (${why}).`, {
      hint: 'Nothing is handed over that is not on record. Make the folder writable for you, or set SIGNALBOX_DATA_DIR to one that is.',
      cause: error,
    });
  }
}

/**
 * The last matching records of a file, oldest first; an absent file has none. A record that was archived twice
 * because of a kill is returned once.
 */
export async function readLast<T extends AuditRecord & { seq?: number }>(
  path: string,
  query: AuditQuery,
): Promise<T[]> {
  const last = new Map<number, T>();
  let unnumbered = 0;
  try {
    for await (const line of createInterface({
      input: createReadStream(path, 'utf8'),
      crlfDelay: Infinity,
    })) {
      const record = parse<T>(line);
      if (!record || !matches(record, query)) continue;
      last.set(record.seq ?? --unnumbered, record);
      if (last.size > query.limit) last.delete(last.keys().next().value!);
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw cannotRead(path, error);
  }
  return [...last.values()];
}

function parse<T extends AuditRecord>(line: string): T | undefined {
  try {
    const value = JSON.parse(line) as T | null;
    return typeof value === 'object' && value !== null && typeof value.at === 'number' ? value : undefined;
  } catch {
    // Cut off by a kill: it was never acknowledged, and archived records are still in the store's file.
    return undefined;
  }
}
