import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameSecret } from '../../src/ground/same-secret.ts';

describe('a secret', () => {
  it('is the same only as the very same text, whatever the lengths', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (given, secret) => {
        expect(sameSecret(given, secret)).toBe(given === secret);
        expect(sameSecret(secret, secret)).toBe(true);
        expect(sameSecret(`${secret} `, secret)).toBe(false);
        expect(sameSecret(secret.slice(0, -1), secret)).toBe(secret === '');
      }),
    );
  });
});
