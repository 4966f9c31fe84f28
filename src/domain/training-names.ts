/** Names of SageMaker training jobs, and the name of a run that repeats one. */
import { createHash } from 'node:crypto';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { modelName } from './components.ts';
import { podCalled, podJobName } from './pod-names.ts';
import { PROVIDERS, type ProviderName } from './providers.ts';
import { isRunnerName } from './runs.ts';

/** CreateTrainingJob. The pattern alone lets dashes pass without end: the length is a rule of its own. */
const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;
export const TRAINING_NAME_LIMIT = 63;

/** What SageMaker Pipelines puts before the step's name: of another execution it would be wrong. */
const PIPELINE_PREFIX = /^pipelines-[a-z0-9]{12}-(?=[a-zA-Z0-9])/;

export function isPipelineStep(job: string): boolean {
  return PIPELINE_PREFIX.test(job);
}

export function isTrainingName(name: string): boolean {
  return name.length <= TRAINING_NAME_LIMIT && NAME.test(name);
}

/** What a run may be called on a provider, in words; undefined: the name is right. */
export function runNameProblem(provider: ProviderName, name: string): string | undefined {
  const characters = `1 to ${TRAINING_NAME_LIMIT} ${PROVIDERS[provider].nameCharacters}`;
  if (provider === 'sagemaker')
    return isTrainingName(name) ? undefined : `${characters}, beginning and ending with a letter or digit.`;
  // RunPod's names are part of a job's name as they are: what would be changed there could not be found again.
  if (provider === 'runpod')
    return podCalled(podJobName(name, 'anyone')) === name
      ? undefined
      : `${characters}, beginning with a letter or digit and not ending with a dash.`;
  return isRunnerName(name) ? undefined : `${characters}, beginning with a letter or digit.`;
}

/** @throws AppError invalid_input */
export function checkRunName(provider: ProviderName, name: string): void {
  const hint = runNameProblem(provider, name);
  if (hint !== undefined)
    throw new AppError(
      'invalid_input',
      `A training job cannot be called ${JSON.stringify(name.slice(0, 80))}.`,
      { hint },
    );
}

/**
 * A valid name whatever comes in: what the job trains, and the time as the SageMaker SDK writes it, so that both
 * runs count as one model (`modelName`). Where characters had to go, a digest keeps different jobs apart.
 * @param now milliseconds make names of one second differ
 */
export function rerunName(job: string, now: EpochMs): string {
  const time = new Date(now).toISOString().replace(/[T:.]/g, '-').replace('Z', '');
  const model = modelName(job.replace(PIPELINE_PREFIX, ''));
  const base = model.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  const room = TRAINING_NAME_LIMIT - time.length - 1;
  const faithful = base.length <= room && isTrainingName(model);
  if (faithful) return `${model}-${time}`;
  const mark = createHash('sha256').update(model).digest('hex').slice(0, 8);
  const head = base.slice(0, room - mark.length - 1).replace(/-+$/, '');
  return [head, mark, time].filter((part) => part !== '').join('-');
}
