/** The documentation's links lead somewhere: pages, headings, pictures; and no picture is kept that nothing shows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { DOCS_FILE, withCoverage } from '../sandbox/scripts/coverage.ts';
import { FAILURE_DOCS, withFailures } from '../scripts/failure-docs.ts';

const root = resolve(import.meta.dirname, '..');
const pages = [
  ...readdirSync(root).map((name) => join(root, name)),
  ...['docs', 'sandbox', 'sandbox/docs'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  ),
].filter((path) => path.endsWith('.md'));

/** Without blocks of code, where `#` is no heading. */
const unfenced = (path: string): string => readFileSync(path, 'utf8').replace(/^```.*?^```/gms, '');

/** Without what stands in a line's code either, where brackets are no link. */
const proseOf = (path: string): string => unfenced(path).replace(/`[^`\n]*`/g, '');

/** Names of a page's headings in links, as GitHub makes them. */
function anchorsOf(path: string): Set<string> {
  const headings = [...unfenced(path).matchAll(/^#+ (.+)$/gm)].map(([, words]) => words!);
  return new Set(
    headings.map((words) =>
      words
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

const links = pages.flatMap((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file, anchor] = target.split('#');
      return { page, target, file: file ? resolve(dirname(page), file) : page, anchor };
    }),
);

it('links to what is there', () => {
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter(
    ({ file, anchor }) => !existsSync(file) || (anchor !== undefined && !anchorsOf(file).has(anchor)),
  );
  expect(broken.map(({ page, target }) => `${relative(root, page)} → ${target}`)).toEqual([]);
});

const pictures = readdirSync(join(root, 'docs/images'));

it('shows every picture', () => {
  const shown = new Set(links.map(({ file }) => file));
  expect(pictures.filter((name) => !shown.has(join(root, 'docs/images', name)))).toEqual([]);
});

it('has pictures that can be taken anew', () => {
  const takers = readdirSync(join(root, 'test/page'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(root, 'test/page', name), 'utf8'));
  const names = pictures.filter((name) => name.endsWith('.png')).map((name) => name.slice(0, -'.png'.length));
  expect(names.filter((name) => !takers.some((text) => text.includes(`'${name}'`)))).toEqual([]);
});

it('says of the sandbox which methods and operations are here, and which are not', async () => {
  const docs = readFileSync(DOCS_FILE, 'utf8');
  expect(await withCoverage(docs)).toBe(docs);
});

it('lists the failures that are known', () => {
  const docs = readFileSync(FAILURE_DOCS, 'utf8');
  expect(withFailures(docs)).toBe(docs);
});
