/** A raw log that is kept here, as it is written: see `TrainingProvider.readLog`. */
import { AppError } from '../ground/errors.ts';
import type { LogChunk } from '../ports/log-source.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';

const PIECE = 256 * 1024;

/** What there is, without waiting for more. @returns where it ended */
export async function* keptBytes(
  logs: Pick<RunLogStore, 'read'>,
  { id, size }: Pick<RunLogInfo, 'id' | 'size'>,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<LogChunk, number> {
  let at = from;
  while (at < size && !signal.aborted) {
    const { offset, bytes, gap } = await logs.read(id, at, PIECE);
    yield gap ? { offset: gap.to, bytes: new Uint8Array(0) } : { offset, bytes };
    at = gap ? gap.to : offset + bytes.length;
  }
  return at;
}

export async function* readRunLog(
  logs: Pick<RunLogStore, 'info' | 'read' | 'watch'>,
  run: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  let at = from;
  let hasChanged = false;
  let wake = (): void => {
    hasChanged = true;
  };
  const woken = (): void => wake();
  const unwatch = logs.watch(run, woken);
  signal.addEventListener('abort', woken);
  try {
    while (!signal.aborted) {
      hasChanged = false;
      const info = await logs.info(run);
      if (!info) throw new AppError('not_found', 'The log of this run is gone.');
      at = yield* keptBytes(logs, info, at, signal);
      if (info.end) return;
      await new Promise<void>((resolve) => {
        wake = () => {
          hasChanged = true;
          resolve();
        };
        if (hasChanged || signal.aborted) resolve();
      });
    }
  } finally {
    signal.removeEventListener('abort', woken);
    unwatch();
  }
}
