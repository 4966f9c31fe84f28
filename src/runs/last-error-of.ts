/** Why a run failed, as the end of its log says it. */
import { lastError } from '../domain/last-error.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';

/** Bytes at the end of a log that are looked through. */
const LAST_WORDS = 32 * 1024;

/** It is an aid: a log that cannot be read says nothing. @returns undefined: nothing looks like an error */
export async function lastErrorOf(
  logs: Pick<RunLogStore, 'read'>,
  { id, size }: Pick<RunLogInfo, 'id' | 'size'>,
): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  try {
    for (let at = Math.max(0, size - LAST_WORDS); at < size; ) {
      const { bytes, gap } = await logs.read(id, at, size - at);
      if (!gap && bytes.length === 0) break;
      parts.push(bytes);
      at = gap ? gap.to : at + bytes.length;
    }
  } catch {
    return undefined;
  }
  return lastError(Buffer.concat(parts).toString());
}
