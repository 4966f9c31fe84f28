/** What is kept of a training job. */
import type { Actor } from '../ground/actor.ts';
import type { EpochMs } from '../ground/time.ts';
import type { TrainingJob } from './jobs.ts';

/** Milliseconds: what ended longer ago is no news after a restart. */
export const NEWS_FOR = 24 * 3_600_000;

/** What is known of a training job without asking: how it was last seen, and where its card is. */
export interface JobRecord {
  job: TrainingJob;
  seenAt: EpochMs;
  /** The job card: one message in the use case's first channel. */
  card?:
    | {
        channel: string;
        /** Of a version that posted cards by itself; since then the outbox knows. */
        ts?: string | undefined;
        /** Milestones that its thread does not tell: the card itself said them when it came. */
        told?: readonly string[] | undefined;
      }
    | undefined;
  /** The last look at it, when it got no answer; gone with the next answer. */
  failedCheck?: { at: EpochMs; message: string } | undefined;
  /** Its end is known from an event alone, because SageMaker could not be asked: why. Gone once SageMaker has said it. */
  unconfirmed?: string | undefined;
  /** It had ended when it was described: there is nothing more to be asked. */
  described?: boolean | undefined;
  /** It was met in the use case's list of jobs: what was created after the newest such one is news. */
  listed?: boolean | undefined;
  /** Something happened to it while Signalbox watched: what it comes to is told, also after a restart. */
  news?: boolean | undefined;
  /** It completed and shall be compiled by itself; gone once that is done, so that a restart does it. */
  compileDue?: boolean | undefined;
  /** Somebody started it from an earlier job. */
  rerun?: Rerun | undefined;
}

export interface Rerun {
  /** The job that it repeats. */
  of: string;
  /** What both train, so that a success here makes the failure there good, whatever this one is called. */
  pipeline: string;
  by: Actor;
  /** For words where a mention would ping; from outside. */
  byName: string;
  at: EpochMs;
  /** Differences, a line each, secrets masked. */
  changes: readonly string[];
}
