/** Reads logs for alerts that are already posted, and adds to each alert what its log says. */
import { type AlertExcerpt, needsExcerpt } from '../domain/alerts.ts';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import { elapsed } from '../ground/elapsed.ts';
import type { AppError } from '../ground/errors.ts';
import { SingleFlight } from '../ground/key-queue.ts';
import type { NotifierDeps } from './notifier.ts';

/**
 * Milliseconds from a look that found nothing to the next one. The log agents of SageMaker and Neo send what was
 * printed last after the failure is known; a log without any stream may get one.
 */
const LOOK_AGAIN = [15_000, 60_000];

interface Found {
  excerpt?: AlertExcerpt | undefined;
  /** Better advice than the alert has so far. */
  advice?: FailureAdvice | undefined;
  /** Why the log could not be read; it is read again later. */
  logProblem?: AppError | undefined;
}

interface Look {
  about: { useCase: string; subject: string };
  read: () => Promise<Found>;
}

export class AlertExplainer {
  readonly #deps: Pick<NotifierDeps, 'alerts' | 'clock' | 'onError'>;
  /** Alert → its reading in progress. */
  readonly #underWay = new SingleFlight<string>();
  /** Alert → its next look. Lost with the process, whose next one looks again at its start. */
  readonly #later = new Map<string, Look & { dueAt: number }>();

  constructor(deps: Pick<NotifierDeps, 'alerts' | 'clock' | 'onError'>) {
    this.#deps = deps;
  }

  /** At most one at a time for each alert. */
  begin(alert: string, about: Look['about'], read: Look['read']): void {
    this.#later.delete(alert);
    void this.#underWay.run(alert, () => this.#look(alert, { about, read }));
  }

  /** Looks again where it is time to; resolves at once. */
  async tick(): Promise<void> {
    const now = elapsed(this.#deps.clock);
    for (const [alert, { about, read, dueAt }] of this.#later)
      if (dueAt <= now) this.begin(alert, about, read);
  }

  /** Resolves when none is in progress. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }

  async #look(id: string, { about, read }: Look): Promise<void> {
    const { alerts, clock, onError } = this.#deps;
    const failed = (doing: string) => (error: unknown) => onError(error, { ...about, doing });
    const found = await read().catch(failed('explaining a failure'));
    if (found?.logProblem) failed('reading the end of a log')(found.logProblem);
    try {
      const alert = await alerts.explain(id, {
        ...(found?.excerpt ? { excerpt: found.excerpt } : {}),
        ...(found?.advice ? { advice: found.advice } : {}),
        read: found !== undefined && found.logProblem === undefined,
      });
      const pause = LOOK_AGAIN[(alert.emptyReads ?? 0) - 1];
      if (needsExcerpt(alert) && !alert.resolved && pause !== undefined)
        this.#later.set(id, { about, read, dueAt: elapsed(clock) + pause });
    } catch (error) {
      failed('noting that a log was read')(error);
    }
  }
}
