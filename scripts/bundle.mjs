// What the builds of both packages share: a bundle of a program with what it uses of its packages, and the sandbox's page.
import { spawn } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { build } from 'vite';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** Runs a package's program with this Node; rejects with its output when it fails. */
export function runTool(script, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(repository, 'node_modules', script), ...args], {
      cwd: repository,
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${script} failed:\n${output}`))));
  });
}

/** The font that the sandbox's page has, for its notices. */
export const PAGE_FONT = {
  name: 'emoji.woff2, of Noto Color Emoji',
  license: 'OFL-1.1',
  url: 'https://github.com/googlefonts/noto-emoji',
  path: join(repository, 'sandbox/src/page/fonts/emoji.woff2'),
};

/**
 * @param dir where it goes, with the licence of its font
 * @returns the files that are in it
 */
export async function buildPage(dir) {
  const modules = await buildWithVite('sandbox/src/page', dir);
  await copyFile(join(repository, 'sandbox/src/page/fonts/OFL.txt'), join(dir, 'assets/OFL.txt'));
  return modules;
}

/**
 * A page with all that it needs, to be served under any path.
 * @returns the files that are in it, and in its workers
 */
export async function buildWithVite(page, dir) {
  const modules = new Set();
  const collect = {
    name: 'collect-modules',
    generateBundle(_, bundle) {
      for (const one of Object.values(bundle)) for (const id of one.moduleIds ?? []) modules.add(id);
    },
  };
  await build({
    root: join(repository, page),
    logLevel: 'error',
    build: { outDir: dir, emptyOutDir: true },
    plugins: [collect],
    worker: { plugins: () => [collect] },
  });
  return [...modules];
}

/**
 * Everything that is used of the packages is in the bundle, so that nothing is to be installed with it. Maps of the
 * sources, 12 MB, only with `--source-maps`.
 * @returns the files that are in it
 */
export async function bundle({ root, input, dir, chunks }) {
  const program = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    // The AWS SDK's ES modules: of its CommonJS nothing could be left out.
    resolve: { mainFields: ['module', 'main'] },
    onLog: (level, log, report) => report(level === 'warn' ? 'error' : level, log),
  });
  const { output } = await program.write({
    dir,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: chunks,
    // A tenth of it would be comments; the licences among them are in THIRD-PARTY-LICENSES.txt.
    comments: false,
    sourcemap: process.argv.includes('--source-maps'),
  });
  await program.close();
  return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}
