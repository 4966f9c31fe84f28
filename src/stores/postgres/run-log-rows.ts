/** A run's log as its row has it. */
import type { RunLogGap } from '../../domain/run-log-gaps.ts';
import type { RunEnd } from '../../domain/runs.ts';
import type { RunLogInfo } from '../../ports/run-log-store.ts';

export interface RunLogRow extends Record<string, unknown> {
  /** Another one for each log, also of the same id. */
  run: string;
  id: string;
  created_at: number;
  updated_at: number;
  size: number;
  gaps: RunLogGap[];
  cursor: string | null;
  note: string | null;
  ended: RunEnd | null;
  chunk_bytes: number;
  loose: number;
  loose_from: number;
  packed: boolean;
  revision: number;
}

/** Of `run_logs`. Offsets are whole numbers below 2^53, which `float8` has exactly. */
export const COLUMNS = `run_logs.run::text as run, id, created_at, updated_at, size::float8 as size, gaps, cursor,
  note, ended, chunk_bytes, loose, loose_from::float8 as loose_from, packed, revision::float8 as revision`;

export const FIND = `select ${COLUMNS} from run_logs where id = $1 and not arriving`;
/** Other writers of it wait; a time of its bytes that somebody notes meanwhile does not. */
export const LOCK = `${FIND} for no key update`;
export const FIND_ALL = `select ${COLUMNS} from run_logs where id = any ($1::text[]) and not arriving`;
/** `$1` is the beginning of the ids, of which none has a character after `~`. */
export const LIST = `select ${COLUMNS} from run_logs
  where not arriving and id >= $1 and id < $1 || chr(127) order by created_at desc, id`;

export function infoOf(row: RunLogRow): RunLogInfo {
  const { id, size, created_at, updated_at, gaps, cursor, note, ended } = row;
  return {
    id,
    size,
    createdAt: created_at,
    updatedAt: updated_at,
    gaps,
    ...(cursor === null ? {} : { cursor }),
    ...(note === null ? {} : { note }),
    ...(ended === null ? {} : { end: ended }),
  };
}
