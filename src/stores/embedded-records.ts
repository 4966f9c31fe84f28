/** All records of an embedded store, archives included, kind by kind and in the order in which they came. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemCode } from '../ground/files.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import { archivePath, commandLinePath, type NumberedRecord } from './audit-files.ts';
import type { DurableState } from './durable-state.ts';
import { NOTIFICATION_KINDS } from './stored-shapes.ts';
import { cannotRead } from './unreadable.ts';

/** As in the journal, but for the audit trail. */
export type EmbeddedKind = 'job' | 'attempt' | 'component' | (typeof NOTIFICATION_KINDS)[number];

export const EMBEDDED_KINDS: readonly EmbeddedKind[] = ['job', 'attempt', 'component', ...NOTIFICATION_KINDS];

type Opened = Pick<DurableState, 'folder' | 'tables' | 'archive'>;

export async function* embeddedRecords(
  { tables, archive }: Opened,
  kind: EmbeddedKind,
): AsyncGenerator<object> {
  if (kind === 'job') yield* tables.jobs.all();
  else if (kind === 'component') yield* tables.components.values();
  else if (kind !== 'attempt') yield* tables.notifications.rows[kind].values();
  else {
    for (const { useCase, job } of archive.index()) {
      // Of one that was archived twice the later copy counts, and above both what is in memory.
      const attempts = new Map((await archive.ofJob(useCase, job)).map((one) => [one.id, one]));
      for (const attempt of attempts.values()) if (!tables.attempt(attempt.id)) yield attempt;
    }
    yield* tables.allAttempts();
  }
}

/**
 * @returns each with where it stands, which stays the same: records of the store by their number, those that the
 *   command line wrote beside it by their line
 */
export async function* embeddedAudit({
  folder,
  tables,
}: Opened): AsyncGenerator<{ origin: string; record: AuditRecord }> {
  const seen = new Set<number>();
  for await (const { value } of lines<NumberedRecord>(archivePath(folder))) {
    // Archived twice because of a kill.
    if (seen.has(value.seq)) continue;
    seen.add(value.seq);
    yield numbered(value);
  }
  for (const one of tables.audit) if (!seen.has(one.seq)) yield numbered(one);
  for await (const { value, line } of lines<AuditRecord>(commandLinePath(folder)))
    yield { origin: `command line ${line}`, record: value };
}

const numbered = ({ seq, ...record }: NumberedRecord) => ({ origin: `store ${seq}`, record });

/** What was cut off by a kill was never acknowledged. */
async function* lines<T extends AuditRecord>(path: string): AsyncGenerator<{ value: T; line: number }> {
  let line = 0;
  try {
    for await (const text of createInterface({
      input: createReadStream(path, 'utf8'),
      crlfDelay: Infinity,
    })) {
      line += 1;
      const value = parsed<T>(text);
      if (value) yield { value, line };
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw cannotRead(path, error);
  }
}

function parsed<T extends AuditRecord>(text: string): T | undefined {
  try {
    const value = JSON.parse(text) as T | null;
    return typeof value === 'object' && value !== null && typeof value.at === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
