/** From what a service or a log says about a failure to its cause, what to do, and where AWS explains it. */

import { exitCodeOf, exitCodeOfReason, isCrash } from './failure-exit.ts';
import { lostBy, type ToldByLogs, toldByLogs } from './failure-log.ts';
import { speakerOf } from './failure-speaker.ts';
import { COMPONENT_FAILURES, COMPONENT_UNKNOWN } from './failure-table-component.ts';
import { NEO_FAILURES, NEO_STOPPED, NEO_UNKNOWN } from './failure-table-neo.ts';
import { TRAINING_FAILURES, type TrainingEnd } from './failure-table-training.ts';
import {
  STUCK_RUN,
  TRAINING_CLIENT,
  TRAINING_EXIT,
  TRAINING_LOST,
  TRAINING_SCRIPT,
  TRAINING_STOP_UNEXPLAINED,
  TRAINING_STOPS,
  TRAINING_UNKNOWN,
  TRAINING_UNSEEN,
} from './failure-table-training-ends.ts';
import { TRAINING_SERVICE_FAILURES } from './failure-table-training-service.ts';
import {
  adviceAt,
  adviceOf,
  type FailureAdvice,
  type ReasonRow,
  type TrainingAdvice,
} from './failure-tables.ts';
import { isSageMakers, type ProviderName } from './providers.ts';
import { isException, lastTraceback, type Traceback } from './traceback.ts';

export { adviceForDeployment } from './failure-table-deployment.ts';
export { adviceForDevice } from './failure-table-device.ts';
export type { TrainingEnd } from './failure-table-training.ts';
export type { FailureAdvice } from './failure-tables.ts';

/** SageMaker's reasons have at most 1,024 characters; a training job's own words may be longer. */
const REASON_LIMIT = 4096;
/** What SageMaker Pipelines puts before the reason of a step's job. */
const PIPELINES = /^(?:ClientError:\s*)+(?=\w+Error:)/;

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
  /** The process's, if anything tells it; 128 + signal for a signal. */
  exitCode?: number | undefined;
  /** In a distributed run, the rank that failed first, if anything tells it. */
  rank?: number | undefined;
  traceback?: Traceback | undefined;
  /** Of the stream that tells why: what to show, and whether that is `traceback`. */
  told?: { stream: string; raised: boolean; lastLines: readonly string[] } | undefined;
}

/** For a run that is still going but has printed nothing for too long. */
export const adviceForSilence = (provider: ProviderName): FailureAdvice => adviceAt(provider, STUCK_RUN);

/** @returns undefined when there is nothing to explain: it runs, or it completed */
export function guidanceForTraining(end: TrainingEnd): TrainingGuidance | undefined {
  const { state, phase, provider = 'sagemaker' } = end;
  if (state === 'running' && phase === 'interrupted')
    return { ...adviceAt(provider, TRAINING_STOPS.interrupted), outcome: 'interrupted' };
  if (state === 'stopped') {
    const how = phase === undefined || phase === 'preparing' ? 'request' : phase;
    const advice = how === 'unexplained' ? TRAINING_STOP_UNEXPLAINED : TRAINING_STOPS[how];
    return { ...adviceAt(provider, advice), outcome: 'stopped' };
  }
  if (state !== 'failed') return undefined;

  const ofStep = provider === 'pipeline' ? end.parts?.causes[0]?.cause.replace(PIPELINES, '') : undefined;
  const reason = (ofStep ?? end.failureReason ?? '').slice(0, REASON_LIMIT);
  const logs = end.logEnds ?? (end.logEnd === undefined ? [] : [{ stream: '', text: end.logEnd }]);
  const told = toldByLogs(logs, (line) => errorAdvice(line) !== undefined);
  const reported = exitCodeOf(end.exit) ?? exitCodeOfReason(reason);
  // The launcher's code says less than what the log says about its child.
  const exitCode = reported !== undefined && reported > 1 ? reported : (told?.exitCode ?? reported);
  const advice = adviceAt(
    provider,
    (isSageMakers(provider) ? serviceAdvice(reason) : undefined) ??
      programAdvice(reason, exitCode, told) ??
      lastResort(end, reason, exitCode, told),
  );
  // Toolkits put the error into the reason too, which is there before the log is.
  const traceback = told?.traceback ?? quotedError(reason);
  return {
    ...advice,
    cause:
      told?.rank === undefined
        ? advice.cause
        : `${advice.cause} ${whoFailed(told.rank, exitCode, told.lost)}`,
    outcome: 'failed',
    exitCode,
    traceback,
    ...(told?.rank === undefined ? {} : { rank: told.rank }),
    ...(told
      ? {
          told: {
            stream: told.stream,
            raised: told.traceback !== undefined && !(told.stale && isCrash(exitCode)),
            lastLines: told.lastLines,
          },
        }
      : {}),
  };
}

/** For a distributed run: where to look, which the launcher's code does not tell. */
function whoFailed(rank: number, exitCode: number | undefined, lost: ToldByLogs['lost']): string {
  // The process that waits in vain is rarely the one that died.
  if (lost !== undefined) return `Rank ${rank} reported it.`;
  return isCrash(exitCode)
    ? `Rank ${rank} failed first (signal ${exitCode! - 128}).`
    : `Rank ${rank} failed first.`;
}

/** Who says it comes before what is said: SageMaker about itself and machines, about its input, or the program. */
function serviceAdvice(reason: string): TrainingAdvice | undefined {
  const speaker = speakerOf(reason);
  if (speaker === 'algorithm') return undefined;
  for (const row of [...TRAINING_SERVICE_FAILURES, ...TRAINING_FAILURES]) {
    if (!row.reason || (speaker && row.says && !row.says.includes(speaker))) continue;
    const match = row.reason.exec(reason);
    if (match && !row.notError?.test(reason)) return adviceOf(row, match.groups);
  }
  return undefined;
}

/** What to say when no row matches the failure. */
function lastResort(
  { exit, provider = 'sagemaker' }: TrainingEnd,
  reason: string,
  exitCode: number | undefined,
  told: ToldByLogs | undefined,
): TrainingAdvice {
  const speaker = isSageMakers(provider) ? speakerOf(reason) : undefined;
  if (speaker === 'client') return TRAINING_CLIENT;
  if (told?.traceback || quotedError(reason)) return TRAINING_SCRIPT;
  if (exit === 'lost') return TRAINING_UNSEEN;
  return speaker === 'algorithm' || exitCode !== undefined ? TRAINING_EXIT : TRAINING_UNKNOWN;
}

/** What was raised, then what SageMaker quotes of it, then how the process ended, then what it printed. */
function programAdvice(
  reason: string,
  exitCode: number | undefined,
  told: ToldByLogs | undefined,
): TrainingAdvice | undefined {
  // NCCL's watchdog ends its process with an abort: what it says counts.
  const byWatchdog = exitCode === 134 && told?.lost !== undefined;
  const crash = isCrash(exitCode) && !byWatchdog;
  // A program that went on after a traceback and was killed later was not ended by that.
  const raised = told && !(told.stale && crash) && told.lost === undefined ? told.messages : [];
  const lost = told?.lost ?? lostBy(reason);
  return (
    firstOf(raised, told?.frames) ??
    errorAdvice(reason) ??
    (byWatchdog ? undefined : exitAdvice(exitCode)) ??
    firstOf(told?.remarks ?? []) ??
    (lost && TRAINING_LOST[lost])
  );
}

function firstOf(messages: readonly string[], frames?: string): TrainingAdvice | undefined {
  for (const message of messages) {
    const advice = errorAdvice(message, frames);
    if (advice) return advice;
  }
  return undefined;
}

/** Rows that both SageMaker and programs have words for are in its table. */
const ERROR_ROWS = [...TRAINING_FAILURES, ...TRAINING_SERVICE_FAILURES].filter(({ error }) => error);

function errorAdvice(message: string, frames = ''): TrainingAdvice | undefined {
  for (const row of ERROR_ROWS) {
    const match = row.error!.exec(message);
    if (match && !row.notError?.test(message) && !(frames && row.notFrames?.test(frames)))
      return adviceOf(row, match.groups);
    if (frames && row.place?.error.test(message) && row.place.frames.test(frames)) return adviceOf(row);
  }
  return undefined;
}

function exitAdvice(exitCode: number | undefined): TrainingAdvice | undefined {
  const row = TRAINING_FAILURES.find(({ exitCodes }) => exitCodes?.includes(exitCode ?? 0));
  return row && adviceOf(row);
}

/** What SageMaker quotes of the script, `ErrorMessage "…"`, or the traceback of its toolkit. */
function quotedError(reason: string): Traceback | undefined {
  const traceback = lastTraceback(reason);
  if (traceback) return traceback;
  const quoted =
    /\bErrorMessage\s{0,3}"([\s\S]{1,3000}?)"?\s{0,3}(?:\s{1,3}Command "|,? ?exit code: \d|$)/.exec(
      reason,
    )?.[1];
  const text = quoted?.replace(/^[\s:]+|[\s"]+$/g, '').replaceAll('\\n', '\n') ?? '';
  if (text === '') return undefined;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lastTraceback(text) ?? { text, exception: lines.findLast(isException) ?? lines.at(-1) };
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
