/** What is kept of a training job. */
import type { Actor } from '../ground/actor.ts';
import type { EpochMs } from '../ground/time.ts';
import type { KeptCurves } from './curve-summary.ts';
import type { TrainingJob } from './jobs.ts';

/** Milliseconds: a job that ended longer ago than this is not reported after a restart. */
export const NEWS_FOR = 24 * 3_600_000;

/** What is known of a training job without asking AWS: how it was last seen, and where its card is. */
export interface JobRecord {
  job: TrainingJob;
  seenAt: EpochMs;
  /** The job card: one message in the use case's first channel. */
  card?:
    | {
        channel: string;
        /** Written by a version that posted cards itself; now the outbox knows. */
        ts?: string | undefined;
        /** Milestones left out of its thread, because the card already showed them when it was posted. */
        told?: readonly string[] | undefined;
      }
    | undefined;
  /** The last check, if it got no answer; removed by the next answer. */
  failedCheck?: { at: EpochMs; message: string } | undefined;
  /** Why its end is known from an event alone (SageMaker could not be asked). Removed once SageMaker confirms it. */
  unconfirmed?: string | undefined;
  /** It had ended when it was described, so there is nothing more to ask. */
  described?: boolean | undefined;
  /** It was found in the use case's list of jobs. Jobs created after the newest of these are new. */
  listed?: boolean | undefined;
  /** Something happened to it while Signalbox watched, so its outcome is reported, even after a restart. */
  news?: boolean | undefined;
  /** It completed and is to be compiled automatically. Removed once that is done, so a restart still does it. */
  compileDue?: boolean | undefined;
  /** What was read of its curves once it had ended. */
  curves?: KeptCurves | undefined;
  /** Somebody started it from an earlier job. */
  rerun?: Rerun | undefined;
  /** Somebody started it from a template. */
  start?: RunStart | undefined;
  /** Somebody had it stopped from here. */
  stop?: RunStop | undefined;
}

export interface RunStop {
  by: Actor;
  /** For words where a mention would ping; from outside. */
  byName: string;
  at: EpochMs;
}

export interface RunStart {
  /** The template's name. */
  template: string;
  /** Random: tells two submissions of one form apart. */
  mark: string;
  by: Actor;
  /** For words where a mention would ping; from outside. */
  byName: string;
  at: EpochMs;
}

export interface Rerun {
  /** The job that it repeats. */
  of: string;
  /** What both train, so that this one's success resolves the other's failure, whatever this one is called. */
  pipeline: string;
  by: Actor;
  /** For words where a mention would ping; from outside. */
  byName: string;
  at: EpochMs;
  /** Differences, a line each, secrets masked. */
  changes: readonly string[];
}
