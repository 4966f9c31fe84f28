import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { code, codeBlock, escapeMrkdwn, label, plain, prose, size } from '../../src/blocks/text.ts';
import { body, SECRET_SHAPES } from '../fixtures/secret-shapes.ts';

const NASTY = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 5000 }),
  fc
    .array(
      fc.constantFrom(
        '<!channel>',
        '<@U0ADA>',
        '<http://evil|x>',
        '&lt;',
        '`',
        '```',
        '*',
        '_',
        '~',
        '@here',
        '@everyone',
        '\n',
        '\u202e',
        '\0',
        'word',
        ' ',
      ),
      { maxLength: 400 },
    )
    .map((parts) => parts.join('')),
);

describe('[O6] text from outside', () => {
  it.each([
    ['plain', (text: string, limit: number) => plain(text, limit)],
    ['prose', (text: string, limit: number) => prose(text, limit)],
    ['code', (text: string, limit: number) => code(text, limit)],
    ['codeBlock', (text: string, limit: number) => codeBlock(text, limit)],
  ])('%s: cannot mention, link or end its code, and keeps its limit', (name, render) => {
    fc.assert(
      fc.property(NASTY, fc.integer({ min: 20, max: 3000 }), (text, limit) => {
        const shown = render(text, limit);
        expect(shown.length).toBeLessThanOrEqual(limit);
        expect(shown).not.toMatch(/[<>]/);
        // Every & is the start of an entity of ours, also where it was cut.
        expect(shown.replace(/&(?:amp|lt|gt);/g, '')).not.toContain('&');
        if (name === 'plain') expect(shown).not.toMatch(/@(?:channel|here|everyone)/i);
        if (name === 'code') expect(shown.slice(1, -1)).not.toContain('`');
        if (name === 'codeBlock') expect(shown.slice(3, -3)).not.toContain('```');
      }),
      { numRuns: 300 },
    );
  });

  it('is shortened visibly', () => {
    const text = 'x'.repeat(8112);
    expect(plain(text, 3000)).toMatch(/^x+ … \(cut at 2,9\d\d of 8,112 characters\)$/);
    expect(label('a-very-long-name', 8)).toBe('a-very-…');
  });

  it('never cuts a character in half', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('😀', '🚀', 'é', 'a') }),
        fc.integer({ min: 5, max: 90 }),
        (text, limit) => {
          expect(() => encodeURIComponent(plain(text, limit))).not.toThrow();
          expect(() => encodeURIComponent(label(text, limit))).not.toThrow();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('shows as code what a hint has between backticks', () => {
    expect(prose('Check with `signalbox doctor` & `<!here>`.')).toBe(
      'Check with `signalbox doctor` &amp; `&lt;!here&gt;`.',
    );
  });

  it('leaves names copyable', () => {
    expect(plain('train_unet-v2 at arn:aws:iam::1:role/My_Role')).toBe(
      'train_unet-v2 at arn:aws:iam::1:role/My_Role',
    );
    expect(escapeMrkdwn('a < b && c')).toBe('a &lt; b &amp;&amp; c');
  });
});

it('shows sizes as Slack does', () => {
  expect([0, 512, 1500, 3_400_000, 50_000_000, 999_999_999].map(size)).toEqual([
    '0 bytes',
    '512 bytes',
    '1.5 kB',
    '3.4 MB',
    '50 MB',
    '1.0 GB',
  ]);
});

describe('[O6] text from outside and secrets', () => {
  const WAYS = { plain, code, prose, codeBlock, label: (text: string) => label(text, 3000) };

  it.each(Object.entries(WAYS))('%s shows none of them', (_, way) => {
    for (const { text, secrets } of SECRET_SHAPES)
      for (const secret of secrets) expect(way(text)).not.toContain(secret);
  });

  it('shows no part of one either where it is cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values({ plain, code, codeBlock, label })),
        fc.constantFrom(...SECRET_SHAPES.filter(({ text }) => text.length < 400)),
        fc.integer({ min: 40, max: 300 }),
        fc.integer({ min: 0, max: 200 }),
        (way, { text, secrets }, limit, before) => {
          const shown = way(`${'. '.repeat(before)}${text}`, limit);
          for (const secret of secrets) expect(shown).not.toContain(secret.slice(0, 10));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('shows none that only the marks inside it hid', () => {
    const secret = `gh${'\u200e'}p_${body(18)}${'\u0007'}${body(18)}`;
    expect(plain(`using ${secret}`)).toBe('using [masked]');
  });
});
