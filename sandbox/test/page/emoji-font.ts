/** The page's own emoji font. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const FONTS = join(import.meta.dirname, '../../src/page/fonts');

/** Signs of the list, each with its `U+FE0F` where it has one. */
export async function shipped(): Promise<string[]> {
  const lines = (await readFile(join(FONTS, 'emoji.txt'), 'utf8')).split('\n');
  return lines
    .filter((line) => !line.startsWith('#'))
    .join(' ')
    .split(/\s+/)
    .filter(Boolean);
}
