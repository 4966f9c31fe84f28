/** A component: one Greengrass v2 component version, made from one compiled model. */
import { createHash } from 'node:crypto';
import type { Actor } from '../ground/actor.ts';
import type { EpochMs } from '../ground/time.ts';

/** Where a component comes from, from the training job to what devices install. */
export interface ComponentChain {
  trainingJob: string;
  target: string;
  /** Id of the compilation attempt. */
  attempt: string;
  compilationJob: string;
  component: { name: string; version: string };
}

export interface Component {
  useCase: string;
  chain: ComponentChain;
  arn?: string | undefined;
  /** Greengrass's word in upper case, `REQUESTED` until it answers; an unknown word as it came. */
  state: string;
  /** Greengrass's own words. */
  message?: string | undefined;
  /** Artifact URI → what is wrong with it. */
  errors?: Readonly<Record<string, string>> | undefined;
  createdAt: EpochMs;
  lastCheckedAt?: EpochMs | undefined;
  publishedBy?: Actor | undefined;
  /** Kept until Greengrass has taken it, because a repeated request must be identical. */
  recipe?: string | undefined;
}

/** An answer of DescribeComponent, or an event that says as much. */
export interface ComponentObservation {
  at: EpochMs;
  state: string;
  arn?: string | undefined;
  message?: string | undefined;
  errors?: Readonly<Record<string, string>> | undefined;
}

/** Position in the sequence; a state is only ever followed by a later one. */
const RANK: Readonly<Record<string, number>> = {
  REQUESTED: 0,
  INITIATED: 1,
  DEPLOYABLE: 2,
  FAILED: 2,
  DEPRECATED: 3,
};

/**
 * The component after an observation; the very same object when it says nothing new. States only move
 * forward: a failed one stays failed with its words, whatever an answer that comes late says.
 */
export function applyComponentObservation(component: Component, seen: ComponentObservation): Component {
  const changes: Partial<Component> = {};
  const from = normalizeState(component.state);
  const to = normalizeState(seen.state);
  // An unknown state has no place on the way: it is shown until a known one comes.
  const forward = (RANK[to] ?? 1.5) > (RANK[from] ?? -1) && !(from === 'FAILED' && to === 'DEPRECATED');
  if (forward && to !== from) changes.state = to;
  if (forward || to === from) {
    if (seen.message && (forward || !component.message)) changes.message = seen.message;
    const errors = Object.keys(seen.errors ?? {}).length > 0 ? seen.errors : undefined;
    if (errors && (forward || !component.errors)) changes.errors = errors;
  }
  if (seen.arn && !component.arn) changes.arn = seen.arn;
  if (seen.at > (component.lastCheckedAt ?? Number.NEGATIVE_INFINITY)) changes.lastCheckedAt = seen.at;
  return Object.keys(changes).length === 0 ? component : { ...component, ...changes };
}

function normalizeState(state: string): string {
  const known = state.toUpperCase();
  return Object.hasOwn(RANK, known) ? known : state;
}

const STATE_LABELS: Readonly<Record<string, { symbol: string; word: string }>> = {
  REQUESTED: { symbol: '🕓', word: 'requested' },
  INITIATED: { symbol: '⏳', word: 'being created' },
  DEPLOYABLE: { symbol: '📦', word: 'deployable' },
  FAILED: { symbol: '❌', word: 'failed' },
  DEPRECATED: { symbol: '🗄️', word: 'deprecated' },
};

/** Any letter case; an unknown state is shown as it is. */
export function componentStateLabel(state: string): { symbol: string; word: string } {
  const known = state.toUpperCase();
  return Object.hasOwn(STATE_LABELS, known) ? STATE_LABELS[known]! : { symbol: '❔', word: state };
}

/** Whether Greengrass is done with it, so that there is nothing left to ask. */
export function isSettled(component: Pick<Component, 'state'>): boolean {
  return ['DEPLOYABLE', 'FAILED', 'DEPRECATED'].includes(component.state.toUpperCase());
}

// --- Names -------------------------------------------------------------------------------------------

/** CreateComponentVersion: characters of a name. */
const NAME_LIMIT = 128;

/**
 * What a training job trains, without the time that tools put at the end of its name: retraining gives
 * the next version of one component, not another component.
 */
export function modelName(job: string): string {
  const model = job
    // The SageMaker SDK: -2026-01-31-14-02-33-123 or -260131-1402; people: -20260131, -20260131-140233.
    .replace(/-\d{4}-\d{2}-\d{2}(?:[-T]\d{2}){0,3}(?:-\d{3})?$/, '')
    .replace(/-(?:\d{8}|\d{6})(?:[-T]?\d{4,6})?$/, '')
    .replace(/-\d{10}(?:\d{3})?$/, '');
  return model === '' ? job : model;
}

/**
 * A valid name whatever comes in: letters, digits, `.`, `_`, `-`, at most 128, not in AWS's own name space.
 * Where characters had to go or the whole is too long, a digest keeps different models apart.
 */
export function componentName(parts: { prefix?: string | undefined; model: string; target: string }): string {
  const raw = `${parts.prefix ?? ''}${parts.model}-${parts.target}`;
  let name = raw.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  if (/^aws\.greengrass/i.test(name)) name = `custom.${name}`;
  const faithful = name === raw || name === `custom.${raw}`;
  if (faithful && name !== '' && name.length <= NAME_LIMIT) return name;
  const digest = createHash('sha256').update(raw).digest('hex').slice(0, 8);
  const head = name.slice(0, NAME_LIMIT - digest.length - 1).replace(/[^A-Za-z0-9]+$/, '');
  return head === '' ? `component-${digest}` : `${head}-${digest}`;
}

// --- Versions ----------------------------------------------------------------------------------------

const FIRST_VERSION = '1.0.0';
/** https://semver.org: three numbers without leading zeros, then pre-release and build. */
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

export function isSemver(version: string): boolean {
  return SEMVER.test(version);
}

/**
 * The patch version above the highest there is: higher than every one, so that no version is used twice,
 * also where versions in between were deleted.
 * @param existing of this component, in any order: those in Greengrass and those on their way there
 */
export function nextVersion(existing: Iterable<string>): string {
  let highest: readonly bigint[] | undefined;
  for (const version of existing) {
    const match = SEMVER.exec(version);
    if (!match) continue;
    const numbers = match.slice(1, 4).map(BigInt);
    if (!highest || isHigher(numbers, highest)) highest = numbers;
  }
  if (!highest) return FIRST_VERSION;
  const [major, minor, patch] = highest;
  return `${major}.${minor}.${patch! + 1n}`;
}

function isHigher(a: readonly bigint[], b: readonly bigint[]): boolean {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && a[at]! > b[at]!;
}

/**
 * CreateComponentVersion's idempotency token (at most 64 letters, digits and hyphens): the same for the same
 * version of the same compilation attempt, so that asking again after a crash makes nothing twice.
 */
export function clientToken(attempt: string, version: string): string {
  return createHash('sha256')
    .update(JSON.stringify([attempt, version]))
    .digest('hex');
}

/** The component version that packaging would make. */
export interface RecipePreview {
  target: string;
  name: string;
  /** The next free one now; publishing chooses again. */
  version: string;
  /** YAML. */
  recipe: string;
  template: 'built-in' | 'use case';
  /** Made from the same compilation before, oldest first. */
  existing: readonly Component[];
}
