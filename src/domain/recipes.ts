/**
 * Component recipes from templates: YAML with `{{placeholders}}`. Values are put into the parsed document,
 * never into its text, so no value can change the recipe's structure.
 */
import { type Document, parseDocument, visit } from 'yaml';
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { isSemver } from './components.ts';
import { nearestNames } from './nearest-names.ts';
import { GREENGRASS_ARCHITECTURES } from './targets-built-in.ts';

/** What a template may name, and what each stands for. */
export const RECIPE_PLACEHOLDERS = {
  name: 'the component’s name',
  version: 'the component’s version',
  architecture: 'Greengrass architecture of the target: amd64, aarch64, arm or x86',
  artifactUri: 'S3 URI of the compiled model (a .tar.gz)',
  artifactFile: 'file name of the compiled model, as it lies in {artifacts:path}',
  target: 'the target’s name',
  model: 'the model’s name',
  trainingJob: 'name of the training job',
  compilationJob: 'name of the compilation job',
  useCase: 'id of the use case',
} as const;

export type RecipeValues = Record<keyof typeof RECIPE_PLACEHOLDERS, string>;

/** Neo writes .tar.gz, which Greengrass does not unpack: the install step does. */
export const DEFAULT_RECIPE_TEMPLATE = `RecipeFormatVersion: '2020-01-25'
ComponentName: {{name}}
ComponentVersion: {{version}}
ComponentDescription: Model {{model}} for {{target}}, trained by {{trainingJob}}, compiled by {{compilationJob}}
ComponentPublisher: {{useCase}}
Manifests:
  - Platform:
      os: linux
      architecture: {{architecture}}
    Lifecycle:
      Install:
        Script: |-
          rm -rf "{work:path}/model"
          mkdir -p "{work:path}/model"
          tar -xzf "{artifacts:path}/{{artifactFile}}" -C "{work:path}/model"
    Artifacts:
      - Uri: {{artifactUri}}
        Unarchive: NONE
        Permission:
          Read: OWNER
`;

const PLACEHOLDER = /\{\{\s{0,8}([^{}\n]{0,80}?)\s{0,8}\}\}/g;

/**
 * @returns the recipe as YAML, valid by `recipeProblems` and for this very component
 * @throws AppError invalid_input: not YAML, an unknown placeholder, or everything that is wrong with the result
 */
export function renderRecipe(template: string, values: RecipeValues): string {
  const tokens = new Map<string, string>();
  const mark = unusedWord(template + JSON.stringify(values));
  const marked = template.replace(PLACEHOLDER, (_, name: string) => {
    if (!Object.hasOwn(RECIPE_PLACEHOLDERS, name)) throw unknownPlaceholder(name);
    // A plain word reads the same in YAML with and without quotes, and in block text.
    const token = `${mark}${name}0`;
    tokens.set(token, safeValue(name as keyof RecipeValues, values));
    return token;
  });
  const fill = (text: string): string => {
    let filled = text;
    for (const [token, value] of tokens) filled = filled.replaceAll(token, () => value);
    return filled;
  };

  const document = parseDocument(marked);
  const [error] = document.errors;
  if (error) throw invalid(`The recipe template is not YAML: ${fill(error.message.split('\n')[0]!)}`, error);
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string') node.value = fill(node.value);
    },
  });

  const problems = recipeProblems(plainRecipe(document), values);
  if (problems.length > 0)
    throw invalid(`The recipe is not one that Greengrass accepts:\n${problems.join('\n')}`);
  // What is left of the tokens stands in comments.
  return fill(document.toString({ lineWidth: 0 }));
}

function plainRecipe(document: Document): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases that point nowhere, or to so much that it would fill the memory.
    throw invalid('The recipe template’s YAML aliases cannot be resolved.', cause);
  }
}

/** A word that occurs nowhere in the text. */
function unusedWord(text: string): string {
  let word = 'PLACEHOLDER';
  while (text.includes(word)) word += 'X';
  return word;
}

function safeValue(name: keyof RecipeValues, values: RecipeValues): string {
  // One line, because values also stand in comments.
  const value = values[name].replace(/\p{Cc}+/gu, ' ');
  // It stands in the install script between quotes.
  if (name === 'artifactFile' && !/^[\w.+=@,-][\w.+=@, -]{0,254}$/.test(value))
    throw new AppError('invalid_input', `The artifact’s file name ${cite(value)} cannot stand in a script.`, {
      hint: 'Use only letters, digits and . _ + = @ , - in it: give the compiled model another name in S3.',
    });
  return value;
}

function unknownPlaceholder(name: string): AppError {
  const known = Object.keys(RECIPE_PLACEHOLDERS);
  const near = nearestNames(name, known, 1);
  return new AppError('invalid_input', `The recipe template names {{${name}}}, which is not known.`, {
    hint: `${near.length > 0 ? `Did you mean {{${near[0]}}}? ` : ''}Known are ${known
      .map((placeholder) => `{{${placeholder}}}`)
      .join(' ')}.`,
  });
}

function invalid(message: string, cause?: unknown): AppError {
  return new AppError('invalid_input', message, {
    hint: 'Correct the use case’s components.recipeTemplate, or leave it out for the built-in one.',
    cause,
  });
}

// --- Validation --------------------------------------------------------------------------------------

type Node = Record<string, unknown>;

/**
 * What keeps Greengrass from accepting the recipe, or devices from installing it (recipe format 2020-01-25).
 * Each problem begins with its place. Empty: none.
 */
function recipeProblems(recipe: unknown, expected: { name: string; version: string }): string[] {
  const problems: string[] = [];
  if (!isNode(recipe)) return ['Expected a mapping with Manifests, but this is another kind of YAML.'];
  if (recipe.RecipeFormatVersion !== '2020-01-25')
    problems.push(`RecipeFormatVersion: expected '2020-01-25', but got ${show(recipe.RecipeFormatVersion)}.`);
  if (recipe.ComponentName !== expected.name)
    problems.push(`ComponentName: expected {{name}}, but got ${show(recipe.ComponentName)}.`);
  if (recipe.ComponentVersion !== expected.version)
    problems.push(`ComponentVersion: expected {{version}}, but got ${show(recipe.ComponentVersion)}.`);
  if (/^aws\.greengrass/i.test(expected.name))
    problems.push('ComponentName: names that begin with aws.greengrass belong to AWS.');
  if (!isSemver(expected.version)) problems.push('ComponentVersion: expected three numbers like 1.0.0.');

  const { Manifests: manifests } = recipe;
  if (!Array.isArray(manifests) || manifests.length === 0)
    return [...problems, `Manifests: expected a list with at least one, but got ${show(manifests)}.`];
  manifests.forEach((manifest: unknown, index) => {
    const found = isNode(manifest)
      ? manifestProblems(manifest, recipe.Lifecycle)
      : [`: expected a mapping, but got ${show(manifest)}.`];
    problems.push(...found.map((problem) => `Manifests[${index}]${problem}`));
  });
  return problems;
}

function manifestProblems(manifest: Node, globalLifecycle: unknown): string[] {
  const problems = platformProblems(manifest.Platform);
  const { Artifacts: artifacts } = manifest;
  if (!Array.isArray(artifacts) || artifacts.length === 0)
    return [...problems, `.Artifacts: expected a list with the model, but got ${show(artifacts)}.`];
  artifacts.forEach((artifact: unknown, index) => {
    problems.push(...artifactProblems(artifact).map((problem) => `.Artifacts[${index}]${problem}`));
  });

  const packed = artifacts.some(
    (artifact) => isNode(artifact) && /\.(?:tar\.gz|tgz)$/.test(String(artifact.Uri)),
  );
  const install = installScript(manifest.Lifecycle) ?? installScript(globalLifecycle);
  if (packed && install === undefined)
    problems.push('.Lifecycle: expected an Install step that unpacks the .tar.gz, but there is none.');
  else if (packed && !/\b(?:tar|gunzip|python3?)\b/.test(install!))
    problems.push('.Lifecycle.Install: it must unpack the .tar.gz (tar -xzf …); Greengrass does not.');
  return problems;
}

function platformProblems(platform: unknown): string[] {
  if (!isNode(platform)) return [`.Platform: expected os and architecture, but got ${show(platform)}.`];
  const problems: string[] = [];
  const { os, architecture } = platform;
  if (os !== 'linux' && os !== 'windows')
    problems.push(`.Platform.os: expected linux or windows, but got ${show(os)}.`);
  if (!(GREENGRASS_ARCHITECTURES as readonly unknown[]).includes(architecture))
    problems.push(
      `.Platform.architecture: expected one of ${GREENGRASS_ARCHITECTURES.join(', ')}, but got ${show(architecture)}.`,
    );
  return problems;
}

function artifactProblems(artifact: unknown): string[] {
  if (!isNode(artifact)) return [`: expected a mapping with Uri, but got ${show(artifact)}.`];
  const problems: string[] = [];
  const { Uri: uri, Unarchive: unarchive } = artifact;
  if (typeof uri !== 'string' || !/^s3:\/\/[^/\s]+\/\S+$/.test(uri))
    problems.push(`.Uri: expected s3://bucket/key, but got ${show(uri)}.`);
  if (unarchive !== undefined && unarchive !== 'NONE' && unarchive !== 'ZIP')
    problems.push(`.Unarchive: expected NONE or ZIP, but got ${show(unarchive)}.`);
  else if (unarchive === 'ZIP' && !/\.zip$/i.test(String(uri)))
    problems.push('.Unarchive: ZIP is for .zip files, and this is not one: expected NONE.');
  return problems;
}

/** The text of an install step: itself, or its Script. Greengrass takes both spellings of the key. */
function installScript(lifecycle: unknown): string | undefined {
  if (!isNode(lifecycle)) return undefined;
  const install = lifecycle.Install ?? lifecycle.install;
  if (typeof install === 'string') return install;
  const script = isNode(install) ? (install.Script ?? install.script) : undefined;
  return typeof script === 'string' ? script : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : cite(JSON.stringify(value) ?? '');
}
