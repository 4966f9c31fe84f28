/** A training job: one training run, wherever it runs. */
import type { ProviderName } from './providers.ts';

/**
 * Where a job stands, in our own words. Each provider maps its words to these, and nothing else compares a provider's
 * words. `unknown`: a word that the provider's adapter does not know; it is shown as it came.
 */
export type JobState = 'pending' | 'running' | 'stopping' | 'completed' | 'failed' | 'stopped' | 'unknown';

/**
 * What else counts about where a job stands. Of one that runs: it waits for its machines (`preparing`), or for machines
 * that were taken back (`interrupted`), and prints nothing meanwhile. Of one that was stopped: which limit stopped it.
 */
export type JobPhase = 'preparing' | 'interrupted' | 'runtime-limit' | 'wait-limit';

export interface TrainingJob {
  name: string;
  useCase: string;
  provider: ProviderName;
  /** AWS's own name of it; none elsewhere. */
  arn?: string | undefined;
  state: JobState;
  /** Left out if it is not known, or does not apply. */
  phase?: JobPhase | undefined;
  /** The provider's word, letter case as given: to be shown, never compared. */
  status: string;
  /** The provider's second word, to be shown. */
  secondaryStatus?: string | undefined;
  failureReason?: string | undefined;
  /** How its process ended, if the provider says. The code is null after a signal (`SIGKILL`). `lost`: nothing saw it. */
  exit?: { code: number | null; signal: string | null } | 'lost' | undefined;
  instanceType?: string | undefined;
  instanceCount?: number | undefined;
  /** Milliseconds since the epoch. */
  createdAt: number;
  startedAt?: number | undefined;
  endedAt?: number | undefined;
  /** URI of the trained model, once there is one. From here on: only in descriptions of single jobs, not in lists. */
  modelArtifact?: string | undefined;
  /** As the service keeps them: all texts. */
  hyperparameters?: Readonly<Record<string, string>> | undefined;
}

/** Where a job stands: our word and the provider's own. */
export type JobStanding = Pick<TrainingJob, 'state' | 'phase' | 'status' | 'secondaryStatus'>;

/** Whether the job may still write to its log. An unknown state counts as running: nothing is cut short. */
export function isFinished({ state }: Pick<TrainingJob, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'stopped';
}

/** Two words that the adapter does not know are the same state only when they are the same word. */
export function sameState(
  a: Pick<TrainingJob, 'state' | 'status'>,
  b: Pick<TrainingJob, 'state' | 'status'>,
): boolean {
  return a.state === b.state && (a.state !== 'unknown' || a.status.toLowerCase() === b.status.toLowerCase());
}
