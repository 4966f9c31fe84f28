// Builds dist/ of this package: library and command with Rolldown, their types with tsc, the page with Vite.
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage, bundle, PAGE_FONT, runTool } from '../../scripts/bundle.mjs';
import { writeNotices } from '../../scripts/notices.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

try {
  await rm(dist, { recursive: true, force: true });
  const [program, page] = await Promise.all([
    bundle({
      root,
      input: {
        index: 'src/index.ts',
        'block-kit': 'src/block-kit.ts',
        seeds: 'src/seeds.ts',
        cli: 'src/cli.ts',
      },
      dir: dist,
      // Beside the entries: the library looks for its page from where it lies.
      chunks: '[name]-[hash].js',
    }),
    buildPage(join(dist, 'page')),
    runTool('typescript/bin/tsc', '-p', join(root, 'tsconfig.build.json')),
  ]);
  await writeNotices({ root, dir: dist, modules: [...program, ...page], files: [PAGE_FONT] });
  await chmod(join(dist, 'cli.js'), 0o755);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
