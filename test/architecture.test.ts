/** The import rules of docs/architecture.md: which room may import which, what of the sandbox, and no circle anywhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');
const sandbox = join(root, 'sandbox');

/** What everything stands on. */
const COMMON = ['ground', 'domain', 'ports'];
const EVERYTHING = ['*'];

/**
 * Room → rooms it may import besides itself; `:types` for types only. A room is a folder or a file of src/. The sandbox
 * is a package: `block-kit` is its library part, `sandbox` what else it exports.
 */
const RULES: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  domain: ['ground'],
  ports: ['ground', 'domain:types'],
  config: COMMON,
  logger: ['ground', 'domain'],
  blocks: [...COMMON, 'block-kit'],
  operations: [...COMMON, 'logs:types'],
  logs: COMMON,
  runs: COMMON,
  providers: COMMON,
  aws: COMMON,
  stores: COMMON,
  notifiers: [...COMMON, 'operations', 'blocks'],
  commands: [...COMMON, 'operations', 'blocks'],
  slack: [...COMMON, 'blocks', 'block-kit', 'commands:types'],
  http: [...COMMON, 'blocks', 'commands:types'],
  events: COMMON,
  demo: ['sandbox'],
  app: EVERYTHING,
  front: EVERYTHING,
  watch: EVERYTHING,
  'watch-term': EVERYTHING,
  roots: EVERYTHING,
  cli: EVERYTHING,
};

/** Package prefix → rooms that may import it. */
const PACKAGES: readonly (readonly [prefix: string, rooms: readonly string[]])[] = [
  ['@aws-sdk/', ['aws', 'providers', 'events']],
  ['sqs-consumer', ['events']],
  ['@smithy/', ['aws', 'providers']],
  ['@slack/', ['slack', 'app', 'cli']],
  ['lowdb', ['stores']],
  ['react', []],
  ['ws', []],
  ['signalbox-sandbox', []],
  ['@hono/', ['http', 'slack']],
  ['hono', ['http', 'slack', 'events']],
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
/** @returns undefined for an outside package */
function roomOfTarget(file: string, target: string): string | undefined {
  if (target.startsWith('#sandbox')) return target === '#sandbox/block-kit' ? 'block-kit' : 'sandbox';
  return target.startsWith('.') ? roomOf(resolve(dirname(file), target)) : undefined;
}
const name = (file: string): string => relative(root, file);

/** @returns each circle of files, and of rooms where there are any, as `a → b → a` */
function circlesOf(imports: readonly Import[], roomOf: (file: string) => string): string[] {
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
  return circles;
}

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
      const from = roomOf(file);
      const to = roomOfTarget(file, target);
      if (to === undefined) return [];
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

  it('lets the front and the watch meet in state, operations and coordination only', () => {
    const between = imports.filter(({ file, target }) => {
      const [from, to] = [roomOf(file), target.startsWith('.') ? roomOf(resolve(dirname(file), target)) : ''];
      return (from === 'front' && to.startsWith('watch')) || (from.startsWith('watch') && to === 'front');
    });
    expect(between.map(({ file, target }) => `${name(file)} imports ${target}`)).toEqual([]);
  });

  // Types count too: what two files need of each other belongs to a third.
  it('has no circle of imports, not of files and not of rooms', () => {
    expect(circlesOf(imports, roomOf)).toEqual([]);
  });
});

describe('the sandbox package', () => {
  const own = sources(join(sandbox, 'src')).flatMap(importsOf);
  const manifest = JSON.parse(readFileSync(join(sandbox, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
    devDependencies: Record<string, string>;
  };

  it('imports nothing of the bot, not in its tests either', () => {
    const all = [...own, ...sources(join(sandbox, 'test')).flatMap(importsOf)];
    expect(all.length).toBeGreaterThan(500);
    const foreign = all.filter(({ file, target }) =>
      target.startsWith('.')
        ? !resolve(dirname(file), target).startsWith(`${sandbox}/`)
        : target.startsWith('#'),
    );
    expect(foreign.map(({ file, target }) => `${name(file)} imports ${target}`)).toEqual([]);
  });

  it('names every package that it is built of', () => {
    const unnamed = own.filter(({ target }) => {
      const [, packageName = ''] = /^((?:@[^/]+\/)?[^/]+)/.exec(target) ?? [];
      return !/^(?:\.|node:)/.test(target) && !(packageName in manifest.devDependencies);
    });
    expect(unnamed.map(({ file, target }) => `${name(file)} imports ${target}`)).toEqual([]);
  });

  it('is known to the bot by what it exports only, the rest of the repository included', () => {
    const known = new Set(Object.keys(manifest.exports).map((path) => path.replace('.', '#sandbox')));
    const others = [
      ...imports,
      ...['test', 'bench'].flatMap((dir) => sources(join(root, dir)).flatMap(importsOf)),
    ];
    const wrong = others.filter(({ file, target }) =>
      target.startsWith('.')
        ? // Tests of both share what they support each other with; one looks into the page.
          resolve(dirname(file), target).startsWith(`${sandbox}/src/`) && !/\/src\/page\//.test(target)
        : target.startsWith('#') && !known.has(target),
    );
    expect(wrong.map(({ file, target }) => `${name(file)} imports ${target}`)).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(circlesOf(own, () => 'sandbox')).toEqual([]);
  });
});
