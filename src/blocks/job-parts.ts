/** What a job is made of: the training jobs of a tuning job, the steps of a pipeline; on its card and in its details. */
import { LIMITS } from '#sandbox/block-kit';
import { exactWord, readJobKey } from '../domain/job-keys.ts';
import type { JobPart, JobParts } from '../domain/job-parts.ts';
import type { JobState } from '../domain/job-states.ts';
import { isFinished } from '../domain/jobs.ts';
import { wholeLog } from '../domain/log-order.ts';
import type { ProviderName } from '../domain/providers.ts';
import { trainingLabel } from '../domain/training-states.ts';
import { orderButton } from './log-buttons.ts';
import { LOGS } from './logs.ts';
import type { Block, Button } from './message.ts';
import { actions, code, context, duration, label, onOneLine, plain, section } from './text.ts';

/** Rows of a card's table, and lines where there is no table. */
const ON_CARD = 10;
const IN_LINES = 5;
const IN_DETAILS = 30;
/** Lines of one section: a section's text is limited. */
const LINES_EACH = 10;
const LOG_BUTTONS = 8;
const CAUSE_SHOWN = 300;
const STATES: readonly JobState[] = [
  'running',
  'pending',
  'stopping',
  'completed',
  'failed',
  'stopped',
  'unknown',
];

/** `*50 training jobs:* ✅ 37 completed · ❌ 12 failed · ⏳ 1 running`, and why those failed that failed. */
function partsWords({ thing, total, counts, causes }: JobParts): string {
  const sums = STATES.flatMap((state) => {
    const count = counts[state] ?? 0;
    const { symbol, word } = trainingLabel({ state, status: 'in another state' });
    return count === 0 ? [] : [`${symbol} ${count} ${word}`];
  });
  const why = causes.map(({ cause, count, example }) => {
    const words = onOneLine(cause, CAUSE_SHOWN);
    return count === 1
      ? `❌ ${code(example, 100)}: ${words}`
      : `❌ ${count} × ${words.replace(/\.$/, '')} (as ${code(example, 100)})`;
  });
  return [
    `*${total} ${thing}${total === 1 ? '' : 's'}${total === 0 ? '' : ':'}* ${sums.join(' · ')}`,
    ...why,
  ].join('\n');
}

/** The card's part: a table, or lines where a table cannot be shown. */
export function partsBlocks(parts: JobParts): { blocks: Block[]; fallback: Block[] } {
  const words = section(partsWords(parts));
  if (parts.shown.length === 0) return { blocks: [words], fallback: [words] };
  const shown = onCard(parts);
  return {
    blocks: [words, table(parts, shown)],
    fallback: [
      words,
      section(
        shown
          .slice(0, IN_LINES)
          .map((one) => line(one, parts.thing))
          .join('\n'),
      ),
      ...(parts.total > IN_LINES ? [context(`… ${parts.total - IN_LINES} more: see *Details*`)] : []),
    ],
  };
}

/** Of steps those count that did not simply run through; of training jobs the best. */
function onCard({ thing, shown }: JobParts): readonly JobPart[] {
  if (thing === 'training job' || shown.length <= ON_CARD) return shown.slice(0, ON_CARD);
  const chosen = new Set(
    [...shown]
      .sort((a, b) => Number(a.state === 'completed') - Number(b.state === 'completed'))
      .slice(0, ON_CARD),
  );
  return shown.filter((part) => chosen.has(part));
}

function table({ thing, total }: JobParts, shown: readonly JobPart[]): Block {
  const cell = (text: string, limit: number) => ({ type: 'raw_text' as const, text: label(text, limit) });
  const head =
    thing === 'step' ? ['State', 'Step', 'Job', 'Took'] : ['State', 'Training job', 'Objective', 'Took'];
  const rest = total > shown.length ? `, ${shown.length} of ${total}` : '';
  return {
    type: 'data_table',
    caption:
      thing === 'step' ? `Steps in the order of their start${rest}` : `Training jobs, the best first${rest}`,
    page_size: ON_CARD,
    row_header_column_index: 1,
    rows: [
      head.map((text) => cell(text, 20)),
      ...shown.map((part) => {
        const { symbol, word } = trainingLabel(part);
        const what = thing === 'step' ? [part.note, part.job && readJobKey(part.job).name] : [part.note];
        return [
          cell(`${symbol} ${word}`, 40),
          cell(part.name, 90),
          cell(what.filter(Boolean).join(' · ') || '–', 120),
          cell(tookOf(part) || '–', 30),
        ];
      }),
    ],
  };
}

const tookOf = ({ startedAt, endedAt }: JobPart): string =>
  startedAt === undefined || endedAt === undefined ? '' : duration(endedAt - startedAt);

function line(part: JobPart, thing: JobParts['thing']): string {
  const { symbol, word } = trainingLabel(part);
  const took = tookOf(part);
  // The symbol says it all.
  const state = part.state === 'completed' ? '' : plain(word, 40);
  // Of training jobs the objective's value: its name is the same in all.
  const note = plain((thing === 'step' ? part.note : part.note?.split(' ').at(-1)) ?? '', 150);
  return [`${symbol} ${code(part.name, 100)}`, state, ...(thing === 'step' ? [took, note] : [note, took])]
    .filter((text) => text !== '')
    .join(' · ');
}

/**
 * The details' part: as many as a window has room for, and a way to the logs of those that matter most.
 * @param shows the kinds of jobs that the use case shows: logs of others cannot be asked for
 */
export function partsDetails(parts: JobParts, useCase: string, shows: readonly ProviderName[]): Block[] {
  const listed = parts.shown.slice(0, IN_DETAILS);
  const sections: Block[] = [];
  const lines = listed.map((one) => line(one, parts.thing));
  for (let at = 0; at < lines.length; at += LINES_EACH)
    sections.push(section(lines.slice(at, at + LINES_EACH).join('\n')));
  const more = parts.total - listed.length;
  return [
    section(partsWords(parts)),
    ...sections,
    ...(more > 0 ? [context(`… ${more} more`)] : []),
    ...logButtons(parts, useCase, shows),
  ];
}

/** Of what failed, then of what runs, then of the best or the last. */
function logButtons({ shown, thing }: JobParts, useCase: string, shows: readonly ProviderName[]): Block[] {
  const rank = ({ state }: JobPart): number => (state === 'failed' ? 0 : isFinished({ state }) ? 2 : 1);
  const known = shown.filter(({ job }) => job !== undefined && shows.includes(readJobKey(job).provider));
  const ordered = [...(thing === 'step' ? known.toReversed() : known)].sort((a, b) => rank(a) - rank(b));
  const buttons = ordered
    .slice(0, LOG_BUTTONS)
    .map((part, index): Button | undefined =>
      orderButton(
        label(part.name, LIMITS.button.text),
        `${LOGS.get}:${index + 1}`,
        wholeLog(exactWord(part.job!), useCase),
      ),
    );
  return buttons.some((one) => one !== undefined) ? [context('Logs of:'), ...actions(...buttons)] : [];
}
