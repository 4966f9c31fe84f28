/** What somebody wants of a job's log: the arguments of `/logs` and of `signalbox logs`. */
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { EXAMPLE_JOB, parseJobName } from './job-names.ts';
import { DURATION_HINT, MOST_WORDS, parseDuration, parseTime, TIME_HINT, utcSecond } from './log-times.ts';
import { nearestNames } from './nearest-names.ts';

export interface LogQuery {
  job: string;
  /** Milliseconds since the epoch, inclusive. */
  since?: number | undefined;
  /** Milliseconds since the epoch, exclusive. Left out: the moment of the request. */
  until?: number | undefined;
  /** Milliseconds of an open range: how long before the request it begins. */
  span?: number | undefined;
  /** Only the last so many events. */
  tail?: number | undefined;
  /** Names or short names, `*` at the end matches the rest. */
  streams: readonly string[];
  match?: { kind: 'text' | 'regex'; pattern: string } | undefined;
  form: 'lines' | 'raw' | 'plain';
  /** To the asker alone instead of into the channel. */
  dm: boolean;
  useCase?: string | undefined;
}

export interface LogFlag {
  name: string;
  /** What stands for the value in the usage; none: a switch. */
  value?: string;
  description: string;
}

/** Every flag, in the order of the help. */
export const LOG_FLAGS: readonly LogFlag[] = [
  { name: '--last', value: '2h', description: 'only the last 2 hours before now; also 90s, 30m, 1d' },
  {
    name: '--since',
    value: 'time',
    description: 'only from this time on: 2h ago, yesterday, monday 14:02, 2026-01-31T14:02 (UTC)',
  },
  { name: '--until', value: 'time', description: 'only up to this time; written like --since' },
  { name: '--tail', value: '500', description: 'only the last 500 lines; or -n 500' },
  {
    name: '--stream',
    value: 'algo-1',
    description: 'only this stream; repeat it for more, or use algo-* for all of them',
  },
  { name: '--grep', value: 'text', description: 'only lines that contain this text' },
  { name: '--regex', value: 'pattern', description: 'only lines that match this pattern' },
  { name: '--raw', description: 'exactly as printed, without times and stream names' },
  {
    name: '--plain',
    description: 'as a terminal would show it: finished progress bars, no colour codes',
  },
  { name: '--dm', description: 'send the file to you alone' },
  { name: '--use-case', value: 'id', description: 'which use case, when the channel does not tell' },
];

const EXAMPLE = `For example: ${EXAMPLE_JOB} --last 2h --grep loss`;

/**
 * @param words the arguments, split and unquoted
 * @param now the moment of the request, which relative times count from
 * @throws AppError invalid_input: what was expected, what came, and the nearest flag for a mistyped one
 */
export function parseLogQuery(words: readonly string[], now: number): LogQuery {
  const { positional, values, switches } = sortWords(words);

  let regex = values.get('--regex')?.at(-1);
  const grep = values.get('--grep')?.at(-1);
  if (regex !== undefined && grep !== undefined && positional.length === 0) {
    // `--grep loss=.* --regex train-x`: here --regex is a switch for --grep, and the name stands after it.
    positional.push(regex);
    regex = undefined;
    switches.add('--regex');
  }

  const query: LogQuery = {
    job: onlyJob(positional),
    ...parseRange(values, now),
    streams: (values.get('--stream') ?? [])
      .flatMap((value) => value.split(','))
      .filter((name) => name !== ''),
    form: parseForm(switches),
    dm: switches.has('--dm'),
  };

  if (regex !== undefined && grep !== undefined)
    throw invalid(
      '--grep and --regex were both given.',
      'Give one of them: --grep finds text, --regex a pattern.',
    );
  if (grep !== undefined)
    query.match = { kind: switches.has('--regex') ? 'regex' : 'text', pattern: nonEmpty('--grep', grep) };
  else if (regex !== undefined) query.match = { kind: 'regex', pattern: nonEmpty('--regex', regex) };
  else if (switches.has('--regex'))
    throw invalid('--regex needs a pattern after it.', 'For example: --regex "loss=0\\.[0-4]"');

  const tail = values.get('--tail')?.at(-1);
  if (tail !== undefined) query.tail = parseTail(tail);
  const useCase = values.get('--use-case')?.at(-1);
  if (useCase !== undefined) query.useCase = nonEmpty('--use-case', useCase);
  return query;
}

/** The same arguments for another job. */
export function withJob(words: readonly string[], job: string): string[] {
  const { positionalAt } = sortWords(words);
  const at = positionalAt[0];
  return at === undefined ? [job, ...words] : words.map((word, index) => (index === at ? job : word));
}

/** Whether somebody asks how the command works instead of asking for a log. */
export function asksForHelp(words: readonly string[]): boolean {
  const first = words[0]?.toLowerCase();
  return (
    first === undefined || ['help', '--help', '-h', '?', '-?'].includes(first) || words.includes('--help')
  );
}

interface SortedWords {
  positional: string[];
  /** Where each of them stands among the words. */
  positionalAt: number[];
  values: Map<string, string[]>;
  switches: Set<string>;
  /** Places of the words that say which time is meant. */
  timeAt: Set<number>;
}

const TIME_FLAGS = ['--last', '--since', '--until'];

function sortWords(words: readonly string[]): SortedWords {
  const sorted: SortedWords = {
    positional: [],
    positionalAt: [],
    values: new Map(),
    switches: new Set(),
    timeAt: new Set(),
  };
  const { values, switches } = sorted;
  for (let at = 0; at < words.length; at += 1) {
    const begins = at;
    const word = unabbreviated(words[at]!);
    if (!word.startsWith('-') || word === '-') {
      sorted.positional.push(word);
      sorted.positionalAt.push(at);
      continue;
    }
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toLowerCase();
    const flag = LOG_FLAGS.find((known) => known.name === name);
    if (!flag) throw unknownFlag(name);
    if (flag.value === undefined) {
      if (equals >= 0) throw invalid(`${flag.name} takes no value, and ${cite(word)} gives one.`, EXAMPLE);
      switches.add(flag.name);
      continue;
    }
    let value = equals < 0 ? words[at + 1] : word.slice(equals + 1);
    if (equals < 0 && (value === undefined || isFlag(value))) {
      if (flag.name === '--regex') {
        switches.add('--regex');
        continue;
      }
      throw invalid(
        `${flag.name} needs a value after it${value === undefined ? '' : `, and ${cite(value)} is a flag`}.`,
        `For example: ${flag.name} ${flag.value}`,
      );
    }
    if (equals < 0) at += 1;
    if (TIME_FLAGS.includes(flag.name)) {
      const more = wordsOfTime(flag.name, value!, words.slice(at + 1, at + MOST_WORDS));
      value = [value, ...words.slice(at + 1, at + 1 + more)].join(' ');
      at += more;
      for (let place = begins; place <= at; place += 1) sorted.timeAt.add(place);
    }
    values.set(flag.name, [...(values.get(flag.name) ?? []), value!]);
  }
  return sorted;
}

/** `-n50`, `-n` and `-50` as `tail` and `head` take them; a phone makes `--n` of `-n`. */
function unabbreviated(word: string): string {
  const count = /^-(?:-?n=?)?(\d+)$/.exec(word)?.[1];
  if (count !== undefined) return `--tail=${count}`;
  return /^--?n(?==|$)/.test(word) ? word.replace(/^--?n/, '--tail') : word;
}

const isFlag = (word: string): boolean => {
  const name = unabbreviated(word).split('=', 1)[0]!.toLowerCase();
  return LOG_FLAGS.some((known) => known.name === name);
};

/**
 * `--since 2 hours ago`: times that nobody thought to quote go on over several words. @returns how many of the
 * following ones belong to it: as many as make a time of it
 */
function wordsOfTime(flag: string, first: string, following: readonly string[]): number {
  const isOne = (text: string): boolean =>
    flag === '--last' ? parseDuration(text) !== undefined : parseTime(text, 0) !== undefined;
  const end = following.findIndex(isFlag);
  for (let more = end < 0 ? following.length : end; more > 0; more -= 1)
    if (isOne([first, ...following.slice(0, more)].join(' '))) return more;
  return 0;
}

/** The same arguments for the range from then on, in place of any other. @param since milliseconds */
export function withSince(words: readonly string[], since: number): string[] {
  const { timeAt } = sortWords(words);
  return [...words.filter((_, place) => !timeAt.has(place)), `--since=${new Date(since).toISOString()}`];
}

function unknownFlag(name: string): AppError {
  const names = LOG_FLAGS.map((flag) => flag.name);
  const bare = `--${name.replace(/^-+/, '')}`.slice(0, 40);
  const [nearest] = nearestNames(bare, names, 1);
  return invalid(
    `There is no flag ${cite(name)}.`,
    nearest ? `Did you mean ${nearest}? All flags: ${names.join(' ')}` : `The flags are: ${names.join(' ')}`,
  );
}

function onlyJob(positional: readonly string[]): string {
  const [first, second] = positional;
  if (first === undefined) throw invalid('No job was named.', EXAMPLE);
  if (second !== undefined) {
    const hint =
      parseDuration(second) !== undefined ? `For the last ${second} write --last ${second}.` : EXAMPLE;
    throw invalid(
      `Expected one job name, but got ${positional.length}: ${cite(first)} and ${cite(second)}.`,
      hint,
    );
  }
  return parseJobName(first);
}

// --- Times -------------------------------------------------------------------------------------------

function parseRange(
  values: ReadonlyMap<string, readonly string[]>,
  now: number,
): { since?: number; until?: number; span?: number } {
  const last = values.get('--last')?.at(-1);
  const sinceText = values.get('--since')?.at(-1);
  const untilText = values.get('--until')?.at(-1);
  if (last !== undefined) {
    if (sinceText !== undefined || untilText !== undefined)
      throw invalid(
        '--last was given together with --since or --until.',
        'Give --last alone, or --since and --until.',
      );
    const span = parseDuration(last);
    if (span === undefined)
      throw invalid(`--last expects a duration, and ${cite(last)} is none.`, DURATION_HINT);
    return { since: now - span, span };
  }
  const since = sinceText === undefined ? undefined : timeOf('--since', sinceText, now);
  const until = untilText === undefined ? undefined : timeOf('--until', untilText, now);
  if (since !== undefined && since > now)
    throw invalid(
      `--since ${cite(sinceText!)} lies in the future: it is ${utcSecond(now)} now.`,
      'Times are UTC. For an hour of yesterday write it so: --since yesterday 23:50.',
    );
  if (since !== undefined && until !== undefined && since >= until)
    throw invalid(
      `--since (${utcSecond(since)}) is not before --until (${utcSecond(until)}).`,
      'Exchange the two, or give another range.',
    );
  return {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(since === undefined || until !== undefined ? {} : { span: now - since }),
  };
}

function timeOf(flag: string, text: string, now: number): number {
  const at = parseTime(text, now);
  if (at === undefined) throw invalid(`${flag} expects a time, and ${cite(text)} is none.`, TIME_HINT);
  return at;
}

// --- The rest ----------------------------------------------------------------------------------------

function parseForm(switches: ReadonlySet<string>): LogQuery['form'] {
  if (switches.has('--raw') && switches.has('--plain'))
    throw invalid(
      '--raw and --plain were both given.',
      'Give one of them: --raw keeps the bytes as printed, --plain shows what a terminal would show at the end.',
    );
  if (switches.has('--raw')) return 'raw';
  return switches.has('--plain') ? 'plain' : 'lines';
}

function parseTail(text: string): number {
  const digits = text.trim().replace(/(?<=\d)[,_](?=\d{3}\b)/g, '');
  const count = Number(digits);
  if (!/^\d+$/.test(digits) || count < 1 || !Number.isSafeInteger(count))
    throw invalid(
      `--tail expects a whole number from 1, and ${cite(text)} is none.`,
      'For example: --tail 500. For a span of time use --last 2h.',
    );
  return count;
}

function nonEmpty(flag: string, value: string): string {
  if (value.trim() === '')
    throw invalid(`${flag} needs a value, and it was empty.`, `For example: ${EXAMPLE}`);
  return value;
}

function invalid(message: string, hint: string): AppError {
  return new AppError('invalid_input', message, { hint });
}
