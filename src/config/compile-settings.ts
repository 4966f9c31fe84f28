/** A use case's `compile` and `components`: checks by the domain's rules, beyond the file's shape. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type CompileSettings,
  parseFramework,
  parseFrameworkVersion,
  parseInputShape,
} from '../domain/compile-input.ts';
import { componentName } from '../domain/components.ts';
import { type RecipeValues, renderRecipe } from '../domain/recipes.ts';
import { findTarget, type TargetSettings, type TargetTable, targetTable } from '../domain/targets.ts';
import type { ComponentSettings } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import type { ConfigProblem } from './problems.ts';

/** As in the file, if its shape is right. */
export interface CompileEntry {
  roleArn: string;
  outputS3: string;
  framework?: string | undefined;
  frameworkVersion?: string | undefined;
  dataInputConfig?: string | object | undefined;
  targets: string[];
  customTargets?: Record<string, TargetSettings> | undefined;
  auto: boolean;
  /** `15m`. */
  timeout: string;
}

export interface ComponentsEntry {
  auto: boolean;
  namePrefix?: string | undefined;
  /** Path, relative to the file. */
  recipeTemplate?: string | undefined;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
/** MaxRuntimeInSeconds begins at 1, but no model compiles in less than this. */
const SHORTEST_TIMEOUT_SECONDS = 60;

export function toCompileSettings(entry: CompileEntry): CompileSettings {
  const { roleArn, outputS3, framework, frameworkVersion, dataInputConfig, targets, customTargets, auto } =
    entry;
  return {
    roleArn,
    outputS3,
    framework: framework === undefined ? undefined : parseFramework(framework),
    frameworkVersion,
    dataInputConfig,
    targets,
    customTargets,
    auto,
    timeoutSeconds: seconds(entry.timeout),
  };
}

/** @param folder for a template's relative path */
export function toComponentSettings(entry: ComponentsEntry, folder: string): ComponentSettings {
  const { auto, namePrefix, recipeTemplate } = entry;
  return {
    auto,
    namePrefix,
    recipeTemplate:
      recipeTemplate === undefined ? undefined : readFileSync(resolve(folder, recipeTemplate), 'utf8'),
  };
}

/**
 * @param entry the keys whose shape is right
 * @param at the section's key: `useCases[0].compile`
 */
export function compileProblems(entry: Partial<CompileEntry>, account: unknown, at: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const check = <T>(key: string, run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      problems.push(problem(`${at}.${key}`, error));
      return undefined;
    }
  };
  const { roleArn, framework, frameworkVersion, dataInputConfig: shape, timeout } = entry;
  const roleAccount = /^arn:[^:]+:iam::(\d{12}):/.exec(roleArn ?? '')?.[1];
  if (roleAccount && typeof account === 'string' && /^\d{12}$/.test(account) && roleAccount !== account)
    problems.push({
      key: `${at}.roleArn`,
      message: `${at}.roleArn: expected a role in the use case's account ${account}, since SageMaker only takes a role of the account it runs in, but this one is in account ${roleAccount}. Example: roleArn: arn:aws:iam::${account}:role/NeoExecution`,
    });
  if (framework !== undefined) check('framework', () => parseFramework(framework));
  if (frameworkVersion !== undefined)
    check('frameworkVersion', () => parseFrameworkVersion(frameworkVersion));
  if (shape !== undefined)
    check('dataInputConfig', () =>
      parseInputShape(typeof shape === 'string' ? shape : JSON.stringify(shape)),
    );
  if (timeout !== undefined && seconds(timeout) < SHORTEST_TIMEOUT_SECONDS)
    problems.push({
      key: `${at}.timeout`,
      message: `${at}.timeout: expected at least one minute, since a compilation takes 10 to 30, but got "${timeout}". Example: timeout: 15m`,
    });

  const table: TargetTable | undefined = check('customTargets', () => targetTable(entry.customTargets));
  if (table)
    for (const [index, target] of (entry.targets ?? []).entries())
      check(`targets[${index}]`, () => findTarget(table, target));
  return problems;
}

export function componentsProblems(
  entry: Partial<ComponentsEntry>,
  at: string,
  folder: string,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { namePrefix, recipeTemplate } = entry;
  if (
    namePrefix !== undefined &&
    componentName({ prefix: namePrefix, model: 'm', target: 't' }) !== `${namePrefix}m-t`
  )
    problems.push({
      key: `${at}.namePrefix`,
      message: `${at}.namePrefix: expected letters, digits, dots, hyphens and underscores, beginning with a letter or digit and not with aws.greengrass, but got ${JSON.stringify(namePrefix)}. Example: namePrefix: model-`,
    });
  if (recipeTemplate !== undefined) {
    const path = resolve(folder, recipeTemplate);
    const key = `${at}.recipeTemplate`;
    try {
      renderRecipe(readFileSync(path, 'utf8'), SAMPLE);
    } catch (error) {
      problems.push(
        error instanceof AppError
          ? problem(`${key} (${path})`, error)
          : {
              key,
              message: `${key}: expected the path of a recipe template, relative to this file; ${path} cannot be read (${systemCode(error) ?? String(error)}). Example: recipeTemplate: ./recipes/edge.yaml`,
            },
      );
    }
  }
  return problems;
}

/** Values to test a template with: a recipe that is wrong with these would always be wrong. */
const SAMPLE: RecipeValues = {
  name: 'model-example-arm64-cpu',
  version: '1.0.0',
  architecture: 'aarch64',
  artifactUri: 's3://bucket/compiled/model-LINUX_ARM64.tar.gz',
  artifactFile: 'model-LINUX_ARM64.tar.gz',
  target: 'arm64-cpu',
  model: 'example',
  trainingJob: 'train-example-2026-01-31',
  compilationJob: 'train-example-2026-01-31-arm64-cpu-4f8a2c',
  useCase: 'example',
};

function problem(key: string, error: unknown): ConfigProblem {
  if (!(error instanceof AppError)) throw error;
  const hint = error.hint === undefined ? '' : ` ${error.hint}`;
  return { key, message: `${key}: ${error.message}${hint}`.replaceAll('\n', '\n    ') };
}

/** @param duration `15m` */
export function milliseconds(duration: string): number {
  return seconds(duration) * 1000;
}

function seconds(duration: string): number {
  const [, number, unit] = /^(\d+)([a-z]+)$/.exec(duration) ?? [];
  return Math.round(Number(number) * (UNIT_SECONDS[unit ?? 's'] ?? 1));
}
