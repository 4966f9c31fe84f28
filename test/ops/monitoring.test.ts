/** What operators are given to watch the bot with asks for metrics that it has, and its metrics are explained. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { begun, observe, type WorkKind } from '../../src/ground/observed.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readPrometheus } from '../fixtures/prometheus-text.ts';
import { promtool, promtoolIsMissing } from '../fixtures/promtool.ts';

const root = resolve(import.meta.dirname, '../..');
const ops = join(root, 'ops');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const RULES = 'ops/prometheus-rules.yml';
const DASHBOARD = 'ops/grafana-dashboard.json';

/** Metric → its labels, of the whole output. */
const labels = new Map<string, Set<string>>();
/** As people name them: a histogram is one. Some have samples only once something has happened. */
const types = new Set<string>();
let stop: () => void;
beforeAll(async () => {
  const metrics = createMetrics({
    told: () => ({
      clock: { now: () => 0 },
      store: {
        countEvents: async () => ({ pending: 0, handled: 0, setAside: {} }),
        listEvents: async () => [],
        listUnsent: async () => [],
      },
      checks: [{ name: 'slack', problem: () => undefined }],
    }),
    onError: (error) => {
      throw error;
    },
  });
  stop = observe(metrics.observer);
  const kinds: WorkKind[] = [
    'command',
    'ack',
    'slack',
    'aws',
    'operation',
    'download',
    'viewer',
    'store',
    'event',
  ];
  for (const kind of kinds)
    for (const outcome of ['ok', 'throttled'])
      begun({ kind, name: 'x', labels: kind === 'aws' ? { service: 's', api: 'a' } : { by: 'command' } })(
        outcome,
      );
  const { samples, types: named } = readPrometheus(await metrics.collect());
  for (const name of named.keys()) types.add(name);
  for (const { name, labels: given } of samples)
    labels.set(name, new Set([...(labels.get(name) ?? []), ...Object.keys(given)]));
});
afterAll(() => stop());

const METRIC = /\b(?:signalbox|nodejs|process)_[a-z0-9_]+\b/g;
const namesIn = (text: string): string[] => [...new Set(text.match(METRIC) ?? [])];
/** As people name a histogram. */
const base = (sample: string): string =>
  labels.has(`${sample.replace(/_(?:bucket|sum|count)$/, '')}_bucket`)
    ? sample.replace(/_(?:bucket|sum|count)$/, '')
    : sample;

interface Panel {
  title: string;
  type: string;
  targets?: { expr: string }[];
}
const panels = (): Panel[] => (JSON.parse(read(DASHBOARD)) as { panels: Panel[] }).panels;
const expressions = (): string[] => [
  ...panels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...[...read(RULES).matchAll(/expr: (?:\|\n((?: {10,}.*\n)+)|(.*))/g)].map(
    ([, block, line]) => block ?? line!,
  ),
];

describe('the dashboard and the alert rules', () => {
  it.each([DASHBOARD, RULES])('%s uses metrics that there are', (path) => {
    const used = namesIn(read(path));
    expect(used.length).toBeGreaterThan(5);
    expect(used.filter((name) => !labels.has(name))).toEqual([]);
  });

  it('group and choose by labels that these metrics have', () => {
    const all = expressions();
    expect(all.length).toBeGreaterThan(30);
    const wrong = all.flatMap((expression) => {
      const has = new Set(namesIn(expression).flatMap((name) => [...(labels.get(name) ?? [])]));
      const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, */));
      const chosen = [...expression.matchAll(/[{,] *(\w+) *(?:=~|!~|!=|=)/g)].map(([, label]) => label!);
      // Prometheus adds these two.
      const own = ['instance', 'job'];
      return [...grouped, ...chosen]
        .filter((label) => !has.has(label) && !own.includes(label))
        .map((label) => `${label} in ${expression}`);
    });
    expect(wrong).toEqual([]);
  });

  it('show every metric of Signalbox’s own somewhere', () => {
    const used = new Set(expressions().flatMap(namesIn).map(base));
    const own = [...types].filter((name) => name.startsWith('signalbox_'));
    expect(own.length).toBeGreaterThan(15);
    expect(own.filter((name) => !used.has(name))).toEqual([]);
  });

  it('are rules that promtool accepts, and that say what they should', ({ skip }: TestContext) => {
    if (promtoolIsMissing) return skip(promtoolIsMissing);
    expect(promtool(['check', 'rules', '--lint=all', '--lint-fatal', join(root, RULES)])).toBe('');
    expect(promtool(['test', 'rules', join(ops, 'prometheus-rules.test.yml')])).toBe('');
  });

  it('have panels that Grafana can place: within 24 columns, none over another', () => {
    const places = (
      JSON.parse(read(DASHBOARD)) as {
        panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
      }
    ).panels;
    expect(new Set(places.map(({ id }) => id)).size).toBe(places.length);
    const taken = new Set<string>();
    for (const { gridPos } of places)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(x).toBeLessThan(24);
          expect(taken.has(`${x}/${y}`)).toBe(false);
          taken.add(`${x}/${y}`);
        }
  });
});

describe('docs/operating.md', () => {
  it('explains every metric, and none that there is not', () => {
    const [section = ''] = /\n## Metrics\n[\s\S]*?(?=\n## )/.exec(read('docs/operating.md')) ?? [];
    const explained = new Set(namesIn(section));
    expect([...explained].filter((name) => !types.has(name))).toEqual([]);
    expect([...types].filter((name) => !explained.has(name))).toEqual([]);
  });
});
