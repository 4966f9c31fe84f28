/** A training job's status as people read it. */
import type { StateLabel } from './compilation-states.ts';

/** `other`: a status that Signalbox does not know. */
export type TrainingState = 'running' | 'completed' | 'failed' | 'stopped' | 'other';

/** In the order in which they are counted and filters offer them. */
export const TRAINING_STATES: readonly TrainingState[] = [
  'running',
  'completed',
  'failed',
  'stopped',
  'other',
];

/** A job that is stopping still runs. */
const STATES: Readonly<Record<string, TrainingState>> = {
  inprogress: 'running',
  stopping: 'running',
  completed: 'completed',
  failed: 'failed',
  stopped: 'stopped',
};

const LABELS: Readonly<Record<string, StateLabel>> = {
  inprogress: { symbol: '⏳', word: 'running' },
  completed: { symbol: '✅', word: 'completed' },
  failed: { symbol: '❌', word: 'failed' },
  stopping: { symbol: '🛑', word: 'stopping' },
  stopped: { symbol: '⏹️', word: 'stopped' },
};

/** Of the state, for sums and filters. */
export const TRAINING_STATE_LABELS: Readonly<Record<TrainingState, StateLabel>> = {
  running: LABELS.inprogress!,
  completed: LABELS.completed!,
  failed: LABELS.failed!,
  stopped: LABELS.stopped!,
  other: { symbol: '❔', word: 'in another state' },
};

/** @param status SageMaker's word, any letter case */
export function trainingState(status: string): TrainingState {
  const known = status.toLowerCase();
  return Object.hasOwn(STATES, known) ? STATES[known]! : 'other';
}

/** Any letter case; an unknown status is shown as it is. */
export function trainingLabel(status: string): StateLabel {
  const known = status.toLowerCase();
  return Object.hasOwn(LABELS, known) ? LABELS[known]! : { symbol: '❔', word: status };
}
