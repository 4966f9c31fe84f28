/** A job's name out of what people paste: a console page's address, an ARN, a stream, a name from a document. */

import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { isConsoleUrl } from './console-links.ts';
import { readJobWord } from './job-keys.ts';
import { executionName, executionOfArn, readExecutionName } from './pipeline-names.ts';
import { type KindName, PROVIDER_NAMES, PROVIDERS, SAGEMAKER_NAMES } from './providers.ts';
import { SAGEMAKER_KINDS, type SageMakerKind } from './sagemaker-kinds.ts';

/** Characters of the longest name that a job may have on any provider: a pushed run's; executions are named longer. */
const NAME_LIMIT = 120;
const EXECUTION_LIMIT = 269;
/** Characters of what is pasted for one name: a console link has a few hundred. */
const PASTED_LIMIT = 4096;
const NAME = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})';
const KEYS = new RegExp(
  `\\b(${['training', ...PROVIDER_NAMES].join('|')}):([A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])`,
  'g',
);
const COPY = 'Copy the name from where the job runs, or choose the job from the list.';
const BEFORE_COLON = `What stands before a colon says where the job runs: ${['training', ...PROVIDER_NAMES.filter((name) => name !== 'sagemaker')].join(', ')}. The name alone finds it too.`;
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
  /** One of SageMaker's kinds of jobs other than training. */
  provider?: KindName | undefined;
  /** Something that is no job of any kind that can be shown: `model package`. */
  kind?: string | undefined;
}

/**
 * A job's name from what people paste; with its provider in front where they say so: `local:press-1`.
 * @throws AppError invalid_input for what no training job can be called, and for a link that leads to none
 */
export function parseJobName(text: string): string {
  const word = readJobWord(legible(text).replace(BEFORE, ''));
  if (word.provider) {
    const named = parseJobName(word.name);
    // A link or an ARN says by itself what it is of.
    return readJobWord(named).provider ? named : `${word.provider}:${named}`;
  }
  const { name, form, kind, provider } = readPasted(text);
  if (provider && name) return `${provider}:${parseJobName(name)}`;
  if (kind !== undefined)
    throw invalid(
      `${cite(text, 80)} leads to a ${kind}${name === undefined ? '' : `, ${cite(name)}`}, not to a job.`,
      COPY,
    );
  if (name === undefined)
    throw invalid(
      `There is no job in the link ${cite(text, 80)}.`,
      'Links to a job’s page in the SageMaker console and to its log streams in CloudWatch work, and so does the name itself.',
    );
  if (name === '') throw invalid('The job name is empty.', COPY);
  const longest = readExecutionName(name) ? EXECUTION_LIMIT : NAME_LIMIT;
  if (name.length > longest)
    throw invalid(`A job name has at most ${longest} characters, and ${cite(name, 40)} is longer.`, COPY);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw invalid(
      `${cite(form === 'name' ? text : name)} cannot be a job name: only letters, digits, dots, underscores and hyphens are possible, and a letter or digit comes first.`,
      /^[A-Za-z]+:[A-Za-z0-9]/.test(text) ? BEFORE_COLON : COPY,
    );
  return name;
}

/** The same where only a training job makes sense. @throws AppError invalid_input, also for a job of another kind */
export function parseTrainingName(text: string): string {
  const parsed = parseJobName(text);
  const { provider, name } = readJobWord(parsed);
  if (!provider || !PROVIDERS[provider].isKind) return parsed;
  throw invalid(`${cite(name)} is a ${PROVIDERS[provider].thing}, not a training job.`, COPY);
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
    return { form: 'arn', ...ofResource(bare, kind, name) };
  }
  const stream = new RegExp(
    `^(?:/?aws/sagemaker/)?(${GROUP_NAMES}|${OWN_GROUP_NAMES})/(${NAME})(?:/.*)?$`,
    'i',
  ).exec(bare);
  if (stream) return { form: 'stream', name: stream[2]!, provider: ofGroup(stream[1]!) };
  const ofJob = new RegExp(`^/?aws/sagemaker/Job/[^/]+/+(${NAME})(?:/.*)?$`, 'i').exec(bare);
  if (ofJob) return { form: 'stream', name: ofJob[1]!, provider: 'job' };
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
  const page = new RegExp(`#/?(${Object.keys(PAGES).join('|')})/(?:details/)?(${NAME})(?=$|[/?&#])`).exec(
    address,
  );
  if (page) return { form: 'link', name: page[2]!, provider: PAGES[page[1]!] };
  // In the path of the page, or as the filter of a list of streams; before a slash it is whole.
  const stream = new RegExp(
    `/aws/sagemaker/(?:(${GROUP_NAMES}|Job/).*?(?:log-events/|stream=|logStreamNameFilter=|prefix=)|(${OWN_GROUP_NAMES})/)(${NAME})(?=$|[/?&;#])`,
    'i',
  ).exec(address);
  if (!stream) return { form: 'link' };
  const [, group, own, name] = stream;
  return { form: 'link', name, provider: ofGroup(group ?? own ?? '') };
}

type Kinds = Readonly<Record<string, KindName | undefined>>;

/** By a table's name; training's is undefined, for it is what a name means by itself. */
const byKind = (word: (kind: SageMakerKind) => string | undefined): Kinds =>
  Object.fromEntries(
    SAGEMAKER_NAMES.flatMap((name) => {
      const key = word(SAGEMAKER_KINDS[name]);
      return key === undefined ? [] : [[key, name === 'sagemaker' ? undefined : name]];
    }),
  );

/** As pages of the console are called: `processing-jobs`. */
const PAGES = byKind(({ page }) => page);
/** As log groups are, in lower case: `processingjobs`; of kinds whose jobs have one together. */
const GROUPS = byKind(({ logGroups, streams }) =>
  streams === 'below' || streams === 'own' ? logGroups[0]?.split('/').at(-1)?.toLowerCase() : undefined,
);
const GROUP_NAMES = Object.keys(GROUPS).join('|');
/** The same of kinds whose jobs each have a group of their own, by its name's beginning: `endpoints`. */
const OWN_GROUPS = byKind(({ logGroups: [group, ...others] }) =>
  others.length === 0 && group.endsWith('s/*') ? group.split('/').at(-2)?.toLowerCase() : undefined,
);
const OWN_GROUP_NAMES = Object.keys(OWN_GROUPS).join('|');

/** @param group as it is written there. @returns undefined for training's, which a name means by itself */
const ofGroup = (group: string): KindName | undefined => {
  const word = group.toLowerCase();
  return word === 'job/' ? 'job' : (GROUPS[word] ?? OWN_GROUPS[word]);
};

/** What an ARN names, by the type of its resource. */
function ofResource(arn: string, resource: string, rest: string): Pick<Pasted, 'name' | 'provider' | 'kind'> {
  const execution = executionOfArn(arn);
  if (execution) return { name: executionName(execution), provider: 'pipeline' };
  const provider = SAGEMAKER_NAMES.find((name) => SAGEMAKER_KINDS[name].resources[0] === resource);
  const name = (resource === 'job' ? rest.split('/')[1] : rest.split('/')[0]) ?? rest;
  if (provider === 'sagemaker') return { name };
  // A cluster's has its id, by which it is found too.
  if (!provider || provider === 'pipeline') return { name: rest, kind: resource.replaceAll('-', ' ') };
  return { name, provider };
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
    .flatMap(({ name, form, kind, provider }) =>
      name !== undefined && form !== 'name' && kind === undefined
        ? [provider ? `${provider}:${name}` : name]
        : [],
    );
  // As jobs of other providers than SageMaker are shown.
  const keys = [...legible(text).matchAll(KEYS)].map(([, provider, name]) => `${provider}:${name}`);
  // With what tells it apart from others of its name: `press-7.8t1hif70q426k9`.
  const whole = legible(text).match(/(?<![\w.-])[A-Za-z0-9][\w-]{0,62}\.[a-z0-9]{6,32}(?![\w-]|\.\w)/g) ?? [];
  const words = legible(text).match(/[A-Za-z0-9](?:[A-Za-z0-9-]{1,61})[A-Za-z0-9]/g) ?? [];
  // Names of runs have hyphens and mostly digits; ordinary words have neither.
  const score = (word: string): number => (word.includes('-') ? 2 : 0) + (/\d/.test(word) ? 1 : 0);
  const likely = [...new Set(words)]
    .filter((word) => score(word) > 0)
    .sort((a, b) => score(b) - score(a) || b.length - a.length);
  return [...new Set([...keys, ...linked, ...whole, ...likely])].slice(0, limit);
}

function invalid(message: string, hint: string): AppError {
  return new AppError('invalid_input', message, { hint });
}
