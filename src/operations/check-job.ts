/** Checks one job at once because somebody asks; the regular schedule is in refresh-jobs.ts. */
import { setMaxListeners } from 'node:events';
import type { UseCase } from '../domain/use-cases.ts';
import { CancelledError } from '../ground/errors.ts';
import { AccountChecks, type OnError } from './account-checks.ts';
import { checksOfJob } from './job-checks.ts';
import type { JobDeps } from './job-deps.ts';

export interface JobCheckerDeps extends JobDeps {
  useCases: readonly UseCase[];
  /** Slack team: the background's role sessions carry it. Undefined until Slack has named it. */
  team: () => string | undefined;
  onError: OnError;
}

export class JobChecker {
  readonly #deps: JobCheckerDeps;
  readonly #stopping = new AbortController();
  #accounts: AccountChecks | undefined;

  constructor(deps: JobCheckerDeps) {
    this.#deps = deps;
    setMaxListeners(0, this.#stopping.signal);
  }

  /** As `JobRefresher.refreshNow`. */
  async refreshNow(useCase: string, job: string): Promise<void> {
    const found = this.#deps.useCases.find(({ id }) => id === useCase);
    const team = this.#deps.team();
    const { signal } = this.#stopping;
    if (!found || team === undefined || signal.aborted) return;
    this.#accounts ??= new AccountChecks({ ...this.#deps, team, signal });
    await this.#accounts.now(found, await checksOfJob(this.#deps, found, job));
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    await this.#accounts?.idle();
  }
}
