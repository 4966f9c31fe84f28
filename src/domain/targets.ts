/** A target: one kind of device that a model is compiled for, as SageMaker Neo and Greengrass name it. */
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { nearestNames } from './nearest-names.ts';
import {
  BUILT_IN_TARGETS,
  GREENGRASS_ARCHITECTURES,
  type GreengrassArchitecture,
  PLATFORM_ACCELERATOR,
  PLATFORM_ARCH,
  PLATFORM_OS,
  TARGET_DEVICES,
  type TargetSettings,
} from './targets-built-in.ts';

export type { GreengrassArchitecture, TargetSettings } from './targets-built-in.ts';

export interface Target {
  name: string;
  description: string;
  /** What OutputConfig says: TargetDevice or TargetPlatform, never both. */
  neo: { device: string } | { platform: { os: string; arch: string; accelerator?: string | undefined } };
  /** JSON text as OutputConfig.CompilerOptions takes it; left out: none. */
  compilerOptions?: string | undefined;
  /** Left out: not known, and a component for this target cannot be made until the use case says it. */
  architecture?: GreengrassArchitecture | undefined;
}

/** Name → target, in the order in which people see them. */
export type TargetTable = ReadonlyMap<string, Target>;

/** OutputConfig.CompilerOptions (service model): characters of the JSON text. */
const OPTIONS_LENGTH = { min: 3, max: 1024 } as const;

/**
 * The built-in targets with a use case's own on top. An entry with a built-in's name overrides what it
 * says and keeps the rest, except that another device or platform drops the options made for the old one.
 * @throws AppError invalid_input with every problem of every entry
 */
export function targetTable(settings: Readonly<Record<string, TargetSettings>> = {}): TargetTable {
  const table = new Map<string, Target>();
  const problems: string[] = [];
  for (const name of new Set([...Object.keys(BUILT_IN_TARGETS), ...Object.keys(settings)])) {
    const builtIn = Object.hasOwn(BUILT_IN_TARGETS, name) ? BUILT_IN_TARGETS[name] : undefined;
    const own = Object.hasOwn(settings, name) ? settings[name] : undefined;
    const { target, problems: found } = makeTarget(name, override(builtIn, own));
    problems.push(...found);
    if (target) table.set(name, target);
  }
  if (problems.length > 0)
    throw new AppError('invalid_input', problems.join('\n'), {
      hint: 'For example: camera-box: { platform: { os: LINUX, arch: ARM64 }, options: { mcpu: cortex-a72 } }, or old-pi: { device: rasp3b, architecture: arm }',
    });
  return table;
}

/** @throws AppError not_found with the nearest names and all that there are */
export function findTarget(targets: TargetTable, name: string): Target {
  const target = targets.get(name);
  if (target) return target;
  const names = [...targets.keys()];
  const near = nearestNames(name, names);
  const all = `The targets here are ${names.join(', ')}.`;
  throw new AppError('not_found', `There is no target ${cite(name)}.`, {
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}? ${all}` : all,
  });
}

/**
 * Compiler options as Neo takes them: JSON on one line, 3 to 1024 characters. A JSON string instead of an
 * object is what Neo takes for Inferentia and Trainium (`"--dtype int64"`).
 * @returns undefined for none: empty text or an empty object
 * @throws AppError invalid_input with what was expected and what came
 */
export function parseCompilerOptions(given: string | Readonly<Record<string, unknown>>): string | undefined {
  let options: unknown = given;
  if (typeof given === 'string') {
    if (given.trim() === '') return undefined;
    try {
      options = JSON.parse(given);
    } catch (cause) {
      throw optionsError(`it is not JSON: ${cite(given)}`, cause);
    }
  }
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
    if (Object.keys(options).length === 0) return undefined;
  } else if (typeof options !== 'string') {
    throw optionsError(`it is ${Array.isArray(options) ? 'a list' : `the value ${cite(String(options))}`}`);
  }
  const text = JSON.stringify(options);
  if (text.length < OPTIONS_LENGTH.min || text.length > OPTIONS_LENGTH.max)
    throw optionsError(`it has ${text.length} characters without spaces`);
  return text;
}

function optionsError(got: string, cause?: unknown): AppError {
  return new AppError(
    'invalid_input',
    `Compiler options must be a JSON object of ${OPTIONS_LENGTH.min} to ${OPTIONS_LENGTH.max} characters, but ${got}.`,
    { hint: 'For example: {"cuda-ver": "10.2", "gpu-code": "sm_72", "trt-ver": "8.2.1"}', cause },
  );
}

function override(builtIn: TargetSettings | undefined, own: TargetSettings | undefined): TargetSettings {
  if (!builtIn || !own) return own ?? builtIn ?? {};
  const elsewhere = own.device !== undefined || own.platform !== undefined;
  return elsewhere
    ? own
    : { ...builtIn, ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) };
}

function makeTarget(name: string, settings: TargetSettings): { target?: Target; problems: string[] } {
  const problems: string[] = [];
  const problem = (text: string): void => void problems.push(`Target ${cite(name)}: ${text}`);

  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(name))
    problem('a name has at most 40 letters, digits, dots, hyphens and underscores.');
  const { device, platform } = settings;
  if ((device === undefined) === (platform === undefined))
    problem(`expected either device or platform, but got ${device === undefined ? 'neither' : 'both'}.`);
  if (device !== undefined && !Object.hasOwn(TARGET_DEVICES, device))
    problem(notAmong('device', device, Object.keys(TARGET_DEVICES)));
  if (platform) {
    if (!(PLATFORM_OS as readonly string[]).includes(platform.os))
      problem(notAmong('platform.os', platform.os, PLATFORM_OS));
    if (!Object.hasOwn(PLATFORM_ARCH, platform.arch))
      problem(notAmong('platform.arch', platform.arch, Object.keys(PLATFORM_ARCH)));
    const { accelerator } = platform;
    if (accelerator !== undefined && !(PLATFORM_ACCELERATOR as readonly string[]).includes(accelerator))
      problem(notAmong('platform.accelerator', accelerator, PLATFORM_ACCELERATOR));
  }

  const { architecture } = settings;
  if (architecture !== undefined && !(GREENGRASS_ARCHITECTURES as readonly string[]).includes(architecture))
    problem(notAmong('architecture', architecture, GREENGRASS_ARCHITECTURES));

  let compilerOptions: string | undefined;
  try {
    compilerOptions = settings.options === undefined ? undefined : parseCompilerOptions(settings.options);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problem(error.message);
  }
  if (problems.length > 0) return { problems };

  const derived = device === undefined ? PLATFORM_ARCH[platform!.arch] : TARGET_DEVICES[device];
  return {
    problems,
    target: {
      name,
      description: settings.description ?? describe(settings),
      neo: device === undefined ? { platform: platform! } : { device },
      compilerOptions,
      architecture: (architecture as GreengrassArchitecture | undefined) ?? derived,
    },
  };
}

function notAmong(key: string, got: string, known: readonly string[]): string {
  const near = nearestNames(got, known);
  const choice = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `one of ${known.join(', ')}.`;
  return `${key} ${cite(String(got))} is not a known value: ${choice}`;
}

function describe({ device, platform }: TargetSettings): string {
  return device ?? [platform?.os, platform?.arch, platform?.accelerator].filter(Boolean).join('/');
}
