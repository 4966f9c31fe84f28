import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandWords, joinWords } from '../../src/domain/command-words.ts';
import { asksForHelp, jobNameCandidates, parseDuration, parseLogQuery } from '../../src/domain/log-query.ts';
import { AppError } from '../../src/errors.ts';

const NOW = Date.UTC(2026, 10, 21, 9, 30);
const parse = (text: string) => parseLogQuery(commandWords(text), NOW);

function refusal(text: string): AppError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`“${text}” was accepted`);
}

describe('words of a command', () => {
  it('keeps quoted text together, with straight and with typographic quotes', () => {
    expect(commandWords('a --grep "CUDA out" b')).toEqual(['a', '--grep', 'CUDA out', 'b']);
    expect(commandWords('a --grep “CUDA out of memory”')).toEqual(['a', '--grep', 'CUDA out of memory']);
    expect(commandWords("a --grep ‘epoch 3’ --grep='epoch 4'")).toEqual([
      'a',
      '--grep',
      'epoch 3',
      '--grep=epoch 4',
    ]);
  });

  it('makes -- of the dashes that editors put, but not inside quotes', () => {
    expect(commandWords('a —last 2h –tail 5 "—x"')).toEqual(['a', '--last', '2h', '--tail', '5', '—x']);
  });

  it('takes an apostrophe and an unclosed quote as they are', () => {
    expect(commandWords('a --grep can\'t "b')).toEqual(['a', '--grep', "can't", '"b']);
  });

  it('keeps the backslashes of patterns', () => {
    expect(commandWords('--regex loss=\\d+ "\\d \\"x\\""')).toEqual(['--regex', 'loss=\\d+', '\\d "x"']);
  });

  it('reads back whatever words it has written', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), (words) => {
        expect(commandWords(joinWords(words))).toEqual(words);
      }),
      { numRuns: 300 },
    );
  });
});

describe('[L6] narrowing by flags', () => {
  it('reads every flag', () => {
    expect(
      parse(
        'train-x --last 2h --tail 500 --stream algo-1,algo-2 --grep "loss 0" --raw --dm --use-case line-3',
      ),
    ).toEqual({
      job: 'train-x',
      since: NOW - 7_200_000,
      tail: 500,
      streams: ['algo-1', 'algo-2'],
      match: { kind: 'text', pattern: 'loss 0' },
      form: 'raw',
      dm: true,
      useCase: 'line-3',
    });
  });

  it('takes --regex with a pattern, and as a switch for --grep', () => {
    expect(parse('train-x --regex loss=.*').match).toEqual({ kind: 'regex', pattern: 'loss=.*' });
    expect(parse('train-x --grep loss=.* --regex').match).toEqual({ kind: 'regex', pattern: 'loss=.*' });
    expect(parse('--grep loss=.* --regex train-x')).toMatchObject({
      job: 'train-x',
      match: { kind: 'regex' },
    });
  });

  it.each([
    ['14:02', Date.UTC(2026, 10, 20, 14, 2), '2026-11-20 14:02'],
    ['a time today', Date.UTC(2026, 10, 21, 8, 2, 5), '08:02:05'],
    ['a date', Date.UTC(2026, 10, 20), '2026-11-20'],
    ['an ISO time without a zone', Date.UTC(2026, 10, 20, 14, 2), '2026-11-20T14:02'],
    ['an ISO time in UTC', Date.UTC(2026, 10, 20, 14, 2, 3, 456), '2026-11-20T14:02:03.456Z'],
    ['an ISO time with an offset', Date.UTC(2026, 10, 20, 12, 2), '2026-11-20T14:02+02:00'],
    ['milliseconds since the epoch', 1_763_000_000_123, '1763000000123'],
    ['a duration ago', NOW - 5_400_000, '1h30m'],
  ])('takes %s as --since', (_, expected, text) => {
    expect(parse(`train-x --since ${text}`).since).toBe(expected);
  });

  it('reads a job’s name out of what people paste', () => {
    for (const text of [
      '`train-x`',
      '*train-x*',
      'arn:aws:sagemaker:eu-west-1:123456789012:training-job/train-x',
      'train-x/algo-1-1731312000',
      '/aws/sagemaker/TrainingJobs/train-x/algo-1-1731312000',
    ])
      expect(parse(text).job).toBe('train-x');
  });
});

describe('bad arguments are answered with what was expected and what came', () => {
  it.each([
    ['--last 2h', /job name was expected, and none/],
    ['train-x --last banana', /duration.*banana/],
    ['train-x --last', /--last needs a value/],
    ['train-x --since --until 2h', /--since needs a value.*--until/],
    ['train-x --since 2026-02-31', /--since expects a time/],
    ['train-x --since 25:00', /--since expects a time/],
    ['train-x --since 10:00', /future/],
    ['train-x --since 1h --until 2h', /not before/],
    ['train-x --last 1h --since 2h', /--last was given together/],
    ['train-x --tail banana', /whole number/],
    ['train-x --tail 0', /whole number/],
    ['train-x --raw --plain', /both/],
    ['train-x --grep a --regex b', /both/],
    ['train-x --regex', /needs a pattern/],
    ['train-x --grep ""', /empty/],
    ['train-x train-y', /2 came/],
    ['train-x 2h', /2 came/],
    ['../../etc/passwd', /cannot be a job name/],
    ['train`x`y', /cannot be a job name/],
    ['@channel', /cannot be a job name/],
    [`train-${'x'.repeat(300)}`, /at most 63 characters/],
  ])('%s', (text, message) => {
    const error = refusal(text);
    expect(error.code).toBe('invalid_input');
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
    expect(error.message.length + error.hint!.length).toBeLessThan(600);
  });

  it('names the nearest flag for a mistyped one', () => {
    expect(refusal('train-x --sinse 2h').hint).toContain('Did you mean --since?');
    expect(refusal('train-x -tail 5').hint).toContain('Did you mean --tail?');
  });

  it('refuses or accepts any text, and never fails otherwise', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '--last',
        '--since',
        '--until',
        '--tail',
        '--grep',
        '--regex',
        '--stream',
        '—raw',
        '2h',
        '14:02',
        '"',
        '=',
      ),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          const query = parse(words.join(' '));
          expect(query.job).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
          expect((error as AppError).code).toBe('invalid_input');
        }
      }),
      { numRuns: 500 },
    );
  });
});

it('knows when help is asked for', () => {
  for (const words of [[], ['help'], ['HELP'], ['--help'], ['train-x', '--help'], ['?']])
    expect(asksForHelp(words)).toBe(true);
  expect(asksForHelp(['train-x'])).toBe(false);
});

it('reads durations', () => {
  expect(parseDuration('90s')).toBe(90_000);
  expect(parseDuration('1.5h')).toBe(5_400_000);
  expect(parseDuration('2 hours')).toBe(7_200_000);
  for (const text of ['', '2', 'h', '2x', '-2h', '0h', '2h3']) expect(parseDuration(text)).toBeUndefined();
});

it('finds what may be a job’s name in a message, likeliest first', () => {
  expect(jobNameCandidates('Why did train-resnet-0731 fail? see the follow-up')).toEqual([
    'train-resnet-0731',
    'follow-up',
  ]);
});
