import { gunzipSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Compressor } from '../../src/logs/compression.ts';

describe('one compressor', () => {
  const gzip = new Compressor('gzip');
  const raw = new Compressor('raw');
  afterAll(() => {
    gzip.close();
    raw.close();
  });

  /** Few letters compress well; many do not, so that the result is longer than what zlib writes at a time. */
  const text = fc
    .tuple(fc.nat(), fc.constantFrom(0, 1, 100, 70_000, 150_000), fc.constantFrom(1, 3, 256))
    .map(([seed, length, letters]) => {
      const bytes = Buffer.alloc(length);
      for (let i = 0, x = seed | 1; i < length; i++) {
        x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
        bytes[i] = (x >>> 16) % letters;
      }
      return bytes;
    });

  it('packs each text on its own, whatever it was given before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 3 }), async (texts) => {
        for (const one of texts) {
          // Not byte for byte what a new one makes of it: Node's zlib finds other matches after a reset.
          expect(gunzipSync(await gzip.run(one)).equals(one)).toBe(true);
          expect(inflateRawSync(await raw.run(one)).equals(one)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});
