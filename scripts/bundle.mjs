// What the builds of both packages share: a bundle of a program with what it uses of its packages, and the sandbox's page.
import { spawn } from 'node:child_process';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

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

/** @param dir where it goes, with the licence of its font */
export async function buildPage(dir) {
  await buildWithVite('sandbox/src/page', dir);
  await copyFile(join(repository, 'sandbox/src/page/fonts/OFL.txt'), join(dir, 'assets/OFL.txt'));
}

/** A page with all that it needs, to be served under any path. */
export function buildWithVite(page, dir) {
  return runTool('vite/bin/vite.js', 'build', page, '--outDir', dir, '--emptyOutDir');
}

/**
 * Everything that is used of the packages is in the bundle, so that nothing is to be installed with it; the packages'
 * licences are beside it. Maps of the sources, 12 MB, only with `--source-maps`.
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
    sourcemap: process.argv.includes('--source-maps'),
  });
  await program.close();
  await writeFile(join(dir, 'THIRD-PARTY-LICENSES.txt'), await licences(output));
}

/** Each licence text that asks to be kept, once, after the packages of the bundle that are under it. */
async function licences(output) {
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  const folders = new Set(
    modules.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []),
  );
  const packages = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((one) => /^(licen[cs]e|copying)/i.test(one));
    const text = file ? (await readFile(join(folder, file), 'utf8')).trim() : `Licence: ${license}`;
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...packages].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`);
  return `The program contains parts of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
