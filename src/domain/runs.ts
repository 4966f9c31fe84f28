/** Runs: one training job's process and what it printed. */
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { PROVIDER_NAMES, type ProviderName } from './providers.ts';

/** How a run ended. `lost`: its process is gone and nothing saw it end, so it is never reported as done. */
export interface RunEnd {
  state: 'completed' | 'failed' | 'stopped' | 'lost';
  /** Of the process; null if it did not exit by itself, or the provider does not say. */
  exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`; null if none did. */
  signal: string | null;
  at: EpochMs;
}

/** Whether a runner's run can be called so: as SageMaker's jobs, and with dots and underscores besides. */
export const isRunnerName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);

/** Whether it could be a run's id. Such an id is safe as a file name, in an address and in a header. */
export const isRunId = (id: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._~-]{0,199}$/.test(id);

/** @throws AppError invalid_input */
export function requireRunId(id: string): void {
  if (isRunId(id)) return;
  throw new AppError('invalid_input', `${JSON.stringify(id.slice(0, 60))} is not the id of a run.`, {
    hint: 'An id is 1 to 200 letters, digits and . _ ~ -, and begins with a letter or digit.',
  });
}

/** Which training job a run is. Its id in URLs is made of these three, so nothing has to be stored to find it. */
export interface RunAddress {
  useCase: string;
  provider: ProviderName;
  job: string;
}

/** `line-3~sagemaker~press-1`: none of the three parts contains a tilde, which URLs keep as it is. */
export function runId({ useCase, provider, job }: RunAddress): string {
  return `${useCase}~${provider}~${job}`;
}

/** @throws AppError not_found: no run has such an id */
export function readRunId(id: string): RunAddress {
  const [useCase = '', provider, job = '', ...rest] = id.split('~');
  const known = PROVIDER_NAMES.find((name) => name === provider);
  if (useCase === '' || job === '' || known === undefined || rest.length > 0)
    throw new AppError('not_found', 'There is no such run.', {
      hint: 'Open the run from its message in Slack.',
    });
  return { useCase, provider: known, job };
}
