// Makes the fonts of pictures of curves: the letters, figures and signs of Latin, Greek and Cyrillic out of Inter.
// Needs Debian's python3-fonttools, and the network for one pinned npm package:
//   node scripts/chart-fonts.mjs
// Its output is kept in src/charts/fonts, so that neither is needed by who only builds the program.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = '@expo-google-fonts/inter@0.4.2';
const WEIGHTS = { regular: '400Regular', semibold: '600SemiBold' };
const UNICODES =
  'U+20-7E,U+A0-17F,U+370-3FF,U+400-45F,U+2010-2027,U+2030,U+2032,U+2033,U+2070-209C,U+2190-2193,U+2200-2265,U+25A1,U+FFFD';
const fonts = fileURLToPath(new URL('../src/charts/fonts', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'chart-fonts-'));
try {
  const packed = execFileSync('npm', ['pack', '--silent', SOURCE], { cwd: folder, encoding: 'utf8' }).trim();
  execFileSync('tar', ['xzf', packed], { cwd: folder });
  for (const [name, weight] of Object.entries(WEIGHTS))
    execFileSync(
      '/usr/bin/python3',
      [
        '-m',
        'fontTools.subset',
        join(folder, `package/${weight}/Inter_${weight}.ttf`),
        `--unicodes=${UNICODES}`,
        '--layout-features=kern,tnum,ccmp',
        '--no-hinting',
        '--desubroutinize',
        `--output-file=${join(fonts, `inter-${name}.ttf`)}`,
      ],
      { stdio: 'inherit' },
    );
  copyFileSync(join(folder, 'package/LICENSE_FONT'), join(fonts, 'OFL.txt'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
