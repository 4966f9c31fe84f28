/** What people may start with `/train`: a use case's templates (`train.templates` in signalbox.yaml). */
import { AppError } from '../ground/errors.ts';
import { HYPERPARAMETER_LIMITS } from './hyperparameters.ts';
import type { NamedSecret } from './providers.ts';
import {
  expectation,
  fillGaps,
  optionProblem,
  parameterProblems,
  placeholders,
  type RunParameter,
  type RunParameters,
  templateProblems,
  valueProblem,
} from './run-templates.ts';

/** Of providers that can start a run that nobody has started before. */
export type TrainTemplate = SageMakerTemplate | RunPodTemplate | LocalTemplate;

interface AnyTemplate {
  /** Unique in its use case: 1 to 63 letters, digits, dashes and underscores. */
  name: string;
  description?: string | undefined;
  /** Milliseconds after which a run is ended, whatever it does. */
  maxTime?: number | undefined;
  /** What people choose. A local template has none: its runner says what it takes. */
  parameters: Readonly<Record<string, RunParameter>>;
}

/** A text in which `{name}` stands for a parameter's value, or a secret of the bot's environment. */
export type TemplateText = string | NamedSecret;

export interface SageMakerTemplate extends AnyTemplate {
  provider: 'sagemaker';
  sagemaker: {
    /** In ECR. */
    image: string;
    /** That the job runs with. */
    roleArn: string;
    /** `s3://bucket/prefix` */
    outputS3: string;
    /** Channel → `s3://…`, with gaps for parameters. */
    inputs: Readonly<Record<string, string>>;
    /** Those that people may choose from; the first is the default. */
    instanceTypes: readonly [string, ...string[]];
    instanceCount: number;
    /** Of each machine's disk. */
    volumeGb: number;
    spot: boolean;
    /** Added to the parameters, which are hyperparameters under their own names. */
    hyperparameters: Readonly<Record<string, string>>;
    environment: Readonly<Record<string, TemplateText>>;
    metricDefinitions: readonly { name: string; regex: string }[];
  };
}

export interface RunPodTemplate extends AnyTemplate {
  provider: 'runpod';
  runpod: {
    image: string;
    /** Those that people may choose from; the first is the default. */
    gpuTypes: readonly [string, ...string[]];
    gpuCount: number;
    cloud: 'secure' | 'community';
    /** Of the container's disk. */
    diskGb: number;
    /** Kept over a restart of the pod. */
    volume?: { gb: number; mountPath: string } | undefined;
    /** `8888/http` */
    ports: readonly string[];
    /** Program and arguments, with gaps for parameters; no shell reads them. */
    command: readonly string[];
    env: Readonly<Record<string, TemplateText>>;
  };
}

export interface LocalTemplate extends AnyTemplate {
  provider: 'local';
  /** Of the runner's own. */
  local: { template: string };
}

/**
 * Texts by name, with a run's values in their gaps and the secrets that they name.
 * @throws AppError invalid_input: a variable is not set in the bot's environment
 */
export function filledTexts(
  template: Pick<TrainTemplate, 'name'>,
  texts: Readonly<Record<string, TemplateText>>,
  values: RunParameters,
): Record<string, string> {
  const missing: string[] = [];
  const filled = Object.entries(texts).map(([name, text]) => {
    const value = typeof text === 'string' ? fillGaps(text, values) : text.read();
    if (value === undefined) missing.push((text as NamedSecret).variable);
    return [name, value ?? ''] as const;
  });
  if (missing.length > 0) throw missingVariables(template, missing);
  return Object.fromEntries(filled);
}

export function missingVariables(
  { name }: Pick<TrainTemplate, 'name'>,
  variables: readonly string[],
): AppError {
  return new AppError('invalid_input', `The template ${name} needs a variable that is not set.`, {
    hint: 'An admin of Signalbox sets it in the environment of the bot. Nothing was started.',
    adminHint: `Not set: ${variables.join(', ')}.`,
  });
}

/** Variables that a template names and that are not set in the bot's environment. */
export function unsetVariables(template: TrainTemplate): string[] {
  return Object.values(secretsOf(template)).flatMap((text) =>
    typeof text !== 'string' && text.read() === undefined ? [text.variable] : [],
  );
}

function secretsOf(template: TrainTemplate): Readonly<Record<string, TemplateText>> {
  if (template.provider === 'local') return {};
  return template.provider === 'sagemaker' ? template.sagemaker.environment : template.runpod.env;
}

const plain = (texts: Readonly<Record<string, TemplateText>>): string[] =>
  Object.values(texts).filter((text) => typeof text === 'string');

/** @returns what is wrong with a template as a whole, a sentence each: for whoever wrote the configuration */
export function trainTemplateProblems(template: TrainTemplate): string[] {
  const { parameters } = template;
  switch (template.provider) {
    case 'local':
      return [];
    case 'runpod': {
      const [program, ...rest] = template.runpod.command;
      const texts = plain(template.runpod.env);
      const known = unknownGaps(texts, parameters);
      if (program === undefined)
        return [...known, ...unusedParameters(texts, parameters), ...parameterProblems(parameters)];
      return [...known, ...templateProblems({ command: [program, ...rest], parameters }, texts)];
    }
    default: {
      const { hyperparameters, environment, inputs } = template.sagemaker;
      const texts = [...Object.values(hyperparameters), ...plain(environment), ...Object.values(inputs)];
      const count = new Set([...Object.keys(parameters), ...Object.keys(hyperparameters)]).size;
      return [
        ...unknownGaps(texts, parameters),
        ...parameterProblems(parameters),
        ...(count > HYPERPARAMETER_LIMITS.count
          ? [
              `expected at most ${HYPERPARAMETER_LIMITS.count} hyperparameters, parameters included, but got ${count}`,
            ]
          : []),
      ];
    }
  }
}

function unknownGaps(texts: readonly string[], parameters: AnyTemplate['parameters']): string[] {
  const names = new Set(texts.flatMap(placeholders));
  return [...names]
    .filter((name) => !Object.hasOwn(parameters, name))
    .map((name) => `{${name}} stands in a text, but \`parameters\` has no ${name}`);
}

function unusedParameters(texts: readonly string[], parameters: AnyTemplate['parameters']): string[] {
  const used = new Set(texts.flatMap(placeholders));
  return Object.keys(parameters)
    .filter((name) => !used.has(name))
    .map((name) => `the parameter ${name} is never used: expected {${name}} in the environment`);
}

/**
 * A run's values from what somebody wrote; what was left empty is the default.
 * @param parameters of the template: a local one's are its runner's
 * @returns `problems`: what was expected, by parameter
 */
export function readTemplateValues(
  template: TrainTemplate,
  parameters: Readonly<Record<string, RunParameter>>,
  written: Readonly<Record<string, string>>,
): { values: RunParameters; problems: Readonly<Record<string, string>> } {
  const values: Record<string, string> = {};
  const problems: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const said = Object.hasOwn(written, name) ? written[name] : undefined;
    const given = said === undefined || said === '' ? parameter.default : said;
    const wrong =
      given === undefined
        ? emptyFits(parameter)
          ? undefined
          : expectation(parameter)
        : valueProblem(parameter, given);
    if (wrong) problems[name] = wrong;
    else values[name] = given ?? '';
  }
  if (template.provider === 'runpod' && Object.keys(problems).length === 0) {
    const [program = '', ...rest] = template.runpod.command;
    const option = optionProblem({ command: [program, ...rest], parameters }, values);
    if (option) problems[option.name] = option.expected;
  }
  return { values, problems };
}

/** What people choose, where the template itself says so; a local one's runner does. */
export function choicesOf(
  template: TrainTemplate,
): { parameters: Readonly<Record<string, RunParameter>>; machines: readonly string[] } | undefined {
  const { parameters } = template;
  if (template.provider === 'local') return undefined;
  const machines =
    template.provider === 'sagemaker' ? template.sagemaker.instanceTypes : template.runpod.gpuTypes;
  return { parameters, machines };
}

/** A text that may be empty is not missing when nothing was written. */
const emptyFits = (parameter: RunParameter): boolean =>
  parameter.type === 'text' && valueProblem(parameter, '') === undefined;
