/**
 * The component versions of one account in one region. A version is registered at once and becomes deployable,
 * or fails, when the clock says so; whether its artifacts are there is looked up at that moment, once.
 */
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { type ObjectStore, parseS3Uri } from './object-store.ts';
import type { Recipe } from './recipe.ts';
import { compareVersions, satisfies } from './versions.ts';

type ComponentState = 'REQUESTED' | 'INITIATED' | 'DEPLOYABLE' | 'FAILED' | 'DEPRECATED';

export interface ComponentVersion {
  recipe: Recipe;
  createdAt: EpochMs;
  tags: Readonly<Record<string, string>>;
  /** How long until it is deployable or has failed, ms. */
  takesMs: number;
  /** The account's own, or one of AWS's. */
  owner: string;
  outcome?: { state: 'DEPLOYABLE' | 'FAILED'; message: string; errors: Record<string, string> };
}

/** What describes a version without its recipe's full text, for seeds. */
export type ComponentSeed = Omit<ComponentVersion, 'owner' | 'takesMs' | 'outcome' | 'tags'> & {
  tags?: Readonly<Record<string, string>>;
};

/** A client token gives the same answer for so long. */
const TOKEN_LIFE_MS = 8 * 3_600_000;
const UNREACHABLE = 'Specified artifact resource cannot be accessed';

export class ComponentStore {
  /** Name → version → what it is. */
  readonly #components = new Map<string, Map<string, ComponentVersion>>();
  readonly #tokens = new Map<string, { at: EpochMs; request: string; component: ComponentVersion }>();
  readonly #account: string;
  readonly #region: string;
  readonly #objects: ObjectStore;
  /** How long a new version takes to become deployable, ms. */
  readonly #takesMs: () => number;

  constructor(account: string, region: string, objects: ObjectStore, takesMs: () => number) {
    this.#account = account;
    this.#region = region;
    this.#objects = objects;
    this.#takesMs = takesMs;
  }

  seed(seed: ComponentSeed, owner = this.#account): ComponentVersion {
    const component = { ...seed, owner, tags: seed.tags ?? {}, takesMs: this.#takesMs() };
    const versions = this.#components.get(seed.recipe.name) ?? new Map<string, ComponentVersion>();
    this.#components.set(seed.recipe.name, versions.set(seed.recipe.version, component));
    return component;
  }

  /**
   * @param request all that makes it the same request again
   * @throws AwsError ConflictException: the version is taken, or the token was used for something else
   */
  create(
    recipe: Recipe,
    tags: Readonly<Record<string, string>>,
    token: string | undefined,
    request: string,
    now: EpochMs,
  ): ComponentVersion {
    const earlier = token === undefined ? undefined : this.#tokens.get(token);
    if (earlier && now - earlier.at < TOKEN_LIFE_MS) {
      if (earlier.request === request) return earlier.component;
      throw new AwsError(
        'ConflictException',
        `The client token ${token} was used for another request.`,
        409,
        this.#resource(recipe.name, recipe.version),
      );
    }
    const existing = this.#components.get(recipe.name)?.get(recipe.version);
    if (existing) {
      throw new AwsError(
        'ConflictException',
        `Component [${recipe.name} : ${recipe.version}] for account [${this.#account}] already exists with state: [${this.status(existing, now).componentState}]`,
        409,
        this.#resource(recipe.name, recipe.version),
      );
    }
    const component = this.seed({ recipe, createdAt: now, tags });
    if (token !== undefined) this.#tokens.set(token, { at: now, request, component });
    return component;
  }

  /** @throws AwsError ResourceNotFoundException */
  get(name: string, version: string, now: EpochMs): ComponentVersion {
    const component = this.#components.get(name)?.get(version);
    if (component && component.createdAt <= now) return component;
    throw new AwsError(
      'ResourceNotFoundException',
      `Cannot find requested Component version: [${name} : ${version}]`,
      404,
      this.#resource(name, version),
    );
  }

  delete(name: string, version: string, now: EpochMs): void {
    this.get(name, version, now);
    this.#components.get(name)?.delete(version);
    for (const [token, { component }] of this.#tokens) {
      if (component.recipe.name === name && component.recipe.version === version) this.#tokens.delete(token);
    }
  }

  /** Greatest first. */
  versions(name: string, now: EpochMs): ComponentVersion[] {
    return [...(this.#components.get(name)?.values() ?? [])]
      .filter(({ createdAt }) => createdAt <= now)
      .sort((a, b) => compareVersions(b.recipe.version, a.recipe.version));
  }

  /** The greatest version of each component, by name. */
  latest(scope: 'PRIVATE' | 'PUBLIC', now: EpochMs): ComponentVersion[] {
    return [...this.#components.keys()]
      .sort()
      .map((name) => this.versions(name, now)[0])
      .filter((component) => component !== undefined)
      .filter(({ owner }) => (owner === 'aws') === (scope === 'PUBLIC'));
  }

  /** The greatest deployable version that a dependency accepts. */
  resolve(name: string, requirement: string, now: EpochMs): ComponentVersion | undefined {
    return this.versions(name, now).find(
      (component) =>
        satisfies(component.recipe.version, requirement) &&
        this.status(component, now).componentState === 'DEPLOYABLE',
    );
  }

  status(component: ComponentVersion, now: EpochMs) {
    const age = now - component.createdAt;
    if (age < component.takesMs) {
      const componentState: ComponentState = age < component.takesMs / 3 ? 'REQUESTED' : 'INITIATED';
      return { componentState, message: 'NONE', errors: {} };
    }
    component.outcome ??= this.#outcome(component);
    const { state, message, errors } = component.outcome;
    return {
      componentState: state as ComponentState,
      message,
      errors,
      ...(state === 'DEPLOYABLE' ? { vendorGuidance: 'ACTIVE' } : {}),
    };
  }

  #outcome(component: ComponentVersion): NonNullable<ComponentVersion['outcome']> {
    const missing = component.recipe.artifacts.filter((uri) => {
      const location = parseS3Uri(uri);
      return location !== undefined && this.#objects.find(location.bucket, location.key) === undefined;
    });
    if (missing.length === 0 || component.owner === 'aws') {
      return { state: 'DEPLOYABLE', message: 'NONE', errors: {} };
    }
    const errors = Object.fromEntries(missing.map((uri) => [uri, UNREACHABLE]));
    return { state: 'FAILED', message: artifactErrors(missing), errors };
  }

  arn(component: ComponentVersion): string {
    const { name, version } = component.recipe;
    return `${this.componentArn(name, component.owner)}:versions:${version}`;
  }

  componentArn(name: string, owner = this.#account): string {
    return `arn:aws:greengrass:${this.#region}:${owner}:components:${name}`;
  }

  #resource(name: string, version: string) {
    return { resourceId: `${this.componentArn(name)}:versions:${version}`, resourceType: 'componentVersion' };
  }
}

/** How the service lists artifacts that it cannot get at. */
export function artifactErrors(uris: readonly string[]): string {
  const listed = uris.map((uri) => `${uri} = ${UNREACHABLE}`).join(', ');
  return `Invalid Input: Encountered following errors in Artifacts: {${listed}}`;
}
