/** docs/security.md claims nothing that no test holds. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/security.md'), 'utf8');

interface Claim {
  section: string;
  words: string;
  holders: { file: string; title: string }[];
}

const sections = page.split(/^## /m).slice(1);
/** `[path](../path) “title”`, several of them apart by `<br>`. */
const HOLDER = /^\[`([^`]+)`\]\(\.\.\/([^)]+)\) “(.+)”$/;

function claimsOf(section: string): Claim[] {
  const [heading = ''] = section.split('\n');
  const [, table = ''] = /^\|[^|\n]*\| held by \|\n\|[-|]+\|\n((?:\|.*\n?)*)/m.exec(section) ?? [];
  return table
    .split('\n')
    .filter((row) => row.startsWith('|'))
    .map((row) => {
      const cells = row.slice(1, -1).split(' | ');
      const held = cells.pop()!.trim();
      return {
        section: heading,
        words: cells.join(' | ').trim(),
        holders: held.split('<br>').map((one) => {
          const [, file = '', target = '', title = ''] = HOLDER.exec(one.trim()) ?? [];
          return { file: file === target ? file : '', title };
        }),
      };
    });
}

const claims = sections.flatMap(claimsOf);

/** Titles as they stand in the source, without what quoting adds. */
const titlesIn = (file: string): string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /(?:\b(?:describe|it|test)(?:\.\w+)*|\))\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/gs,
    ),
  ].map(([, , title]) => title!.replace(/\\(['"`])/g, '$1'));

describe('docs/security.md', () => {
  it('claims something in every section', () => {
    expect(sections.length).toBeGreaterThan(10);
    expect(claims.length).toBeGreaterThan(60);
    expect(
      sections.filter((section) => claimsOf(section).length === 0).map((one) => one.split('\n')[0]),
    ).toEqual([]);
  });

  it('has a test for each claim, and says which', () => {
    const unheld = claims.filter(({ holders }) => holders.some(({ file, title }) => !file || !title));
    expect(unheld.map(({ section, words }) => `${section}: ${words}`)).toEqual([]);
  });

  it('names tests that there are', () => {
    const missing = claims
      .flatMap(({ holders }) => holders)
      .filter(({ file, title }) => !existsSync(join(root, file)) || !titlesIn(file).includes(title));
    expect(missing.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
  });

  it('says each claim once', () => {
    const words = claims.map((claim) => claim.words);
    expect(words.filter((one, at) => words.indexOf(one) !== at)).toEqual([]);
  });

  it('has a section for each kind of attack', () => {
    const text = page.toLowerCase();
    const KINDS = [
      'confused deputy',
      'header injection',
      'mention',
      'path traversal',
      'regular expression',
      'replay',
      'server-side request',
      'signed link',
      'token',
      'zip bomb',
      'audit trail',
    ];
    expect(KINDS.filter((kind) => !text.includes(kind))).toEqual([]);
  });
});
