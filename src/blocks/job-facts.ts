/** What is told of a training job and its compilations wherever they are shown, in the same words. */

import { isBackgroundActor } from '../domain/background-actor.ts';
import {
  elapsedMs,
  jobCompilations,
  type OverallState,
  statusLabel,
  type TargetState,
  targetStates,
  wantedTargets,
} from '../domain/compilation-states.ts';
import { type CompilationAttempt, currentStatus, isLive, isSuccessful } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import { type CurveSummary, reportedCurves } from '../domain/curve-summary.ts';
import { adviceForCompilation, type FailureAdvice } from '../domain/failure-guidance.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { Rerun, RunStart, RunStop } from '../domain/job-records.ts';
import { isFinished, leavesModel, type TrainingJob } from '../domain/jobs.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import { isCompiledFrom, onProvider, PROVIDERS, type ProviderName } from '../domain/providers.ts';
import { standingOf, trainingLabel } from '../domain/training-states.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { COMPILE } from './compile-ids.ts';
import type { Block, Button } from './message.ts';
import {
  button,
  code,
  codeBlock,
  duration,
  escapeMrkdwn,
  instant,
  link,
  mention,
  moment,
  plain,
  section,
} from './text.ts';
import { TRAIN } from './train-ids.ts';

/** Everything that a card or a details view is drawn from. */
export interface JobFacts {
  useCase: Pick<UseCase, 'id' | 'name' | 'aws'>;
  job: TrainingJob;
  /** Of this job, oldest first. */
  attempts: readonly CompilationAttempt[];
  /** Those that the use case wants by default. */
  targets: readonly string[];
  components: readonly Component[];
  /** Milliseconds that a target usually takes, from history. */
  usual: ReadonlyMap<string, number>;
  /** When AWS last answered about anything of it. */
  lastCheckedAt: number;
  /** The last question that got no answer since. */
  failedCheck?: { at: number; message: string } | undefined;
  now: number;
  /** Whether its model can be compiled here, once there is one. */
  compiles: boolean;
  /** The kinds of SageMaker's jobs that the use case shows. */
  shows: readonly ProviderName[];
  /** Whether the use case has component settings. */
  packages: boolean;
  /** It repeats an earlier job. */
  rerun?: Rerun | undefined;
  /** What is known of its curves without reading its log. */
  curves?: CurveSummary | undefined;
  /** It was started from a template. */
  start?: RunStart | undefined;
  /** Somebody had it stopped. */
  stop?: RunStop | undefined;
  /** Its run can be opened in the viewer. */
  canOpen?: boolean | undefined;
}

/** What facts are made from: a snapshot of the store. */
export interface JobPicture
  extends Pick<
    JobFacts,
    | 'job'
    | 'rerun'
    | 'start'
    | 'stop'
    | 'curves'
    | 'attempts'
    | 'components'
    | 'lastCheckedAt'
    | 'failedCheck'
  > {
  useCase: UseCase;
  targets: readonly { target: string; usualMs?: number | undefined }[];
}

export function factsOf(picture: JobPicture, now: number): JobFacts {
  const { useCase, job, rerun, start, stop, attempts, components, lastCheckedAt, failedCheck } = picture;
  return {
    useCase,
    job,
    attempts,
    targets: wantedTargets(job.provider, useCase.compile?.targets ?? []),
    components,
    usual: new Map(
      picture.targets.flatMap(({ target, usualMs }) => (usualMs === undefined ? [] : [[target, usualMs]])),
    ),
    lastCheckedAt,
    failedCheck,
    now,
    compiles: useCase.compile !== undefined && isCompiledFrom(job.provider),
    packages: useCase.components !== undefined,
    shows: sageMakerNames(useCase),
    rerun,
    curves: picture.curves ?? reportedCurves(job),
    start,
    stop,
  };
}

// --- What a button is about --------------------------------------------------------------------------

/** A job, a target of it, or one attempt for it. Names have no spaces. */
export interface JobRef {
  useCase: string;
  job: string;
  target?: string | undefined;
}

export function writeRef({ useCase, job, target }: JobRef): string {
  return [useCase, job, ...(target === undefined ? [] : [target])].join(' ');
}

/** What a button about one compilation carries. */
export const attemptRef = (
  useCase: string,
  { job, target }: Pick<CompilationAttempt, 'job' | 'target'>,
): string => writeRef({ useCase, job, target });

/** @returns undefined for what was not written by `writeRef` */
export function readRef(text: string): JobRef | undefined {
  const [useCase, job, target] = text.split(' ');
  return useCase && job ? { useCase, job, target } : undefined;
}

// --- Words -------------------------------------------------------------------------------------------

export function stateOf(facts: JobFacts): OverallState {
  return jobCompilations(facts.job, facts.attempts, facts.targets);
}

export function statesOf(facts: JobFacts): TargetState[] {
  return targetStates(facts.attempts, facts.targets);
}

/** `🌗 partly compiled · 2/4 compiled`; empty where there is nothing to compile. */
export function overallWords({ applies, label, total, count }: OverallState): string {
  if (!applies) return '';
  return total === 0
    ? `${label.symbol} *${label.word}*`
    : `${label.symbol} *${label.word}* · ${count} compiled`;
}

export function trainingWords(facts: JobFacts): string {
  const { job, now } = facts;
  const label = trainingLabel(job);
  const begin = job.startedAt ?? job.createdAt;
  const time = isFinished(job)
    ? job.endedAt === undefined
      ? ''
      : `took ${duration(job.endedAt - begin)}`
    : `for ${duration(now - begin)}`;
  return [
    `${label.symbol} *${PROVIDERS[job.provider].work} ${plain(label.word, 60)}*${onProvider(job.provider)}`,
    isFinished(job) ? '' : plain(standingOf(job)[1] ?? '', 60),
    time,
    machine(job),
    isFinished(job) || job.costPerHour === undefined ? '' : `${dollars(job.costPerHour)} an hour`,
    `created ${moment(job.createdAt)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** `:repeat: Run again from \`train-a\` by ada · \`batch-size: 8 → 4\``, or its template; empty for any other job. */
export function rerunWords({ rerun, start }: Pick<JobFacts, 'rerun' | 'start'>): string {
  if (!rerun && start)
    return `:arrow_forward: From the template ${code(start.template)} by ${plain(start.byName, 80)}`;
  if (!rerun) return '';
  const from = `:repeat: Run again from ${code(rerun.of)} by ${plain(rerun.byName, 80)}`;
  return [from, changesWords(rerun.changes)].filter((part) => part !== '').join(' · ');
}

/** `✅ processing completed`: where a job stands, in a list. */
export function standingInList(job: Pick<TrainingJob, 'provider' | 'state' | 'status'>): string {
  const { symbol, word } = trainingLabel(job);
  return `${symbol} ${PROVIDERS[job.provider].work.toLowerCase()} ${plain(word, 60)}`;
}

/** `:octagonal_sign: Stopped by ben`; empty where nobody had it stopped here, or it ended otherwise all the same. */
export function stopWords({ job, stop }: Pick<JobFacts, 'job' | 'stop'>): string {
  if (!stop || (isFinished(job) && job.state !== 'stopped')) return '';
  return `:octagonal_sign: ${isFinished(job) ? 'Stopped' : 'Being stopped'} by ${plain(stop.byName, 80)}`;
}

const CHANGES_SHOWN = 5;

/** How a run differs from the one that it repeats. */
export function changesWords(changes: readonly string[]): string {
  if (changes.length === 0) return 'unchanged';
  const shown = changes.slice(0, CHANGES_SHOWN).map((change) => code(change, 120));
  const more = changes.length - shown.length;
  return `${shown.join(' ')}${more > 0 ? ` … ${more} more` : ''}`;
}

/** For a job that has ended, where its provider can start it again. */
export function runAgainButton(job: TrainingJob): Button | undefined {
  if (!isFinished(job) || !PROVIDERS[job.provider].startsAgain) return undefined;
  return button('Run again…', TRAIN.again, writeRef({ useCase: job.useCase, job: jobKey(job) }));
}

/** For a completed job whose model can be compiled. @param compiles whether its use case has compile settings */
export function compileButton(
  job: Pick<TrainingJob, 'useCase' | 'provider' | 'name' | 'state'>,
  compiles: boolean,
  style?: 'primary',
): Button | undefined {
  if (!compiles || !leavesModel(job)) return undefined;
  return button('Compile…', COMPILE.open, writeRef({ useCase: job.useCase, job: jobKey(job) }), style);
}

export function machine({ instanceType, instanceCount }: TrainingJob): string {
  if (!instanceType) return '';
  return `${instanceCount !== undefined && instanceCount > 1 ? `${instanceCount} × ` : ''}${plain(instanceType, 160)}`;
}

/** What a job costs an hour and, once it has ended, in all; undefined where its provider does not say. */
export function costWords(job: TrainingJob): string | undefined {
  const { costPerHour, startedAt, createdAt, endedAt } = job;
  if (costPerHour === undefined) return undefined;
  const anHour = `${dollars(costPerHour)} an hour`;
  if (!isFinished(job) || endedAt === undefined) return anHour;
  return `${anHour}, about ${dollars((costPerHour * (endedAt - (startedAt ?? createdAt))) / 3_600_000)} in all`;
}

/** `$0.44`; `$0.169` where the third digit counts. */
export function dollars(value: number): string {
  const rounded = Math.round(value * 1_000) / 1_000;
  return `$${rounded.toFixed(Number.isInteger(Math.round(rounded * 1_000) / 10) ? 2 : 3)}`;
}

/**
 * `✅ *x86_64-cpu* compiled · took 12 min 4 s (usually 11 min)`. Elapsed against usual is all the progress there is:
 * Neo gives no percentage.
 */
export function targetWords(state: TargetState, facts: Pick<JobFacts, 'usual' | 'now'>): string {
  const { attempt, label, target } = state;
  const usual = facts.usual.get(target);
  const usually = usual === undefined ? '' : ` (usually ${duration(usual)})`;
  const parts = [`${label.symbol} *${plain(target, 60)}* ${plain(label.word, 60)}`];
  if (!attempt) return usual === undefined ? parts[0]! : `${parts[0]!} · usually takes ${duration(usual)}`;
  const time = duration(elapsedMs(attempt, facts.now));
  if (isLive(attempt)) parts.push(`for ${time}${usually}`);
  else if (isSuccessful(attempt)) parts.push(`took ${time}${usually}`);
  else parts.push(`after ${time}`);
  if (state.attempts > 1) parts.push(`${state.attempts} attempts`);
  return parts.join(' · ');
}

/** An attempt's status as symbol and word. */
export function statusWords(attempt: CompilationAttempt): string {
  const { symbol, word } = statusLabel(currentStatus(attempt));
  return `${symbol} ${plain(word, 60)}`;
}

export function artifactLine(attempt: CompilationAttempt): string {
  return attempt.artifact === undefined ? '' : code(attempt.artifact, 600);
}

/** The component made from an attempt, the newest one. */
export function componentOf(facts: Pick<JobFacts, 'components'>, attempt: string): Component | undefined {
  return facts.components.filter(({ chain }) => chain.attempt === attempt).at(-1);
}

/** Who started something, where mentions ping nobody (a modal, or what one person sees). */
export function starter(actor: Actor): string {
  if (isBackgroundActor(actor)) return 'Signalbox itself';
  return actor.team === 'cli' ? plain(actor.user, 80) : mention(actor.user);
}

// --- Failures ----------------------------------------------------------------------------------------

/** AWS's own words, as they came but for secrets; how many of them fit is for the caller to say. */
export function verbatim(words: string, limit: number): { block: string; whole: boolean } {
  const masked = maskSecrets(words);
  const block = codeBlock(masked, limit);
  return { block, whole: !block.includes(' … (cut at ') && escapeMrkdwn(masked).length < limit };
}

export function guidanceLines({ cause, fix, link: page }: FailureAdvice): string {
  const more = page ? ` ${link(page.url, page.title)}` : '';
  return `*Cause:* ${plain(cause, 500)}\n*What to do:* ${plain(fix, 500)}${more}`;
}

const REASON_SHOWN = 700;

/** Why something failed, where there is room for it: what is known of it, and the service's own words. */
export function whyBlocks(why: {
  guidance?: FailureAdvice | undefined;
  reason?: string | undefined;
}): Block[] {
  const { guidance, reason } = why;
  return [
    ...(guidance ? [section(guidanceLines(guidance))] : []),
    ...(reason ? [section(`*Reported:*\n${verbatim(reason, REASON_SHOWN).block}`)] : []),
  ];
}

/** How a compilation failed or was stopped; undefined for any other. */
export function compilationAdvice(attempt: CompilationAttempt): FailureAdvice | undefined {
  const status = currentStatus(attempt);
  if (status !== 'FAILED' && (status !== 'STOPPED' || attempt.failureReason === undefined)) return undefined;
  return adviceForCompilation(status, attempt.failureReason);
}

// --- How fresh it is ---------------------------------------------------------------------------------

/** `As of 14:02`, and since when AWS gives no answer. */
export function freshness({ failedCheck, lastCheckedAt }: JobFacts): string[] {
  if (!failedCheck || failedCheck.at < lastCheckedAt) return [`As of ${instant(lastCheckedAt)}`];
  return [
    `:warning: *Last checked ${instant(lastCheckedAt)}.* Asked again ${instant(failedCheck.at)} and got no answer: ${plain(failedCheck.message, 300)}`,
  ];
}
