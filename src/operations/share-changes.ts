/** Announces changes of jobs to every instance, since another one may be showing the job. */
import { randomUUID } from 'node:crypto';
import { AppError } from '../ground/errors.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { JobChange, JobChanges } from './job-changes.ts';

const TOPIC = 'job-changes';

/** @returns ends it */
export function shareChanges(
  changes: JobChanges,
  coordination: Pick<Coordination, 'wake' | 'onWake'>,
): () => void {
  const from = randomUUID();
  const pass = (change: JobChange): Promise<void> =>
    coordination.wake(TOPIC, { from, change: written(change) });
  const unsubscribe = changes.subscribe(pass);
  const unlisten = coordination.onWake(TOPIC, (note) => {
    if (note.from !== from) changes.emit(read(note.change), pass);
  });
  return () => {
    unsubscribe();
    unlisten();
  };
}

function written(change: JobChange): unknown {
  if (change.kind !== 'auto-failed') return change;
  const { code, message, hint, ref } = change.error;
  return { ...change, error: { code, message, hint, ref } };
}

function read(change: unknown): JobChange {
  const { error, ...told } = change as JobChange & { error?: AppError };
  if (!error) return told as JobChange;
  const { code, message, hint, ref } = error;
  return {
    ...told,
    error: new AppError(code, message, { ...(hint === undefined ? {} : { hint }), ref }),
  } as JobChange;
}
