/** What somebody wants to see of the jobs: the arguments of `/jobs [name] [state:…] [provider:…] [owner:…]`. */
import { AppError } from '../errors.ts';
import { cite } from './command-words.ts';
import { JOB_STATE_LABELS, type JobCompilationState } from './compilation-states.ts';
import type { TrainingJob } from './jobs.ts';
import { nearestNames } from './nearest-names.ts';

export interface JobsQuery {
  /** Part of the name. */
  name?: string | undefined;
  state?: JobsState | undefined;
  provider?: TrainingJob['provider'] | undefined;
  /** Slack user id. */
  owner?: string | undefined;
}

/** A compilation state, or `training`: the training itself still runs. */
export type JobsState = JobCompilationState | 'training';

export const JOBS_STATES: readonly JobsState[] = [
  'training',
  ...(Object.keys(JOB_STATE_LABELS) as JobCompilationState[]),
];
export const JOBS_PROVIDERS: readonly TrainingJob['provider'][] = ['sagemaker', 'local', 'runpod'];

const KEYS = ['state', 'provider', 'owner', 'name'] as const;
const NAME_LIMIT = 80;

/**
 * @param words the arguments, split and unquoted; a state may have spaces or hyphens: `state:partly-compiled`
 * @param me the user id that `owner:me` stands for
 * @throws AppError invalid_input with what was expected, what came and the nearest
 */
export function parseJobsQuery(words: readonly string[], me: string): JobsQuery {
  const query: JobsQuery = {};
  const names: string[] = [];
  for (const word of words) {
    const match = /^(?:--)?([A-Za-z]+)[:=](.*)$/.exec(word);
    const key = match?.[1]?.toLowerCase();
    const value = match?.[2]?.trim() ?? '';
    if (key === undefined) {
      names.push(word);
      continue;
    }
    if (value === '')
      throw new AppError('invalid_input', `${key}: needs a value, and nothing came after it.`, {
        hint: `For example: ${exampleOf(key)}`,
      });
    switch (key) {
      case 'state':
        query.state = oneOf('state', value.toLowerCase().replace(/[-_+]+/g, ' '), JOBS_STATES);
        break;
      case 'provider':
        query.provider = oneOf('provider', value.toLowerCase(), JOBS_PROVIDERS);
        break;
      case 'owner':
        query.owner = parseOwner(value, me);
        break;
      case 'name':
        names.push(value);
        break;
      default:
        throw new AppError('invalid_input', `There is no filter ${cite(key)}.`, {
          hint: `${nearestNames(key, KEYS, 1)
            .map((near) => `Did you mean ${near}:? `)
            .join('')}The filters are ${KEYS.map((known) => exampleOf(known)).join(' ')}`,
        });
    }
  }
  const name = names.join(' ');
  if (name.length > NAME_LIMIT)
    throw new AppError(
      'invalid_input',
      `A part of a job’s name has at most ${NAME_LIMIT} characters, and ${name.length} came.`,
      { hint: 'Give fewer of them: any part of the name is found.' },
    );
  if (name !== '') query.name = name;
  return query;
}

function exampleOf(key: string): string {
  const examples: Readonly<Record<string, string>> = {
    state: 'state:failed',
    provider: 'provider:sagemaker',
    owner: 'owner:me',
    name: 'name:resnet',
  };
  return examples[key] ?? 'state:failed';
}

function oneOf<T extends string>(key: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  const [near] = nearestNames(value, known, 1);
  throw new AppError('invalid_input', `${cite(value)} is no ${key}.`, {
    hint: `${near ? `Did you mean ${near}? ` : ''}There are: ${known.join(', ')}.`,
  });
}

/** Slack writes a mention as `@U0123` where the person’s name does not stand beside the id. */
function parseOwner(value: string, me: string): string {
  if (/^@?me$/i.test(value)) return me;
  const id = /^@?([UW][A-Z0-9]{2,})$/.exec(value)?.[1];
  if (id !== undefined) return id;
  throw new AppError('invalid_input', `${cite(value)} names no person by id.`, {
    hint: 'Write owner:me, or choose the person under “Owner” in the table.',
  });
}
