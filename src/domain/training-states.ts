/** Where a training job stands, as people read it. */
import type { StateLabel } from './compilation-states.ts';
import type { JobState, TrainingJob } from './jobs.ts';

/** Fewer than there are, to count and filter by. `other`: a word that Signalbox does not know. */
export type TrainingState = 'running' | 'completed' | 'failed' | 'stopped' | 'other';

/** In the order in which they are counted and filters offer them. */
export const TRAINING_STATES: readonly TrainingState[] = [
  'running',
  'completed',
  'failed',
  'stopped',
  'other',
];

/** A job that waits for its turn, or is stopping, is still on its way. */
const STATES: Readonly<Record<JobState, TrainingState>> = {
  pending: 'running',
  running: 'running',
  stopping: 'running',
  completed: 'completed',
  failed: 'failed',
  stopped: 'stopped',
  unknown: 'other',
};

const LABELS: Readonly<Record<Exclude<JobState, 'unknown'>, StateLabel>> = {
  pending: { symbol: '⏳', word: 'pending' },
  running: { symbol: '⏳', word: 'running' },
  completed: { symbol: '✅', word: 'completed' },
  failed: { symbol: '❌', word: 'failed' },
  stopping: { symbol: '🛑', word: 'stopping' },
  stopped: { symbol: '⏹️', word: 'stopped' },
};

/** Of the state, for sums and filters. */
export const TRAINING_STATE_LABELS: Readonly<Record<TrainingState, StateLabel>> = {
  running: LABELS.running,
  completed: LABELS.completed,
  failed: LABELS.failed,
  stopped: LABELS.stopped,
  other: { symbol: '❔', word: 'in another state' },
};

export function trainingState({ state }: Pick<TrainingJob, 'state'>): TrainingState {
  return STATES[state];
}

/** A state that is not known is shown in the provider's word. */
export function trainingLabel({ state, status }: Pick<TrainingJob, 'state' | 'status'>): StateLabel {
  return state === 'unknown' ? { symbol: '❔', word: status } : LABELS[state];
}

/**
 * Where a job stands, in words: ours, and the provider's second one if that says more. `running`, `Downloading`
 */
export function standingOf(job: Pick<TrainingJob, 'state' | 'status' | 'secondaryStatus'>): string[] {
  const { word } = trainingLabel(job);
  const more = job.secondaryStatus;
  const known = [job.status, word, ''].some((one) => one.toLowerCase() === (more ?? '').toLowerCase());
  return more === undefined || known ? [word] : [word, more];
}
