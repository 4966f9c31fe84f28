// Builds the sandbox page's emoji font: the few emoji of src/page/fonts/emoji.txt out of Noto Color Emoji.
// Needs Debian's python3-fonttools and python3-brotli, and the network for one pinned npm package:
//   node sandbox/scripts/build-emoji-font.mjs
// emoji.woff2 and emoji.css are its output and are kept, so that neither is needed by who only builds the page.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = '@fontsource/noto-color-emoji@5.3.2';
const FILE = 'package/files/noto-color-emoji-emoji-400-normal.woff2';
const fonts = fileURLToPath(new URL('../src/page/fonts', import.meta.url));

/** The code points of the list, its comment left out; `U+FE0F`, which asks for colour, once. */
function codePoints() {
  const lines = readFileSync(join(fonts, 'emoji.txt'), 'utf8').split('\n');
  const text = lines.filter((line) => !line.startsWith('#')).join('');
  const points = new Set([...text.replace(/\s/g, '')].map((sign) => sign.codePointAt(0)));
  return [...points].sort((a, b) => a - b);
}

const hex = (point) => `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;

const folder = mkdtempSync(join(tmpdir(), 'emoji-font-'));
try {
  const points = codePoints();
  const packed = execFileSync('npm', ['pack', '--silent', SOURCE], { cwd: folder, encoding: 'utf8' }).trim();
  execFileSync('tar', ['xzf', packed, FILE], { cwd: folder });
  // Its drawings are there twice; every browser that can use the SVG table's knows COLR too, or has emoji of its own.
  execFileSync(
    '/usr/bin/python3',
    [
      '-m',
      'fontTools.subset',
      join(folder, FILE),
      `--unicodes=${points.map(hex).join(',')}`,
      '--no-lazy',
      '--drop-tables+=SVG',
      '--no-layout-closure',
      '--flavor=woff2',
      `--output-file=${join(fonts, 'emoji.woff2')}`,
    ],
    { stdio: 'inherit' },
  );
  writeFileSync(
    join(fonts, 'emoji.css'),
    `/* Made by scripts/build-emoji-font.mjs from ${SOURCE}; its licence is OFL.txt. */
@font-face {
  font-family: "Sandbox Emoji";
  src: url("emoji.woff2") format("woff2") tech(color-COLRv1);
  unicode-range:
    ${points.map(hex).join(', ')};
}
`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
