/** What is said of a training that ended in words no row matches, of stops and pauses (no failures), and of silence. */
import { DOCS, type TrainingAdvice } from './failure-tables.ts';
import type { JobPhase } from './jobs.ts';

/** For a distributed run: what to say when only processes that lost another one are heard. */
export const TRAINING_LOST: Readonly<Record<'died' | 'hung', TrainingAdvice>> = {
  died: {
    id: 'training-peer-died',
    cause: 'Another process of the distributed run died, and this one lost its connection to it.',
    fix: 'Look for the first error in the other machines’ streams and ranks (often memory). If there is none, it was the network or a machine: run it again.',
    link: DOCS.distributed,
    elsewhere: {},
  },
  hung: {
    id: 'training-peer-hung',
    cause: 'A process of the distributed run died or hung, and the others timed out waiting for it.',
    fix: 'Look for a rank that stopped earlier or runs different steps (uneven data, saving on one rank only); raise the timeout only if a step really takes that long.',
    link: DOCS.distributed,
    elsewhere: {},
  },
};

export const TRAINING_SCRIPT: TrainingAdvice = {
  id: 'training-script',
  cause: 'The training script raised an error.',
  fix: 'Read the traceback at the end of the log.',
  link: DOCS.exitCodes,
  kinds: { cause: 'The script raised an error.' },
  elsewhere: {},
};

/** It ended with a code of its own and raised nothing known. */
export const TRAINING_EXIT: TrainingAdvice = {
  id: 'training-exit',
  cause: 'The training program ended with an error.',
  fix: 'Read the last lines of the log: what it printed just before.',
  link: DOCS.exitCodes,
  kinds: { cause: 'The program ended with an error.' },
  elsewhere: {},
};

/** Nothing saw how it ended: only providers that watch a process themselves say so. */
export const TRAINING_UNSEEN: TrainingAdvice = {
  id: 'training-unseen',
  cause: 'Nobody saw how the training ended: what ran it, or the whole machine, stopped before it did.',
  fix: 'Look whether the machine was restarted or ran out of memory, and at the end of the log; then run it again.',
  kinds: { cause: 'Nobody saw how it ended: what ran it, or the whole machine, stopped before it did.' },
  elsewhere: {},
};

/** SageMaker or one of its algorithms about what it was given. */
export const TRAINING_CLIENT: TrainingAdvice = {
  id: 'training-client',
  cause: 'SageMaker or its algorithm rejected something the job was given: data, settings or permissions.',
  fix: 'Correct what the message names, then run it again; unchanged, it will fail again.',
  link: DOCS.describeTraining,
};

export const TRAINING_UNKNOWN: TrainingAdvice = {
  id: 'training-unknown',
  cause: 'Signalbox does not know this failure.',
  fix: 'Read the reason above and the end of the log.',
  link: DOCS.describeTraining,
  elsewhere: {},
};

/** Ends and pauses that are no failure; `request`: somebody stopped it. */
export const TRAINING_STOPS: Readonly<
  Record<Exclude<JobPhase, 'preparing' | 'unexplained'> | 'request', TrainingAdvice>
> = {
  'runtime-limit': {
    id: 'training-max-runtime',
    cause: 'The job reached its runtime limit (MaxRuntimeInSeconds) and was stopped. It did not fail.',
    fix: 'Raise the limit, and write checkpoints so that the next run can go on from there.',
    link: DOCS.stopping,
    elsewhere: { cause: 'The job reached its time limit and was stopped. It did not fail.' },
  },
  'wait-limit': {
    id: 'training-max-wait',
    cause:
      'The job waited for spot capacity longer than MaxWaitTimeInSeconds and was stopped. It did not fail.',
    fix: 'Raise the limit, or run it on demand.',
    link: DOCS.spot,
    elsewhere: {
      cause: 'The job waited for its machine longer than its limit and was stopped. It did not fail.',
      fix: 'Raise the limit, or ask for a machine that is free sooner.',
    },
  },
  interrupted: {
    id: 'training-interrupted',
    cause:
      'AWS took the spot instance back. The job has not failed: it goes on when there is capacity again.',
    fix: 'Nothing to do; with checkpoints it goes on where it was.',
    link: DOCS.checkpoints,
    elsewhere: {
      cause: 'The job’s machine was taken back. It has not failed: it goes on when there is one again.',
    },
  },
  request: {
    id: 'training-stopped',
    cause: 'The job was stopped on request.',
    fix: 'Run it again if you still need its result.',
    link: DOCS.stopping,
    elsewhere: {},
  },
};

/** Its provider only says that its machine does not run any more, which it may have taken back itself. */
export const TRAINING_STOP_UNEXPLAINED: TrainingAdvice = {
  id: 'training-stop-unexplained',
  cause:
    'The job’s machine was stopped or deleted, by somebody or by its provider (machines rented as interruptible are taken back): nothing says by whom.',
  fix: 'If none of you stopped it, run it again: on a machine that is not interruptible, or with checkpoints on a volume that stays.',
  elsewhere: {},
};

/** Not a failure yet: nobody knows. */
export const STUCK_RUN: TrainingAdvice = {
  id: 'training-stuck',
  cause: 'It is still running but prints nothing: it hangs, or it rarely prints.',
  fix: 'Look at its CPU and GPU use. Next to none means that it hangs (often a data loader, or a lost peer of a distributed run) and only costs money: stop it. Otherwise mute this.',
  link: DOCS.trainingMetrics,
  elsewhere: {
    fix: 'Look at its CPU and GPU use. Next to none means that it hangs (often a data loader, or a lost peer of a distributed run) and keeps its machine from others: stop it. Otherwise mute this.',
  },
};
