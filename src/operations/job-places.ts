/**
 * Which of a use case's providers a request about its jobs goes to. If one gives no answer, the others' answers still
 * count.
 */
import {
  givenName,
  type JobPlace,
  type JobWord,
  jobKey,
  mayBeGiven,
  readJobKey,
  wordOfJob,
} from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import {
  haveKinds,
  PROVIDERS,
  type ProviderName,
  providersCalled,
  providerWord,
} from '../domain/providers.ts';
import { AppError, reworded, toAppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { TrainingProvider } from '../ports/training-provider.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';

/**
 * Milliseconds that a provider is waited for where others are asked too. One alone is waited for until it gives up
 * itself.
 */
const ANSWER_WITHIN = 10_000;

type Places = Pick<UseCaseSession, 'providers'>;

interface Patience {
  signal?: AbortSignal | undefined;
  /** Milliseconds; default: `ANSWER_WITHIN`. */
  within?: number;
}

/** A provider that gave no answer. */
export interface Unasked {
  provider: ProviderName;
  error: AppError;
}

/** @throws AppError invalid_input if the use case does not train there (any more) */
export function providerNamed({ providers }: Places, name: ProviderName): TrainingProvider {
  const found = providers.find((provider) => provider.name === name);
  if (found) return found;
  const { isKind, thing } = PROVIDERS[name];
  if (isKind)
    throw new AppError('invalid_input', `This use case does not show SageMaker’s ${thing}s.`, {
      hint: `An admin of Signalbox can add \`${name}\` to the use case's \`providers: { sagemaker: { kinds: […] } }\` in signalbox.yaml.`,
    });
  const here = providersCalled(providers.map((provider) => provider.name));
  throw new AppError('invalid_input', `This use case does not train on ${PROVIDERS[name].called}.`, {
    hint: `It trains on ${here}. If it should train there too, an admin of Signalbox adds it to the use case's \`providers\` in signalbox.yaml.`,
  });
}

/** @param key of domain/job-keys.ts; @throws AppError as `providerNamed` */
export function placeOf(session: Places, key: string): { provider: TrainingProvider; name: string } {
  const { provider, name } = readJobKey(key);
  return { provider: providerNamed(session, provider), name };
}

/** @returns undefined when its provider has no such job */
export async function findJob(
  session: Places,
  key: string,
  signal?: AbortSignal,
): Promise<TrainingJob | undefined> {
  const { provider, name } = placeOf(session, key);
  return provider.getStatus(name, signal);
}

export function logOf(session: Places, key: string): LogSource {
  const { provider, name } = placeOf(session, key);
  return provider.log(name);
}

/**
 * The newest jobs of all providers, newest first; at most `limit` from each.
 * @throws AppError when no provider answers: the first one's reason
 */
export async function listJobs(
  session: Places,
  query: { nameContains?: string; limit: number },
  how: Patience = {},
): Promise<{ jobs: TrainingJob[]; unasked: Unasked[] }> {
  const { answers, unasked } = await askAll(
    session.providers,
    ({ jobs }) => jobs.list(query, how.signal),
    how,
  );
  const jobs = answers.flat().sort((a, b) => b.createdAt - a.createdAt);
  return { jobs, unasked };
}

/** Jobs of one provider that are looked through for a name that people gave: the newest ones with it in theirs. */
const LOOK_AT = 200;

/**
 * The job of that name on one provider. Where people's names are only a part of a job's: those that were called so, the
 * newest first.
 */
export async function jobsCalled(
  provider: TrainingProvider,
  name: string,
  signal?: AbortSignal,
): Promise<TrainingJob[]> {
  const job = await provider.getStatus(name, signal);
  if (job) return [job];
  if (!mayBeGiven(provider.name, name)) return [];
  const jobs = await provider.jobs.list({ nameContains: name, limit: LOOK_AT }, signal);
  return jobs
    .filter((one) => givenName(provider.name, one.name) === name)
    .sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * The jobs that somebody may mean by a word: one, or one on each of several providers. Of several on one provider that
 * were called so, the newest is meant.
 * @returns older: the others of those · unasked: providers that gave no answer, where it may be too
 * @throws AppError as `providerNamed`; when none answers, the first one's reason
 */
export async function jobsMeant(
  session: Places,
  { provider, name }: JobWord,
  how: Patience = {},
): Promise<{ jobs: TrainingJob[]; older: TrainingJob[]; unasked: Unasked[] }> {
  const asked = provider === undefined ? session.providers : [providerNamed(session, provider)];
  const { answers, unasked } = await askAll(asked, (one) => jobsCalled(one, name, how.signal), how);
  const jobs = answers.flatMap((called) => called.slice(0, 1));
  return { jobs, older: answers.flatMap((called) => called.slice(1)), unasked };
}

async function askAll<T>(
  providers: readonly TrainingProvider[],
  ask: (provider: TrainingProvider) => Promise<T>,
  { signal, within = ANSWER_WITHIN }: Patience,
): Promise<{ answers: T[]; unasked: Unasked[] }> {
  const alone = providers.length === 1;
  const settled = await Promise.allSettled(
    providers.map(async (provider) => {
      const asked = ask(provider).then((value) => ({ value }));
      const answer = alone ? await asked : await inTime(within, asked);
      if (answer) return answer.value;
      const { isKind, thing } = PROVIDERS[provider.name];
      const about = isKind ? ` about ${thing}s` : '';
      throw new AppError('timeout', `${providerWord(provider.name)} did not answer in time${about}.`, {
        hint: 'Try again in a moment.',
      });
    }),
  );
  signal?.throwIfAborted();
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const unasked = settled.flatMap((one, index) =>
    one.status === 'rejected' ? [{ provider: providers[index]!.name, error: toAppError(one.reason) }] : [],
  );
  if (answers.length === 0 && unasked[0]) throw unasked[0].error;
  return { answers, unasked };
}

/**
 * Nothing was found by that name, but not everybody answered, so say that. What the role may not see of SageMaker's kinds
 * takes nothing away from the others: it is `refusedKinds`.
 */
export function refuseUnasked(unasked: readonly Unasked[]): void {
  const [silent, ...others] = unasked
    .filter((one) => !isRefusedKind(one.provider, one.error))
    .map(({ error }) => error);
  if (!silent) return;
  const besides = [...new Set(others.map(({ message }) => message))].filter((one) => one !== silent.message);
  // Whoever reads it must not think that one alone is in the way.
  throw besides.length === 0 ? silent : reworded(silent, { message: [silent.message, ...besides].join(' ') });
}

/** The kinds that the use case's role may not ask about. */
export const refusedKinds = (unasked: readonly Unasked[]): ProviderName[] =>
  unasked.filter((one) => isRefusedKind(one.provider, one.error)).map(({ provider }) => provider);

/** One of SageMaker's kinds that the use case's role may not ask about: it will not answer a moment later either. */
export const isRefusedKind = (provider: ProviderName, thrown: unknown): boolean =>
  PROVIDERS[provider].isKind === true && toAppError(thrown).code === 'permission_denied';

/** Several jobs with one name, each written so that it is unambiguous. */
export function severalMeant(name: string, jobs: readonly Pick<TrainingJob, keyof JobPlace>[]): AppError {
  const providers = jobs.map(({ provider }) => provider);
  const words = jobs.map((job) => wordOfJob(jobKey(job), providers));
  const kinds = haveKinds(providers);
  const where = kinds ? 'of different kinds' : 'on different providers';
  return new AppError('invalid_input', `${jobs.length} jobs are called ${name}, ${where}.`, {
    hint: `Say which one you mean: ${words.join(' or ')}.`,
  });
}
