/** The store on lowdb, for the contract suites: each in a folder of its own, which goes afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import type { StoreHarness } from '../contract/store-harness.ts';

export function lowdbHarness(options?: Parameters<typeof openLowdbStore>[1]): () => Promise<StoreHarness> {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
    return {
      open: () => openLowdbStore(folder, options),
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  };
}
