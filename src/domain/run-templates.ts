/**
 * What a runner may start: commands that stand in its own configuration, with gaps that a request may fill. A value never
 * becomes more than a part of one argument, and no shell reads it.
 */
import { RE2JS } from 're2js';
import { AppError } from '../ground/errors.ts';
import { nearestNames } from './nearest-names.ts';

export interface RunTemplate {
  name: string;
  description?: string | undefined;
  /** Program and arguments; `{name}` stands for a parameter's value, anywhere but in the program. */
  command: readonly [string, ...string[]];
  /** Absolute. */
  cwd: string;
  /** Added to the runner's own environment, which the run gets without the runner's token. */
  env: Readonly<Record<string, string>>;
  terminal: 'pty' | 'pipe';
  parameters: Readonly<Record<string, RunParameter>>;
}

/** Required if it has no default. */
export type RunParameter =
  | { type: 'text'; pattern: string; default?: string | undefined }
  | {
      type: 'number' | 'integer';
      min?: number | undefined;
      max?: number | undefined;
      default?: string | undefined;
    }
  | { type: 'choice'; values: readonly string[]; default?: string | undefined };

export type RunParameters = Readonly<Record<string, string>>;

/** Characters of one value: the whole command line has a limit of its own, far above. */
const LONGEST_VALUE = 4_000;
const PLACEHOLDER = /\{([A-Za-z][A-Za-z0-9_-]*)\}/g;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
/** What takes the argument after `-c` or `-e` for a program. */
const INTERPRETERS = /^(?:(?:ba|da|z|k|c|tc|fi)?sh|busybox|python[\d.]*|node|perl|ruby|Rscript|lua|php)$/;
const CODE_FLAG = /^(?:-[A-Za-z]*[ce]|--eval|--command|--print|-p)$/;

/** The parameters that an argument has a place for. */
export function placeholders(argument: string): string[] {
  return [...argument.matchAll(PLACEHOLDER)].map(([, name]) => name!);
}

/** @returns what is wrong with a template as a whole, a sentence each: for whoever wrote the configuration */
export function templateProblems(
  { command, parameters }: Pick<RunTemplate, 'command' | 'parameters'>,
  /** Where parameters have a place too. */
  texts: readonly string[] = [],
): string[] {
  const problems: string[] = [];
  const [program, ...rest] = command;
  if (placeholders(program).length > 0)
    problems.push(`the program ${JSON.stringify(program)} must be fixed: it cannot hold a parameter`);
  const used = new Set<string>();
  rest.forEach((argument, index) => {
    for (const name of placeholders(argument)) {
      used.add(name);
      if (!Object.hasOwn(parameters, name))
        problems.push(`{${name}} stands in the command, but \`parameters\` has no ${name}`);
      if (isCode(command, index + 1))
        problems.push(
          `{${name}} stands in the text of a program (${command[index]}), where a value could become code; give it as an argument behind that text instead`,
        );
    }
  });
  for (const text of texts) for (const name of placeholders(text)) used.add(name);
  for (const name of Object.keys(parameters))
    if (!used.has(name))
      problems.push(`the parameter ${name} is never used: expected {${name}} in the command`);
  return [...problems, ...parameterProblems(parameters)];
}

/** @returns what is wrong with parameters as they are declared */
export function parameterProblems(parameters: Readonly<Record<string, RunParameter>>): string[] {
  const problems: string[] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    const wrong = parameter.type === 'text' ? patternProblem(parameter.pattern) : undefined;
    if (wrong) problems.push(`the pattern of ${name} cannot be read: ${wrong}`);
    else if (parameter.default !== undefined) {
      const refused = valueProblem(parameter, parameter.default);
      if (refused) problems.push(`the default of ${name} is not allowed by itself: expected ${refused}`);
    }
  }
  return problems;
}

/** `sh -c …`, `env python3 -u -c …`: the argument is read as code. */
function isCode(command: readonly string[], at: number): boolean {
  if (!CODE_FLAG.test(command[at - 1] ?? '')) return false;
  for (let index = at - 1; index >= 0; index--) {
    const name = command[index]!.split('/').at(-1)!;
    if (INTERPRETERS.test(name)) return true;
    if (!name.startsWith('-')) return false;
  }
  return false;
}

function patternProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @returns what was expected instead */
export function valueProblem(parameter: RunParameter, value: string): string | undefined {
  if (value.length > LONGEST_VALUE) return `at most ${LONGEST_VALUE} characters`;
  // No argument can contain one: the system takes it for the end.
  if (value.includes('\0')) return 'text without NUL characters';
  switch (parameter.type) {
    case 'choice':
      return parameter.values.includes(value) ? undefined : `one of ${parameter.values.join(', ')}`;
    case 'text':
      // Linear in the value's length, whatever the pattern.
      return RE2JS.compile(parameter.pattern).matches(value)
        ? undefined
        : `text that matches ${parameter.pattern} as a whole`;
    default: {
      const { type, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = parameter;
      const number = Number(value);
      const fits =
        NUMBER.test(value) &&
        number >= min &&
        number <= max &&
        (type === 'number' || Number.isInteger(number));
      return fits ? undefined : describeNumber(parameter);
    }
  }
}

function describeNumber({ type, min, max }: Extract<RunParameter, { type: 'number' | 'integer' }>): string {
  const kind = type === 'integer' ? 'a whole number' : 'a number';
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  if (min !== undefined) return `${kind} of ${min} or more`;
  return max === undefined ? kind : `${kind} of ${max} or less`;
}

/**
 * All of a template's parameters as the run will have them: those that were given, and the defaults of the others.
 * @param given texts, numbers and truth values by name
 * @throws AppError invalid_input naming what is wrong, and what the template takes
 */
export function runParameters(
  template: Pick<RunTemplate, 'name' | 'command' | 'parameters'>,
  given: Readonly<Record<string, unknown>>,
): RunParameters {
  const { parameters } = template;
  const problems: string[] = [];
  const values: [string, string][] = [];
  for (const name of Object.keys(given))
    if (!Object.hasOwn(parameters, name)) {
      const [near] = nearestNames(name, Object.keys(parameters), 1);
      problems.push(
        `There is no parameter ${quoted(name)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = Object.hasOwn(given, name) ? textOf(given[name]) : parameter.default;
    if (value === undefined) {
      const came = Object.hasOwn(given, name) ? `got ${typeof given[name]}` : 'it is missing';
      problems.push(`${name}: expected ${expectation(parameter)}, but ${came}`);
      continue;
    }
    const expected = valueProblem(parameter, value);
    if (expected) problems.push(`${name}: expected ${expected}, but got ${quoted(value)}`);
    else values.push([name, value]);
  }
  const complete = Object.fromEntries(values);
  const option = problems.length === 0 ? optionProblem(template, complete) : undefined;
  if (option)
    problems.push(`${option.name}: expected ${option.expected}, but got ${quoted(complete[option.name]!)}`);
  if (problems.length > 0) {
    const told = problems.slice(0, PROBLEMS_TOLD).map((one) => (/[.?]$/.test(one) ? one : `${one}.`));
    const more = problems.length - told.length;
    throw new AppError(
      'invalid_input',
      `${template.name} cannot be started: ${[...told, ...(more > 0 ? [`… ${more} more.`] : [])].join(' ')}`,
      { hint: `It takes ${namesOf(parameters)}.` },
    );
  }
  return complete;
}

/** Problems that are told; a form with a thousand wrong lines is not read to its end. */
const PROBLEMS_TOLD = 8;
const NAMES_TOLD = 30;

function namesOf(parameters: Readonly<Record<string, RunParameter>>): string {
  const names = Object.keys(parameters);
  const more = names.length - NAMES_TOLD;
  if (names.length === 0) return 'no parameters';
  return `${names.slice(0, NAMES_TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * A value at the beginning of an argument would be read as an option if it began with a dash, whatever its pattern
 * was meant for.
 */
export function optionProblem(
  { command, parameters }: Pick<RunTemplate, 'command' | 'parameters'>,
  values: RunParameters,
): { name: string; expected: string } | undefined {
  for (const argument of command.slice(1)) {
    const [leading = ''] = /^(?:\{[A-Za-z][A-Za-z0-9_-]*\})+/.exec(argument) ?? [];
    const first = placeholders(leading).find((name) => values[name] !== '');
    if (first === undefined || parameters[first]?.type !== 'text') continue;
    if (values[first]?.startsWith('-'))
      return { name: first, expected: 'text that does not begin with a dash' };
  }
  return undefined;
}

/** What a parameter takes, behind "expected". */
export function expectation(parameter: RunParameter): string {
  if (parameter.type === 'choice') return `one of ${parameter.values.join(', ')}`;
  return parameter.type === 'text' ? `text that matches ${parameter.pattern}` : describeNumber(parameter);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return String(value);
  return undefined;
}

const quoted = (text: string): string =>
  text.length <= 60
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, 60))}… (${text.length} characters)`;

/** The command with its parameters in place; as many arguments as the template has. */
export function fillCommand(
  { command }: Pick<RunTemplate, 'command'>,
  parameters: RunParameters,
): [string, ...string[]] {
  const [program, ...rest] = command;
  return [program, ...rest.map((argument) => fillGaps(argument, parameters))];
}

/** A text with its parameters in place, in one pass, so that gaps inside a value are not filled. */
export function fillGaps(text: string, parameters: RunParameters): string {
  return text.replace(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(parameters, name) ? parameters[name]! : whole,
  );
}
