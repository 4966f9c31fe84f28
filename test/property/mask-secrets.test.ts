import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskSecrets } from '../../src/domain/mask-secrets.ts';

const letters = (min: number, max = min) =>
  fc.stringMatching(new RegExp(`^[A-Za-z]{2}[0-9][A-Za-z0-9]{${min - 3},${max - 3}}$`));

/** Secret and the text it stands in. */
const secret = fc.oneof(
  fc.stringMatching(/^(AKIA|ASIA)[A-Z0-9]{16}$/).map((key) => [key, key] as const),
  letters(40).map((key) => [key, `aws_secret_access_key=${key}`] as const),
  letters(24, 40).map((key) => [key, `xoxb-${key}`] as const),
  letters(36).map((key) => [key, `ghp_${key}`] as const),
  letters(34).map((key) => [key, `hf_${key}`] as const),
  letters(44).map((key) => [key, `rpa_${key}`] as const),
  letters(20, 60).map((key) => [key, `eyJ${key}.${key}.${key}`] as const),
  letters(6, 30).map((key) => [key, `password=${key}`] as const),
  letters(6, 30).map((key) => [key, `"password": "${key}"`] as const),
  letters(6, 30).map((key) => [key, `https://me:${key}@host/path`] as const),
  letters(64).map((key) => [key, `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----`] as const),
);
const noise = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'password',
    'token=',
    '[masked]',
    '"',
    "'",
    '://',
    '@',
    '-----BEGIN PRIVATE KEY-----',
    '\n-----END PRIVATE KEY-----\n',
    'secret:',
    '--token ',
  ),
);

describe('[O6] masking any text', () => {
  it('leaves no secret, whatever stands around it', () => {
    fc.assert(
      fc.property(noise, secret, noise, (before, [key, text], after) => {
        expect(maskSecrets(`${before}\n ${text} \n${after}`)).not.toContain(key);
      }),
      { numRuns: 2000 },
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            noise,
            secret.map(([, text]) => text),
          ),
          { maxLength: 8 },
        ),
        (parts) => {
          const once = maskSecrets(parts.join(''));
          expect(maskSecrets(once)).toBe(once);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('leaves plain words and numbers alone', () => {
    const word = fc
      .stringMatching(/^[a-z]{1,12}$/)
      // Names that say what they hold, as a session's id does, make a secret of a value that looks random.
      .filter((w) => !/secret|pass|pwd|token|key|auth|cookie|cred|sig|sess|sid|bearer|jwt|pat$/.test(w));
    const plain = fc.oneof(word, fc.double({ noNaN: true }).map(String), fc.stringMatching(/^[0-9a-f]{40}$/));
    fc.assert(
      fc.property(fc.array(fc.tuple(word, plain)), (pairs) => {
        const text = pairs.map(([name, value]) => `${name}=${value}`).join(' ');
        expect(maskSecrets(text)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});
