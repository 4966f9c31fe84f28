/**
 * Makes Greengrass component versions from compiled models. The caller checks rights first.
 *
 * The component and its recipe are stored before Greengrass is asked. Whoever continues after a crash sends the same
 * recipe and client token, so that nothing is made twice.
 */

import PQueue from 'p-queue';
import { attemptsOf, attemptThatCounts, type CompilationAttempt } from '../domain/compilations.ts';
import {
  type Component,
  clientToken,
  componentName,
  modelName,
  nextVersion,
  type RecipePreview,
} from '../domain/components.ts';
import { nameOfJob } from '../domain/job-keys.ts';
import { DEFAULT_RECIPE_TEMPLATE, renderRecipe } from '../domain/recipes.ts';
import { findTarget, targetTable } from '../domain/targets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError, type ErrorCode, toAppError } from '../ground/errors.ts';
import type { ComponentRegistry } from '../ports/component-registry.ts';
import type { JobDeps } from './job-deps.ts';
import { observeComponent } from './observe-jobs.ts';

/** `again`: a new version although there is one made from the same compilation. */
export type PublishReason = 'manual' | 'auto' | 'again';

export interface PublishRequest {
  actor: Actor;
  useCase: UseCase;
  /** The training job's name. */
  job: string;
  /** All must be compiled; one's failure does not affect the others. */
  targets: readonly string[];
  why: PublishReason;
}

/**
 * `published`: Greengrass has it and is working on it. `already`: this compilation has one or is getting one,
 * `component`. `pending`: no clear answer; it is requested again automatically, which makes nothing twice. `refused`:
 * recorded as failed if there was anything to record.
 */
export type PublishOutcome = 'published' | 'already' | 'pending' | 'refused';

export interface PublishResult {
  target: string;
  outcome: PublishOutcome;
  component?: Component | undefined;
  error?: AppError | undefined;
}

export interface PublishReport {
  results: readonly PublishResult[];
  sessionName: string;
}

/** CreateComponentVersion is allowed once a second. */
const AT_ONCE = 2;
/** Versions to try if others take them at the same time. */
const ROUNDS = 8;
/** Milliseconds for which Greengrass remembers a client token; after that, asking again might make a second version. */
const TOKEN_LIVES = 8 * 3600_000;
/** Answers after which asking again changes nothing. */
const REFUSALS = new Set<ErrorCode>(['invalid_input', 'permission_denied', 'not_found']);

/** @throws AppError as the gateway; a single target's failure is in its result */
export async function publishComponents(
  deps: JobDeps,
  request: PublishRequest,
  options: { signal?: AbortSignal } = {},
): Promise<PublishReport> {
  const { actor, useCase, job } = request;
  requireComponentSettings(useCase);
  const session = await deps.gateway.open(useCase, actor, 'pkg');
  const queue = new PQueue({ concurrency: AT_ONCE });
  const one = async (target: string): Promise<PublishResult> => {
    let result: PublishResult;
    try {
      result = await publishOne(deps, session.components, request, target, options.signal);
    } catch (error) {
      result = { target, outcome: 'refused', error: toAppError(error) };
    }
    await deps.store.appendAudit({
      at: deps.clock.now(),
      actor,
      action: AUDIT_ACTIONS[result.outcome],
      useCase: useCase.id,
      subject: job,
      sessionName: session.sessionName,
      detail: {
        target,
        why: request.why,
        ...result.component?.chain.component,
        ...(result.error ? { code: result.error.code, ref: result.error.ref } : {}),
      },
    });
    return result;
  };
  const targets = [...new Set(request.targets)];
  const results = await Promise.all(targets.map((target) => queue.add(() => one(target))));
  return { results, sessionName: session.sessionName };
}

const AUDIT_ACTIONS: Readonly<Record<PublishOutcome, string>> = {
  published: 'component.published',
  already: 'component.not_published',
  pending: 'component.unclear',
  refused: 'component.refused',
};

/** @throws AppError conflict (not compiled), invalid_input (template, architecture), and as the gateway */
export async function recipePreview(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string; target: string },
  options: { signal?: AbortSignal } = {},
): Promise<RecipePreview> {
  const { actor, useCase, target } = request;
  const settings = requireComponentSettings(useCase);
  const attempt = await compiledAttempt(deps, useCase, request.job, target);
  const session = await deps.gateway.open(useCase, actor, 'pkg');
  const plan = await nextComponent(deps, session.components, useCase, attempt, options.signal);
  return {
    target,
    ...plan,
    recipe: recipeFor(useCase, attempt, plan),
    template: settings.recipeTemplate === undefined ? 'built-in' : 'use case',
  };
}

/**
 * Continues with a component that Greengrass may not have; `refused` if it never will.
 * @param signal once aborted, the component stays as it is
 */
export async function resumePublishing(
  deps: JobDeps,
  registry: ComponentRegistry,
  component: Component,
  signal?: AbortSignal,
): Promise<PublishResult> {
  const { chain, recipe } = component;
  const { target } = chain;
  const { name, version } = chain.component;
  const at = deps.clock.now();
  if (recipe !== undefined && at - component.createdAt < TOKEN_LIVES)
    return askGreengrass(deps, registry, component, recipe, signal);
  const made = (await registry.versions(name, signal)).find((one) => one.version === version);
  if (made) {
    const seen = await observeComponent(deps, component, { at, state: 'REQUESTED', arn: made.arn });
    return { target, outcome: 'published', component: seen };
  }
  const error = new AppError('timeout', `Greengrass did not take ${name} ${version} within 8 hours.`, {
    hint: 'Package again.',
  });
  return fail(deps, component, error);
}

// --- One target ---------------------------------------------------------------------------------------

/** @throws AppError invalid_input: what to add to the use case */
function requireComponentSettings(useCase: UseCase): NonNullable<UseCase['components']> {
  if (useCase.components) return useCase.components;
  throw new AppError('invalid_input', `The use case ${useCase.name} has no components settings.`, {
    hint: `An admin of Signalbox should add them to ${useCase.id} in signalbox.yaml: components: { auto: false, namePrefix: model- }`,
  });
}

async function compiledAttempt(
  { store }: Pick<JobDeps, 'store'>,
  useCase: UseCase,
  job: string,
  target: string,
): Promise<CompilationAttempt> {
  const pair = { useCase: useCase.id, job, target };
  const attempts = attemptsOf(await store.listAttempts({ useCase: useCase.id, job }), pair);
  const attempt = attemptThatCounts(attempts);
  if (attempt?.artifact !== undefined) return attempt;
  throw new AppError('conflict', `${job} is not compiled for ${target}, so there is nothing to package.`, {
    hint:
      attempts.length === 0 ? 'Compile it first.' : 'Wait until it is compiled, or retry the compilation.',
  });
}

interface NextComponent {
  name: string;
  version: string;
  existing: readonly Component[];
}

async function nextComponent(
  { store }: Pick<JobDeps, 'store'>,
  registry: ComponentRegistry,
  useCase: UseCase,
  { id, job, target }: CompilationAttempt,
  signal?: AbortSignal,
): Promise<NextComponent> {
  const name = componentName({
    prefix: useCase.components?.namePrefix,
    model: modelName(nameOfJob(job)),
    target,
  });
  // Greengrass first: whatever somebody else stores meanwhile is then seen in the store.
  const published = await registry.versions(name, signal);
  const stored = await store.listComponents({ useCase: useCase.id });
  const taken = stored.filter(({ chain }) => chain.component.name === name);
  const version = nextVersion([
    ...published.map((one) => one.version),
    ...taken.map(({ chain }) => chain.component.version),
  ]);
  return { name, version, existing: stored.filter(({ chain }) => chain.attempt === id) };
}

/** @throws AppError invalid_input */
function recipeFor(
  useCase: UseCase,
  attempt: CompilationAttempt,
  { name, version }: { name: string; version: string },
): string {
  const { job, target, compilationJob, artifact = '' } = attempt;
  const { architecture } = findTarget(targetTable(useCase.compile?.customTargets), target);
  if (architecture === undefined)
    throw new AppError('invalid_input', `Nothing says which Greengrass architecture ${target} has.`, {
      hint: `An admin of Signalbox should add it to the target in signalbox.yaml: ${target}: { architecture: aarch64 } (amd64, aarch64, arm or x86).`,
    });
  return renderRecipe(useCase.components?.recipeTemplate ?? DEFAULT_RECIPE_TEMPLATE, {
    name,
    version,
    architecture,
    artifactUri: artifact,
    artifactFile: artifact.split('/').at(-1)!,
    target,
    model: modelName(nameOfJob(job)),
    trainingJob: job,
    compilationJob,
    useCase: useCase.id,
  });
}

const isFailed = ({ state }: Component): boolean => state.toUpperCase() === 'FAILED';
const isPublished = ({ state }: Component): boolean =>
  ['DEPLOYABLE', 'DEPRECATED'].includes(state.toUpperCase());

async function publishOne(
  deps: JobDeps,
  registry: ComponentRegistry,
  { actor, useCase, job, why }: PublishRequest,
  target: string,
  signal?: AbortSignal,
): Promise<PublishResult> {
  const attempt = await compiledAttempt(deps, useCase, job, target);
  for (let round = 0; round < ROUNDS; round += 1) {
    const plan = await nextComponent(deps, registry, useCase, attempt, signal);
    const there = plan.existing.findLast((one) => !isFailed(one));
    if (there && (why !== 'again' || !isPublished(there))) return already(target, there);
    const component: Component = {
      useCase: useCase.id,
      chain: {
        trainingJob: job,
        target,
        attempt: attempt.id,
        compilationJob: attempt.compilationJob,
        component: { name: plan.name, version: plan.version },
      },
      state: 'REQUESTED',
      createdAt: deps.clock.now(),
      publishedBy: actor,
      recipe: recipeFor(useCase, attempt, plan),
    };
    if (!(await add(deps, component))) continue;
    const result = await askGreengrass(deps, registry, component, component.recipe!, signal);
    // Somebody just made this very version by hand, so ours gets the next one.
    if (result.error?.code !== 'conflict') return result;
  }
  throw new AppError(
    'conflict',
    `Every version tried for ${target} was taken by others at the same moment.`,
    {
      hint: 'Package again in a minute.',
    },
  );
}

function already(target: string, component: Component): PublishResult {
  const { name, version } = component.chain.component;
  const error = new AppError(
    'conflict',
    isPublished(component)
      ? `This compilation is packaged already: ${name} ${version}.`
      : `This compilation is being packaged: ${name} ${version}.`,
    {
      hint: isPublished(component)
        ? 'Package again makes a new version of it.'
        : 'Wait until it is deployable.',
    },
  );
  return { target, outcome: 'already', component, error };
}

/** @returns false when the version was taken meanwhile */
async function add(deps: JobDeps, component: Component): Promise<boolean> {
  try {
    await deps.store.addComponent(component);
  } catch (error) {
    if (error instanceof AppError && error.code === 'conflict') return false;
    throw error;
  }
  const { useCase, chain } = component;
  deps.changes.emit({ useCase, job: chain.trainingJob, kind: 'component', component });
  return true;
}

async function askGreengrass(
  deps: JobDeps,
  registry: ComponentRegistry,
  component: Component,
  recipe: string,
  signal?: AbortSignal,
): Promise<PublishResult> {
  const { target, attempt } = component.chain;
  try {
    const token = clientToken(attempt, component.chain.component.version);
    const { arn } = await registry.publish(recipe, token, signal);
    const at = deps.clock.now();
    const seen = await observeComponent(deps, component, { at, state: 'INITIATED', arn });
    return { target, outcome: 'published', component: seen };
  } catch (thrown) {
    if (thrown instanceof CancelledError && signal?.aborted)
      return { target, outcome: 'pending', component, error: toAppError(thrown) };
    const error = toAppError(thrown);
    if (REFUSALS.has(error.code) || error.code === 'conflict') return fail(deps, component, error);
    return { target, outcome: 'pending', component, error };
  }
}

async function fail(deps: JobDeps, component: Component, error: AppError): Promise<PublishResult> {
  const failed = await observeComponent(deps, component, {
    at: deps.clock.now(),
    state: 'FAILED',
    message: [error.message, error.hint].filter(Boolean).join(' '),
  });
  return { target: component.chain.target, outcome: 'refused', component: failed, error };
}
