import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { AT, LIMITS, runLogStoreContract } from '../contract/run-log-store.ts';

runLogStoreContract('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-runs-'));
  const now = { at: AT };
  return {
    open: () => openFileRunLogs({ folder, clock: { now: () => now.at }, ...LIMITS }),
    now,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});
