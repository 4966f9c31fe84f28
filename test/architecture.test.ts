/** The import rules of docs/architecture.md: which room may import which, and no cycle anywhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

/** What everything stands on. */
const COMMON = ['ground', 'domain', 'ports'];
const EVERYTHING = ['*'];

/** Room → rooms it may import besides itself; `:types` for types only. A room is a folder or a file of src/. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  domain: ['ground'],
  ports: ['ground', 'domain:types'],
  config: COMMON,
  logger: ['ground', 'domain'],
  blocks: COMMON,
  operations: [...COMMON, 'logs:types'],
  logs: COMMON,
  providers: COMMON,
  aws: COMMON,
  stores: COMMON,
  notifiers: [...COMMON, 'operations', 'blocks'],
  commands: [...COMMON, 'operations', 'blocks'],
  slack: [...COMMON, 'blocks', 'commands:types'],
  http: [...COMMON, 'blocks', 'commands:types'],
  events: COMMON,
  sandbox: ['blocks'],
  demo: ['sandbox'],
  app: EVERYTHING,
  cli: EVERYTHING,
};

/** Package prefix → rooms that may import it. */
const PACKAGES: readonly (readonly [prefix: string, rooms: readonly string[]])[] = [
  ['@aws-sdk/', ['aws', 'providers', 'events']],
  ['sqs-consumer', ['events']],
  ['@smithy/', ['aws', 'providers']],
  ['@slack/', ['slack', 'app', 'cli']],
  ['lowdb', ['stores']],
  ['react', ['sandbox']],
  ['ws', ['sandbox']],
];

interface Import {
  file: string;
  target: string;
  typeOnly: boolean;
  deferred: boolean;
}

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm))
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined, deferred: false });
  for (const match of text.matchAll(/(typeof\s+)?import\('([^']+)'\)/g))
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined, deferred: true });
  return found;
}

const files = sources(src);
const imports = files.flatMap(importsOf);
const roomOf = (file: string): string =>
  relative(src, file)
    .split('/')[0]!
    .replace(/\.tsx?$/, '');
const name = (file: string): string => relative(root, file);

describe('architecture', () => {
  it('reads imports from every room', () => {
    expect(new Set(files.map(roomOf)).size).toBeGreaterThan(8);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('has a rule for every room', () => {
    expect([...new Set(files.map(roomOf))].filter((room) => !(room in RULES))).toEqual([]);
  });

  it('lets no room import what its rule does not allow', () => {
    const forbidden = imports.flatMap(({ file, target, typeOnly }) => {
      if (!target.startsWith('.')) return [];
      const from = roomOf(file);
      const to = roomOf(resolve(dirname(file), target));
      const allowed = RULES[from] ?? [];
      const fine =
        from === to ||
        (allowed === EVERYTHING && ((to !== 'sandbox' && to !== 'demo') || from === 'cli')) ||
        allowed.includes(to) ||
        (typeOnly && allowed.includes(`${to}:types`));
      return fine ? [] : [`${name(file)} imports ${target}`];
    });
    expect(forbidden).toEqual([]);
  });

  it('keeps each outside package in the rooms that know it', () => {
    const forbidden = imports.flatMap(({ file, target, typeOnly }) => {
      const rule = PACKAGES.find(([prefix]) => target === prefix || target.startsWith(prefix));
      if (!rule || typeOnly || target.startsWith('.')) return [];
      return rule[1].includes(roomOf(file)) ? [] : [`${name(file)} imports ${target}`];
    });
    expect(forbidden).toEqual([]);
  });

  it('reads the environment in config.ts only', () => {
    const readers = files.filter((file) => /process\.env/.test(readFileSync(file, 'utf8'))).map(name);
    expect(readers.filter((file) => file !== 'src/config.ts')).toEqual([]);
  });

  // Types count too: what two files need of each other belongs to a third.
  it('has no circle of imports, not of files and not of rooms', () => {
    const graph = new Map<string, Set<string>>();
    const add = (from: string, to: string): void => {
      graph.set(from, (graph.get(from) ?? new Set()).add(to));
    };
    for (const { file, target, deferred } of imports) {
      if (!target.startsWith('.') || deferred) continue;
      const to = resolve(dirname(file), target);
      add(name(file), name(to));
      if (roomOf(file) !== roomOf(to)) add(roomOf(file), roomOf(to));
    }
    const circles: string[] = [];
    const done = new Set<string>();
    const walk = (place: string, path: readonly string[]): void => {
      const at = path.indexOf(place);
      if (at >= 0) {
        circles.push([...path.slice(at), place].join(' → '));
        return;
      }
      if (done.has(place)) return;
      for (const next of graph.get(place) ?? []) walk(next, [...path, place]);
      done.add(place);
    };
    for (const place of graph.keys()) walk(place, []);
    expect(circles).toEqual([]);
  });
});
