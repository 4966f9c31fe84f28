/** Reads logs for alerts that are already posted, and adds to each alert what its log says. */
import type { AlertExcerpt } from '../domain/alerts.ts';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import type { AppError } from '../ground/errors.ts';
import { SingleFlight } from '../ground/key-queue.ts';
import type { NotifierDeps } from './notifier.ts';

interface Found {
  excerpt?: AlertExcerpt | undefined;
  /** Better advice than the alert has so far. */
  advice?: FailureAdvice | undefined;
  /** Why the log could not be read; it is read again later. */
  logProblem?: AppError | undefined;
}

export class AlertExplainer {
  readonly #deps: Pick<NotifierDeps, 'alerts' | 'onError'>;
  /** Alert → its reading in progress. */
  readonly #underWay = new SingleFlight<string>();

  constructor(deps: Pick<NotifierDeps, 'alerts' | 'onError'>) {
    this.#deps = deps;
  }

  /** At most one at a time for each alert. */
  begin(alert: string, about: { useCase: string; subject: string }, read: () => Promise<Found>): void {
    const { alerts, onError } = this.#deps;
    const failed = (doing: string) => (error: unknown) => onError(error, { ...about, doing });
    const work = (): Promise<void> =>
      read()
        .then(({ excerpt, advice, logProblem }) => {
          if (logProblem) failed('reading the end of a log')(logProblem);
          return alerts.explain(alert, {
            ...(excerpt ? { excerpt } : {}),
            ...(advice ? { advice } : {}),
            read: logProblem === undefined,
          });
        })
        .catch((error: unknown) => {
          failed('explaining a failure')(error);
          return alerts.explain(alert, { read: false });
        })
        .catch(failed('noting that a log was read'));
    void this.#underWay.run(alert, work);
  }

  /** Resolves when none is in progress. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }
}
