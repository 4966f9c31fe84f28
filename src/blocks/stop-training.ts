/** The button that stops a training run, the question that it asks first, and what became of it. */
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { onProvider, PROVIDERS } from '../domain/providers.ts';
import { trainingLabel } from '../domain/training-states.ts';
import { writeRef } from './job-facts.ts';
import type { Button, Message } from './message.ts';
import { button, code, confirmed, moment, plain, said } from './text.ts';
import { TRAIN } from './train-ids.ts';

/** For a job that runs, where its provider can stop it. */
export function stopTrainingButton(job: TrainingJob): Button | undefined {
  const { stops, stopsToo, isKind, thing } = PROVIDERS[job.provider];
  if (isFinished(job) || job.state === 'stopping' || !stops) return undefined;
  const many = stopsToo === undefined ? '' : `, with ${stopsToo}`;
  const ref = writeRef({ useCase: job.useCase, job: jobKey(job) });
  return confirmed(button('Stop…', TRAIN.stop, ref, 'danger'), {
    title: isKind ? `Stop this ${thing}?` : 'Stop this training?',
    text: `${job.name}${onProvider(job.provider)} ends early${many}. What it has not saved by then is lost${isKind ? '' : '; it can be run again from the beginning'}.`,
    confirm: 'Stop it',
    deny: 'Let it run',
    danger: true,
  });
}

export function stopTrainingMessage({
  outcome,
  job,
  hasCard = true,
}: {
  outcome: 'stopping' | 'ending' | 'ended';
  job: TrainingJob;
  /** Left out: yes; another job's card may tell of it. */
  hasCard?: boolean;
}): Message {
  const end = hasCard ? 'Its card says when it has ended.' : 'Its details say when it has ended.';
  const what = `${code(job.name)}${onProvider(job.provider)}`;
  if (outcome === 'stopping') return said(`:octagonal_sign: Stopping ${what}. ${end}`);
  if (outcome === 'ending') return said(`${what} is being stopped already. ${end}`);
  const { symbol, word } = trainingLabel(job);
  const when = job.endedAt === undefined ? '' : `, ${moment(job.endedAt)}`;
  return said(`${what} has ended already (${symbol} ${plain(word, 60)}${when}): there is nothing to stop.`);
}
