import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SpoolFolder } from '../../src/logs/spool-folder.ts';

it('says what is wrong with the data folder where a file stands in its place', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-spool-'));
  try {
    await writeFile(join(dir, 'data'), '');
    const spools = new SpoolFolder(join(dir, 'data', 'spool'), () => 0);
    await spools.sweep();
    await expect(spools.open('key', true)).rejects.toMatchObject({
      code: 'unavailable',
      message: `The folder ${join(dir, 'data', 'spool')} cannot be made: a file stands in its way.`,
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
