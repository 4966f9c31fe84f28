/** Which job tells of another one: a tuning job of its training jobs, a pipeline of its steps' jobs. */
import { jobKey, readJobKey } from './job-keys.ts';
import type { TrainingJob } from './jobs.ts';
import { executionOfStepJob } from './pipeline-names.ts';
import { isSageMakers } from './providers.ts';
import { sageMakerNames, type UseCase } from './use-cases.ts';

type Job = Pick<TrainingJob, 'name' | 'provider' | 'parent'>;
type Owner = Pick<UseCase, 'aws' | 'providers' | 'compile'>;

/** `search-3-001-0a1b2c3d`: a tuning job's training jobs, and what only sounds like them. */
const CHILD = /^(.{1,32})-\d{3,}-[0-9a-f]{8}$/;

/**
 * Whether another job's card and alerts tell of this one, so that it gets none of its own. Only what the use case shows
 * can tell of anything.
 */
export function isToldWithAnother(useCase: Owner, job: Job): boolean {
  if (!isSageMakers(job.provider)) return false;
  const shown = sageMakerNames(useCase);
  const { parent } = job;
  const teller = parent === undefined ? undefined : readJobKey(parent).provider;
  if (teller !== undefined && isSageMakers(teller) && shown.includes(teller)) return true;
  if (shown.includes('pipeline') && executionOfStepJob(job.name) !== undefined) return true;
  // The training job that it compiles tells of it.
  return job.provider === 'compilation' && useCase.compile !== undefined;
}

/**
 * Whether a job is one of another's many: for lists, where what was never described is known by its name alone.
 * @param tunings names of the use case's tuning jobs
 */
export function isPartOfAnother(useCase: Owner, job: Job, tunings: ReadonlySet<string>): boolean {
  if (job.provider === 'compilation') return false;
  return (
    isToldWithAnother(useCase, job) ||
    (tunings.size > 0 && mayBeTuned(useCase, job) && tunings.has(CHILD.exec(job.name)![1]!))
  );
}

/** Whether a training job may be a tuning job's, which only its description tells for certain. */
export function mayBeTuned(useCase: Owner, { name, provider }: Job): boolean {
  return provider === 'sagemaker' && CHILD.test(name) && sageMakerNames(useCase).includes('tuning');
}

/**
 * The key of the tuning job that a training job belongs to.
 * @param arn of the tuning job, where names may be in lower case: the training job's own name has it as it is
 */
export function tuningParent(job: string, arn: string | undefined): string | undefined {
  const named = arn?.split('/').at(-1);
  if (!named) return undefined;
  const [, written] = CHILD.exec(job) ?? [];
  const name = written?.toLowerCase() === named.toLowerCase() ? written : named;
  return jobKey({ provider: 'tuning', name });
}
