import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plainText } from '../../src/logs/plain-text.ts';

function textOf(...pieces: Uint8Array[]): string {
  const plain = plainText();
  return pieces.map((piece) => plain.write(piece)).join('') + plain.end();
}

it('shows bars as they stood in the end, without colours, and lines as they are', () => {
  expect(textOf(Buffer.from('start\r\n 10 %\r\u001b[32m100 %\u001b[0m\r\nloss=0.1\n'))).toBe(
    'start\n100 %\nloss=0.1\n',
  );
  expect(textOf(Buffer.from('no newline'))).toBe('no newline');
  expect(textOf()).toBe('');
});

it('keeps every line of a log that is longer than a screen', () => {
  const lines = Array.from({ length: 5_000 }, (_, n) => `step ${n}\n`).join('');
  expect(textOf(Buffer.from(lines))).toBe(lines);
});

it('is the same however the bytes are cut, within a character and an escape sequence too', () => {
  const piece = fc.constantFrom(
    'ä',
    '€',
    '😀',
    'x',
    '\r',
    '\n',
    '\u001b[31m',
    '\u001b[2K',
    '\u001b[1A',
    '\b',
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat()), fc.uint8Array({ maxLength: 3 }), (parts, cuts, odd) => {
      const bytes = Buffer.concat([Buffer.from(parts.join('')), odd, Buffer.from('end')]);
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((to, n) => bytes.subarray(at[n], to));
      expect(textOf(...pieces)).toBe(textOf(bytes));
    }),
  );
});
