/** The arguments of `/logs` and of `signalbox logs`. */
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { EXAMPLE_JOB, parseJobName } from './job-names.ts';
import { type AskedRange, type LogOrder, type LogQuery, queryAt } from './log-order.ts';
import { MOST_WORDS, parseDuration, parseTime } from './log-times.ts';
import { nearestNames } from './nearest-names.ts';

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
  { name: '--fresh', description: 'read all of it from AWS again, nothing of what Signalbox has kept' },
  { name: '--dm', description: 'send the file to you alone' },
  { name: '--use-case', value: 'id', description: 'which use case, when the channel does not tell' },
];

const EXAMPLE = `For example: ${EXAMPLE_JOB} --last 2h --grep loss`;

/** @param now the moment of the request, which relative times count from. @throws AppError as `parseLogOrder`, `queryAt` */
export function parseLogQuery(words: readonly string[], now: number): LogQuery {
  return queryAt(parseLogOrder(words), now);
}

/**
 * @param words the arguments, split and unquoted
 * @throws AppError invalid_input: what was expected, what came, and the nearest flag for a mistyped one
 */
export function parseLogOrder(words: readonly string[]): LogOrder {
  const { positional, values, switches } = sortWords(words);

  let regex = values.get('--regex')?.at(-1);
  const grep = values.get('--grep')?.at(-1);
  if (regex !== undefined && grep !== undefined && positional.length === 0) {
    // `--grep loss=.* --regex train-x`: here --regex is a switch for --grep, and the job's name follows it.
    positional.push(regex);
    regex = undefined;
    switches.add('--regex');
  }

  const order: LogOrder = {
    job: onlyJob(positional),
    range: rangeOf(values),
    streams: (values.get('--stream') ?? [])
      .flatMap((value) => value.split(','))
      .filter((name) => name !== ''),
    form: parseForm(switches),
    dm: switches.has('--dm'),
    ...(switches.has('--fresh') ? { fresh: true } : {}),
  };

  if (regex !== undefined && grep !== undefined)
    throw invalid(
      '--grep and --regex were both given.',
      'Give one of them: --grep finds text, --regex a pattern.',
    );
  if (grep !== undefined)
    order.match = { kind: switches.has('--regex') ? 'regex' : 'text', pattern: nonEmpty('--grep', grep) };
  else if (regex !== undefined) order.match = { kind: 'regex', pattern: nonEmpty('--regex', regex) };
  else if (switches.has('--regex'))
    throw invalid('--regex needs a pattern after it.', 'For example: --regex "loss=0\\.[0-4]"');

  const tail = values.get('--tail')?.at(-1);
  if (tail !== undefined) order.tail = parseTail(tail);
  const useCase = values.get('--use-case')?.at(-1);
  if (useCase !== undefined) order.useCase = nonEmpty('--use-case', useCase);
  return order;
}

/** Whether somebody asks how the command works, rather than for a log. */
export function asksForHelp(words: readonly string[]): boolean {
  const first = words[0]?.toLowerCase();
  return (
    first === undefined || ['help', '--help', '-h', '?', '-?'].includes(first) || words.includes('--help')
  );
}

interface SortedWords {
  positional: string[];
  values: Map<string, string[]>;
  switches: Set<string>;
}

const TIME_FLAGS = ['--last', '--since', '--until'];

function sortWords(words: readonly string[]): SortedWords {
  const sorted: SortedWords = { positional: [], values: new Map(), switches: new Set() };
  const { values, switches } = sorted;
  for (let at = 0; at < words.length; at += 1) {
    const word = unabbreviated(words[at]!);
    if (!word.startsWith('-') || word === '-') {
      sorted.positional.push(word);
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
 * `--since 2 hours ago`: unquoted times go on over several words. @returns how many of the
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

function rangeOf(values: ReadonlyMap<string, readonly string[]>): AskedRange {
  const range: AskedRange = {};
  for (const end of ['last', 'since', 'until'] as const) {
    const text = values.get(`--${end}`)?.at(-1);
    if (text !== undefined) range[end] = text;
  }
  return range;
}

function parseForm(switches: ReadonlySet<string>): LogQuery['form'] {
  if (switches.has('--raw') && switches.has('--plain'))
    throw invalid(
      '--raw and --plain were both given.',
      'Give one of them: --raw keeps the bytes as printed, --plain shows what a terminal would show at the end.',
    );
  if (switches.has('--raw')) return 'raw';
  return switches.has('--plain') ? 'plain' : 'lines';
}

/** @throws AppError invalid_input */
export function parseTail(text: string): number {
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
