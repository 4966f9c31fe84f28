import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderButton, readOrder, writeOrder } from '../../src/blocks/log-buttons.ts';
import { getLogsButton } from '../../src/blocks/logs.ts';
import { type LogOrder, queryAt, wholeLog } from '../../src/domain/log-order.ts';
import { parseLogQuery } from '../../src/domain/log-query.ts';
import { AppError } from '../../src/ground/errors.ts';
import { quoted } from '../fixtures/quoted-words.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 9, 30);
const nil = { nil: undefined };
const some = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
  .filter((text) => text.trim() !== '');
const job = fc.oneof(
  fc.constantFrom('help', 'last', '2h'),
  fc.stringMatching(/^[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,30}$/),
);
const order: fc.Arbitrary<LogOrder> = fc.record({
  job,
  useCase: fc.option(fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/), nil),
  range: fc.oneof(
    fc.constant({}),
    fc.record({ last: fc.constantFrom('2h', '90 minutes', 'an hour', '1h30m') }),
    fc.record({
      since: fc.constantFrom('yesterday 14:02', '2 days ago'),
      until: fc.constantFrom('1h', 'now'),
    }),
  ),
  tail: fc.option(fc.integer({ min: 1 }), nil),
  streams: fc.array(fc.stringMatching(/^[a-z0-9/-]{1,20}\*?$/), { maxLength: 5 }),
  match: fc.option(
    fc.record({ kind: fc.constantFrom('text' as const, 'regex' as const), pattern: some }),
    nil,
  ),
  form: fc.constantFrom('lines' as const, 'raw' as const, 'plain' as const),
  dm: fc.boolean(),
  fresh: fc.option(fc.constant(true), nil),
});

/** As older versions wrote it. */
const wordsOf = ({ job: name, range, tail, streams, match, form, dm, fresh }: LogOrder): string[] => [
  name,
  ...Object.entries(range).map(([end, text]) => `--${end}=${text}`),
  ...(tail === undefined ? [] : [`--tail=${tail}`]),
  ...(streams.length === 0 ? [] : [`--stream=${streams.join(',')}`]),
  ...(match ? [`${match.kind === 'regex' ? '--regex' : '--grep'}=${match.pattern}`] : []),
  ...(form === 'lines' ? [] : [`--${form}`]),
  ...(dm ? ['--dm'] : []),
  ...(fresh ? ['--fresh'] : []),
];

function refusal(value: string): AppError {
  try {
    readOrder(value);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`${value} was accepted`);
}

describe('a button that asks for a log', () => {
  it('holds the whole order', () => {
    fc.assert(
      fc.property(order, (asked) => {
        expect(readOrder(writeOrder(asked))).toEqual(asked);
      }),
      { numRuns: 300 },
    );
  });

  it('of an older version asks for what its text asked for', () => {
    fc.assert(
      fc.property(order, (asked) => {
        const value = JSON.stringify({ u: asked.useCase, a: quoted(wordsOf(asked)) });
        expect(readOrder(value)).toEqual(asked);
        expect(queryAt(readOrder(value), NOW)).toEqual({
          ...parseLogQuery(wordsOf(asked), NOW),
          useCase: asked.useCase,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('of an older version prefers the use case that somebody typed', () => {
    expect(readOrder('{"u":"harbor","a":"train-x --use-case line-3"}').useCase).toBe('line-3');
  });

  it('keeps relative times relative: later they mean a later time', () => {
    const asked = readOrder(writeOrder({ ...wholeLog('train-x'), range: { last: '2h' } }));
    expect(queryAt(asked, NOW)).toMatchObject({ since: NOW - 2 * HOUR, span: 2 * HOUR });
    expect(queryAt(asked, NOW + 24 * HOUR).since).toBe(NOW + 22 * HOUR);
    const yesterday = { ...wholeLog('train-x'), range: { since: 'yesterday' } };
    expect(queryAt(readOrder(writeOrder(yesterday)), NOW + 24 * HOUR).since).toBe(Date.UTC(2026, 10, 21));
  });

  it('asks for the log of a job whatever it is called, and of no other provider’s job of that name', () => {
    for (const name of ['help', 'HELP', 'train-x'])
      expect(readOrder(getLogsButton('line-3', name)!.value!)).toEqual(
        wholeLog(`sagemaker:${name}`, 'line-3'),
      );
    expect(readOrder(getLogsButton('line-3', 'local:train-x')!.value!).job).toBe('local:train-x');
  });

  it('is left out where the order does not fit', () => {
    const long = { ...wholeLog('train-x'), match: { kind: 'text' as const, pattern: 'x'.repeat(2000) } };
    expect(orderButton('Retry', 'logs.retry', long)).toBeUndefined();
    expect(orderButton('Retry', 'logs.retry', wholeLog('train-x'))).toMatchObject({
      value: '{"job":"train-x"}',
    });
  });

  it.each([
    ['no JSON', 'train-x'],
    ['something else', '{"x":1}'],
    ['no object', '"train-x"'],
    ['nothing', 'null'],
    ['a field that this version does not know', '{"job":"train-x","rank":3}'],
    ['a field of another kind', '{"job":"train-x","tail":"many"}'],
    ['no lines at all', '{"job":"train-x","tail":0}'],
  ])('is refused with %s', (_, value) => {
    expect(refusal(value)).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('another version'),
      hint: 'Ask again with the command.',
    });
  });

  it('is refused with a name that no job can have', () => {
    expect(refusal('{"job":"../../etc/passwd"}').message).toContain('cannot be a job name');
    expect(refusal('{"a":"../../etc/passwd"}').message).toContain('cannot be a job name');
  });

  it('is read or refused, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.record({ a: some }).map((one) => JSON.stringify(one)),
        ),
        (value) => {
          try {
            readOrder(value);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_input' });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
