// Builds dist/: the program with Rolldown, and beside it the sandbox page with Vite.
import { spawn } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a package's program with this Node; rejects with its output when it fails. */
function run(script, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${script} failed:\n${output}`))));
  });
}

/**
 * The program with what it uses of its packages: `dist/cli.js`, and a chunk for whatever is loaded later. The chunks lie
 * one folder down, as the sources do, so that paths relative to a module (the manifest, the page) stay right.
 */
async function bundle() {
  const program = await rolldown({
    cwd: root,
    input: { cli: 'src/cli.ts' },
    platform: 'node',
    // The AWS SDK's ES modules: of its CommonJS nothing could be left out.
    resolve: { mainFields: ['module', 'main'] },
    onLog: (level, log, report) => report(level === 'warn' ? 'error' : level, log),
  });
  await program.write({
    dir: join(root, 'dist'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
  });
  await program.close();
  await chmod(join(root, 'dist/cli.js'), 0o755);
}

try {
  await rm(join(root, 'dist'), { recursive: true, force: true });
  await Promise.all([
    bundle(),
    run(
      'vite/bin/vite.js',
      'build',
      'src/sandbox/page',
      '--outDir',
      join(root, 'dist/sandbox/page'),
      '--emptyOutDir',
    ),
  ]);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
