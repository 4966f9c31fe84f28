/** The checks of one training job: of itself, its compilations and its components. */

import { type CompilationAttempt, currentStatus } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import { readJobKey } from '../domain/job-keys.ts';
import { PROVIDERS, type ProviderName, providerWord } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { Check } from './account-checks.ts';
import type { JobDeps } from './job-deps.ts';
import { isRefusedKind } from './job-places.ts';
import { notingRefusals } from './kind-refusals.ts';
import { observeAttempt, observeComponent, observeFailedCheck, observeJob } from './observe-jobs.ts';
import { resumePublishing } from './publish-component.ts';

/** Milliseconds between checks of what is still running; with the ticker and the pace, 80 of them take at most 30 s. */
export const CHECK_EVERY = 20_000;
/** Milliseconds before a job that is gone, or whose provider is, or that the role may not look at, is checked again. */
const GONE_FOR = 600_000;
/** Milliseconds after which something that AWS does not know was never accepted: a start waits two minutes at most. */
const GRACE = 5 * 60_000;

/** Everything that can be asked about one job now. @param described as for `trainingCheck` */
export async function checksOfJob(
  deps: JobDeps,
  useCase: UseCase,
  job: string,
  described?: () => void,
): Promise<Check[]> {
  const [attempts, components] = await Promise.all([
    deps.store.listAttempts({ useCase: useCase.id, job, live: true }),
    deps.store.listComponents({ useCase: useCase.id, job, settled: false }),
  ]);
  return [
    trainingCheck(deps, useCase, job, described),
    ...attempts.map((attempt) => compilationCheck(deps, useCase, attempt)),
    ...components.map((component) => componentCheck(deps, useCase, component)),
  ];
}

/** The session in which the background asks about jobs there: what a session may do has to fit into a short policy. */
export const askedAs = (provider: ProviderName): 'comp' | 'logs' =>
  PROVIDERS[provider].isKind ? 'logs' : 'comp';

export const trainingKey = (useCase: string, job: string): string =>
  JSON.stringify(['training', useCase, job]);

/** @param described the service has told everything it knows */
export function trainingCheck(
  deps: JobDeps,
  useCase: UseCase,
  job: string,
  described: () => void = () => {},
): Check {
  const { provider, name } = readJobKey(job);
  return {
    key: trainingKey(useCase.id, job),
    useCase,
    provider,
    job,
    operation: askedAs(provider),
    doing: `looking at a ${PROVIDERS[provider].thing}`,
    ask: async (session, at, signal) => {
      const place = session.providers.find((one) => one.name === provider);
      const looks = { useCase, provider, what: 'look' } as const;
      const seen = place && (await notingRefusals(deps, looks, () => place.getStatus(name, signal)));
      described();
      if (seen) {
        await observeJob(deps, useCase, { job: seen, at, described: true });
        return PROVIDERS[provider].lookEvery;
      }
      const { thing, isKind, called } = PROVIDERS[provider];
      const message = place
        ? `${providerWord(provider)} has no ${thing} of this name any more.`
        : isKind
          ? `This use case leaves out SageMaker’s ${thing}s now.`
          : `This use case does not train on ${called} any more.`;
      await observeFailedCheck(deps, useCase.id, job, { at, message });
      return GONE_FOR;
    },
    again: (error) => (isRefusedKind(provider, error) ? GONE_FOR : undefined),
    fail: (failed) => observeFailedCheck(deps, useCase.id, job, failed),
  };
}

export function compilationCheck(deps: JobDeps, useCase: UseCase, attempt: CompilationAttempt): Check {
  const { id, job, compilationJob } = attempt;
  return {
    key: JSON.stringify(['compilation', id]),
    useCase,
    job,
    operation: 'comp',
    doing: 'looking at a compilation',
    ask: async ({ compiler }, at, signal) => {
      const report = await compiler.describe(compilationJob, signal);
      if (report) await observeAttempt(deps, useCase, id, { kind: 'status', at, ...report });
      else await missingCompilation(deps, useCase, attempt, at);
      return undefined;
    },
    fail: (failed) => observeAttempt(deps, useCase, id, { kind: 'check-failed', ...failed }),
  };
}

/** SageMaker does not know it: not yet, never, or not any more. Only time tells which. */
async function missingCompilation(
  deps: JobDeps,
  useCase: UseCase,
  attempt: CompilationAttempt,
  at: EpochMs,
): Promise<void> {
  const { id, askedAt, lastCheckedAt } = attempt;
  if (at - Math.max(askedAt, lastCheckedAt ?? 0) <= GRACE) return;
  if (currentStatus(attempt) === 'REQUESTED') {
    // It is about to be requested (again).
    const record = await deps.store.getJob(useCase.id, attempt.job);
    if (useCase.compile?.auto && record?.compileDue) return;
    const message = 'SageMaker never took the request: it was lost on its way. Retry it.';
    await observeAttempt(deps, useCase, id, { kind: 'refused', at, message });
    return;
  }
  // Only a compilation that has ended can be deleted.
  await observeAttempt(deps, useCase, id, {
    kind: 'status',
    at,
    status: 'STOPPED',
    failureReason: 'SageMaker has no such compilation any more: it ended and was deleted.',
  });
}

export function componentCheck(deps: JobDeps, useCase: UseCase, component: Component): Check {
  const { chain, arn } = component;
  const { name, version } = chain.component;
  return {
    key: JSON.stringify(['component', useCase.id, name, version]),
    useCase,
    job: chain.trainingJob,
    operation: 'pkg',
    doing: 'looking at a component',
    ask: async ({ components }, at, signal) => {
      if (arn === undefined) {
        // Whoever just published it may still be waiting for the answer.
        if (at - component.createdAt < CHECK_EVERY) return undefined;
        const { error, outcome } = await resumePublishing(deps, components, component, signal);
        if (outcome === 'pending' && error) throw error;
        return undefined;
      }
      const report = await components.describe(arn, signal);
      if (report) await observeComponent(deps, component, { at, ...report });
      else if (at - Math.max(component.createdAt, component.lastCheckedAt ?? 0) > GRACE)
        await observeComponent(deps, component, {
          at,
          state: 'FAILED',
          message: 'Greengrass has no such component version any more: it was deleted.',
        });
      return undefined;
    },
    fail: async () => undefined,
  };
}
