/** Several runs' curves side by side: choosing them, and what comes of it. */
import { LIMITS } from '#sandbox/block-kit';
import { ranked, type SharedMetric } from '../domain/compare-runs.ts';
import { bestOf, type NamedSeries, type ShortChart, shortChart } from '../domain/curves.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { metricValue, placeWords } from '../domain/metric-words.ts';
import { onProvider } from '../domain/providers.ts';
import { trainingLabel } from '../domain/training-states.ts';
import { chartBlock } from './chart.ts';
import { CURVES, furtherButtons, RUNS_COMPARED } from './curves.ts';
import type { JobRef } from './job-facts.ts';
import type { Block, Message, Modal } from './message.ts';
import { code, context, label, plain, section } from './text.ts';

/** Block id of the form's field. */
export const COMPARE_FIELD = 'runs';

export function compareForm(metadata: string): Modal {
  return {
    type: 'modal',
    callback_id: CURVES.form,
    title: { type: 'plain_text', text: 'Compare curves' },
    submit: { type: 'plain_text', text: 'Compare' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: metadata,
    blocks: [
      {
        type: 'input',
        block_id: COMPARE_FIELD,
        label: { type: 'plain_text', text: 'Runs' },
        hint: {
          type: 'plain_text',
          text: `Two to ${RUNS_COMPARED}. Each metric that two of them share becomes a chart.`,
        },
        element: {
          type: 'multi_external_select',
          action_id: CURVES.job,
          placeholder: { type: 'plain_text', text: 'Type a part of a name' },
          min_query_length: 0,
          max_selected_items: RUNS_COMPARED,
        },
      },
    ],
  };
}

export interface ComparisonFacts {
  runs: readonly { ref: JobRef; job: TrainingJob }[];
  shared: readonly SharedMetric[];
  /** Runs without any metric. */
  without: readonly string[];
  /** Whose log was read in part only. */
  cut: readonly string[];
  by: string | undefined;
}

/** Rows of the table, its heading aside. */
const ROWS = 60;
const CHARTS = LIMITS.dataVisualization.perMessage;

export function comparisonCharts(shared: readonly SharedMetric[]): {
  charts: ShortChart[];
  needsPicture: boolean;
} {
  const charts: ShortChart[] = [];
  let needsPicture = false;
  for (const { title, series } of shared) {
    const curves = series.filter(({ count }) => count > 1);
    if (curves.length < 2) continue;
    const chart =
      curves.length <= RUNS_COMPARED
        ? shortChart(title, curves, LIMITS.dataVisualization.categories)
        : undefined;
    if (chart && charts.length < CHARTS) charts.push(chart);
    // One that did not fit into this message is in the picture that the button makes.
    else needsPicture ||= !chart;
  }
  return { charts, needsPicture };
}

export function comparisonMessage(facts: ComparisonFacts): Message {
  const { runs, shared, without, cut, by } = facts;
  const names = runs.map(({ job }) => code(job.name, 100));
  const head = section(
    [
      `*${runs.length} runs compared*${by === undefined ? '' : ` for ${plain(by, 80)}`}`,
      ...runs.map(({ job }) => {
        const { symbol, word } = trainingLabel(job);
        return `• ${code(job.name, 100)} ${symbol} training ${plain(word, 60)}${onProvider(job.provider)}`;
      }),
    ].join('\n'),
  );
  const foot = [
    ...(without.length > 0
      ? [context(`No metrics found: ${without.map((name) => code(name, 80)).join(', ')}`)]
      : []),
    ...(cut.length > 0
      ? [
          context(
            `:warning: Only the end of the log was read: ${cut.map((name) => code(name, 80)).join(', ')}`,
          ),
        ]
      : []),
    ...furtherButtons(runs.map(({ ref }) => ref)),
  ];
  const text = `Compared: ${names.join(', ')}`;
  if (shared.length === 0) return { text, blocks: [head, section(':mag: They share no metric.'), ...foot] };
  const rows = rowsOf(shared);
  const left = shared.length - new Set(rows.map(({ metric }) => metric)).size;
  const more = left > 0 ? [context(`… ${left} more ${left === 1 ? 'metric' : 'metrics'} in the CSV`)] : [];
  const charts = comparisonCharts(shared).charts.map(chartBlock);
  return {
    text: `${text}. ${rows
      .slice(0, 2)
      .map(({ metric, run, best, last }) => `${code(metric, 60)} ${plain(run, 40)}: ${best ?? last}`)
      .join('; ')}`,
    blocks: [head, ...charts, table(rows), ...more, ...foot],
    fallback: [head, ...lists(rows), ...more, ...foot],
  };
}

interface Row {
  metric: string;
  run: string;
  last: string;
  best: string | undefined;
  at: string;
}

function rowsOf(shared: readonly SharedMetric[]): Row[] {
  const rows: Row[] = [];
  for (const metric of shared) {
    if (rows.length + metric.series.length > ROWS) break;
    rows.push(...ranked(metric).map((one) => rowOf(metric.title, one)));
  }
  return rows;
}

function rowOf(metric: string, series: NamedSeries): Row {
  const best = bestOf(series);
  return {
    metric,
    run: series.called ?? '',
    last: `${metricValue(series.last.value)} at ${placeWords(series.x, series.last)}`,
    ...(best
      ? { best: metricValue(best.value), at: placeWords(series.x, best) }
      : { best: undefined, at: '' }),
  };
}

/** The best of each metric stands first. */
function table(rows: readonly Row[]): Block {
  const cell = (text: string, limit: number) => ({ type: 'raw_text' as const, text: label(text, limit) });
  return {
    type: 'data_table',
    caption: 'Last and best values, the best run of each metric first',
    page_size: 20,
    row_header_column_index: 0,
    rows: [
      ['Metric', 'Run', 'Best', 'at', 'Last'].map((text) => cell(text, 20)),
      ...rows.map(({ metric, run, best, at, last }) => [
        cell(metric, 40),
        cell(run, 30),
        cell(best ?? '–', 20),
        cell(at === '' ? '–' : at, 30),
        cell(last, 40),
      ]),
    ],
  };
}

function lists(rows: readonly Row[]): Block[] {
  const metrics = [...new Set(rows.map(({ metric }) => metric))].slice(0, 12);
  return metrics.map((metric) =>
    section(
      [
        `*${code(metric, 80)}*`,
        ...rows
          .filter((row) => row.metric === metric)
          .map(
            ({ run, best, at, last }) =>
              `• ${code(run, 40)} ${best === undefined ? '' : `best *${best}* at ${at} · `}last ${last}`,
          ),
      ].join('\n'),
    ),
  );
}
