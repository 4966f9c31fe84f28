/** A run that is watched in Slack: the message with the end of its log, and how it ends. */
import { LIMITS } from '#sandbox/block-kit';
import { nameOfJob, readJobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { onProvider, PROVIDERS } from '../domain/providers.ts';
import type { RunEnd } from '../domain/runs.ts';
import { isDirectTail, type Tail, type TailEnd, type Watcher } from '../domain/tails.ts';
import { standingOf, type TRAINING_STATE_LABELS, trainingLabel } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import { COMPILE } from './compile-ids.ts';
import { compileButton, runAgainButton, writeRef } from './job-facts.ts';
import { openLiveButton } from './live.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Button, Message } from './message.ts';
import {
  actions,
  button,
  code,
  codeBlock,
  context,
  duration,
  group,
  instant,
  moment,
  plain,
  section,
} from './text.ts';

export const WATCH = { start: 'watch.start', stop: 'watch.stop', resume: 'watch.resume' } as const;

/** On everything that is about a run that goes on. @param job its key */
export function watchButton(useCase: string, job: string): Button | undefined {
  return button('Watch', WATCH.start, writeRef({ useCase, job }));
}

export interface TailFacts {
  tail: Tail;
  useCase: Pick<UseCase, 'id' | 'name' | 'compile'>;
  /** As it was last seen; undefined: it is not known any more. */
  training: TrainingJob | undefined;
  /** The end of the log, secrets masked, oldest line first. */
  lines: readonly string[];
  /** When the log last changed; undefined: nobody has read any of it yet. */
  at: EpochMs | undefined;
  /** What keeps the log from going on. */
  note?: string | undefined;
  /** How the run ended, if it has. */
  end?: RunEnd | undefined;
  canOpen: boolean;
}

/** Lines in the message at most: as many as a screen has. */
export const TAIL_LINES = 20;
/** Characters of a line that are shown, half of them from its end: there a bar says how far it is. */
const LINE_SHOWN = 240;
const NAMES_SHOWN = 3;

export function tailMessage(facts: TailFacts): Message {
  const { tail } = facts;
  return tail.ended ? endedMessage(facts, tail.ended) : goingMessage(facts);
}

/** What it says apart from the lines: where that is the same, only the log has gone on. */
export function tailSays({ tail, training, note, end }: TailFacts): string {
  const { state, phase, status, secondaryStatus } = training ?? {};
  return JSON.stringify([
    tail.ended,
    tail.until,
    tail.watchers,
    state,
    phase,
    status,
    secondaryStatus,
    note,
    end,
  ]);
}

function goingMessage(facts: TailFacts): Message {
  const { tail, useCase, at, note } = facts;
  const name = code(nameOfJob(tail.job));
  const title = `:eyes: *Watching ${name}* · ${plain(useCase.name, 100)}`;
  const standing = standingWords(facts);
  return {
    text: `Watching ${name}`,
    blocks: [
      section(standing === '' ? title : `${title}\n${standing}`),
      ...(note === undefined ? [] : [context(`:warning: ${plain(note, 1500)}`)]),
      ...shownLines(facts.lines, note === undefined ? 'Nothing has been printed yet.' : undefined),
      ...actions(button('Stop watching', WATCH.stop, tailRef(tail)), ...ways(facts, false)),
      context(
        [
          at === undefined ? '' : `As of ${instant(at)}`,
          forWhom(tail) && `for ${forWhom(tail)}`,
          `stops by itself ${moment(tail.until)}`,
        ]
          .filter((part) => part !== '')
          .join(' · '),
      ),
    ],
  };
}

function endedMessage(facts: TailFacts, ended: TailEnd): Message {
  const { tail, useCase, training, end, note } = facts;
  const words = ended.why === 'run' ? runEndWords(facts) : whyWords(tail, ended);
  const ref = writeRef({ useCase: useCase.id, job: tail.job });
  const ofRun = ended.why === 'run';
  const standing = ofRun ? '' : standingWords(facts);
  return {
    text: words,
    blocks: [
      section(`${words}${standing === '' ? '' : `\n${standing}`}`),
      ...(ofRun && end === undefined && note !== undefined
        ? [context(`:warning: ${plain(note, 1500)}`)]
        : []),
      // Whoever may not read them must not find them here either.
      ...(ended.why === 'rights' ? [] : shownLines(facts.lines, ofRun ? 'It printed nothing.' : undefined)),
      ...actions(
        ofRun ? undefined : button('Resume', WATCH.resume, tailRef(tail), 'primary'),
        ...ways(facts, ofRun),
        ofRun && end?.state === 'completed'
          ? compileButton(
              { ...readJobKey(tail.job), useCase: useCase.id, state: end.state },
              useCase.compile !== undefined,
            )
          : undefined,
        ofRun && training && end?.state !== 'completed' ? runAgainButton(training) : undefined,
        button('Details', COMPILE.details, ref),
      ),
      context(`Watched${forWhom(tail) && ` for ${forWhom(tail)}`} · ended ${instant(ended.at)}`),
    ],
  };
}

const tailRef = ({ useCase, job, id }: Tail): string => writeRef({ useCase, job, target: id });

const ways = ({ tail, useCase, canOpen }: TailFacts, ended: boolean): (Button | undefined)[] => [
  canOpen ? openLiveButton(useCase.id, tail.job, { ended }) : undefined,
  getLogsButton(useCase.id, tail.job),
];

/** `⏳ *Training running* on the local runner · for 12 min 4 s`: as of when the log last changed. */
function standingWords({ training, at }: TailFacts): string {
  if (!training) return '';
  const label = trainingLabel(training);
  const { startedAt, createdAt, endedAt, provider } = training;
  const until = endedAt ?? at;
  return [
    `${label.symbol} *${PROVIDERS[provider].work} ${plain(label.word, 60)}*${onProvider(provider)}`,
    plain(standingOf(training)[1] ?? '', 60),
    until === undefined ? '' : `for ${duration(until - (startedAt ?? createdAt))}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

const ENDS: Readonly<Record<RunEnd['state'], keyof typeof TRAINING_STATE_LABELS>> = {
  completed: 'completed',
  failed: 'failed',
  stopped: 'stopped',
  lost: 'other',
};

/** `❌ *Training failed*: \`press-1\` · exit code 1 · took 12 min 4 s` */
function runEndWords({ tail, training, end }: TailFacts): string {
  const name = code(nameOfJob(tail.job));
  const took =
    training === undefined
      ? ''
      : `took ${duration((end?.at ?? training.endedAt ?? training.createdAt) - (training.startedAt ?? training.createdAt))}`;
  if (end?.state === 'lost')
    return `:grey_question: *Nobody saw how ${name} ended*: its process or its job is gone, and whether it was done is not known`;
  const state = end ? ENDS[end.state] : undefined;
  const label = trainingLabel(
    state === undefined || state === 'other'
      ? (training ?? { state: 'unknown', status: 'ended' })
      : { state, status: state },
  );
  return [
    `${label.symbol} *${PROVIDERS[readJobKey(tail.job).provider].work} ${plain(label.word, 60)}*: ${name}`,
    end?.exitCode == null ? '' : `exit code ${end.exitCode}`,
    end?.signal ? `ended by ${code(end.signal, 40)}` : '',
    took,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

function whyWords(tail: Tail, { why, by }: TailEnd): string {
  const title = `:double_vertical_bar: *Not watching ${code(nameOfJob(tail.job))} any more*`;
  switch (why) {
    case 'time':
      return `${title}: two hours have passed since somebody asked for it`;
    case 'stopped':
      return `${title}: ${nameOf(by)} has stopped it`;
    case 'rights':
      return isDirectTail(tail)
        ? `${title}: you may not read this log any more`
        : `${title}: nobody who asked for it may read this log here any more`;
    default:
      return `${title}: I could not write here`;
  }
}

const nameOf = (one: Watcher | undefined): string => plain(one?.name?.trim() || 'somebody', 80);

/** Empty if Slack told nobody's name, as after a mention. */
function forWhom({ watchers }: Tail): string {
  if (watchers.every(({ name }) => !name?.trim())) return '';
  const names = watchers.map(nameOf);
  const shown = names.slice(-NAMES_SHOWN);
  const more = names.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** @param none what is said where there are none */
function shownLines(lines: readonly string[], none: string | undefined): Block[] {
  if (lines.length === 0) return none === undefined ? [] : [section(`_${none}_`)];
  const wanted = lines.slice(-TAIL_LINES);
  let from = 0;
  const title = (): string => {
    const shown = wanted.slice(from);
    const long = shown.filter((line) => line.length > LINE_SHOWN).length;
    const words = [
      shown.length === 1 ? '*The last line*' : `*The last ${shown.length} lines*`,
      from === 0 ? '' : 'more do not fit',
      long === 0 ? '' : long === 1 ? 'a long one is shortened' : `${long} long ones are shortened`,
    ];
    return words.filter((part) => part !== '').join(', ');
  };
  const block = (): string =>
    `${title()}\n${codeBlock(wanted.slice(from).map(shortened).join('\n'), LIMITS.section.text * 2)}`;
  // The end is what counts: the beginning goes first.
  while (block().length > LIMITS.section.text && from < wanted.length - 1) from += 1;
  return [section(block())];
}

/** Of a long line both ends, and how much is left out between them. */
function shortened(line: string): string {
  if (line.length <= LINE_SHOWN) return line;
  const half = LINE_SHOWN / 2;
  const start = line.slice(0, half).replace(/[\ud800-\udbff]$/, '');
  const end = line.slice(-half).replace(/^[\udc00-\udfff]/, '');
  return `${start} … ${group(line.length - start.length - end.length)} characters left out … ${end}`;
}

// --- What only who pressed it sees -------------------------------------------------------------------

/** `behind`: in the channel behind the window in which it was asked for. */
export type TailWhere = 'here' | 'behind' | 'card' | 'direct';

export type TailAnswer =
  | { kind: 'begun' | 'going'; where: TailWhere; why?: string | undefined }
  | { kind: 'ended'; useCase: string; training: TrainingJob; canOpen: boolean };

/** @returns undefined: the message itself, beside where they are, says it all */
export function tailAnswer(job: string, answer: TailAnswer): Message | undefined {
  const name = code(nameOfJob(job));
  if (answer.kind === 'ended') {
    const { useCase, training, canOpen } = answer;
    const label = trainingLabel(training);
    const line = `${label.symbol} ${name} is not running any more: training ${plain(label.word, 60)}.`;
    return {
      text: line,
      blocks: [
        section(line),
        ...actions(
          getLogsButton(useCase, job),
          canOpen ? openLiveButton(useCase, job, { ended: true }) : undefined,
          button('Details', COMPILE.details, writeRef({ useCase, job })),
        ),
      ],
    };
  }
  if (answer.kind === 'begun' && answer.where === 'here') return undefined;
  const where = {
    here: 'here',
    behind: 'in the channel behind this window',
    card: 'in the thread of its card',
    direct: `in a direct message${answer.why === undefined ? '' : `, because ${answer.why}`}`,
  }[answer.where];
  const text =
    answer.kind === 'begun'
      ? `:eyes: You can watch ${name} ${where}.`
      : `:eyes: ${name} is being watched ${where} already. It goes on for two more hours.`;
  return { text, blocks: [section(text)] };
}

/** @param invocation as the person would type it: `/signalbox watch` */
export function watchUsage(invocation: string): Message {
  const line = `${code(`${invocation} <job>`)} shows the end of a running job’s log in a message that follows it.`;
  return {
    text: line,
    blocks: [
      section(line),
      context('It goes on for two hours, or until the run ends. *Watch* on a job’s card does the same.'),
    ],
  };
}
