/** What somebody wants compiled: the arguments of `/compile <job> [targets…] [--shape …]`. */
import { AppError } from '../ground/errors.ts';
import { cite } from './command-words.ts';
import { type CompileCorrections, parseInputShape } from './compile-input.ts';
import { EXAMPLE_JOB, parseTrainingName } from './job-names.ts';
import { isFinished, type TrainingJob } from './jobs.ts';
import { nearestNames } from './nearest-names.ts';
import { findTarget, type TargetTable } from './targets.ts';
import { trainingLabel } from './training-states.ts';

export interface CompileRequest {
  job: string;
  /** As typed, no name twice; none: a modal asks. */
  targets: readonly string[];
  /** What the flags say of the input, over everything else that is known. */
  corrections: CompileCorrections;
}

export const COMPILE_FLAGS = [
  { name: '--shape', value: 'input=1x3x224x224', description: 'the model’s inputs; again for more, or JSON' },
  { name: '--framework', value: 'PYTORCH', description: 'the framework that the model was made with' },
  { name: '--framework-version', value: '1.13', description: 'the framework’s version' },
] as const;

const EXAMPLE = `For example: ${EXAMPLE_JOB} jetson-xavier x86_64-cpu --shape input=1x3x224x224`;

/**
 * @param words the arguments, split and unquoted
 * @throws AppError invalid_input: what was expected, what came, and the nearest flag for a mistyped one
 */
export function parseCompileRequest(words: readonly string[]): CompileRequest {
  const positional: string[] = [];
  const values = new Map<string, string[]>();
  const shapes: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    if (!word.startsWith('-')) {
      positional.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toLowerCase();
    const flag = COMPILE_FLAGS.find((known) => known.name === name);
    if (!flag) throw unknownFlag(name);
    if (equals < 0) at += 1;
    let value = equals < 0 ? words[at] : word.slice(equals + 1);
    if (value === undefined || value === '' || value.startsWith('--'))
      throw invalid(
        `${flag.name} needs a value after it${value ? `, and ${cite(value)} is a flag` : ''}.`,
        `For example: ${flag.name} ${flag.value}`,
      );
    if (flag.name === '--shape') {
      // Unquoted JSON with spaces goes on until its brackets are closed.
      while (openBrackets(value) > 0 && at + 1 < words.length) {
        at += 1;
        value += words[at];
      }
      shapes.push(value);
    } else values.set(flag.name, [...(values.get(flag.name) ?? []), value]);
  }

  const [job, ...targets] = positional;
  if (job === undefined) throw invalid('No training job was named.', EXAMPLE);
  const corrections: CompileCorrections = {};
  const framework = values.get('--framework')?.at(-1);
  if (framework !== undefined) corrections.framework = framework;
  const version = values.get('--framework-version')?.at(-1);
  if (version !== undefined) corrections.frameworkVersion = version;
  if (shapes.length > 0) corrections.dataInputConfig = parseInputShape(shapes.join(' '));
  return {
    job: parseTrainingName(job),
    targets: [...new Set(targets.flatMap((target) => target.split(',')).filter((name) => name !== ''))],
    corrections,
  };
}

/** The same arguments for another job. @param asked as `parseCompileRequest` has read it */
export function withCompiledJob(words: readonly string[], asked: string, job: string): string[] {
  const reads = (word: string): string | undefined => {
    try {
      return parseTrainingName(word);
    } catch {
      return undefined;
    }
  };
  const at = words.findIndex((word) => !word.startsWith('-') && reads(word) === asked);
  return at < 0 ? [job, ...words] : words.map((word, index) => (index === at ? job : word));
}

/**
 * The requested targets as the table spells them; letter case and `_` for `-` are forgiven where only one
 * target can be meant.
 * @throws AppError not_found for a name that no target has, with the nearest
 */
export function requestedTargets(names: readonly string[], table: TargetTable): string[] {
  const plain = (name: string): string => name.toLowerCase().replaceAll('_', '-');
  const resolved = names.map((name) => {
    if (table.has(name)) return name;
    const alike = [...table.keys()].filter((known) => plain(known) === plain(name));
    return alike.length === 1 ? alike[0]! : findTarget(table, name).name;
  });
  return [...new Set(resolved)];
}

/**
 * Only a completed training job has a model to compile.
 * @throws AppError conflict with the job's state
 */
export function requireCompleted(job: Pick<TrainingJob, 'name' | 'state' | 'status'>): void {
  if (job.state === 'completed') return;
  throw new AppError(
    'conflict',
    `${job.name} is ${trainingLabel(job).word}; only a completed training job can be compiled.`,
    {
      hint: isFinished(job)
        ? 'It left no complete model. Run the training again, or choose another job.'
        : 'Wait until it is completed, then compile it.',
    },
  );
}

function openBrackets(text: string): number {
  let open = 0;
  for (const char of text) {
    if (char === '{' || char === '[') open += 1;
    else if (char === '}' || char === ']') open -= 1;
  }
  return open;
}

function unknownFlag(name: string): AppError {
  const names = COMPILE_FLAGS.map((flag) => flag.name);
  const near = nearestNames(name.replace(/^-+/, '--').slice(0, 40), names, 1);
  const all = `The flags are ${names.join(' ')}`;
  return invalid(
    `There is no flag ${cite(name)}.`,
    near.length > 0 ? `Did you mean ${near[0]}? ${all}` : all,
  );
}

function invalid(message: string, hint: string): AppError {
  return new AppError('invalid_input', message, { hint });
}
