// Builds dist/: the program with Rolldown, and beside it the pages, the sandbox's and a run's, with Vite.
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { buildPage, buildWithVite, bundle, PAGE_FONT } from './bundle.mjs';
import { writeNotices } from './notices.mjs';

/** What draws pictures of curves is WebAssembly of 2.5 MB, and a third of that compressed. */
async function compressRenderer(dir) {
  const module = createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm');
  const compressed = brotliCompressSync(await readFile(module), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9 },
  });
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'resvg.wasm.br'), compressed);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

try {
  await rm(dist, { recursive: true, force: true });
  const [program, page, viewer] = await Promise.all([
    // The chunks lie one folder down, as the sources do, so that paths relative to a module (the manifest, the page)
    // stay right.
    bundle({
      root,
      // Two programs: the second draws pictures of curves, in a process of its own.
      input: { cli: 'src/cli.ts', rasterise: 'src/charts/rasterise.mjs' },
      dir: dist,
      chunks: 'chunks/[name]-[hash].js',
    }),
    buildPage(join(dist, 'sandbox/page')),
    buildWithVite('src/http/viewer', join(dist, 'viewer')),
    cp(join(root, 'src/charts/fonts'), join(dist, 'charts/fonts'), { recursive: true }),
    compressRenderer(join(dist, 'charts')),
    // Programs of their own, which the demo's runner starts.
    cp(join(root, 'src/demo/training'), join(dist, 'demo-training'), { recursive: true }),
  ]);
  const inter = ['inter-regular.ttf', 'inter-semibold.ttf'].map((name) => ({
    name: `${name}, of Inter`,
    license: 'OFL-1.1',
    url: 'https://github.com/rsms/inter',
    path: join(root, 'src/charts/fonts', name),
  }));
  await writeNotices({
    root,
    dir: dist,
    modules: [...program, ...page, ...viewer],
    files: [...inter, PAGE_FONT],
  });
  await chmod(join(dist, 'cli.js'), 0o755);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
