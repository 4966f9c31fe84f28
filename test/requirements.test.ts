/**
 * The mission's numbers and the tests that hold them. A test names a number by writing it in brackets in its
 * own title or its describe's: `[L3] complete: …`. Every number is either held by a test or listed here as not
 * yet claimed, never both.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

const numbers = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);

/** docs/requirements.md says each of these in a line. */
const ALL_NUMBERS = [
  ...numbers('L', 13),
  ...numbers('S', 4),
  ...numbers('C', 12),
  ...numbers('G', 5),
  ...numbers('N', 7),
  ...numbers('P', 5),
  ...numbers('W', 8),
  ...numbers('K', 4),
  ...numbers('O', 7),
];

/** What is not built yet. A number leaves this list in the change that delivers it. */
const NOT_YET_CLAIMED = new Set<string>([]);

const TITLE = /\b(?:describe|it|test)(?:\.\w+)*\(\s*(['"`])((?:(?!\1).)*)\1/gs;

function titlesByNumber(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const testFiles = readdirSync(join(root, 'test'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of testFiles) {
    if (file === import.meta.filename) continue;
    for (const match of readFileSync(file, 'utf8').matchAll(TITLE))
      for (const tag of match[2]!.matchAll(/\[([A-Z]\d+(?:,\s*[A-Z]\d+)*)\]/g))
        for (const number of tag[1]!.split(/,\s*/))
          found.set(number, [...(found.get(number) ?? []), `${relative(root, file)}: ${match[2]}`]);
  }
  return found;
}

const held = titlesByNumber();

it('holds every claimed number with at least one test', () => {
  expect(ALL_NUMBERS.filter((number) => !NOT_YET_CLAIMED.has(number) && !held.has(number))).toEqual([]);
});

it('does not list as unclaimed what a test already claims to hold', () => {
  expect([...NOT_YET_CLAIMED].filter((number) => held.has(number))).toEqual([]);
});

it('knows every number that a test names, and explains every number', () => {
  expect([...held.keys()].filter((number) => !ALL_NUMBERS.includes(number))).toEqual([]);
  const explained = readFileSync(join(root, 'docs/requirements.md'), 'utf8');
  expect(ALL_NUMBERS.filter((number) => !explained.includes(`| ${number} |`))).toEqual([]);
});
