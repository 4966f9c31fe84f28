/** The sandbox's page as a browser gets it, built from the sources. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** @returns where it is: a folder in this one */
export async function buildPage(folder: string): Promise<string> {
  const outDir = join(folder, 'page');
  await build({
    root: fileURLToPath(new URL('../../src/page', import.meta.url)),
    build: { outDir },
    logLevel: 'error',
  });
  return outDir;
}
