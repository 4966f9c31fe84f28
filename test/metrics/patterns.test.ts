import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it, vi } from 'vitest';
import type { MetricPattern } from '../../src/domain/metrics.ts';
import { OwnPatterns } from '../../src/metrics/patterns.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';
import { requiredText } from '../../src/metrics/required-text.ts';
import { logs } from './log-maker.ts';

function curves(patterns: readonly MetricPattern[], log: string): string[] {
  const reader = createMetricReader(patterns);
  reader.feed(Buffer.from(log));
  return reader
    .end()
    .series.map(
      ({ name, x, points }) =>
        `${name} (${x}): ${points.map((point) => `${point.x}=${point.value}`).join(' ')}`,
    );
}

describe("a team's own pattern", () => {
  it('[W8] finds what no known format has: value, step and name', () => {
    // As Darknet prints it: `batch: loss, average avg, …`
    const darknet = [
      {
        name: 'average loss',
        pattern: '(?P<step>\\d+): [\\d.]+, (?P<value>[\\d.]+|-?nan) avg',
      },
    ];
    const log =
      ' 1: 800.125, 800.125 avg, 0.000 rate, 1.2 seconds, 64 images\n 2: 640.5, 784.25 avg, 0.000 rate\n 3: -nan, -nan avg\n';
    expect(curves(darknet, log)).toEqual(['average loss (step): 1=800.125 2=784.25']);
    const named = [{ pattern: 'metric (?P<name>\\w+) is (?P<value>\\S+) in epoch (?P<epoch>\\d+)' }];
    expect(
      curves(named, 'metric q is 1D-2 in epoch 3\nmetric q is inf in epoch 4\nmetric q is low in epoch 5\n'),
    ).toEqual(['q (epoch): 3=0.01 4=Infinity']);
  });

  it('goes before the known formats where both find the same name', () => {
    expect(
      curves(
        [{ name: 'loss', pattern: 'loss=[\\d.]+ \\(mean (?P<value>[\\d.]+)\\)' }],
        'step 1 loss=9 (mean 2.5)\n',
      ),
    ).toEqual(['loss (step): 1=2.5']);
  });

  it('finds what stands in the row of a table, beside its columns or in place of one', () => {
    const table = '      Epoch    GPU_mem   box_loss   Size\n';
    const rows = '        1/2      8.41G      1.5      640\n        2/2      8.41G      1.25      640\n';
    const size = { name: 'size', pattern: '(?P<value>\\d+)$' };
    const loss = { name: 'box_loss', pattern: 'G +\\d\\.(?P<value>\\d+)' };
    expect(curves([size, loss], table + rows)).toEqual(
      expect.arrayContaining(['size (epoch): 1=640 2=640', 'box_loss (epoch): 1=5 2=25']),
    );
  });

  it('finds several on a line', () => {
    expect(
      curves([{ pattern: '<(?P<name>\\w+) (?P<value>[\\d.]+)>' }], '<a 1> <b 2>\n<a 3> <b 4>\n'),
    ).toEqual(['a (point): 1=1 2=3', 'b (point): 1=2 2=4']);
  });

  it('finds the same wherever the log is cut, in colours and over a reused buffer', () => {
    const patterns = [
      { name: 'cost', pattern: 'cost now (?P<value>[\\d.]+)' },
      { name: 'any', pattern: '<(?P<value>\\d+)>' },
    ];
    const lines = fc.array(
      fc.constantFrom('cost now 0.5', 'costs', '\u001b[1mcost\u001b[0m now 2', '<3> <4>', 'cost now', ''),
      {
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 40 }), (parts, size) => {
        const log = Buffer.from(parts.join('\n'));
        const reader = createMetricReader(patterns);
        const reused = Buffer.alloc(size);
        for (let at = 0; at < log.length; at += size)
          reader.feed(reused.subarray(0, log.copy(reused, 0, at, at + size)));
        const whole = createMetricReader(patterns);
        whole.feed(log);
        const found = whole.end();
        expect(reader.end()).toEqual(found);
        const costs = parts.filter((part) => /now \d|now 0/.test(part.replace('\u001b[0m', ''))).length;
        expect(found.series.find(({ name }) => name === 'cost')?.count ?? 0).toBe(costs);
      }),
      { numRuns: 500 },
    );
  });

  it('is tried on every line that has its text, also where known lines have it in part in their numbers', () => {
    const texts = ['loss', '=0', ': 0.', '0.5, ', 'e-0', '1/300 [=', '>.', '█ ', '|  ', 'nan', '12', '5]'];
    fc.assert(
      fc.property(logs, fc.constantFrom(...texts), (log, text) => {
        const escaped = text.replace(/[.|[\]]/g, '\\$&');
        const patterns = [{ name: 'own', pattern: `${escaped}.*(?P<value>\\d)` }];
        const lines = log.replaceAll('\u001b', '').split(/[\n\r\b]/);
        const alone = new OwnPatterns(patterns);
        const expected = lines.map((line) => {
          const bytes = Buffer.from(line);
          return alone.find(bytes, 0, bytes.length).length;
        });
        const find = vi.spyOn(OwnPatterns.prototype, 'find');
        createMetricReader(patterns).feed(Buffer.from(`${lines.join('\n')}\n`));
        const found = find.mock.results.map(({ value }) => (value as unknown[]).length);
        find.mockRestore();
        expect(found.reduce((sum, n) => sum + n, 0)).toBe(expected.reduce((sum, n) => sum + n, 0));
      }),
      { numRuns: 1000 },
    );
  });

  it('that would hang other engines takes linear time', () => {
    const [series] = curves(
      [{ name: 'a', pattern: '(?:x+x+)+y(?P<value>\\d)' }],
      `${'x'.repeat(4000)}\nxxy5\n`,
    );
    expect(series).toBe('a (point): 1=5');
  });

  it.each([
    [{ name: 'a', pattern: '(?P<value>' }, 'RE2'],
    [{ name: 'a', pattern: '(?=x)(?P<value>1)' }, 'RE2'],
    [{ name: 'a', pattern: 'loss (\\d+)' }, '(?P<value>…)'],
    [{ pattern: 'loss (?P<value>\\d+)' }, 'no name'],
    [{ name: 'a', pattern: `(?P<value>1)${'x'.repeat(1000)}` }, '1000 are the most'],
    [{ name: 'a'.repeat(65), pattern: '(?P<value>1)' }, '64 are the most'],
  ])('is refused when %j', (pattern, words) => {
    expect(() => createMetricReader([pattern])).toThrow(words);
  });
});

describe('the text that a pattern needs', () => {
  it.each([
    ['val: cost (?P<value>\\d+\\.\\d+) end', 'val: cost '],
    ['cost\\.(\\d+)', 'cost.'],
    ['ab?cd+e*f', 'cd'],
    ['a|b', ''],
    ['(?i)cost (\\d)', ''],
    ['[abc]x{2}yz', 'yz'],
    ['(?P<value>\\d+) größe', ' größe'],
  ])('of %s is “%s”', (pattern, text) => {
    expect(requiredText(pattern)).toBe(text);
  });

  it('is in everything that the pattern matches', () => {
    const atom = fc.oneof(
      fc.constantFrom(
        'a',
        'b',
        'ab',
        'ö',
        '🚀',
        '\\.',
        '\\d',
        '.',
        '[ab]',
        '[^]a]',
        '[[:alpha:]b]',
        '\\x61',
        '\\pL',
        '^',
        '$',
        '\\b',
      ),
      fc.constantFrom('(a)', '(?:b|a)', '(?P<value>a+)', '([)])'),
    );
    const pattern = fc
      .array(fc.tuple(atom, fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{0,1}', '+?', '|')), {
        maxLength: 8,
      })
      .map((parts) => parts.map(([part, times]) => part + times).join(''));
    fc.assert(
      fc.property(
        pattern,
        fc.array(fc.constantFrom('a', 'b', '.', '1', 'ö', '🚀', ')', ' '), { maxLength: 12 }),
        (expression, text) => {
          let found: boolean;
          try {
            found = RE2JS.compile(expression).matcher(text.join('')).find();
          } catch {
            return;
          }
          if (found) expect(text.join('')).toContain(requiredText(expression));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
