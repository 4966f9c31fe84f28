/** From what a service says of a failure to cause, fix and where AWS explains it. */

import { speakerOf } from './failure-speaker.ts';
import { COMPONENT_FAILURES, COMPONENT_UNKNOWN } from './failure-table-component.ts';
import { NEO_FAILURES, NEO_STOPPED, NEO_UNKNOWN } from './failure-table-neo.ts';
import {
  TRAINING_FAILURES,
  TRAINING_STOPS,
  TRAINING_UNKNOWN,
  type TrainingEnd,
} from './failure-table-training.ts';
import { adviceOf, type FailureAdvice, type ReasonRow } from './failure-tables.ts';
import { lastTraceback, type Traceback } from './traceback.ts';

export { adviceForDeployment } from './failure-table-deployment.ts';
export { adviceForDevice } from './failure-table-device.ts';
export type { TrainingEnd } from './failure-table-training.ts';
export { STUCK_RUN } from './failure-table-training.ts';
export type { FailureAdvice } from './failure-tables.ts';

/** SageMaker's reasons have at most 1,024 characters; a training job's own words may be longer. */
const REASON_LIMIT = 4096;
/** What happened last is what counts; errors that were survived earlier are not the cause. */
const LOG_END_LIMIT = 32_768;

/** @param status SageMaker's word, any letter case */
export function adviceForCompilation(status: string, failureReason: string | undefined): FailureAdvice {
  if (failureReason === undefined && status.toLowerCase() === 'stopped') return NEO_STOPPED;
  return firstMatch(NEO_FAILURES, failureReason) ?? NEO_UNKNOWN;
}

/** @param errors what Greengrass says besides, per artifact URI */
export function adviceForComponent(
  message: string | undefined,
  errors: Readonly<Record<string, string>> = {},
): FailureAdvice {
  const details = Object.entries(errors).map(([where, what]) => `${where} = ${what}`);
  return firstMatch(COMPONENT_FAILURES, [message ?? '', ...details].join('\n')) ?? COMPONENT_UNKNOWN;
}

export interface TrainingGuidance extends FailureAdvice {
  /** Whether to call it a failure at all. */
  outcome: 'failed' | 'stopped' | 'interrupted';
  /** The process's, where anything tells it. */
  exitCode?: number | undefined;
  traceback?: Traceback | undefined;
}

/** @returns undefined when there is nothing to explain: it runs, or it completed */
export function guidanceForTraining(end: TrainingEnd): TrainingGuidance | undefined {
  const status = end.status.toLowerCase();
  const secondary = (end.secondaryStatus ?? '').toLowerCase();
  const stop = TRAINING_STOPS[secondary];
  if (stop && secondary === 'interrupted' && status === 'inprogress')
    return { ...stop, outcome: 'interrupted' };
  if (status === 'stopped') return { ...(stop ?? TRAINING_STOPS.stopped!), outcome: 'stopped' };
  if (status !== 'failed') return undefined;

  const reason = (end.failureReason ?? '').slice(0, REASON_LIMIT);
  const logEnd = (end.logEnd ?? '').slice(-LOG_END_LIMIT);
  const exitCode = end.exitCode ?? findExitCode(reason) ?? findExitCode(logEnd);
  const row = TRAINING_FAILURES.find(
    (candidate) =>
      candidate.reason?.test(reason) ||
      (exitCode !== undefined && candidate.exitCodes?.includes(exitCode)) ||
      candidate.log?.test(logEnd),
  );
  const { id, cause, fix, link } = row ?? TRAINING_UNKNOWN;
  // Toolkits put the error into the reason too, which is there before the log is.
  const traceback = lastTraceback(logEnd) ?? lastTraceback(reason);
  return { id, cause, fix, link, outcome: 'failed', exitCode, traceback };
}

/**
 * The last exit code that a text tells: `Exit Code: 137`, `ExitCode 1`, `exited with code 1`,
 * `exitcode  : -9` (torchrun: a signal, 128 + 9 in a shell).
 */
export function findExitCode(text: string): number | undefined {
  const last = [...text.matchAll(/\bexit(?:ed with)?[ _]?code\s{0,4}[:=]?\s{0,4}(-?\d{1,3})\b/gi)].at(
    -1,
  )?.[1];
  if (last === undefined) return undefined;
  const code = Number(last);
  return code < 0 ? 128 - code : code;
}

function firstMatch(rows: readonly ReasonRow[], text: string | undefined): FailureAdvice | undefined {
  if (!text) return undefined;
  const words = text.slice(0, REASON_LIMIT);
  const speaker = speakerOf(words);
  for (const row of rows) {
    if (speaker && row.says && !row.says.includes(speaker)) continue;
    const match = row.pattern.exec(words);
    if (match) return adviceOf(row, match.groups);
  }
  return undefined;
}
