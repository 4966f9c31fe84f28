import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_CURSOR_BYTES, MAX_NOTE_BYTES } from '../../src/domain/run-log-rules.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import type { LogState } from '../../src/runs/log-state.ts';
import { createStateFile, StateFile } from '../../src/runs/state-file.ts';
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

describe('logs in files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-runs-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are written by the next one after a release, by nobody else before', async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(() => openFileRunLogs({ folder, clock: { now: () => AT } })),
    );
    await first!.create('run');
    await first!.append('run', 0, Buffer.from('one'), 'c1');
    await expect(second!.append('run', 3, Buffer.from('two'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(second!.note('run', 'mine')).rejects.toMatchObject({ code: 'conflict' });
    await first!.release('run');
    expect(await second!.append('run', 3, Buffer.from('two'))).toMatchObject({ size: 6, cursor: 'c1' });
    await Promise.all([first!.close(), second!.close()]);
  });

  it('have room for the largest state that there can be', async () => {
    const far = Number.MAX_SAFE_INTEGER;
    const state: LogState = {
      id: 'i'.repeat(200),
      ...{ chunkBytes: far, createdAt: far, updatedAt: far, size: far, crc: 2 ** 32 - 1, lock: far },
      synced: { size: far, crc: 2 ** 32 - 1 },
      gaps: Array.from({ length: 256 }, () => ({ from: far, to: far, reason: 'lost' as const })),
      cursor: 'c'.repeat(MAX_CURSOR_BYTES - 2),
      note: 'n'.repeat(MAX_NOTE_BYTES - 2),
      packed: false,
    };
    await createStateFile(folder, { ...state, gaps: [], cursor: undefined });
    const file = await StateFile.open(folder, 'r+');
    await file.read();
    await file.write(state);
    expect(await file.read()).toEqual(state);
    await file.close();
  });
});
