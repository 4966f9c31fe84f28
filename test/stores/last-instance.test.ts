import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { succeedInFolder } from '../../src/stores/last-instance.ts';

let folder: string;
const file = (): string => join(folder, 'instance.json');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-instance-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('[O1] each instance learns which one had its folder before', async () => {
  expect(await succeedInFolder(folder, 'first')).toBeUndefined();
  expect(await succeedInFolder(folder, 'second')).toBe('first');
  expect(await succeedInFolder(folder, 'third')).toBe('second');
});

it('a folder that was copied from another host tells nothing of an instance that may live there', async () => {
  await succeedInFolder(folder, 'first');
  const { instance } = JSON.parse(await readFile(file(), 'utf8')) as { instance: string };
  await writeFile(file(), JSON.stringify({ instance, host: 'another-host' }));
  expect(await succeedInFolder(folder, 'second')).toBeUndefined();
  expect(await succeedInFolder(folder, 'third')).toBe('second');
});

it.each(['', '{"instance": "fi', 'null', '[]', '{"instance": 1, "host": 2}'])(
  'a file that says %j is none',
  async (content) => {
    await writeFile(file(), content);
    expect(await succeedInFolder(folder, 'second')).toBeUndefined();
    expect(await succeedInFolder(folder, 'third')).toBe('second');
  },
);
