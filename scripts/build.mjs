// Builds dist/: the program with Rolldown, and beside it the pages, the sandbox's and a run's, with Vite.
import { chmod, cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage, buildWithVite, bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

try {
  await rm(dist, { recursive: true, force: true });
  await Promise.all([
    // The chunks lie one folder down, as the sources do, so that paths relative to a module (the manifest, the page)
    // stay right.
    bundle({ root, input: { cli: 'src/cli.ts' }, dir: dist, chunks: 'chunks/[name]-[hash].js' }),
    buildPage(join(dist, 'sandbox/page')),
    buildWithVite('src/http/viewer', join(dist, 'viewer')),
    // Programs of their own, which the demo's runner starts.
    cp(join(root, 'src/demo/training'), join(dist, 'demo-training'), { recursive: true }),
  ]);
  await chmod(join(dist, 'cli.js'), 0o755);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
