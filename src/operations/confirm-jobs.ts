/**
 * Checks what an event says about a training job with SageMaker before anybody is called. An event is a reason to ask,
 * and is believed by itself only if SageMaker cannot be asked.
 */

import PQueue from 'p-queue';
import { backgroundActor } from '../domain/background-actor.ts';
import { modelName } from '../domain/components.ts';
import { readJobKey } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { quotaKey, type UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import { type AppError, toAppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import { askedAs } from './job-checks.ts';
import type { JobDeps } from './job-deps.ts';
import { findJob, placeOf } from './job-places.ts';

export type Confirmation =
  /** As SageMaker describes it. */
  | { kind: 'known'; job: TrainingJob }
  /** SageMaker has no such job. */
  | { kind: 'unknown' }
  /** SageMaker could not be asked. */
  | { kind: 'unasked'; problem: AppError };

export interface ConfirmerOptions {
  team: string;
  /** Milliseconds before each further request, if there was no answer or it may be too early; default 1 s and 3 s. */
  pauses?: readonly number[] | undefined;
  /** Requests at once in one account and region; default 6, which leaves room for others there. */
  perSecond?: number | undefined;
}

/** Requests at the same time in one account and region. */
const AT_ONCE = 4;
const PER_SECOND = 6;
/** Milliseconds to wait for a busy SageMaker; after that somebody has to be told, confirmed or not. */
const BUSY_FOR = 60_000;
/** More than can ever wait of one family. */
const KNOWN_FIRST = 1_000_000;
/** Asking again may help. */
const WORTH_ASKING_AGAIN = new Set(['unavailable', 'timeout', 'internal']);

export class JobConfirmer {
  readonly #deps: Pick<JobDeps, 'gateway' | 'clock'>;
  readonly #options: ConfirmerOptions;
  readonly #accounts = new Map<string, PQueue>();
  /** Account, region and family of jobs → how many of its requests wait. */
  readonly #waiting = new Map<string, number>();
  /** Use case and job → since when SageMaker has been too busy to say. */
  readonly #busySince = new Map<string, number>();

  constructor(deps: Pick<JobDeps, 'gateway' | 'clock'>, options: ConfirmerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * @param job its key
   * @param about.ended whether the job is said to have ended: SageMaker is asked again if it says that it is still running
   * @param about.known whether the job is on record, so that thousands of unknown names do not go before it
   * @throws AppError rate_limited: too early to give up; try again
   */
  async ask(
    useCase: UseCase,
    job: string,
    about: { ended: boolean; known: boolean },
    signal: AbortSignal,
  ): Promise<Confirmation> {
    const { ended } = about;
    const pauses = this.#options.pauses ?? [1_000, 3_000];
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#inTurn(useCase, job, about.known, signal);
      const again =
        answer.kind === 'unasked'
          ? WORTH_ASKING_AGAIN.has(answer.problem.code)
          : // What it describes may lag a moment behind what it sends.
            answer.kind === 'known' && ended && !isFinished(answer.job);
      const wait = pauses[tries];
      if (!again || wait === undefined) return this.#orBusy(useCase, job, answer);
      await pause(wait, signal);
    }
  }

  /** Known jobs first; within a rank, the more of a family are waiting, the later its next one comes. */
  async #inTurn(useCase: UseCase, job: string, known: boolean, signal: AbortSignal): Promise<Confirmation> {
    const family = JSON.stringify([quotaKey(useCase), known ? modelName(job) : null]);
    const before = this.#waiting.get(family) ?? 0;
    this.#waiting.set(family, before + 1);
    try {
      return await this.#queueOf(useCase).add(() => this.#once(useCase, job, known, signal), {
        priority: (known ? KNOWN_FIRST : 0) - before,
      });
    } finally {
      const left = this.#waiting.get(family)! - 1;
      if (left > 0) this.#waiting.set(family, left);
      else this.#waiting.delete(family);
    }
  }

  async #once(useCase: UseCase, job: string, known: boolean, signal: AbortSignal): Promise<Confirmation> {
    try {
      // Whatever still waits when everything stops is no longer asked.
      signal.throwIfAborted();
      const actor = backgroundActor(this.#options.team);
      const session = await this.#deps.gateway.open(useCase, actor, askedAs(readJobKey(job).provider));
      const found = await findJob(session, job, signal);
      if (!found) return { kind: 'unknown' };
      return { kind: 'known', job: known ? found : await asListed(session, job, found, signal) };
    } catch (thrown) {
      signal.throwIfAborted();
      return { kind: 'unasked', problem: toAppError(thrown) };
    }
  }

  /** Otherwise anybody who sends enough events could have them believed unconfirmed. */
  #orBusy(useCase: UseCase, job: string, answer: Confirmation): Confirmation {
    const key = JSON.stringify([useCase.id, job]);
    if (answer.kind !== 'unasked' || answer.problem.code !== 'rate_limited') {
      this.#busySince.delete(key);
      return answer;
    }
    const now = elapsed(this.#deps.clock);
    const since = this.#busySince.get(key) ?? now;
    this.#busySince.set(key, since);
    if (now - since < BUSY_FOR) throw answer.problem;
    this.#busySince.delete(key);
    return answer;
  }

  #queueOf(useCase: UseCase): PQueue {
    const key = quotaKey(useCase);
    let queue = this.#accounts.get(key);
    if (!queue) {
      const intervalCap = this.#options.perSecond ?? PER_SECOND;
      queue = new PQueue({ concurrency: AT_ONCE, interval: 1_000, intervalCap });
      this.#accounts.set(key, queue);
    }
    return queue;
  }
}

/** An execution's ARN, which is all that its events have, may have its pipeline's name in lower case. */
async function asListed(
  session: UseCaseSession,
  key: string,
  found: TrainingJob,
  signal: AbortSignal,
): Promise<TrainingJob> {
  if (found.provider !== 'pipeline') return found;
  const { provider, name } = placeOf(session, key);
  const listed = await provider.jobs.list({ nameContains: name, limit: 10 }, signal);
  const same = listed.find((one) => one.name.toLowerCase() === name.toLowerCase());
  return same ? { ...found, name: same.name } : found;
}
