/** A job's name out of what people paste: a console page's address, an ARN, a stream, a name from a document. */

import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { isConsoleUrl } from './console-links.ts';
import { readJobWord } from './job-keys.ts';
import { PROVIDER_NAMES } from './providers.ts';

/** Characters of the longest name that a job may have on any provider: a pushed run's. */
const NAME_LIMIT = 120;
/** Characters of what is pasted for one name: a console link has a few hundred. */
const PASTED_LIMIT = 4096;
const NAME = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})';
const KEYS = new RegExp(`\\b(${PROVIDER_NAMES.join('|')}):([A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])`, 'g');
const COPY = 'Copy the name from where the job runs, or choose the job from the list.';
/** Stands for a name in hints: whoever reads it has jobs of other names. */
export const EXAMPLE_JOB = 'my-training-job';

/** Soft hyphens, zero-width characters, byte order marks, direction marks: invisible and never meant. */
const UNSEEN = /\p{Cf}|[\ufe00-\ufe0f]/gu;
/** Hyphens and dashes as documents, chats and phones set them. */
const DASHES = /[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]/g;
/** What surrounds a name in a message or a document, and is no part of it. */
const BEFORE = /^[\s`*_~"'“”‘’„«»‹›<([{]+/;
const AFTER = /[\s`*_~"'“”‘’„«»‹›>)\]},;:.!?…]+$/;

interface Pasted {
  /** What it names; undefined: a place that names no job. */
  name?: string | undefined;
  /** `link` of the console, `arn`, `stream`, `artifact`, or the `name` itself. */
  form: 'link' | 'arn' | 'stream' | 'artifact' | 'name';
  /** Something other than a training job: `compilation job`. */
  kind?: string | undefined;
}

/**
 * A job's name from what people paste; with its provider in front where they say so: `local:press-1`.
 * @throws AppError invalid_input for what no training job can be called, and for a link that leads to none
 */
export function parseJobName(text: string): string {
  const word = readJobWord(legible(text).replace(BEFORE, ''));
  if (word.provider) return `${word.provider}:${parseJobName(word.name)}`;
  const { name, form, kind } = readPasted(text);
  if (kind !== undefined)
    throw invalid(
      `${cite(text, 80)} leads to a ${kind}${name === undefined ? '' : `, ${cite(name)}`}, not to a training job.`,
      COPY,
    );
  if (name === undefined)
    throw invalid(
      `There is no training job in the link ${cite(text, 80)}.`,
      'Links to a training job’s page in the SageMaker console and to its log streams in CloudWatch work, and so does the name itself.',
    );
  if (name === '') throw invalid('The job name is empty.', COPY);
  if (name.length > NAME_LIMIT)
    throw invalid(`A job name has at most ${NAME_LIMIT} characters, and ${cite(name, 40)} is longer.`, COPY);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw invalid(
      `${cite(form === 'name' ? text : name)} cannot be a job name: only letters, digits, dots, underscores and hyphens are possible, and a letter or digit comes first.`,
      COPY,
    );
  return name;
}

/**
 * The same for a part of a name, which may be anything: a link, an ARN or a stream becomes the job that it is of, and
 * other text loses only what nobody sees.
 */
export function pastedName(text: string): string {
  const { name, form } = readPasted(text);
  return name !== undefined && form !== 'name' ? name : legible(text);
}

/** Ligatures, wide letters, special hyphens and invisible characters as one would type them. */
function legible(text: string): string {
  return text.normalize('NFKC').replace(UNSEEN, '').replace(DASHES, '-');
}

function readPasted(text: string): Pasted {
  // No link to a job is nearly as long, and looking for one takes time.
  if (text.length > PASTED_LIMIT) return { form: 'name', name: text };
  // `<address|label>`, if nothing has parsed it before.
  const address = /^\s*<([^<>|\s]+)(?:\|[^<>]*)?>\s*$/.exec(text)?.[1] ?? text;
  const bare = legible(address).replace(BEFORE, '').replace(AFTER, '');
  if (/^https?:\/\//i.test(bare)) return readLink(bare);
  const arn = /^arn:[\w-]+:sagemaker:[\w-]*:\d*:([\w-]+)\/(.+)$/.exec(bare);
  if (arn) {
    const [, kind = '', name = ''] = arn;
    return kind === 'training-job'
      ? { form: 'arn', name: name.split('/')[0]! }
      : { form: 'arn', kind: kind.replaceAll('-', ' '), name };
  }
  const stream = new RegExp(`^(?:/?aws/sagemaker/)?TrainingJobs/(${NAME})(?:/.*)?$`).exec(bare);
  if (stream) return { form: 'stream', name: stream[1]! };
  const short = new RegExp(`^(${NAME})/algo-\\d+(?:-\\d+)?$`).exec(bare);
  if (short) return { form: 'stream', name: short[1]! };
  const artifact = new RegExp(`^s3://(?:[^/]+/)+(${NAME})/output/(?:model|output)\\.tar\\.gz$`).exec(bare);
  if (artifact) return { form: 'artifact', name: artifact[1]! };
  return { form: 'name', name: bare };
}

/** Pages of the console: a training job, one of its streams, or all of them. */
function readLink(url: string): Pasted {
  if (!isConsoleUrl(url)) return { form: 'link' };
  const address = decoded(url);
  const job = new RegExp(`#/?jobs/(?:details/)?(${NAME})(?=$|[/?&#])`).exec(address);
  if (job) return { form: 'link', name: job[1]! };
  const compilation = /#\/?compilation-jobs\/([^/?&#]+)/.exec(address);
  if (compilation) return { form: 'link', kind: 'compilation job', name: compilation[1]! };
  // In the path of the page, or as the filter of a list of streams; before a slash it is whole.
  const stream = new RegExp(
    `/aws/sagemaker/TrainingJobs.*?(?:log-events/|stream=|logStreamNameFilter=|prefix=)(${NAME})(?=$|[/?&;#])`,
    'i',
  ).exec(address);
  return stream ? { form: 'link', name: stream[1]! } : { form: 'link' };
}

/** CloudWatch encodes its fragment twice and writes `$` for `%`. */
function decoded(url: string): string {
  let text = url.replace(/\$(?=[0-9A-Fa-f]{2})/g, '%');
  for (let times = 0; times < 3; times += 1) {
    try {
      const next = decodeURIComponent(text);
      if (next === text) break;
      text = next;
    } catch {
      break; // A percent sign that encodes nothing: what has been decoded so far is it.
    }
  }
  return text;
}

/** The words of a text that may be job names, most likely first; for finding one in somebody's message. */
export function jobNameCandidates(text: string, limit = 10): string[] {
  const linked = text
    .split(/[\s<>|"]+/)
    .filter((word) => /[:/]/.test(word))
    .map(readPasted)
    .flatMap(({ name, form, kind }) =>
      name !== undefined && form !== 'name' && kind === undefined ? [name] : [],
    );
  // As jobs of other providers than SageMaker are shown.
  const keys = [...legible(text).matchAll(KEYS)].map(([, provider, name]) => `${provider}:${name}`);
  const words = legible(text).match(/[A-Za-z0-9](?:[A-Za-z0-9-]{1,61})[A-Za-z0-9]/g) ?? [];
  // Names of runs have hyphens and mostly digits; ordinary words have neither.
  const score = (word: string): number => (word.includes('-') ? 2 : 0) + (/\d/.test(word) ? 1 : 0);
  const likely = [...new Set(words)]
    .filter((word) => score(word) > 0)
    .sort((a, b) => score(b) - score(a) || b.length - a.length);
  return [...new Set([...keys, ...linked, ...likely])].slice(0, limit);
}

function invalid(message: string, hint: string): AppError {
  return new AppError('invalid_input', message, { hint });
}
