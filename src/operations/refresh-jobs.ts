/**
 * Keeps what is known of jobs, compilations and components in step with AWS: one schedule for all that live,
 * of all use cases.
 */
import type { UseCase } from '../domain/use-cases.ts';
import type { JobDeps } from './job-deps.ts';

/** Calls back at a steady beat; never again before the last call has ended. */
export type Beat = (tick: () => Promise<void>) => { stop(): void | Promise<void> };

export interface RefreshDeps extends JobDeps {
  useCases: readonly UseCase[];
  /** Slack team: the background's role sessions carry it. */
  team: string;
  /** Left out: every two seconds by node-cron. */
  beat?: Beat | undefined;
  /** What goes wrong in the background; for the log. */
  onError: (error: unknown, context: { useCase?: string; subject?: string; doing: string }) => void;
}

export class JobRefresher {
  constructor(deps: RefreshDeps) {
    void deps;
  }

  /** Begins the schedule; what was live before a restart goes on. */
  start(): void {}

  /** One round: everything that is due. Safe to call at any time; for tests and for `start`'s schedule. */
  async tick(): Promise<void> {}

  /**
   * Asks AWS about all of one job now: the training, its live compilations, its unsettled components. Calls at
   * the same time share one look. What could not be asked is recorded as a failed check, and does not throw.
   */
  async refreshNow(useCase: string, job: string): Promise<void> {
    void useCase;
    void job;
  }

  /** No new questions; resolves when those under way are answered and recorded. */
  async stop(): Promise<void> {}
}
