// Builds dist/: the program with tsc, and beside it the sandbox page with Vite.
import { spawn } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

try {
  await rm(join(root, 'dist'), { recursive: true, force: true });
  await Promise.all([
    run('typescript/bin/tsc', '-p', 'tsconfig.build.json'),
    run(
      'vite/bin/vite.js',
      'build',
      'src/sandbox/page',
      '--outDir',
      join(root, 'dist/sandbox/page'),
      '--emptyOutDir',
    ),
  ]);
  await chmod(join(root, 'dist/cli.js'), 0o755);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
