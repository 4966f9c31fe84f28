import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_GUIDES } from '../../src/config/key-guides.ts';
import { maskSecrets } from '../../src/domain/mask-secrets.ts';
import { body, NEAR_MISSES, SECRET_SHAPES } from '../fixtures/secret-shapes.ts';

const shapeOf = (name: string) => SECRET_SHAPES.find((shape) => shape.name === name)!;
const masked = (name: string) => maskSecrets(shapeOf(name).text);

describe('[O6] masking secrets', () => {
  it('is measured on a table of shapes that are all different', () => {
    expect(SECRET_SHAPES.length).toBeGreaterThanOrEqual(150);
    expect(new Set(SECRET_SHAPES.map(({ name }) => name)).size).toBe(SECRET_SHAPES.length);
    for (const { text, secrets } of SECRET_SHAPES)
      for (const secret of secrets) {
        expect(secret.length).toBeGreaterThan(4);
        expect(text).toContain(secret);
      }
  });

  it.each(SECRET_SHAPES)('masks: $name', ({ text, secrets }) => {
    const after = maskSecrets(text);
    expect(after).toContain('[masked]');
    for (const secret of secrets) expect(after).not.toContain(secret);
    expect(maskSecrets(after)).toBe(after);
  });

  it.each(NEAR_MISSES)('leaves alone: %s', (text) => {
    expect(maskSecrets(text)).toBe(text);
  });

  it('leaves alone what the configuration says is wrong with it', () => {
    for (const [key, { expected, example }] of Object.entries(KEY_GUIDES)) {
      const message = `${key}: expected ${expected}, but got nothing. Example: ${example}`;
      expect(maskSecrets(message)).toBe(message);
    }
  });

  it('keeps what stands around', () => {
    expect(masked('password')).toBe('connecting with password=[masked], retry');
    expect(masked('flag')).toBe('run --password [masked] --epochs 3');
    expect(masked('database URL')).toBe('postgresql://trainer:[masked]@db:5432/x');
    expect(masked('database URL with slash, at sign and question mark')).toBe(
      'could not connect to "postgresql+psycopg2://u:[masked]@10.0.0.7/x"',
    );
    expect(masked('quoted password with spaces')).toBe('"db_password": "[masked]"');
    expect(masked('Slack webhook')).toBe('POST https://hooks.slack.com/services/[masked] failed');
    expect(masked('clone URL with token')).toBe(
      "fatal: unable to access 'https://x-access-token:[masked]@github.com/a/b.git/'",
    );
    expect(masked('bearer header in a curl command')).toBe(
      "curl -H 'Authorization: Bearer [masked]' https://x",
    );
    expect(masked('JSON inside JSON')).toBe(
      JSON.stringify({ body: JSON.stringify({ user: 'ada', password: '[masked]' }) }),
    );
    expect(masked('password in a query, escaped for HTML')).toBe('/login?password=[masked]&amp;user=ada');
  });

  it('masks no more than the key where a marker stands alone', () => {
    expect(maskSecrets('ValueError: no "-----BEGIN PRIVATE KEY-----" in key.pem\nEpoch 3 loss 0.1')).toBe(
      'ValueError: no "[masked]" in key.pem\nEpoch 3 loss 0.1',
    );
    expect(maskSecrets('Epoch 3 loss 0.1\n-----END PRIVATE KEY-----\nEpoch 4')).toBe(
      'Epoch 3 loss 0.1\n[masked]\nEpoch 4',
    );
    const key = `-----BEGIN PRIVATE KEY-----\n${body(64)}\n-----END PRIVATE KEY-----`;
    expect(maskSecrets(`-----BEGIN PRIVATE KEY-----\nEpoch 3: loss 0.1\n${key}`)).toBe(
      '[masked]\nEpoch 3: loss 0.1\n[masked]',
    );
    expect(maskSecrets(`a | -----BEGIN PRIVATE KEY-----\na | ${body(64)}\na | Epoch done`)).toBe(
      'a | [masked]\na | Epoch done',
    );
  });
});

/** What a log may hold, secrets and their beginnings and ends among it, in any order. */
const PIECES = [
  ...SECRET_SHAPES.map(({ text }) => text),
  ...NEAR_MISSES,
  ...[
    'password=',
    '"token":"',
    '\\"secret\\":\\"',
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
  ],
  ...[
    '[masked]',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '\\',
    '\\n',
    '\n',
    ' ',
    '&',
    '&amp;',
    '&lt;',
    ';',
    ',',
    ':',
    '=',
    '@',
  ],
  ...[
    'https://',
    'postgres://a:',
    'Bearer ',
    'Cookie: a=',
    'ghp_',
    'AKIA',
    'eyJ',
    body(20),
    body(64),
    'x',
    '1',
  ],
];
const anyText = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc
    .array(fc.oneof(fc.constantFrom(...PIECES), fc.string()), { maxLength: 8 })
    .map((pieces) => pieces.join('')),
);

describe('[O6] masking, whatever the text', () => {
  it('twice is once', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = maskSecrets(text);
        expect(maskSecrets(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  it('finds each shape on a line of its own, whatever the lines around', () => {
    const aloneOnLine = SECRET_SHAPES.filter(({ name }) => !/key/i.test(name) || !/cut off|began/.test(name));
    fc.assert(
      fc.property(
        fc.constantFrom(...aloneOnLine),
        fc.array(fc.constantFrom(...NEAR_MISSES), { maxLength: 3 }),
        fc.array(fc.constantFrom(...NEAR_MISSES), { maxLength: 3 }),
        ({ text, secrets }, before, after) => {
          const result = maskSecrets([...before, text, ...after].join('\n'));
          for (const secret of secrets) expect(result).not.toContain(secret);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves JSON to be JSON, with the same members', () => {
    const members = fc.dictionary(
      fc.constantFrom('msg', 'password', 'token', 'job', 'nested', 'apiKey', 'n'),
      fc.oneof(anyText, fc.integer(), fc.constant(null), fc.array(anyText, { maxLength: 3 })),
    );
    fc.assert(
      fc.property(members, fc.boolean(), fc.boolean(), (value, trustNames, inside) => {
        const text = JSON.stringify(inside ? { body: JSON.stringify(value) } : value);
        const parsed = JSON.parse(maskSecrets(text, { trustNames })) as Record<string, unknown>;
        const result = inside ? (JSON.parse(parsed.body as string) as object) : parsed;
        expect(Object.keys(result)).toEqual(Object.keys(value));
      }),
      { numRuns: 500 },
    );
  });

  it('never cuts an entity that Slack reads in half', () => {
    const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    fc.assert(
      fc.property(anyText, (text) => {
        expect(maskSecrets(escaped(text))).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
      }),
      { numRuns: 500 },
    );
  });
});
