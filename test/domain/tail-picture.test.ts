import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskSecrets } from '../../src/domain/mask-secrets.ts';
import { TailPicture } from '../../src/domain/tail-picture.ts';
import { plainText } from '../../src/logs/index.ts';

/** What trainers print: lines, bars that are drawn over, colours, bars below bars, several bytes for a character. */
const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '\n',
    '\n',
    '\r',
    '\u001b[32m',
    '\u001b[0m',
    '\u001b[A',
    '\u001b[K',
    '\t',
    '█▏ 50%|',
    'é',
    '😀',
  ),
);

/** @param sizes of the pieces, over and over */
function inPieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length]!;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const linesOf = (text: string): string[] => {
  const lines = text.split('\n').map((line) => line.trimEnd());
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  return lines;
};

describe('the end of a log, as a terminal shows it', () => {
  it('[W6] is that of the whole log, wherever its bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 120 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 30 }),
        (printed, sizes, count) => {
          const bytes = Buffer.from(printed.join('').replace(/\t/g, '    '));
          const picture = new TailPicture();
          for (const one of inPieces(bytes, sizes)) picture.write(one);
          const whole = plainText();
          const text = whole.write(bytes) + whole.end();
          expect(picture.lines(count)).toEqual(linesOf(maskSecrets(text)).slice(-count));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shows where a bar stands now, and no colours', () => {
    const picture = new TailPicture();
    picture.write(Buffer.from('\u001b[1mepoch 1\u001b[0m\n 10%|█   \r'));
    expect(picture.lines(5)).toEqual(['epoch 1', ' 10%|█']);
    picture.write(Buffer.from(' 90%|███ '));
    expect(picture.lines(5)).toEqual(['epoch 1', ' 90%|███']);
    expect(picture.lines(1)).toEqual([' 90%|███']);
  });

  it('has no secret in it, however many lines that has', () => {
    const picture = new TailPicture();
    const body = Array.from(
      { length: 30 },
      () => `${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'}${'x'.repeat(32)}`,
    ).join('\n');
    picture.write(
      Buffer.from(`start\n-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\ndone\n`),
    );
    expect(picture.lines(10).join('\n')).not.toContain('MIIE');
    expect(picture.lines(1)).toEqual(['done']);
  });

  it('keeps little of a log that is large, and of a line without an end', () => {
    const picture = new TailPicture();
    for (let line = 0; line < 20_000; line += 1) picture.write(Buffer.from(`line ${line}\n`));
    expect(picture.lines(2)).toEqual(['line 19998', 'line 19999']);
    expect(picture.lines(100_000).length).toBeLessThan(3_000);
    for (let part = 0; part < 2_000; part += 1) picture.write(Buffer.from('x'.repeat(1_000)));
    expect(picture.lines(10).join('\n').length).toBeLessThan(90_000);
  });
});
