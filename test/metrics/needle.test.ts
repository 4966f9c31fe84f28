import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Needle } from '../../src/metrics/needle.ts';

const few = fc.array(fc.constantFrom(97, 98, 0xc3), { minLength: 1, maxLength: 12 });

it('a text is found where a buffer’s own search finds it, wholly before the end', () => {
  fc.assert(
    fc.property(few, fc.array(few, { maxLength: 20 }), fc.nat(8), fc.nat(8), (text, parts, from, behind) => {
      const needle = new Needle(Buffer.from(text));
      const bytes = Buffer.from(parts.flat());
      const begin = Math.min(from, bytes.length);
      const end = Math.max(begin, bytes.length - behind);
      const at = bytes.subarray(0, end).indexOf(needle.bytes, begin);
      expect(needle.find(Uint8Array.from(bytes), begin, end)).toBe(at);
    }),
    { numRuns: 2000 },
  );
});

it.each([0, 1, 4095, 4096, 4097, 9000])(
  'a text is found %d bytes away, and not if its end is cut',
  (away) => {
    const bytes = Buffer.alloc(20_000, 'needles need');
    for (const text of ['needle!', '!', 'a needle that is much longer than that']) {
      const needle = new Needle(Buffer.from(text));
      const log = Buffer.concat([bytes.subarray(0, 7 + away), needle.bytes, bytes]);
      expect(needle.find(log, 7, log.length)).toBe(7 + away);
      expect(needle.find(log, 7, 7 + away + needle.bytes.length - 1)).toBe(-1);
    }
  },
);
