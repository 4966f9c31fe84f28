/** What somebody wants to see of the jobs: the arguments of `/jobs [name] [state:…] [training:…] [compilation:…] …`. */
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { JOB_STATE_LABELS, type JobCompilationState } from './compilation-states.ts';
import { nearestNames } from './nearest-names.ts';
import { PROVIDER_NAMES, type ProviderName, providerCalled } from './providers.ts';
import { TRAINING_STATES, type TrainingState } from './training-states.ts';

export interface JobsQuery {
  /** Part of the name. */
  name?: string | undefined;
  training?: TrainingState | undefined;
  compilation?: JobCompilationState | undefined;
  /** The training or a compilation of it: the words that both have. */
  ended?: 'failed' | 'stopped' | undefined;
  provider?: ProviderName | undefined;
  /** Slack user id of the person who ran it again or had it compiled. It is not known who started a job elsewhere. */
  by?: string | undefined;
}

export const TRAININGS: readonly TrainingState[] = TRAINING_STATES.filter((state) => state !== 'other');
export const COMPILATIONS = Object.keys(JOB_STATE_LABELS) as readonly JobCompilationState[];

/** What `state:` takes: any state of either. */
const STATES: readonly string[] = [...new Set<string>([...TRAININGS, ...COMPILATIONS])];

const EXAMPLES = {
  state: 'state:failed',
  training: 'training:running',
  compilation: 'compilation:failed',
  provider: 'provider:sagemaker',
  by: 'by:me',
  name: 'name:resnet',
} as const;
type Key = keyof typeof EXAMPLES;
const KEYS = Object.keys(EXAMPLES) as Key[];
/** What people also write. */
const ALIASES: Readonly<Record<string, Key>> = {
  ...{ owner: 'by', user: 'by', compile: 'compilation', kind: 'provider' },
};
const NAME_LIMIT = 80;

/**
 * @param words the arguments, split and unquoted; a state may have spaces or hyphens: `state:partly-compiled`
 * @param me the user id that `by:me` stands for
 * @throws AppError invalid_input with what was expected, what came and the nearest
 */
export function parseJobsQuery(words: readonly string[], me: string): JobsQuery {
  const query: JobsQuery = {};
  const names: string[] = [];
  for (const word of words) {
    const match = /^(?:--)?([A-Za-z]+)[:=](.*)$/.exec(word);
    const typed = match?.[1]?.toLowerCase();
    const value = match?.[2]?.trim() ?? '';
    if (typed === undefined) {
      names.push(word);
      continue;
    }
    const key = keyOf(typed);
    if (value === '')
      throw new AppError('invalid_input', `${typed}: needs a value after it.`, {
        hint: `For example: ${EXAMPLES[key]}`,
      });
    switch (key) {
      case 'state':
        readState(query, stateWord(value));
        break;
      case 'training':
        query.training = oneOf('state of a training', stateWord(value), TRAININGS);
        break;
      case 'compilation':
        query.compilation = oneOf('state of a compilation', stateWord(value), COMPILATIONS);
        break;
      case 'provider':
        query.provider = providerCalled(value) ?? oneOf('provider', value.toLowerCase(), PROVIDER_NAMES);
        break;
      case 'by':
        query.by = parsePerson(value, me);
        break;
      case 'name':
        names.push(value);
        break;
    }
  }
  const name = names.join(' ');
  if (name.length > NAME_LIMIT)
    throw new AppError(
      'invalid_input',
      `Part of a job’s name is at most ${NAME_LIMIT} characters long; this has ${name.length}.`,
      { hint: 'Give fewer of them: any part of the name is found.' },
    );
  if (name !== '') query.name = name;
  return query;
}

function keyOf(typed: string): Key {
  const alias = Object.hasOwn(ALIASES, typed) ? ALIASES[typed] : undefined;
  const key = alias ?? KEYS.find((known) => known === typed);
  if (key !== undefined) return key;
  throw new AppError('invalid_input', `There is no filter ${cite(typed)}.`, {
    hint: `${nearestNames(typed, KEYS, 1)
      .map((near) => `Did you mean ${near}:? `)
      .join('')}The filters are ${Object.values(EXAMPLES).join(' ')}`,
  });
}

const stateWord = (value: string): string => value.toLowerCase().replace(/[-_+]+/g, ' ');

/** A word that only one of the two knows is a state of that one. */
function readState(query: JobsQuery, value: string): void {
  // `training` is an earlier name for a running job.
  const word = oneOf('state', value === 'training' ? 'running' : value, STATES);
  if (word === 'failed' || word === 'stopped') query.ended = word;
  else if (TRAININGS.includes(word as TrainingState)) query.training = word as TrainingState;
  else query.compilation = word as JobCompilationState;
}

function oneOf<T extends string>(what: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  const [near] = nearestNames(value, known, 1);
  throw new AppError('invalid_input', `${cite(value)} is not a ${what}.`, {
    hint: `${near ? `Did you mean ${near}? ` : ''}Choose one of: ${known.join(', ')}.`,
  });
}

/** Slack writes a mention as `@U0123` when it has no name beside the id. */
function parsePerson(value: string, me: string): string {
  if (/^@?me$/i.test(value)) return me;
  const id = /^@?([UW][A-Z0-9]{2,})$/.exec(value)?.[1];
  if (id !== undefined) return id;
  throw new AppError('invalid_input', `${cite(value)} is not a mention of a person.`, {
    hint: 'Write by:me, or choose the person in the table’s last filter.',
  });
}
