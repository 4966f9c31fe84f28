/**
 * The rules of docs/architecture.md: which room may import which, what of the sandbox, no circle anywhere, and no long
 * file without its reason.
 */
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
  domain: ['ground', 'terminal'],
  terminal: [],
  ports: ['ground', 'domain:types'],
  config: COMMON,
  logger: ['ground', 'domain'],
  blocks: [...COMMON, 'block-kit'],
  operations: [...COMMON, 'logs:types', 'metrics'],
  logs: [...COMMON, 'terminal'],
  metrics: COMMON,
  runs: COMMON,
  providers: COMMON,
  aws: COMMON,
  stores: COMMON,
  notifiers: [...COMMON, 'operations', 'blocks'],
  commands: [...COMMON, 'operations', 'blocks'],
  charts: COMMON,
  slack: [...COMMON, 'blocks', 'block-kit', 'commands:types'],
  // Its page shows terminals.
  http: [...COMMON, 'blocks', 'terminal', 'commands:types'],
  // It serves what it counts, as it is configured.
  telemetry: [...COMMON, 'config:types', 'http', 'logger:types'],
  events: COMMON,
  demo: ['sandbox'],
  app: EVERYTHING,
  front: EVERYTHING,
  watch: EVERYTHING,
  'watch-term': EVERYTHING,
  'watch-events': EVERYTHING,
  roots: EVERYTHING,
  state: EVERYTHING,
  cli: EVERYTHING,
};

/** Package prefix → rooms that may import it. */
const PACKAGES: readonly (readonly [prefix: string, rooms: readonly string[]])[] = [
  ['@aws-sdk/', ['aws', 'providers', 'events']],
  ['sqs-consumer', ['events']],
  ['@smithy/', ['aws', 'providers']],
  ['@slack/', ['slack', 'cli']],
  ['lowdb', ['stores']],
  ['prom-client', ['telemetry']],
  ['pg', ['stores']],
  ['react', []],
  ['@resvg/', ['charts']],
  ['ws', []],
  ['signalbox-sandbox', []],
  ['@hono/', ['http', 'slack']],
  ['hono', ['http', 'slack', 'events']],
];

interface Import {
  file: string;
  target: string;
  typeOnly: boolean;
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
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined });
  for (const match of text.matchAll(/(typeof\s+)?import\('([^']+)'\)/g))
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined });
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
  for (const { file, target } of imports) {
    if (!target.startsWith('.')) continue;
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

  it('has every client of AWS watched, so that no request is missing from the metrics', () => {
    const made = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/(\w+\(\s*)?new (?:sdk\.)?(\w+)Client\(/g)]
        .filter(([, , service]) => !['Runner', 'RunPod', 'Web', 'Push'].includes(service!))
        .map(([, before = '', service]) => ({
          file: name(file),
          service,
          isWatched: before.startsWith('watchedClient('),
        })),
    );
    expect(made.length).toBeGreaterThan(8);
    // Its client gets its middleware first. The other two are the command line's.
    const apart = ['src/aws/cloudwatch-logs.ts', 'src/aws/event-clients.ts', 'src/aws/identity.ts'];
    expect(made.filter(({ file, isWatched }) => !isWatched && !apart.includes(file))).toEqual([]);
    expect(readFileSync(join(root, apart[0]!), 'utf8')).toContain('return watchedClient(client);');
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

  // Types count too, and what is loaded later: what two files need of each other belongs to a third.
  it('has no circle of imports, not of files and not of rooms', () => {
    expect(circlesOf(imports, roomOf)).toEqual([]);
  });
});

describe('a circle of imports', () => {
  const of = (...pairs: readonly [from: string, target: string][]): string[] =>
    circlesOf(
      pairs.map(([from, target]) => ({ file: join(src, from), target, typeOnly: true })),
      roomOf,
    );

  it('is found between two files, though only types go round', () => {
    expect(of(['logs/a.ts', './b.ts'], ['logs/b.ts', './c.ts'], ['logs/c.ts', './a.ts'])).toEqual([
      'src/logs/a.ts → src/logs/b.ts → src/logs/c.ts → src/logs/a.ts',
    ]);
  });

  it('is found between two rooms, though no file is in one', () => {
    expect(of(['aws/a.ts', '../logs/b.ts'], ['logs/c.ts', '../aws/d.ts'])).toEqual(['aws → logs → aws']);
  });

  it('is none where two ways lead to the same file', () => {
    expect(of(['logs/a.ts', './b.ts'], ['logs/a.ts', './c.ts'], ['logs/b.ts', './c.ts'])).toEqual([]);
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

/** Lines that a file may have before it must say why it is one. */
const LONG = 400;
const REASON = 'One file because';
/** What nobody writes by hand: AWS's own models, as far as the sandbox needs them. */
const MADE: readonly string[] = ['sandbox/src/aws/service-models.json'];

/** @returns a file's first comment, if it begins with one */
const firstComment = (text: string): string =>
  /^(?:#!.*\n)?\s*(\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(?:(?:\/\/|;;|#).*(?:\n|$))+)/.exec(text)?.[1] ?? '';

/** @returns what is wrong with a file's length, in words */
function lengthProblem(text: string): string | undefined {
  const lines = text.replace(/\n$/, '').split('\n').length;
  const hasReason = firstComment(text).includes(REASON);
  if (lines > LONG && !hasReason)
    return `has ${lines} lines: make its subjects files of their own, or say in its first comment: “${REASON} …”`;
  if (lines <= LONG && hasReason) return `has ${lines} lines and needs no “${REASON} …”`;
  return undefined;
}

describe('a file', () => {
  const written = [src, join(sandbox, 'src')]
    .flatMap((dir) => readdirSync(dir, { withFileTypes: true, recursive: true }))
    .filter((entry) => entry.isFile() && /\.(?:tsx?|css|wat|json|html|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !MADE.includes(name(file)));

  it(`of more than ${LONG} lines says in its first comment why it is one`, () => {
    expect(written.length).toBeGreaterThan(400);
    const wrong = written.flatMap((file) => {
      const problem = lengthProblem(readFileSync(file, 'utf8'));
      return problem === undefined ? [] : [`${name(file)} ${problem}`];
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    ['its reason stands further down', `/** Rows. */\n${'\n'.repeat(LONG)}/** ${REASON} it is. */\n`],
    ['it has no comment', 'a;\n'.repeat(LONG + 1)],
    ['it is short and gives a reason', `/** ${REASON} it is. */\n`],
  ])('is found wrong when %s', (_, text) => {
    expect(lengthProblem(text)).toMatch(/^has \d+ lines/);
  });

  it('is right with the reason in its first comment, and without one when it is short', () => {
    expect(
      lengthProblem(`/**\n * Rows.\n *\n * ${REASON} it is one pass.\n */\n${'\n'.repeat(LONG)}`),
    ).toBeUndefined();
    expect(lengthProblem(`/* ${REASON} it is one. */\n${'a {}\n'.repeat(LONG)}`)).toBeUndefined();
    expect(lengthProblem('a;\n'.repeat(LONG))).toBeUndefined();
  });
});
