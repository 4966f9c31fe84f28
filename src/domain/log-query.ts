/** What somebody wants of a job's log: the arguments of `/logs` and of `signalbox logs`. */
import { AppError } from '../errors.ts';
import { cite } from './command-words.ts';
import { nearestNames } from './nearest-names.ts';

export interface LogQuery {
  job: string;
  /** Milliseconds since the epoch, inclusive. */
  since?: number | undefined;
  /** Milliseconds since the epoch, exclusive. Left out: the moment of the request. */
  until?: number | undefined;
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
  { name: '--last', value: '2h', description: 'only the last so long: 90s, 30m, 2h, 1d' },
  {
    name: '--since',
    value: 'time',
    description: 'from: 2h ago as 2h, 14:02, 2026-01-31, 2026-01-31T14:02Z (UTC)',
  },
  { name: '--until', value: 'time', description: 'up to, not including: same forms as --since' },
  { name: '--tail', value: '500', description: 'only the last so many lines' },
  {
    name: '--stream',
    value: 'algo-1',
    description: 'only this stream; again for more; algo-* for all that start so',
  },
  { name: '--grep', value: 'text', description: 'only lines with this text' },
  { name: '--regex', value: 'pattern', description: 'only lines that match this pattern' },
  { name: '--raw', description: 'the bytes as printed, without times and stream names' },
  {
    name: '--plain',
    description: 'as a terminal would show it at the end: progress bars and colours resolved',
  },
  { name: '--dm', description: 'send the file to me alone' },
  { name: '--use-case', value: 'id', description: 'which use case, where the channel does not say' },
];

/** SageMaker's own limit of a training job's name. */
const JOB_NAME_LIMIT = 63;
const EXAMPLE = 'For example: train-resnet-2026-01-31 --last 2h --grep loss';

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
    throw invalid(
      '--regex needs a pattern, and nothing came after it.',
      'For example: --regex "loss=0\\.[0-4]"',
    );

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
}

function sortWords(words: readonly string[]): SortedWords {
  const positional: string[] = [];
  const positionalAt: number[] = [];
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    if (!word.startsWith('-') || word === '-') {
      positional.push(word);
      positionalAt.push(at);
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
    const isFlag = LOG_FLAGS.some((known) => known.name === value?.toLowerCase());
    if (equals < 0 && (value === undefined || isFlag)) {
      if (flag.name === '--regex') {
        switches.add('--regex');
        continue;
      }
      throw invalid(
        `${flag.name} needs a value, and ${value === undefined ? 'nothing' : cite(value)} came after it.`,
        `For example: ${flag.name} ${flag.value}`,
      );
    }
    if (equals < 0) at += 1;
    const following = words[at + 1];
    if (isTimeFlag(flag.name) && following && DATE.test(value!) && CLOCK.test(following)) {
      // `--since 2026-01-31 14:02`: a date and a time that nobody thought to quote.
      value = `${value}T${following}`;
      at += 1;
    }
    values.set(flag.name, [...(values.get(flag.name) ?? []), value!]);
  }
  return { positional, positionalAt, values, switches };
}

const isTimeFlag = (name: string): boolean => name === '--since' || name === '--until';

function unknownFlag(name: string): AppError {
  const names = LOG_FLAGS.map((flag) => flag.name);
  const bare = `--${name.replace(/^-+/, '')}`.slice(0, 40);
  const [nearest] = nearestNames(bare, names, 1);
  return invalid(
    `There is no flag ${cite(name)}.`,
    nearest ? `Did you mean ${nearest}? All flags: ${names.join(' ')}` : `The flags are: ${names.join(' ')}`,
  );
}

// --- The job's name ----------------------------------------------------------------------------------

function onlyJob(positional: readonly string[]): string {
  const [first, second] = positional;
  if (first === undefined) throw invalid('A job name was expected, and none came.', EXAMPLE);
  if (second !== undefined) {
    const hint =
      parseDuration(second) !== undefined ? `For the last ${second} write --last ${second}.` : EXAMPLE;
    throw invalid(
      `One job name was expected, and ${positional.length} came: ${cite(first)} and ${cite(second)}.`,
      hint,
    );
  }
  return parseJobName(first);
}

/**
 * A job's name from what people paste: the name in backticks, an ARN, a log stream's name.
 * @throws AppError invalid_input for what no training job can be called
 */
export function parseJobName(text: string): string {
  // Slack's formatting marks and quotes around a pasted name are not part of it.
  const bare = text.trim().replace(/^[`*_~"'“”‘’<]+|[`*_~"'“”‘’>,;]+$/g, '');
  const name =
    /^arn:[\w-]+:sagemaker:[\w-]+:\d{12}:training-job\/([^/]+)$/.exec(bare)?.[1] ??
    /^(?:\/aws\/sagemaker\/TrainingJobs\/)?([A-Za-z0-9-]+)\/algo-\d+-\d+$/.exec(bare)?.[1] ??
    bare;
  if (name === '') throw invalid('A job name was expected, and it was empty.', EXAMPLE);
  if (name.length > JOB_NAME_LIMIT)
    throw invalid(
      `A job name has at most ${JOB_NAME_LIMIT} characters, and ${cite(name, 40)} is longer.`,
      'Copy the name from the SageMaker console, or choose the job from the list.',
    );
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw invalid(
      `${cite(name)} cannot be a job name: only letters, digits and hyphens are possible, and a letter or digit comes first.`,
      'Copy the name from the SageMaker console, or choose the job from the list.',
    );
  return name;
}

/** The words of a text that may be job names, most likely first; for finding one in somebody's message. */
export function jobNameCandidates(text: string, limit = 10): string[] {
  const words = text.match(/[A-Za-z0-9](?:[A-Za-z0-9-]{1,61})[A-Za-z0-9]/g) ?? [];
  // Names of runs have hyphens and mostly digits; ordinary words have neither.
  const score = (word: string): number => (word.includes('-') ? 2 : 0) + (/\d/.test(word) ? 1 : 0);
  return [...new Set(words)]
    .filter((word) => score(word) > 0)
    .sort((a, b) => score(b) - score(a) || b.length - a.length)
    .slice(0, limit);
}

// --- Times -------------------------------------------------------------------------------------------

const UNIT_MS: readonly (readonly [unit: RegExp, ms: number])[] = [
  [/^(?:s|secs?|seconds?)$/, 1000],
  [/^(?:m|mins?|minutes?)$/, 60_000],
  [/^(?:h|hrs?|hours?)$/, 3_600_000],
  [/^(?:d|days?)$/, 86_400_000],
  [/^(?:w|weeks?)$/, 604_800_000],
];

/** Milliseconds of `90s`, `30m`, `2h`, `1h30m`, `1d`; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const compact = text.toLowerCase().replace(/\s+/g, '');
  if (!/^(?:\d{1,7}(?:\.\d{1,3})?[a-z]+)+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)) {
    const ms = UNIT_MS.find(([pattern]) => pattern.test(unit!))?.[1];
    if (ms === undefined) return undefined;
    total += Number(amount) * ms;
  }
  return total > 0 ? Math.round(total) : undefined;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const CLOCK = /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?$/;
const TIMESTAMP =
  /^\d{4}-\d{2}-\d{2}[Tt ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?$/;

const TIME_HINT = 'Times are 2h (ago), 14:02 (today), 2026-01-31, 2026-01-31T14:02, each in UTC, or now.';

function parseTime(flag: string, text: string, now: number): number {
  const value = text.trim();
  if (value.toLowerCase() === 'now') return now;
  const ago = parseDuration(value.replace(/\s*ago$/i, ''));
  if (ago !== undefined) return now - ago;
  let at = Number.NaN;
  if (CLOCK.test(value)) at = utc(`${new Date(now).toISOString().slice(0, 10)}T${value}`);
  else if (DATE.test(value)) at = utc(`${value}T00:00`);
  else if (TIMESTAMP.test(value)) at = utc(value);
  // As CloudWatch shows and takes them: milliseconds, or seconds, since the epoch.
  else if (/^\d{13}$/.test(value)) at = Number(value);
  else if (/^\d{10}$/.test(value)) at = Number(value) * 1000;
  if (Number.isNaN(at)) throw invalid(`${flag} expects a time, and ${cite(text)} is none.`, TIME_HINT);
  return at;
}

/** Milliseconds of an ISO time, UTC where it names no zone; NaN when such a day or hour does not exist. */
function utc(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{1,2})(:\d{2})(.*?)([Zz]|[+-]\d{2}:?\d{2})?$/.exec(text);
  if (!match) return Number.NaN;
  const [, day, hour, minute, rest, zone = 'Z'] = match;
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : zone.replace(/^(...):?(..)$/, '$1:$2');
  const seconds = (rest || ':00').replace(',', '.').replace(/(\.\d{3})\d+$/, '$1');
  const at = Date.parse(`${day}T${hour!.padStart(2, '0')}${minute}${seconds}${offset}`);
  // Date.parse turns 31 February into March.
  return new Date(Date.parse(`${day}T00:00Z`)).getUTCDate() === Number(day!.slice(8)) ? at : Number.NaN;
}

function parseRange(
  values: ReadonlyMap<string, readonly string[]>,
  now: number,
): { since?: number; until?: number } {
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
      throw invalid(
        `--last expects a duration, and ${cite(last)} is none.`,
        'Durations are 90s, 30m, 2h, 1d, or 1h30m.',
      );
    return { since: now - span };
  }
  const since = sinceText === undefined ? undefined : parseTime('--since', sinceText, now);
  const until = untilText === undefined ? undefined : parseTime('--until', untilText, now);
  if (since !== undefined && since > now)
    throw invalid(
      `--since ${cite(sinceText!)} lies in the future: it is ${iso(now)} now.`,
      'Times are UTC. For an hour of yesterday give the date too, such as 2026-01-31T23:50.',
    );
  if (since !== undefined && until !== undefined && since >= until)
    throw invalid(
      `--since (${iso(since)}) is not before --until (${iso(until)}).`,
      'Exchange the two, or give another range.',
    );
  return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

const iso = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

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
