import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastError } from '../../src/domain/last-error.ts';

describe('the last error of a log', () => {
  it.each<[string, string, string | undefined]>([
    [
      'of Node',
      'epoch 1\rstep 2file:///train.mjs:44\n  throw new Error(\n        ^\n\nError: Loss is Infinity in epoch 16\n    at f (train.mjs:44:9)\n\nNode.js v20.20.2\n',
      'Error: Loss is Infinity in epoch 16',
    ],
    [
      'of Python, chained',
      'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "a.py", line 3, in <module>\nValueError: bad\n',
      'ValueError: bad',
    ],
    [
      'of Node with a code',
      "node:internal\nTypeError [ERR_X]: no\n  code: 'ERR_X'\n}\n",
      'TypeError [ERR_X]: no',
    ],
    [
      'in colours',
      '\u001b[31mRuntimeError: CUDA out of memory\u001b[0m\r\n',
      'RuntimeError: CUDA out of memory',
    ],
    ['of a program', 'starting\nerror: no such device\n', 'error: no such device'],
    [
      'of a JVM',
      'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n',
      'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
    ],
    ['that is none', 'epoch 1 loss 0.5\nmean error 0.3: fine\nterminated\n', undefined],
    ['of nothing', '', undefined],
  ])('%s', (_, log, expected) => {
    expect(lastError(log)).toBe(expected);
  });

  it('is short, of one line, and found in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(3_000), (text, length) => {
        const found = lastError(`${text}\nError: ${'x'.repeat(length)}`);
        expect(found === undefined || (found.length <= 401 && !/[\r\n]/.test(found))).toBe(true);
        lastError(text);
      }),
    );
  });
});
