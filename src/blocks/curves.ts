/** What is said and shown of runs' curves: on a card, on request, and where there are none. */
import type { CurveSummary, CurvesCut, MetricTold } from '../domain/curve-summary.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { chartBlock } from './chart.ts';
import { type JobRef, readRef, writeRef } from './job-facts.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Button, Message } from './message.ts';
import { actions, button, code, codeBlock, context, group, plain, section } from './text.ts';

export const CURVES = {
  show: 'curves.show',
  /** As `show`, chosen from a menu of runs. */
  of: 'curves.of',
  picture: 'curves.picture',
  log: 'curves.log',
  csv: 'curves.csv',
  compare: 'curves.compare',
  form: 'curves.compare_form',
  job: 'curves.job',
} as const;

/** Runs that are compared: more lines than these are not told apart. */
export const RUNS_COMPARED = 6;

export function writeRefs(refs: readonly JobRef[]): string {
  return refs.map(writeRef).join('\n');
}

/** @returns undefined for what was not written by `writeRefs`, or is more than can be compared */
export function readRefs(value: string): [JobRef, ...JobRef[]] | undefined {
  const refs = value.split('\n').map(readRef);
  const [first] = refs;
  if (!first || refs.length > RUNS_COMPARED || refs.some((ref) => ref === undefined)) return undefined;
  return refs as [JobRef, ...JobRef[]];
}

/** It may have printed something, and it is a run of its own. */
export const mayHaveCurves = ({ state, provider }: Pick<TrainingJob, 'state' | 'provider'>): boolean =>
  state !== 'pending' && PROVIDERS[provider].noCurves !== true;

/** For every card and details view of a job that may have printed something. */
export function curvesButton(
  job: Pick<TrainingJob, 'useCase' | 'name' | 'provider' | 'state'>,
): Button | undefined {
  if (!mayHaveCurves(job)) return undefined;
  return button('Curves', CURVES.show, writeRef({ useCase: job.useCase, job: jobKey(job) }));
}

export function furtherButtons(refs: readonly JobRef[]): Block[] {
  const value = writeRefs(refs);
  return actions(
    button('As picture', CURVES.picture, value),
    button('Logarithmic', CURVES.log, value),
    button('CSV', CURVES.csv, value),
  );
}

// --- A metric in words -------------------------------------------------------------------------------

function metricLine({ name, last, lastAt, best, bestAt, course, notFinite, count }: MetricTold): string {
  const parts = [
    `*${last}*${lastAt === undefined ? '' : ` at ${lastAt}`}`,
    best === undefined ? '' : best === last && bestAt === lastAt ? 'its best' : `best *${best}* at ${bestAt}`,
    notFinite === 0 ? '' : `${group(notFinite)} of ${group(count)} not finite`,
  ];
  const drawn = course === '' ? '' : `  ${course}`;
  return `${code(name, 80)} ${parts.filter((part) => part !== '').join(' · ')}${drawn}`;
}

export function metricLines({ values, more }: CurveSummary): string[] {
  return [
    ...values.map(metricLine),
    ...(more > 0 ? [`… ${more} more ${more === 1 ? 'metric' : 'metrics'}`] : []),
  ];
}

/** For a message's text: `val_loss last 0.21, best 0.2 at epoch 8`. */
function metricsInShort({ values }: Pick<CurveSummary, 'values'>): string {
  return values
    .slice(0, 3)
    .map(
      ({ name, last, best, bestAt }) =>
        `${code(name, 60)} last ${last}${best === undefined ? '' : `, best ${best} at ${bestAt}`}`,
    )
    .join('; ');
}

// --- On a card ---------------------------------------------------------------------------------------

/** @returns blocks with Slack's chart, and those without */
export function cardCurves(summary: CurveSummary | undefined): { blocks: Block[]; fallback: Block[] } {
  if (!summary || summary.values.length === 0) return { blocks: [], fallback: [] };
  const words = section(metricLines(summary).join('\n'));
  const [chart] = summary.charts;
  return { blocks: [...(chart ? [chartBlock(chart)] : []), words], fallback: [words] };
}

// --- On request --------------------------------------------------------------------------------------

export interface CurvesFacts {
  job: TrainingJob;
  useCase: Pick<UseCase, 'id' | 'name'>;
  summary: CurveSummary;
  /** Only the service reported them. */
  reported: readonly string[];
  linesRead: number;
  droppedNames: number;
  epochs?: { at: number; of?: number | undefined } | undefined;
  cut?: CurvesCut | undefined;
  streamsLeft: number;
  unusable: readonly string[];
  noLog: boolean;
  by: string | undefined;
}

export function curvesMessage(facts: CurvesFacts): Message {
  const { job, useCase, summary } = facts;
  const ref = { useCase: useCase.id, job: jobKey(job) };
  const title = `*Curves of ${code(job.name)}* · ${plain(useCase.name, 100)}`;
  const words = [
    section([title, progress(facts)].filter((line) => line !== '').join('\n')),
    section(metricLines(summary).join('\n')),
  ];
  const foot = [...notes(facts).map((note) => context(note)), ...furtherButtons([ref])];
  const charts = summary.charts.map(chartBlock);
  return {
    text: `Curves of ${code(job.name)}: ${metricsInShort(summary)}`,
    blocks: [words[0]!, ...charts, words[1]!, ...foot],
    ...(charts.length > 0 ? { fallback: [...words, ...foot] } : {}),
  };
}

function progress({ job, epochs, by }: CurvesFacts): string {
  const at = epochs && `epoch ${group(epochs.at)}${epochs.of === undefined ? '' : ` of ${group(epochs.of)}`}`;
  const state = isFinished(job) ? '' : 'still running';
  return [at ?? '', state, by === undefined ? '' : `asked for by ${plain(by, 80)}`]
    .filter((part) => part !== '')
    .join(' · ');
}

/** What the charts and values do not show by themselves. */
function notes(facts: Omit<CurvesFacts, 'job' | 'useCase' | 'by'>): string[] {
  const { summary, cut, reported, droppedNames, streamsLeft, unusable } = facts;
  const short = summary.charts.filter(({ at, of }) => of > at.length);
  const back = summary.values.filter(({ restarts }) => restarts > 0);
  const names = (all: readonly string[]): string => {
    const shown = all.slice(0, 5).map((name) => code(name, 60));
    return `${shown.join(', ')}${all.length > shown.length ? ` and ${all.length - shown.length} more` : ''}`;
  };
  return [
    cut ? cutWords(cut) : '',
    short.length > 0
      ? `A chart shows ${Math.max(...short.map(({ at }) => at.length))} places of up to ${group(Math.max(...short.map(({ of }) => of)))} reports: first, last, lowest and highest are among them.`
      : '',
    back.length > 0
      ? `The run went back to a checkpoint (${names(back.map(({ name }) => name))}): what was trained twice is shown as it was the last time.`
      : '',
    reported.length > 0 ? `Reported by the service, as last values alone: ${names(reported)}.` : '',
    droppedNames > 0 ? `${group(droppedNames)} further names of metrics were left out.` : '',
    streamsLeft > 0
      ? `Of ${group(streamsLeft)} further machines the log was not read: the first ones stand for all.`
      : '',
    unusable.length > 0 ? `Metric definitions of the job that cannot be used here: ${names(unusable)}.` : '',
  ].filter((note) => note !== '');
}

const cutWords = ({ by, tail }: CurvesCut): string =>
  `:warning: Only the last ${group(tail)} lines were read: ${by === 'size' ? 'the log is very large' : 'reading all of it took too long'}.`;

const KNOWN = [
  'loss=0.12 acc: 93.1 %',
  'Epoch 3/10 … loss: 0.1234 - val_loss: 0.2345',
  "{'loss': 0.12, 'epoch': 1.0}",
  '[12]\ttrain-rmse:0.1\tvalidation-rmse:0.2',
  "[12]\ttraining's l2: 0.1\tvalid_0's l2: 0.2",
];

/** Nothing that counts as a metric. */
export function noCurves(
  facts: Pick<CurvesFacts, 'job' | 'useCase' | 'linesRead' | 'noLog' | 'cut' | 'unusable'>,
): Message {
  const { job, useCase, linesRead, noLog, cut, unusable } = facts;
  const ref = writeRef({ useCase: useCase.id, job: jobKey(job) });
  if (noLog)
    return {
      text: `No curves of ${code(job.name)} yet: it has no log.`,
      blocks: [
        section(
          `:mag: *No curves of ${code(job.name)} ${isFinished(job) ? '' : 'yet'}*\nThere is no log ${isFinished(job) ? 'of it (any more)' : 'yet: the first lines come once its machines are up'}, and the service reports no metrics.`,
        ),
        ...actions(button('Retry', CURVES.show, ref)),
      ],
    };
  const read = `${group(linesRead)} ${linesRead === 1 ? 'line' : 'lines'}`;
  return {
    text: `No metrics found in ${read} of the log of ${code(job.name)}.`,
    blocks: [
      section(`:mag: *No metrics found in ${read} of the log of ${code(job.name)}*`),
      ...(cut ? [context(cutWords(cut))] : []),
      section(`Formats that are known:\n${codeBlock(KNOWN.join('\n'))}`),
      section(
        `For any other, an admin of Signalbox adds a pattern to the use case in signalbox.yaml. This one finds ${code('>> score 0.93 @ 1200')}:\n${codeBlock("metrics:\n  patterns:\n    - { name: score, pattern: '>> score (?<value>\\S+) @ (?<step>\\d+)' }")}`,
      ),
      ...(unusable.length > 0
        ? [
            context(
              `Metric definitions of the job that cannot be used here: ${unusable
                .slice(0, 5)
                .map((name) => code(name, 60))
                .join(', ')}`,
            ),
          ]
        : []),
      ...actions(button('Retry', CURVES.show, ref), getLogsButton(useCase.id, jobKey(job))),
    ],
  };
}
