import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fillCommand,
  type RunTemplate,
  runParameters,
  templateProblems,
} from '../../src/domain/run-templates.ts';
import type { AppError } from '../../src/ground/errors.ts';

const template = (
  command: [string, ...string[]],
  parameters: RunTemplate['parameters'] = {},
): Pick<RunTemplate, 'name' | 'command' | 'parameters'> => ({ name: 'press', command, parameters });

const PRESS = template(['python3', 'train.py', '--lr', '{lr}', '--data={data}', '{note}', '--mode={mode}'], {
  lr: { type: 'number', min: -1, max: 1, default: '0.01' },
  data: { type: 'text', pattern: '.*', default: 'small' },
  note: { type: 'text', pattern: '(?s).*', default: 'none' },
  mode: { type: 'choice', values: ['fast', 'true', '3'], default: 'fast' },
});

describe('parameters of a run', () => {
  it('become parts of arguments, whatever they hold: as many arguments as the template has', () => {
    const evil = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '; rm -rf ~',
        '$(id)',
        '`id`',
        '" && id #',
        '{lr}',
        '{note}',
        '$&',
        '$1',
        "' || x",
        'a\nb',
      ),
    );
    fc.assert(
      fc.property(evil, evil, (data, note) => {
        fc.pre(!note.startsWith('-') && !data.includes('\0') && !note.includes('\0'));
        fc.pre(!/[\n\r\u2028\u2029\u0085]/.test(data));
        const filled = fillCommand(PRESS, runParameters(PRESS, { data, note }));
        expect(filled).toEqual([
          'python3',
          'train.py',
          '--lr',
          '0.01',
          `--data=${data}`,
          note,
          '--mode=fast',
        ]);
      }),
      { numRuns: 120 },
    );
  });

  it('are given as texts, numbers and truth values', () => {
    expect(runParameters(PRESS, { lr: -1e-3, mode: true })).toMatchObject({ lr: '-0.001', mode: 'true' });
    expect(runParameters(PRESS, { lr: '1e-3', mode: 3 })).toMatchObject({ lr: '1e-3', mode: '3' });
  });

  it.each([
    [{ lr: '2' }, 'lr: expected a number from -1 to 1, but got "2".'],
    [{ lr: 'NaN' }, 'lr: expected a number from -1 to 1, but got "NaN".'],
    [{ lr: '0x1' }, 'but got "0x1".'],
    [{ lr: '' }, 'but got "".'],
    [{ lr: [1] }, 'lr: expected a number from -1 to 1, but got object.'],
    [{ lr: null }, 'lr: expected a number from -1 to 1, but got object.'],
    [{ mode: 'slow' }, 'mode: expected one of fast, true, 3, but got "slow".'],
    [{ note: '--help' }, 'note: expected text that does not begin with a dash, but got "--help".'],
    [{ data: 'a\0b' }, 'data: expected text without NUL characters'],
    [{ data: 'x'.repeat(5_000) }, 'data: expected at most 4000 characters, but got "xxx'],
    [{ lrr: 1 }, 'There is no parameter "lrr"; did you mean lr?'],
    [{ __proto__x: 1 }, 'There is no parameter "__proto__x"'],
    [JSON.parse('{"constructor": "x", "__proto__": "y"}'), 'There is no parameter "constructor"'],
  ])('refuses %j', (given, words) => {
    expect(() => runParameters(PRESS, given)).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining(words) }),
    );
  });

  it('are all named that are wrong', () => {
    const needy = template(['run', '{a}', '{b}'], {
      a: { type: 'integer', min: 1 },
      b: { type: 'text', pattern: '[a-z]+' },
    });
    expect(() => runParameters(needy, { b: 'A' })).toThrow(
      'press cannot be started: a: expected a whole number of 1 or more, but it is missing. b: expected text that matches [a-z]+ as a whole, but got "A".',
    );
    expect(() => runParameters(needy, { a: '1.5', b: 'ab\n' })).toThrow(/got "1.5"\. b: .*got "ab\\n"/);
  });

  it('are told as far as anybody reads them, with what the template takes', () => {
    const given = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`key-${index}`, 'x']));
    try {
      runParameters(PRESS, given);
      expect.unreachable();
    } catch (error) {
      const { message, hint } = error as AppError;
      expect(message.length).toBeLessThan(600);
      expect(message).toMatch(/There is no parameter "key-7"\. … \d+ more\.$/);
      expect(hint).toContain('It takes ');
      for (const name of Object.keys(PRESS.parameters)) expect(hint).toContain(name);
    }
  });

  it('cannot become an option by way of an empty one in front', () => {
    const pair = template(['run', '{a}{b}', 'x{b}', '{n}'], {
      a: { type: 'text', pattern: '.*' },
      b: { type: 'text', pattern: '.*' },
      n: { type: 'number' },
    });
    expect(() => runParameters(pair, { a: '', b: '--exec=x', n: -1 })).toThrow(
      'b: expected text that does not',
    );
    expect(fillCommand(pair, runParameters(pair, { a: 'y', b: '-x', n: -1 }))).toEqual([
      'run',
      'y-x',
      'x-x',
      '-1',
    ]);
  });

  it('are matched in linear time', () => {
    const slow = template(['run', '{a}'], { a: { type: 'text', pattern: '(a+)+b' } });
    expect(() => runParameters(slow, { a: 'a'.repeat(3_000) })).toThrow('as a whole');
  });
});

describe('a template', () => {
  it.each<[string, [string, ...string[]], RunTemplate['parameters'], RegExp]>([
    [
      'a program from a request',
      ['{x}', 'a'],
      { x: { type: 'text', pattern: '.*' } },
      /the program .* must be fixed/,
    ],
    [
      'a gap without a parameter',
      ['run', '{lr}'],
      {},
      /\{lr\} stands in the command, but `parameters` has no lr/,
    ],
    ['an unused parameter', ['run'], { lr: { type: 'number' } }, /lr is never used: expected \{lr\}/],
    [
      'a pattern that is none',
      ['run', '{x}'],
      { x: { type: 'text', pattern: '(' } },
      /pattern of x cannot be read/,
    ],
    [
      'a default that is refused',
      ['run', '{x}'],
      { x: { type: 'integer', min: 1, default: '0' } },
      /default of x is not allowed by itself: expected a whole number of 1 or more/,
    ],
    ['shell text', ['sh', '-c', 'train {x}'], { x: { type: 'text', pattern: '.*' } }, /could become code/],
    [
      'shell text with flags',
      ['/bin/bash', '-l', '-ec', '{x}'],
      { x: { type: 'text', pattern: '.*' } },
      /become code/,
    ],
    [
      'Python text',
      ['env', 'python3.11', '-u', '-c', 'f("{x}")'],
      { x: { type: 'text', pattern: '.*' } },
      /code/,
    ],
  ])('with %s is refused', (_, command, parameters, words) => {
    expect(templateProblems({ command, parameters }).join('\n')).toMatch(words);
  });

  it('may give a shell an argument, and a program a file by -c', () => {
    const x = { x: { type: 'text', pattern: '[a-z]+' } } as const;
    expect(templateProblems({ command: ['sh', '-c', 'train "$1"', 'sh', '{x}'], parameters: x })).toEqual([]);
    expect(templateProblems({ command: ['python', 'train.py', '-c', '{x}'], parameters: x })).toEqual([]);
  });
});
