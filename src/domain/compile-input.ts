/**
 * What Neo must know of a model: framework, its version, and the inputs' names and shapes. Each is taken
 * from the first place that says it:
 *
 * 1. what the person corrected, by a flag or in the modal
 * 2. the training job's tags `signalbox:framework`, `signalbox:framework-version`, `signalbox:input-shape`
 * 3. its hyperparameters `framework`, `framework_version`, `input_shape` or `data_input_config`
 * 4. the use case's compile settings
 *
 * A tag cannot hold JSON (AWS allows letters, digits, spaces and `_.:/=+-@` in it), so shapes may also be
 * written `input=1x3x224x224`.
 */
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { nearestNames } from './nearest-names.ts';
import type { TargetSettings } from './targets-built-in.ts';

/** A use case's `compile:` settings. */
export interface CompileSettings {
  /** The role that SageMaker compiles with. */
  roleArn: string;
  /** `s3://bucket/prefix`. */
  outputS3: string;
  framework?: string | undefined;
  frameworkVersion?: string | undefined;
  dataInputConfig?: string | object | undefined;
  /** Preselected, and compiled by `auto`. */
  targets: readonly string[];
  /** Own targets, and overrides of built-in ones. */
  customTargets?: Readonly<Record<string, TargetSettings>> | undefined;
  /** Compile by itself when a training job completes. */
  auto: boolean;
  /** MaxRuntimeInSeconds. */
  timeoutSeconds: number;
}

export interface CompileCorrections {
  framework?: string;
  frameworkVersion?: string;
  /** JSON text. */
  dataInputConfig?: string;
}

export type InputSource = 'correction' | 'tag' | 'hyperparameter' | 'use case';

export interface CompileInput {
  framework: string;
  frameworkVersion?: string | undefined;
  /** JSON text. Left out: Neo reads it from the model where it can. */
  dataInputConfig?: string | undefined;
  /** Where each came from, to be shown beside it. */
  sources: Partial<Record<keyof CompileCorrections, InputSource>>;
}

export interface CompileInputFacts {
  corrections?: CompileCorrections | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  hyperparameters?: Readonly<Record<string, string>> | undefined;
  settings?: Pick<CompileSettings, 'framework' | 'frameworkVersion' | 'dataInputConfig'> | undefined;
}

/** InputConfig.Framework (service model 2017-07-24). */
export const FRAMEWORKS = [
  'TENSORFLOW',
  'KERAS',
  'MXNET',
  'ONNX',
  'PYTORCH',
  'XGBOOST',
  'TFLITE',
  'DARKNET',
  'SKLEARN',
] as const;

/** InputConfig.DataInputConfig: characters. */
const DATA_INPUT_CONFIG_LIMIT = 16_384;

interface Found {
  text: string;
  source: InputSource;
  /** Named in errors. */
  where: string;
}

/** @throws AppError invalid_input: what is missing and where it can be said, or what is wrong and where it stands */
export function compileInput(facts: CompileInputFacts): CompileInput {
  const framework = find(facts, 'framework', 'signalbox:framework', ['framework']);
  if (!framework)
    throw new AppError('invalid_input', 'Nothing says which framework the model was made with.', {
      hint: `Give it (--framework PYTORCH, or in the form), tag the training job signalbox:framework, or set compile.framework in the use case. Frameworks: ${FRAMEWORKS.join(' ')}`,
    });
  const input: CompileInput = {
    framework: located(framework, parseFramework),
    sources: { framework: framework.source },
  };
  const version = find(facts, 'frameworkVersion', 'signalbox:framework-version', ['framework_version']);
  if (version) {
    input.frameworkVersion = located(version, parseFrameworkVersion);
    input.sources.frameworkVersion = version.source;
  }
  const shape = find(facts, 'dataInputConfig', 'signalbox:input-shape', ['input_shape', 'data_input_config']);
  if (shape) {
    input.dataInputConfig = located(shape, parseInputShape);
    input.sources.dataInputConfig = shape.source;
  } else if (!canDeriveShape(input))
    throw new AppError('invalid_input', `Nothing says which input shape the ${input.framework} model has.`, {
      hint: 'Give it (--shape input=1x3x224x224, or in the form), tag the training job signalbox:input-shape with input=1x3x224x224, or set compile.dataInputConfig in the use case.',
    });
  return input;
}

function find(
  facts: CompileInputFacts,
  field: keyof CompileCorrections,
  tag: string,
  hyperparameters: readonly string[],
): Found | undefined {
  const corrected = facts.corrections?.[field];
  if (corrected?.trim()) return { text: corrected, source: 'correction', where: 'the given value' };
  const tagged = facts.tags?.[tag];
  if (tagged?.trim()) return { text: tagged, source: 'tag', where: `the training job’s tag ${tag}` };
  for (const name of hyperparameters) {
    const text = plainHyperparameter(facts.hyperparameters?.[name]);
    if (text) return { text, source: 'hyperparameter', where: `the training job’s hyperparameter ${name}` };
  }
  const set = facts.settings?.[field];
  if (set === undefined || set === '') return undefined;
  const text = typeof set === 'string' ? set : JSON.stringify(set);
  return { text, source: 'use case', where: `the use case’s compile.${field}` };
}

/** The SageMaker SDK writes every hyperparameter as JSON: texts with quotes around them. */
function plainHyperparameter(value: string | undefined): string | undefined {
  let plain = value;
  if (value?.startsWith('"')) {
    try {
      plain = String(JSON.parse(value));
    } catch {
      // Not written by the SDK: it means what it says.
      plain = value;
    }
  }
  return plain?.trim() ? plain : undefined;
}

function located(found: Found, parse: (text: string) => string): string {
  try {
    return parse(found.text);
  } catch (error) {
    if (!(error instanceof AppError) || found.source === 'correction') throw error;
    throw new AppError(error.code, `In ${found.where}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/** Neo reads the shape from XGBoost and scikit-learn models and from PyTorch 2 ones. */
function canDeriveShape({ framework, frameworkVersion }: CompileInput): boolean {
  if (framework === 'XGBOOST' || framework === 'SKLEARN') return true;
  return framework === 'PYTORCH' && /^[2-9]\./.test(frameworkVersion ?? '');
}

/** @throws AppError invalid_input with the nearest framework */
export function parseFramework(text: string): string {
  const framework = text.trim().toUpperCase();
  if ((FRAMEWORKS as readonly string[]).includes(framework)) return framework;
  const near = nearestNames(framework, FRAMEWORKS, 1);
  throw new AppError('invalid_input', `Neo knows no framework ${cite(text)}.`, {
    hint: `${near.length > 0 ? `Did you mean ${near[0]}? ` : ''}The frameworks are ${FRAMEWORKS.join(' ')}.`,
  });
}

/** @throws AppError invalid_input */
export function parseFrameworkVersion(text: string): string {
  const version = text.trim();
  // InputConfig.FrameworkVersion: [0-9]\.[A-Za-z0-9.]+, 3 to 10 characters.
  if (/^[0-9]\.[A-Za-z0-9.]{1,8}$/.test(version)) return version;
  throw new AppError(
    'invalid_input',
    `Expected a framework version of 3 to 10 characters such as 1.13, but got ${cite(text)}.`,
    { hint: 'Write major and minor version: 1.13, 2.0, 2.9.2' },
  );
}

/**
 * Inputs as people write them, as JSON text for DataInputConfig: JSON (`{"input": [1, 3, 224, 224]}`, a list
 * of shapes), or `input=1x3x224x224`, several with spaces or semicolons between.
 * @throws AppError invalid_input with what was expected and what came
 */
export function parseInputShape(text: string): string {
  // Phones put typographic quotes, also inside JSON.
  const given = text.trim().replace(/[“”„]/g, '"');
  const config = /^[{[]/.test(given) ? parseJsonShapes(given) : parsePlainShapes(given);
  const json = JSON.stringify(config);
  if (json.length > DATA_INPUT_CONFIG_LIMIT)
    throw shapeError(`this is ${json.length} characters of JSON, and ${DATA_INPUT_CONFIG_LIMIT} is the most`);
  return json;
}

function parseJsonShapes(given: string): unknown {
  let config: unknown;
  try {
    config = JSON.parse(given);
  } catch (cause) {
    throw shapeError(`${cite(given)} is not JSON`, cause);
  }
  const shapes = Object.entries(config as object);
  if (shapes.length === 0) throw shapeError(`${cite(given)} names no input`);
  // A bare list is one shape or several.
  if (Array.isArray(config) && isShape(config)) return [config];
  for (const [name, shape] of shapes)
    if (!isShape(shape) && !isDescribedShape(shape))
      throw shapeError(`${cite(name)} has ${cite(JSON.stringify(shape))}`);
  return config;
}

/** Dimensions; null and -1 are open ones, which some frameworks allow. */
function isShape(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((size) => size === null || size === -1 || (Number.isSafeInteger(size) && size > 0))
  );
}

/** Core ML: `{"shape": […], "default_shape": […], "type": "Image"}`, with ranges like "1..10" in it. */
function isDescribedShape(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Array.isArray((value as { shape?: unknown }).shape);
}

function parsePlainShapes(given: string): Record<string, number[]> {
  const config: Record<string, number[]> = Object.create(null) as Record<string, number[]>;
  for (const part of given.split(/[\s;]+/).filter((word) => word !== '')) {
    const match = /^([^={}[\]"]{1,256})[=:](\d{1,9}(?:[x×,*]\d{1,9})*)$/i.exec(part);
    const sizes = match?.[2]?.split(/[x×,*]/i).map(Number);
    if (!match || !sizes || sizes.includes(0)) throw shapeError(`got ${cite(part)}`);
    config[match[1]!] = sizes;
  }
  if (Object.keys(config).length === 0) throw shapeError('got nothing');
  return config;
}

function shapeError(got: string, cause?: unknown): AppError {
  return new AppError(
    'invalid_input',
    `Expected each input’s name and its shape in positive whole numbers, but ${got}.`,
    { hint: 'For example: {"input": [1, 3, 224, 224]} or input=1x3x224x224', cause },
  );
}
