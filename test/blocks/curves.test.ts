/** Whatever runs and metrics are called: messages fit into Slack's limits, and nothing in them mentions anybody. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateBlocks } from '#sandbox/block-kit';
import { comparisonCharts, comparisonMessage } from '../../src/blocks/compare.ts';
import { cardCurves, curvesMessage, noCurves, readRefs, writeRefs } from '../../src/blocks/curves.ts';
import type { Message } from '../../src/blocks/message.ts';
import { sharedMetrics } from '../../src/domain/compare-runs.ts';
import { reportedCurves, summarise } from '../../src/domain/curve-summary.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { seriesOf } from '../fixtures/metric-series.ts';

const SECRET = 'AKIAIOSFODNN7EXAMPLE';
const name = fc.oneof(
  fc.constantFrom(
    '<!channel>',
    '<@U0EVIL>',
    `key ${SECRET}`,
    '`x`',
    '```',
    'a\nb',
    '& <x|y>',
    'loss',
    'val_loss',
    '',
  ),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ minLength: 60, maxLength: 300 }),
);
const series = fc
  .record({ name, values: fc.array(fc.double(), { minLength: 1, maxLength: 40 }) })
  .map((one) => seriesOf(one.name, one.values));
const all = fc.uniqueArray(series, { selector: (one) => one.name, maxLength: 16 });
const job = (called: string): TrainingJob => ({
  ...{ name: called, useCase: 'line-3', provider: 'sagemaker', createdAt: 1, endedAt: 2 },
  ...sageMakerState('Completed'),
});
const useCase = { id: 'line-3', name: '<!here> line' };

function expectRight(message: Message): void {
  for (const blocks of [message.blocks, message.fallback])
    if (blocks) expect(validateBlocks(blocks, 'message')).toEqual([]);
  expect(JSON.stringify(message.fallback ?? [])).not.toContain('data_visualization');
  const readable = JSON.stringify(message, (key, inner) => (key === 'value' ? '' : inner));
  expect(readable).not.toContain(SECRET);
  // A button carries its value, and a table's plain cells are parsed by nobody.
  const shown = JSON.stringify(message, (key, inner) =>
    key === 'value' || inner?.type === 'raw_text' ? '' : inner,
  );
  for (const forged of ['<!channel>', '<@U0EVIL>', '<!here>']) expect(shown).not.toContain(forged);
  expect(message.text.length).toBeLessThan(2000);
}

describe('[W8, O6] what is said of curves', () => {
  it('of one run, whatever it reports', () => {
    fc.assert(
      fc.property(all, name, fc.array(name, { maxLength: 8 }), fc.nat(), (given, called, names, number) => {
        const reported = new Set(names);
        expectRight(
          curvesMessage({
            ...{
              job: job(called || 'a'),
              useCase,
              summary: summarise(given, reported, { values: 14, charts: 2 }),
            },
            ...{
              reported: names,
              unusable: names,
              linesRead: number,
              droppedNames: number,
              streamsLeft: number,
            },
            ...{
              epochs: { at: number, of: number },
              cut: { by: 'size', tail: 10 },
              noLog: false,
              by: called,
            },
          }),
        );
        expectRight({ text: '', ...cardCurves(summarise(given, reported, { values: 5, charts: 1 })) });
      }),
      { numRuns: 200 },
    );
  });

  it('of several runs, whatever they are called', () => {
    const runs = fc.uniqueArray(fc.record({ name, series: all }), {
      minLength: 2,
      maxLength: 6,
      selector: (run) => run.name,
    });
    fc.assert(
      fc.property(runs, (given) => {
        const shared = sharedMetrics(given);
        expect(comparisonCharts(shared).charts.length).toBeLessThanOrEqual(2);
        expectRight(
          comparisonMessage({
            runs: given.map((run) => ({ ref: { useCase: 'line-3', job: 'a' }, job: job(run.name || 'a') })),
            ...{
              shared,
              without: given.map((run) => run.name),
              cut: given.map((run) => run.name),
              by: '<!channel>',
            },
          }),
        );
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['size', 'the log is very large'],
    ['time', 'reading all of it took too long'],
  ] as const)('says that only the end of a log was read, and why: its %s', (by, why) => {
    const cut = { by, tail: 50_000 };
    const words = `Only the last 50,000 lines were read: ${why}.`;
    const facts = { job: job('a'), useCase, linesRead: 50_000, noLog: false, unusable: [], cut };
    const summary = summarise([seriesOf('loss', [2, 1])], new Set(), { values: 14, charts: 2 });
    const found = curvesMessage({
      ...{ ...facts, summary, reported: [], droppedNames: 0, streamsLeft: 0, by: 'ada' },
    });
    for (const { blocks, fallback = blocks } of [found, noCurves(facts)])
      for (const shown of [blocks, fallback]) expect(JSON.stringify(shown)).toContain(words);
  });

  it('says what is known and how to add a pattern where nothing was found', () => {
    const facts = {
      job: job('<!channel>'),
      useCase,
      linesRead: 12_000,
      noLog: false,
      unusable: ['<@U0EVIL>'],
    };
    const message = noCurves(facts);
    expectRight(message);
    expectRight(noCurves({ ...facts, noLog: true }));
    expect(JSON.stringify(message.blocks)).toMatch(/12,000 lines.*loss=0\.12.*patterns:.*&lt;value&gt;/);
  });

  it('has SageMaker’s own last values before anybody has read the log', () => {
    const summary = reportedCurves({ finalMetrics: [{ name: 'validation:accuracy', value: 0.9312 }] });
    expect(JSON.stringify(cardCurves(summary).blocks)).toContain('`validation:accuracy` *0.9312*');
    expect(cardCurves(reportedCurves({ finalMetrics: [] })).blocks).toEqual([]);
  });
});

it('a button about several runs names each of them, and one of another version none', () => {
  const refs = [
    { useCase: 'line-3', job: 'a' },
    { useCase: 'harbor', job: 'local:b' },
  ];
  expect(readRefs(writeRefs(refs))).toEqual(refs.map((ref) => ({ ...ref, target: undefined })));
  expect(readRefs('')).toBeUndefined();
  expect(readRefs('line-3')).toBeUndefined();
  expect(readRefs(Array(7).fill('line-3 a').join('\n'))).toBeUndefined();
});
