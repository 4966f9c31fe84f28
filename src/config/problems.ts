/** A configuration's problems in words: key, what was expected, what it got, an example. */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { AppError } from '../ground/errors.ts';
import { KEY_GUIDES, type KeyGuide } from './key-guides.ts';

export interface ConfigProblem {
  /** `useCases[0].region`, or an environment variable's name. */
  key: string;
  message: string;
}

/** @param hint what to do about them */
export function problemsError(path: string, problems: readonly ConfigProblem[], hint: string): AppError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new AppError(
    'invalid_input',
    `The configuration has ${count} (file: ${path}):\n${problems.map((problem) => `  • ${problem.message}`).join('\n')}`,
    { hint },
  );
}

type Path = readonly PropertyKey[];

export type KeyGuides = Readonly<Record<string, KeyGuide>>;

/**
 * Every problem that zod found, in words, in the order of the file.
 * @param guides of the file's keys; left out: signalbox.yaml's
 */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  raw: unknown,
  guides: KeyGuides = KEY_GUIDES,
): ConfigProblem[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownKey([...issue.path, key], raw, guides));
    return [problemAt(issue.path, raw, guides)];
  });
}

/** The key's value is wrong or missing. */
export function problemAt(path: Path, raw: unknown, guides: KeyGuides = KEY_GUIDES): ConfigProblem {
  const guide = guideFor(path, guides);
  const value = valueAt(path, raw);
  const key = keyText(path);
  const got = value === undefined ? ' but it is missing' : ` but got ${shown(value)}`;
  return {
    key,
    message: `${key || 'the file'}: expected ${guide.expected},${got}. Example: ${guide.example}`,
  };
}

function unknownKey(path: Path, raw: unknown, guides: KeyGuides): ConfigProblem {
  const key = keyText(path);
  const name = String(path.at(-1));
  const parent = pattern(path.slice(0, -1));
  const prefix = parent === '' ? '' : `${parent}.`;
  const siblings = Object.keys(guides)
    .filter((known) => known.startsWith(prefix))
    .map((known) => known.slice(prefix.length))
    .filter((known) => /^\w+$/.test(known));
  const message = `${key}: there is no such key (its value is ${shown(valueAt(path, raw))}).`;
  const near = siblings.length === 0 ? undefined : closest(name, siblings);
  if (near !== undefined && distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, name.length / 3))
    return {
      key,
      message: `${message} Did you mean "${near}"? Example: ${guides[prefix + near]?.example}`,
    };
  return { key, message: `${message} Known here: ${siblings.join(', ')}` };
}

function valueAt(path: Path, raw: unknown): unknown {
  let at = raw;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** The guide of the key itself, or of the nearest section around it. */
function guideFor(path: Path, guides: KeyGuides): KeyGuide {
  for (let length = path.length; length >= 0; length--) {
    const guide = guides[pattern(path.slice(0, length))];
    if (guide) return guide;
  }
  return { expected: 'another value', example: 'see signalbox.example.yaml' };
}

/** Sections whose keys people choose themselves. */
const NAMED: readonly (PropertyKey | undefined)[] = [
  'customTargets',
  'headers',
  'templates',
  'parameters',
  'env',
  'environment',
  'hyperparameters',
  'inputs',
];

/** `['useCases', 0, 'id']` → `useCases[].id`; a name that people choose themselves becomes `*`. */
const pattern = (path: Path): string =>
  join(
    path.map((part, index) => (typeof part === 'string' && NAMED.includes(path[index - 1]) ? '*' : part)),
    () => '[]',
  );

/** `['useCases', 0, 'id']` → `useCases[0].id`. */
const keyText = (path: Path): string => join(path, (index) => `[${index}]`);

function join(path: Path, index: (at: number) => string): string {
  let text = '';
  for (const part of path)
    text += typeof part === 'number' ? index(part) : `${text === '' ? '' : '.'}${String(part)}`;
  return text;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length <= 60 ? json : `${json.slice(0, 60)}… (${json.length} characters)`;
}
