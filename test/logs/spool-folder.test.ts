import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
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

it('takes what is said about several streams at the same time, and is removed whole while that is written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-spool-'));
  try {
    const spools = new SpoolFolder(dir, () => 0);
    for (let n = 0; n < 50; n++) {
      const spool = await spools.open(`key-${n}`, true);
      const names = ['a', 'b', 'c'];
      for (const name of names) spool.streamNumber(name);
      await Promise.all(names.map((name) => spool.distrust(name)));
      const saved = names.map((name) => spool.distrust(name));
      await spool.remove();
      await Promise.all(saved);
    }
    expect(await readdir(dir)).toEqual([]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
