/**
 * Finds compilations that were started outside Signalbox (console, pipeline, an earlier installation) and records
 * them as attempts of their training job. Compilations of other models are ignored.
 */

import { createHash } from 'node:crypto';
import { backgroundActor } from '../domain/background-actor.ts';
import {
  applyObservation,
  type CompilationAttempt,
  currentStatus,
  isLive,
  newAttempt,
} from '../domain/compilations.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { reportedTarget } from '../domain/reported-target.ts';
import { targetTable } from '../domain/targets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { CompilationListing, CompilationReport, ReportedOrder } from '../ports/compiler.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import type { JobDeps } from './job-deps.ts';
import { findJob } from './job-places.ts';
import { observeJob } from './observe-jobs.ts';

/** Compilations that a process lists the first time: two pages. */
const FIRST = 200;
/** Those created since the newest known one, at most. */
const LATER = 500;
/** Milliseconds by which an older one may appear in the list after a newer one. */
const OUT_OF_ORDER = 3600_000;
/** Milliseconds between describing the ones found, so that running jobs are still asked about. */
const APART = 500;
/** Known jobs looked through for a model. */
const JOBS_LIMIT = 1_000;
/** Where SageMaker puts a model: `<S3OutputPath>/<training job>/output/model.tar.gz`. */
const MODEL_OF_JOB = /\/([^/]+)\/output\/model\.tar\.gz$/;

type Deps = Pick<JobDeps, 'store' | 'changes' | 'clock'> & { team: string };

/** One to be described. */
export interface Found extends CompilationListing {
  key: string;
  /** Milliseconds until then. */
  wait: number;
}

/** For one use case. Remembers what it has described for as long as it may be listed again. */
export class ForeignCompilations {
  readonly #deps: Deps;
  readonly #useCase: UseCase;
  readonly #waiting = new Map<string, Found>();
  readonly #described = new Set<string>();
  #newest: EpochMs | undefined;
  /** Anything that ended earlier is not news. */
  #watchingSince: EpochMs | undefined;

  constructor(deps: Deps, useCase: UseCase) {
    this.#deps = deps;
    this.#useCase = useCase;
  }

  get waiting(): Iterable<Found> {
    return this.#waiting.values();
  }

  /** Lists the newest ones. @returns the unknown ones, to be described */
  async look({ compiler }: UseCaseSession, signal?: AbortSignal): Promise<Found[]> {
    const { store, clock } = this.#deps;
    const at = clock.now();
    const query =
      this.#newest === undefined
        ? { limit: FIRST }
        : { limit: LATER, createdAfter: this.#newest - OUT_OF_ORDER };
    const listed = await compiler.list(query, signal);
    // Read after the list: attempts are stored before SageMaker hears of them, so all of ours are known here.
    const attempts = await store.listAttempts({ useCase: this.#useCase.id });
    const ours = new Set(attempts.map(({ compilationJob }) => compilationJob));

    this.#watchingSince ??= at;
    for (const { createdAt } of listed) this.#newest = Math.max(this.#newest ?? 0, createdAt);
    const keys = new Set(listed.map(keyOf));
    // A later list has nothing older than this one.
    for (const key of this.#described) if (!keys.has(key)) this.#described.delete(key);
    const unknown = listed.filter(
      (one) =>
        !ours.has(one.compilationJob) && !this.#described.has(keyOf(one)) && !this.#waiting.has(keyOf(one)),
    );
    const found = unknown.map((one, index) => ({ ...one, key: keyOf(one), wait: index * APART }));
    for (const one of found) this.#waiting.set(one.key, one);
    return found;
  }

  /** Describes it, and records it if its model is a training job's. If that throws, it stays to be described. */
  async adopt(session: UseCaseSession, found: Found, signal?: AbortSignal): Promise<void> {
    const at = this.#deps.clock.now();
    const report = await session.compiler.describe(found.compilationJob, signal);
    const { model, neo } = report?.asked ?? {};
    if (report?.asked && model !== undefined && neo) {
      const job = await this.#trainedBy(session, model, signal);
      if (job === 'not yet') return;
      if (job) {
        const { compilerOptions } = report.asked;
        const targets = targetTable(this.#useCase.compile?.customTargets);
        const target = reportedTarget(targets, neo, compilerOptions);
        await this.#record({ found, job: jobKey(job), target, report, asked: report.asked, at });
      }
    }
    this.#waiting.delete(found.key);
    this.#described.add(found.key);
  }

  /**
   * The training job whose model it is, by the exact address.
   * @returns `not yet` if the job is so new that the next list of training jobs will report it, as news
   */
  async #trainedBy(
    session: UseCaseSession,
    model: string,
    signal: AbortSignal | undefined,
  ): Promise<TrainingJob | 'not yet' | undefined> {
    const { id } = this.#useCase;
    const records = await this.#deps.store.listJobs({
      ...{ useCase: id, provider: 'sagemaker', limit: JOBS_LIMIT },
    });
    const known = records.find(({ job }) => job.modelArtifact === model);
    if (known) return known.job;
    const name = MODEL_OF_JOB.exec(model)?.[1];
    if (name === undefined) return undefined;
    const at = this.#deps.clock.now();
    const job = await findJob(session, name, signal);
    if (job?.modelArtifact !== model) return undefined;
    const isKnown = records.some((record) => jobKey(record.job) === name);
    if (!isKnown && job.createdAt >= (this.#watchingSince ?? at)) return 'not yet';
    await observeJob(this.#deps, this.#useCase, { job, at });
    return job;
  }

  async #record(one: {
    found: Found;
    job: string;
    target: string;
    report: CompilationReport;
    asked: ReportedOrder;
    at: EpochMs;
  }): Promise<void> {
    const { store, changes, team } = this.#deps;
    const useCase = this.#useCase.id;
    const { found, job, target, report, asked, at } = one;
    const { compilationJob } = found;
    // Including the archive. One that was adopted when its target had another name keeps that name.
    const attempts = await store.listAttempts({ useCase, job });
    if (attempts.some((attempt) => attempt.compilationJob === compilationJob)) return;
    const asAsked = newAttempt({
      // The same every time, so that concurrent adoptions make one attempt.
      id: createHash('sha256').update(`${useCase} ${found.key}`).digest('hex').slice(0, 32),
      useCase,
      job,
      target,
      compilationJob,
      startedBy: backgroundActor(team),
      why: 'elsewhere',
      askedAt: asked.createdAt ?? found.createdAt,
      input:
        asked.framework === undefined
          ? undefined
          : {
              framework: asked.framework,
              frameworkVersion: asked.frameworkVersion,
              dataInputConfig: asked.dataInputConfig,
              sources: {},
            },
      limitSeconds: asked.timeoutSeconds,
    });
    const attempt = asSeen(asAsked, report, at);
    const ended = attempt.endedAt ?? attempt.statuses.at(-1)!.at;
    const old = !isLive(attempt) && ended < (this.#watchingSince ?? at);
    try {
      await store.addAttempt(old ? { ...attempt, old } : attempt);
    } catch (error) {
      // Its id is taken: another process was quicker.
      if (error instanceof AppError && error.code === 'conflict') return;
      throw error;
    }
    changes.emit(old ? { useCase, job, kind: 'checked' } : { useCase, job, kind: 'compilation', attempt });
  }
}

function asSeen(asked: CompilationAttempt, report: CompilationReport, at: EpochMs): CompilationAttempt {
  const seen = applyObservation(asked, {
    kind: 'status',
    at,
    ...report,
    changedAt: report.endedAt ?? report.changedAt,
  });
  const { startedAt } = report;
  // That it ran, and since when, is told by its start; being stopped or failing at once has none.
  if (startedAt === undefined || ['STARTING', 'INPROGRESS'].includes(currentStatus(seen))) return seen;
  return applyObservation(
    applyObservation(asked, { kind: 'status', at: startedAt, status: 'INPROGRESS', startedAt }),
    { kind: 'status', at, ...report, changedAt: report.endedAt ?? report.changedAt },
  );
}

const keyOf = ({ compilationJob, createdAt }: CompilationListing): string => `${compilationJob} ${createdAt}`;
