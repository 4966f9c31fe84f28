/** Greengrass component recipes, format 2020-01-25: read from JSON or YAML, and checked as the service does. */
import { parse, stringify } from 'yaml';
import { AwsError } from './errors.ts';

export interface Recipe {
  name: string;
  version: string;
  description: string | undefined;
  publisher: string | undefined;
  platforms: { name?: string; attributes: Record<string, string> }[];
  /** URIs of all manifests, without repetition. */
  artifacts: string[];
  /** Component → version requirement. */
  dependencies: Record<string, string>;
  /** Has a step that keeps running; others finish after their installation. */
  runs: boolean;
  /** As it was given, for handing it out again in either format. */
  document: unknown;
}

const FORMAT_VERSION = '2020-01-25';
export const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
const ARCHITECTURES = ['amd64', 'aarch64', 'arm', 'x86', '*'];
const LIFECYCLE = ['setenv', 'bootstrap', 'install', 'run', 'startup', 'shutdown', 'recover', 'uninstall'];

/** @returns undefined for what is neither JSON nor YAML, or no map */
export function readDocument(text: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = text.trimStart().startsWith('{') ? JSON.parse(text) : parse(text);
    return isMap(document) ? document : undefined;
  } catch {
    // The caller words it; what the parsers say is not what the service says.
    return undefined;
  }
}

/**
 * @param publisher AWS alone may use its own prefix
 * @throws AwsError ValidationException at the first thing that is wrong
 */
export function checkRecipe(
  document: Record<string, unknown>,
  publisher: 'aws' | 'customer' = 'customer',
): Recipe {
  const format = need(document, 'RecipeFormatVersion');
  if (format !== FORMAT_VERSION)
    throw invalid(`Recipe format version ${format} is not supported. Use ${FORMAT_VERSION}.`);
  const name = need(document, 'ComponentName');
  if (!NAME.test(name) || name.length > 128) {
    throw invalid(
      `ComponentName ${name} must have 1 to 128 characters out of a-z, A-Z, 0-9, dot, underscore and hyphen.`,
    );
  }
  if (publisher !== 'aws' && /^aws\.greengrass/i.test(name))
    throw invalid(`ComponentName ${name} uses the reserved prefix aws.greengrass.`);
  const version = need(document, 'ComponentVersion');
  if (!VERSION.test(version) || version.length > 64) {
    throw invalid(`ComponentVersion ${version} is not a semantic version (major.minor.patch).`);
  }
  const manifests = member(document, 'Manifests');
  if (!Array.isArray(manifests) || manifests.length === 0) {
    throw invalid('Recipe must have at least one entry in Manifests.');
  }
  const artifacts = new Set<string>();
  const platforms: Recipe['platforms'] = [];
  let runs = hasRun(member(document, 'Lifecycle'));
  for (const manifest of manifests as unknown[]) {
    if (!isMap(manifest)) throw invalid('Every entry of Manifests must be a map.');
    platforms.push(platformOf(manifest));
    for (const uri of artifactsOf(manifest)) artifacts.add(uri);
    const lifecycle = member(manifest, 'Lifecycle');
    checkLifecycle(lifecycle);
    runs ||= hasRun(lifecycle);
  }
  return {
    name,
    version,
    description: text(document, 'ComponentDescription'),
    publisher: text(document, 'ComponentPublisher'),
    platforms,
    artifacts: [...artifacts],
    dependencies: dependenciesOf(document),
    runs,
    document,
  };
}

export function writeRecipe(document: unknown, format: 'JSON' | 'YAML'): string {
  return format === 'JSON' ? JSON.stringify(document, null, 2) : stringify(document);
}

function platformOf(manifest: Record<string, unknown>): Recipe['platforms'][number] {
  const name = text(manifest, 'Name');
  const platform = member(manifest, 'Platform') ?? {};
  if (!isMap(platform)) throw invalid('Platform must be a map.');
  const attributes: Record<string, string> = {};
  for (const [key, value] of Object.entries(platform)) attributes[key] = String(value);
  const { architecture } = attributes;
  // A regular expression between slashes is allowed here.
  if (architecture !== undefined && !architecture.startsWith('/') && !ARCHITECTURES.includes(architecture)) {
    throw invalid(
      `Platform architecture ${architecture} is unknown. Use one of ${ARCHITECTURES.join(', ')}.`,
    );
  }
  return { ...(name === undefined ? {} : { name }), attributes };
}

function artifactsOf(manifest: Record<string, unknown>): string[] {
  const artifacts = member(manifest, 'Artifacts') ?? [];
  if (!Array.isArray(artifacts)) throw invalid('Artifacts must be a list.');
  return artifacts.map((artifact: unknown) => {
    if (!isMap(artifact)) throw invalid('Every entry of Artifacts must be a map.');
    const uri = text(artifact, 'URI');
    if (uri === undefined || !/^(s3:\/\/[^/]+\/.+|docker:.+|greengrass:.+)$/.test(uri)) {
      throw invalid(`Artifact URI ${uri ?? '(missing)'} must be an s3://, docker: or greengrass: URI.`);
    }
    const unarchive = text(artifact, 'Unarchive') ?? 'NONE';
    if (!['NONE', 'ZIP'].includes(unarchive.toUpperCase())) {
      throw invalid(`Artifact Unarchive ${unarchive} is not supported. Use NONE or ZIP.`);
    }
    return uri;
  });
}

function checkLifecycle(lifecycle: unknown): void {
  if (lifecycle === undefined || lifecycle === null) return;
  if (!isMap(lifecycle)) throw invalid('Lifecycle must be a map.');
  const unknown = Object.keys(lifecycle).find((step) => !LIFECYCLE.includes(step.toLowerCase()));
  if (unknown !== undefined) throw invalid(`Lifecycle step ${unknown} is unknown.`);
}

function hasRun(lifecycle: unknown): boolean {
  return isMap(lifecycle) && Object.keys(lifecycle).some((step) => /^(run|startup)$/i.test(step));
}

function dependenciesOf(document: Record<string, unknown>): Record<string, string> {
  const dependencies = member(document, 'ComponentDependencies') ?? {};
  if (!isMap(dependencies)) throw invalid('ComponentDependencies must be a map.');
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, value]) => {
      const requirement = isMap(value) ? text(value, 'VersionRequirement') : undefined;
      if (requirement === undefined) throw invalid(`Dependency ${name} has no VersionRequirement.`);
      return [name, requirement];
    }),
  );
}

/** Field names are not case sensitive: `URI` and `Uri` are one. */
function member(map: Record<string, unknown>, name: string): unknown {
  const key = Object.keys(map).find((key) => key.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : map[key];
}

function text(map: Record<string, unknown>, name: string): string | undefined {
  const value = member(map, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') throw invalid(`${name} must be a string.`);
  return String(value);
}

function need(map: Record<string, unknown>, name: string): string {
  const value = text(map, name);
  if (value === undefined || value === '') throw invalid(`Recipe is missing the required field ${name}.`);
  return value;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (words: string) => new AwsError('ValidationException', `Invalid Input: ${words}`, 400);
