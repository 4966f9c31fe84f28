/** A use case's components and their origin: the chain from training job to component, in both directions. */
import PQueue from 'p-queue';
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import { adviceForComponent, type FailureAdvice } from '../domain/failure-guidance.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { ComponentReport, ComponentSummary } from '../ports/component-registry.ts';
import type { JobDeps } from './job-deps.ts';
import { observeComponent } from './observe-jobs.ts';

export interface ComponentEntry {
  name: string;
  version: string;
  arn?: string | undefined;
  /** As it came; left out: not asked (made elsewhere). */
  state?: string | undefined;
  createdAt?: EpochMs | undefined;
  /** What Signalbox knows about it; none: made elsewhere. Its `chain` leads to the training job. */
  component?: Component | undefined;
  /** The compilation that it was made from. */
  attempt?: CompilationAttempt | undefined;
  /** If it failed. */
  advice?: FailureAdvice | undefined;
}

export interface ComponentList {
  /** Newest first. */
  entries: readonly ComponentEntry[];
  /** Greengrass did not answer, so only what Signalbox made is listed. */
  incomplete?: AppError | undefined;
}

/**
 * @param request.match part of a component's, job's or target's name, ignoring case; left out: all
 * @returns every version that Signalbox made, and the newest version of each component made elsewhere
 */
export async function listComponents(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; match?: string },
  options: { signal?: AbortSignal } = {},
): Promise<ComponentList> {
  const { actor, useCase } = request;
  const [own, attempts] = await Promise.all([
    deps.store.listComponents({ useCase: useCase.id }),
    deps.store.listAttempts({ useCase: useCase.id }),
  ]);
  const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  const { summaries, problem } = await askRegistry(deps, actor, useCase, options.signal);
  const ours = new Set(own.map(({ chain }) => keyOf(chain.component)));
  const elsewhere = summaries
    .filter(({ name, latestVersion }) => !ours.has(keyOf({ name, version: latestVersion })))
    .map(
      ({ name, latestVersion, latestArn, createdAt }): ComponentEntry => ({
        name,
        version: latestVersion,
        arn: latestArn,
        createdAt,
      }),
    );
  const needle = request.match?.trim().toLowerCase() ?? '';
  const entries = [...own.map((component) => entryOf(component, byId)), ...elsewhere]
    .filter(({ name, component }) =>
      [name, component?.chain.trainingJob, component?.chain.target].some((part) =>
        part?.toLowerCase().includes(needle),
      ),
    )
    .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
  return { entries, incomplete: problem };
}

const keyOf = ({ name, version }: { name: string; version: string }): string =>
  JSON.stringify([name, version]);

function entryOf(component: Component, attempts: ReadonlyMap<string, CompilationAttempt>): ComponentEntry {
  const { arn, state, createdAt, chain } = component;
  return {
    ...chain.component,
    arn,
    state,
    createdAt,
    component,
    attempt: attempts.get(chain.attempt),
    advice: adviceFor(component),
  };
}

function adviceFor({ state, message, errors }: Component | ComponentReport): FailureAdvice | undefined {
  return state.toUpperCase() === 'FAILED' ? adviceForComponent(message, errors) : undefined;
}

async function askRegistry(
  deps: JobDeps,
  actor: Actor,
  useCase: UseCase,
  signal?: AbortSignal,
): Promise<{ summaries: readonly ComponentSummary[]; problem?: AppError }> {
  try {
    const session = await deps.gateway.open(useCase, actor, 'gg');
    return { summaries: await session.components.list(signal) };
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return { summaries: [], problem: toAppError(error) };
  }
}

/** Requests to Greengrass at once. */
const AT_ONCE = 4;

/**
 * The same entries with missing states filled in, since Greengrass's lists have none. If one cannot be fetched, it stays
 * without.
 */
export async function withStates<E extends ComponentEntry>(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; entries: readonly E[] },
  options: { signal?: AbortSignal } = {},
): Promise<E[]> {
  const { actor, useCase, entries } = request;
  if (entries.every(({ state, arn }) => state !== undefined || arn === undefined)) return [...entries];
  const session = await deps.gateway.open(useCase, actor, 'gg').catch(unlessCancelled);
  if (!session) return [...entries];
  const queue = new PQueue({ concurrency: AT_ONCE });
  return Promise.all(
    entries.map((entry) =>
      queue.add(async () => {
        const { arn, state } = entry;
        if (state !== undefined || arn === undefined) return entry;
        const report = await session.components.describe(arn, options.signal).catch(unlessCancelled);
        return report ? { ...entry, state: report.state, advice: adviceFor(report) } : entry;
      }),
    ),
  );
}

/** Whatever AWS does not report is left out. */
function unlessCancelled(error: unknown): undefined {
  if (error instanceof AppError && !(error instanceof CancelledError)) return undefined;
  throw error;
}

export interface ComponentDetails extends ComponentEntry {
  useCase: UseCase;
  /** Greengrass's own words of a failure, and per artifact URI. */
  message?: string | undefined;
  errors: Readonly<Record<string, string>>;
  /** Newest first, this one included. */
  versions: readonly { version: string; arn?: string | undefined; component?: Component | undefined }[];
}

/**
 * Asks Greengrass as of now.
 * @param request.version left out: the newest
 * @throws AppError not_found with the nearest names, and as the gateway
 */
export async function componentDetails(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; name: string; version?: string },
  options: { signal?: AbortSignal } = {},
): Promise<ComponentDetails> {
  const { actor, useCase, name } = request;
  const session = await deps.gateway.open(useCase, actor, 'gg');
  const published = await session.components.versions(name, options.signal);
  const stored = await deps.store.listComponents({ useCase: useCase.id });
  const own = stored.filter(({ chain }) => chain.component.name === name);
  const ownVersion = (version: string): Component | undefined =>
    own.find(({ chain }) => chain.component.version === version);
  // Those that Greengrass does not have (yet) come first, because they are newer.
  const versions = [
    ...own
      .filter(({ chain }) => !published.some(({ version }) => version === chain.component.version))
      .map((component) => ({ version: component.chain.component.version, arn: component.arn, component }))
      .reverse(),
    ...published.map((one) => ({ ...one, component: ownVersion(one.version) })),
  ];
  const wanted = request.version ?? versions[0]?.version;
  const chosen = versions.find(({ version }) => version === wanted);
  if (!chosen) {
    const known = versions.length > 0 ? versions.map(({ version }) => version) : undefined;
    throw unknownComponent(
      name,
      request.version,
      known ?? [
        ...stored.map(({ chain }) => chain.component.name),
        ...(await session.components.list(options.signal)).map((summary) => summary.name),
      ],
    );
  }
  const at = deps.clock.now();
  const report =
    chosen.arn === undefined ? undefined : await session.components.describe(chosen.arn, options.signal);
  const component =
    chosen.component && report
      ? await observeComponent(deps, chosen.component, { at, ...report })
      : chosen.component;
  const attempts = component
    ? await deps.store.listAttempts({ useCase: useCase.id, job: component.chain.trainingJob })
    : [];
  const told = component ?? report;
  return {
    useCase,
    name,
    version: chosen.version,
    arn: chosen.arn,
    state: told?.state,
    createdAt: report?.createdAt ?? component?.createdAt,
    component,
    attempt: attempts.find(({ id }) => id === component?.chain.attempt),
    advice: told && adviceFor(told),
    message: told?.message,
    errors: told?.errors ?? {},
    versions,
  };
}

function unknownComponent(name: string, version: string | undefined, known: readonly string[]): AppError {
  const near = nearestNames(version ?? name, new Set(known));
  return new AppError(
    'not_found',
    version === undefined ? `There is no component ${name}.` : `There is no component ${name} ${version}.`,
    { hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Look at the list of components.' },
  );
}
