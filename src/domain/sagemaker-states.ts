/**
 * SageMaker's words for where a training job stands, in ours. They are here and not with the provider because they come
 * by three ways: from its API, from EventBridge, and from data folders of versions that kept nothing else.
 */
import type { JobPhase, JobStanding, JobState } from './jobs.ts';

// TrainingJobStatus and SecondaryStatus of DescribeTrainingJob, API of 2017-07-24.
const STATES: Readonly<Record<string, JobState>> = {
  // Also while it waits for machines: the second word tells.
  inprogress: 'running',
  stopping: 'stopping',
  completed: 'completed',
  failed: 'failed',
  stopped: 'stopped',
};

const PHASES: Readonly<Record<string, JobPhase>> = {
  starting: 'preparing',
  pending: 'preparing',
  launchingmlinstances: 'preparing',
  preparingtrainingstack: 'preparing',
  interrupted: 'interrupted',
  maxruntimeexceeded: 'runtime-limit',
  maxwaittimeexceeded: 'wait-limit',
};

/**
 * @param status in any letter case
 * @returns to be spread into a job: `state`, `phase`, and the words themselves
 */
export function sageMakerState(status: string, secondaryStatus?: string | undefined): JobStanding {
  const second = secondaryStatus?.toLowerCase() ?? '';
  return {
    state: wordIn(STATES, status.toLowerCase()) ?? 'unknown',
    phase: wordIn(PHASES, second),
    status,
    secondaryStatus,
  };
}

const wordIn = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;
