import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { fencesContract } from '../contract/fences.ts';

fencesContract('lowdb', async () => {
  const own = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
  return { open: () => openLowdbStore(own), dispose: () => rm(own, { recursive: true, force: true }) };
});
