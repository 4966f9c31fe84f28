/**
 * The masker: how many of the table's shapes it finds, and that its time is linear: each adversarial text at two
 * sizes, with the growth of the time between them (linear: as the size; quadratic: its square).
 *
 * npx tsx bench/mask.ts
 */
import { maskSecrets } from '../src/domain/mask-secrets.ts';
import { NEAR_MISSES, SECRET_SHAPES } from '../test/fixtures/secret-shapes.ts';

const SMALL = 240_000;
const GROWTH = 4;
const ROUNDS = 3;

const TEXTS: Readonly<Record<string, string>> = {
  'a log without secrets': `${NEAR_MISSES.join('\n')}\n`,
  'a log full of secrets': `${SECRET_SHAPES.map(({ text }) => text).join('\n')}\n`,
  'unclosed private keys': '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n',
  'headers of private keys alone': '-----BEGIN PRIVATE KEY-----\n',
  'ends of private keys alone': '-----END PRIVATE KEY-----\n',
  'names without end': 'token=token=',
  'variables in variables': 'password=$' + '{',
  'open quotes': 'x="token":"',
  'open quotes inside quotes': '\\"token\\":\\"',
  'backslashes alone': '\\',
  // The address alone, once: what follows it to the end is what is long.
  'backslashes after an address': '\\',
  'one long word': 'a1B2',
  'beginnings of web tokens': '-eyJ',
  'beginnings of keys': 'sk-ghp_SG.hvs.',
  'addresses in addresses': 'https://a:',
  'at signs': 'postgres://a:b@',
  flags: '--token --x ',
  'short flags': ' mysql -p ',
  'netrc without passwords': 'machine a login b ',
  bearers: 'Bearer a-',
  ampersands: 'password=a&b;c,',
  elements: '<password><a>',
};

const seconds = (text: string): number =>
  Math.min(
    ...Array.from({ length: ROUNDS }, () => {
      const before = process.cpuUsage();
      maskSecrets(text);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    }),
  );

const leaked = SECRET_SHAPES.filter(({ text, secrets }) => {
  const masked = maskSecrets(text);
  return secrets.some((secret) => masked.includes(secret));
});
const hurt = NEAR_MISSES.filter((text) => maskSecrets(text) !== text);
console.log(
  `${SECRET_SHAPES.length} shapes: ${leaked.length} leaked; ${NEAR_MISSES.length} near-misses: ${hurt.length} changed\n`,
);
console.log(
  `| text | ${SMALL / 1000} kB | ${(SMALL * GROWTH) / 1000} kB | growth at ${GROWTH} × the size |\n|---|---|---|---|`,
);
let worst = 0;
for (const [name, piece] of Object.entries(TEXTS)) {
  const head = name.endsWith('after an address') ? 'https://a' : '';
  const text = (size: number): string =>
    head + piece.repeat(Math.ceil(size / piece.length)).slice(0, size - head.length);
  seconds(text(SMALL / 8));
  const small = seconds(text(SMALL));
  const large = seconds(text(SMALL * GROWTH));
  worst = Math.max(worst, large);
  console.log(
    `| ${name} | ${(small * 1000).toFixed(0)} ms | ${(large * 1000).toFixed(0)} ms | ${(large / small).toFixed(1)} × |`,
  );
}
console.log(`\nSlowest: ${(worst * 1000).toFixed(0)} ms for ${(SMALL * GROWTH) / 1000} kB.`);
