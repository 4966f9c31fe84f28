/** Hyperparameters as people edit them: a line each, `name=value`. */
import { maskSecrets } from './mask-secrets.ts';

export type Hyperparameters = Readonly<Record<string, string>>;

/** CreateTrainingJob, service model 2017-07-24: how many, and characters of a name and of a value. */
export const HYPERPARAMETER_LIMITS = { count: 100, name: 256, value: 2500 } as const;

/** Why one is not in the text: its name, its secrecy, its form or its length. */
export type KeptReason = 'sdk' | 'secret' | 'form' | 'room';

export interface EditableHyperparameters {
  text: string;
  /** Not in the text, and unchanged unless a line names them. */
  kept: readonly { name: string; why: KeptReason }[];
}

/** Where the SageMaker SDK keeps what it needs itself: the script's archive and entry point, the region. */
const SDK = /^sagemaker_/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: an input field does not give them back as they were
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** @param room characters that the text may have; the longest lines go first when it is not enough */
export function editableHyperparameters(all: Hyperparameters, room: number): EditableHyperparameters {
  const kept: { name: string; why: KeptReason }[] = [];
  const lines: { name: string; line: string }[] = [];
  for (const [name, value] of Object.entries(all)) {
    const line = `${name}=${value}`;
    const why = reasonToKeep(name, value, line);
    if (why) kept.push({ name, why });
    else lines.push({ name, line });
  }
  let length = lines.reduce((sum, { line }) => sum + line.length + 1, -1);
  while (length > room) {
    const longest = lines.reduce((a, b) => (b.line.length > a.line.length ? b : a));
    lines.splice(lines.indexOf(longest), 1);
    kept.push({ name: longest.name, why: 'room' });
    length -= longest.line.length + 1;
  }
  return { text: lines.map(({ line }) => line).join('\n'), kept };
}

function reasonToKeep(name: string, value: string, line: string): KeptReason | undefined {
  if (SDK.test(name)) return 'sdk';
  if (maskSecrets(line) !== line) return 'secret';
  const plain = name !== '' && name.trim() === name && value.trim() === value;
  return plain && !name.includes('=') && !CONTROL.test(line) ? undefined : 'form';
}

export interface LineProblem {
  /** From 1. */
  line: number;
  problem: string;
}

/** All problems at once; empty lines are ignored. */
export function readHyperparameters(text: string): {
  values: Hyperparameters;
  problems: readonly LineProblem[];
} {
  const values = new Map<string, string>();
  const problems: LineProblem[] = [];
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const add = (problem: string): void => void problems.push({ line: index + 1, problem });
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0)).trim();
    const value = line.slice(equals + 1).trim();
    const limits = HYPERPARAMETER_LIMITS;
    if (equals < 0) add(`expected name=value, but got ${quote(line)}`);
    else if (name === '') add('a name before = is missing');
    else if (name.length > limits.name) add(`the name has ${name.length} characters, at most ${limits.name}`);
    else if (value.length > limits.value)
      add(`the value of ${quote(name)} has ${value.length} characters, at most ${limits.value}`);
    else if (values.has(name)) add(`${quote(name)} stands here a second time`);
    else values.set(name, value);
  }
  return { values: Object.fromEntries(values), problems };
}

const quote = (text: string): string => `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;

/** What a run will have: what was kept, overridden by what people wrote. */
export function editedHyperparameters(
  all: Hyperparameters,
  room: number,
  written: Hyperparameters,
): Hyperparameters {
  const { kept } = editableHyperparameters(all, room);
  return { ...Object.fromEntries(kept.map(({ name }) => [name, all[name] ?? ''])), ...written };
}

/** One line for each difference, secrets masked: `batch-size: 8 → 4`, `epochs: 20 (new)`, `lr: 0.1 (left out)`. */
export function hyperparameterChanges(before: Hyperparameters, after: Hyperparameters): string[] {
  const has = (all: Hyperparameters, name: string): boolean => Object.hasOwn(all, name);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const line = !has(before, name)
      ? `${name}: ${after[name]} (new)`
      : !has(after, name)
        ? `${name}: ${before[name]} (left out)`
        : before[name] === after[name]
          ? undefined
          : `${name}: ${before[name]} → ${after[name]}`;
    return line === undefined ? [] : [maskSecrets(line)];
  });
}
