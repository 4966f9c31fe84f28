/** Greengrass's component operations. */
import { artifactErrors, type ComponentStore, type ComponentVersion } from './component-store.ts';
import { AuthError, AwsError } from './errors.ts';
import { INVALID, paged, readTags, seconds, TOKEN } from './greengrass-input.ts';
import type { Iam } from './iam.ts';
import { type ObjectStore, parseS3Uri } from './object-store.ts';
import { checkRecipe, type Recipe, readDocument, writeRecipe } from './recipe.ts';
import type { AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

const COMPONENT_ARN = 'arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):components:[^:]+';
const VERSION_ARN = `${COMPONENT_ARN}:versions:[^:]+`;
/** Recipes may have so many bytes ("AWS IoT Greengrass quotas"). */
const RECIPE_BYTES = 16 * 1024;

/** What tells whether the caller can get at an artifact. */
interface Reach {
  objects: ObjectStore;
  iam: Iam;
}

export function createComponent(reach: Reach, store: ComponentStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const blob = read.text('inlineRecipe');
  const token = read.text('clientToken', TOKEN);
  const tags = readTags(call.input.tags);
  read.check();
  if (blob === undefined) {
    throw new AwsError(
      INVALID,
      call.input.lambdaFunction === undefined
        ? 'Invalid Input: Exactly one of inlineRecipe and lambdaFunction must be given.'
        : 'Invalid Input: The sandbox makes components from inlineRecipe only, not from Lambda functions.',
    );
  }
  const bytes = Buffer.from(blob, 'base64');
  if (bytes.length > RECIPE_BYTES) {
    throw new AwsError(
      INVALID,
      `Invalid Input: The recipe has ${bytes.length} bytes; at most ${RECIPE_BYTES} are allowed.`,
    );
  }
  const document = readDocument(bytes.toString('utf8'));
  // So the real service words a recipe that it cannot parse: as a right to an action without a name.
  if (!document) {
    throw new AwsError(
      'AccessDeniedException',
      `User: ${call.principal.arn} is not authorized to perform: null`,
      403,
    );
  }
  const recipe = checkRecipe(document);
  checkArtifacts(reach, recipe, call);
  const request = JSON.stringify([blob, tags]);
  const created = store.create(recipe, tags, token, request, call.now);
  return {
    arn: store.arn(created),
    componentName: recipe.name,
    componentVersion: recipe.version,
    creationTimestamp: seconds(created.createdAt),
    status: store.status(created, call.now),
  };
}

/**
 * The caller must be able to read every artifact, from a bucket of the same region. Whether the object itself
 * is there turns out later, while the version is being initiated.
 */
function checkArtifacts({ objects, iam }: Reach, recipe: Recipe, call: AwsCall): void {
  const refused = recipe.artifacts.filter((uri) => {
    const location = parseS3Uri(uri);
    if (!location) return false;
    const bucket = objects.findBucket(location.bucket);
    if (bucket?.account !== call.account || bucket.region !== call.region) return true;
    try {
      iam.authorize(
        call.principal,
        's3:GetObject',
        [`arn:aws:s3:::${location.bucket}/${location.key}`],
        call.region,
      );
      return false;
    } catch (error) {
      if (error instanceof AuthError) return true;
      throw error;
    }
  });
  if (refused.length > 0) throw new AwsError(INVALID, artifactErrors(refused));
}

export function theComponent(store: ComponentStore, call: AwsCall): ComponentVersion {
  const read = new Parameters(call.input, INVALID);
  const arn = read.need('arn', { pattern: VERSION_ARN });
  read.check();
  const [, name, version] = /:components:([^:]+):versions:([^:]+)$/.exec(arn)!;
  const found = store.get(name!, version!, call.now);
  if (store.arn(found) === arn) return found;
  throw new AwsError(
    'ResourceNotFoundException',
    `Cannot find requested Component version: [${name} : ${version}]`,
    404,
    {
      resourceId: arn,
      resourceType: 'componentVersion',
    },
  );
}

export function describeComponent(store: ComponentStore, call: AwsCall) {
  const found = theComponent(store, call);
  const { recipe } = found;
  return {
    arn: store.arn(found),
    componentName: recipe.name,
    componentVersion: recipe.version,
    creationTimestamp: seconds(found.createdAt),
    publisher: recipe.publisher,
    description: recipe.description,
    status: store.status(found, call.now),
    platforms: recipe.platforms,
    tags: found.tags,
  };
}

export function getComponent(store: ComponentStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const format = read.text('recipeOutputFormat', { values: ['JSON', 'YAML'] }) === 'YAML' ? 'YAML' : 'JSON';
  read.check();
  const found = theComponent(store, call);
  const recipe = Buffer.from(writeRecipe(found.recipe.document, format)).toString('base64');
  return { recipeOutputFormat: format, recipe, tags: found.tags };
}

export function listComponents(store: ComponentStore, call: AwsCall) {
  const { read, page } = paged(call);
  const scope = read.text('scope', { values: ['PRIVATE', 'PUBLIC'] }) === 'PUBLIC' ? 'PUBLIC' : 'PRIVATE';
  read.check();
  const { items, nextToken } = page(store.latest(scope, call.now));
  return {
    components: items.map((latest) => ({
      arn: store.componentArn(latest.recipe.name, latest.owner),
      componentName: latest.recipe.name,
      latestVersion: {
        arn: store.arn(latest),
        componentVersion: latest.recipe.version,
        creationTimestamp: seconds(latest.createdAt),
        description: latest.recipe.description,
        publisher: latest.recipe.publisher,
        platforms: latest.recipe.platforms,
      },
    })),
    nextToken,
  };
}

export function listVersions(store: ComponentStore, call: AwsCall) {
  const { read, page } = paged(call);
  const arn = read.need('arn', { pattern: COMPONENT_ARN });
  read.check();
  const name = arn.split(':').at(-1)!;
  const versions = store
    .versions(name, call.now)
    .filter(({ owner }) => store.componentArn(name, owner) === arn);
  if (versions.length === 0) {
    throw new AwsError('ResourceNotFoundException', `Cannot find requested Component: [${name}]`, 404, {
      resourceId: arn,
      resourceType: 'component',
    });
  }
  const { items, nextToken } = page(versions);
  return {
    componentVersions: items.map((version) => ({
      componentName: name,
      componentVersion: version.recipe.version,
      arn: store.arn(version),
    })),
    nextToken,
  };
}
