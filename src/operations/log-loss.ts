/** What is missing in a log, as far as the place where it is kept says so. */
import { type LogLoss, lossOf } from '../domain/log-keeping.ts';
import { inTime } from '../ground/pause.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogSource } from '../ports/log-source.ts';

export interface LogRun {
  /** 0 if unknown: then nothing is said about what is older than it is kept. */
  begunAt: EpochMs;
  endedAt?: EpochMs | undefined;
  now: EpochMs;
}

/** Asks early, so that the answer is there when it is wanted. */
export function askForLoss(source: Pick<LogSource, 'keeping'>): void {
  source.keeping?.().catch(() => undefined);
}

/**
 * @param waitMs no longer than this: a log is not held up by what can only be said about it
 * @returns undefined if nothing is missing, or if it is not known
 */
export async function findLoss(
  source: Pick<LogSource, 'keeping'>,
  run: LogRun,
  waitMs: number,
): Promise<LogLoss | undefined> {
  if (!source.keeping) return undefined;
  const keeping = await inTime(waitMs, source.keeping()).catch(() => undefined);
  if (!keeping) return undefined;
  return lossOf(run.begunAt > 0 ? keeping : { ...keeping, days: undefined }, run);
}
