/**
 * Copies logs that go with the machine that they were printed on, from their beginning and whether or not anybody watches:
 * afterwards it would be too late.
 */
import { NEWS_FOR } from '../domain/job-records.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import { isRunId, runId } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Clock } from '../ground/time.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';
import type { UseCaseGateway } from '../ports/use-case-session.ts';
import type { RunFollower } from './follow-runs.ts';

export interface LeavingLogsOptions {
  store: Pick<JobStore, 'listJobs'>;
  logs: Pick<RunLogStore, 'info'>;
  follower: Pick<RunFollower, 'wanted'>;
  gateway: Pick<UseCaseGateway, 'trainsOn'>;
  useCases: readonly UseCase[];
  clock: Clock;
  onError(error: unknown, context: { useCase: string }): void;
}

const JOBS_LIMIT = 1_000;

export class LeavingLogs {
  readonly #options: LeavingLogsOptions;
  /** Run → stops wanting it. */
  readonly #wanted = new Map<string, () => void>();
  #round: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: LeavingLogsOptions) {
    this.#options = options;
  }

  /** Looks for runs that are not copied yet. While a round is under way, it returns that one. Does not throw. */
  round(): Promise<void> {
    if (this.#isStopped) return this.#round ?? Promise.resolve();
    this.#round ??= this.#look().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#round;
    for (const leave of this.#wanted.values()) leave();
    this.#wanted.clear();
  }

  async #look(): Promise<void> {
    const { useCases, gateway, store, onError } = this.#options;
    for (const useCase of useCases) {
      const leaving = gateway.trainsOn(useCase).filter((name) => PROVIDERS[name].logGoes);
      if (leaving.length === 0) continue;
      try {
        for (const { job } of await store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT }))
          if (leaving.includes(job.provider)) await this.#check(useCase, job);
      } catch (error) {
        onError(error, { useCase: useCase.id });
      }
    }
  }

  async #check(useCase: UseCase, job: TrainingJob): Promise<void> {
    const { logs, follower, clock } = this.#options;
    const run = runId({ useCase: useCase.id, provider: job.provider, job: job.name });
    if (!isRunId(run)) return;
    // What ended long ago was copied then, or is gone; its copy may have been removed since.
    const isOld = isFinished(job) && clock.now() - (job.endedAt ?? job.createdAt) > NEWS_FOR;
    const isDone = isOld || (await logs.info(run))?.end !== undefined;
    const leave = this.#wanted.get(run);
    if (isDone) {
      leave?.();
      this.#wanted.delete(run);
    } else if (!leave && !this.#isStopped) this.#wanted.set(run, follower.wanted(run));
  }
}
