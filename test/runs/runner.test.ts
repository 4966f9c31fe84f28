/** The runner on its own, with a process that captures as a test wants it; as people start it: test/e2e/runner.test.ts. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunTemplate } from '../../src/domain/run-templates.ts';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { runCaptured } from '../../src/runs/captured-run.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { processIdOf, RunRecords, writeRunFile } from '../../src/runs/run-records.ts';
import { LocalRunner } from '../../src/runs/runner.ts';
import { logsFolder } from '../../src/runs/runner-room.ts';

let dataDir: string;
let logs: RunLogStore;
let runner: LocalRunner;
const now = { at: 1_790_000_000_000 };
const never = new Promise<never>(() => undefined);
/** They write how a run ended after its log has said so. */
let capturing: Promise<void>[];

beforeEach(async () => {
  capturing = [];
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-runner-'));
  logs = await openFileRunLogs({ folder: logsFolder(dataDir), clock: { now: () => now.at } });
});
afterEach(async () => {
  await runner.close();
  await Promise.allSettled(capturing);
  await logs.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function open(launch: (run: string) => Promise<unknown>): Promise<void> {
  const template: RunTemplate = {
    ...{ name: 'echo', command: ['sh', '-c', 'echo hello'], cwd: dataDir, env: {}, parameters: {} },
    terminal: 'pipe',
  };
  runner = await LocalRunner.open({
    ...{ dataDir, logs, launch, graceMs: 100, templates: [template] },
    clock: { now: () => now.at },
    limits: { runs: 9, bytesPerRun: 4e6, disk: 1e9 },
    log: { info: () => undefined, error: () => undefined },
  });
}

const start = async (name: string) => (await runner.start({ template: 'echo', name, parameters: {} })).run;
const runFolder = (name: string): string => join(dataDir, 'runs', name);
function capture(name: string, signal = new AbortController().signal): Promise<void> {
  const run = runCaptured({
    folder: runFolder(name),
    logsFolder: logsFolder(dataDir),
    env: { PATH: process.env.PATH },
    signal,
  });
  capturing.push(run);
  return run;
}

describe('a run whose capturing process', () => {
  it('ends before it began was not started, and says what that process had to say', async () => {
    await open(async (run) => {
      await writeFile(join(run, 'notes.txt'), 'Error: no such module\n');
    });
    await start('run-1');
    expect(await runner.ended('run-1')).toMatchObject({
      state: 'lost',
      startedAt: undefined,
      reason: 'It could not be started. Error: no such module',
    });
  });

  it('cannot even be started is no other', async () => {
    await open(() => Promise.reject(new Error('EAGAIN')));
    await start('run-1');
    expect(await runner.ended('run-1')).toMatchObject({ state: 'lost', reason: 'It could not be started.' });
  });

  it('does not begin is given up after half a minute, and cannot begin any more', async () => {
    await open(() => never);
    await start('run-1');
    now.at += 29_000;
    expect(await runner.find('run-1')).toMatchObject({ state: 'running' });
    await runner.close();
    // Also by the next runner, which cannot see it.
    await open(() => never);
    expect(await runner.find('run-1')).toMatchObject({ state: 'running' });
    now.at += 2_000;
    expect(await runner.find('run-1')).toMatchObject({ state: 'lost' });
    await expect(capture('run-1')).rejects.toMatchObject({ code: 'conflict' });
    expect(await runner.find('run-1')).toMatchObject({ state: 'lost', size: 0 });
  });

  it('begins twice runs once', async () => {
    await open((run) => Promise.allSettled([1, 2].map(() => capture(run.split('/').at(-1)!))));
    await start('run-1');
    expect(await runner.ended('run-1')).toMatchObject({ state: 'completed', size: 6 });
  });

  it('begins after the run was cancelled starts nothing', async () => {
    await open(() => never);
    await start('run-1');
    expect(await runner.cancel('run-1')).toMatchObject({ state: 'stopping' });
    await capture('run-1');
    expect(await runner.find('run-1')).toMatchObject({
      state: 'stopped',
      size: 0,
      startedAt: undefined,
      reason: 'It was cancelled before it began.',
    });
  });

  it('is of another boot of the machine is gone, although its id and start are taken', async () => {
    await open(() => never);
    await start('run-1');
    const me = { ...(await processIdOf(process.pid)), boot: 'another' };
    await writeRunFile(runFolder('run-1'), 'capture', me);
    await writeRunFile(runFolder('run-1'), 'training', { ...me, at: now.at });
    expect(await runner.find('run-1')).toMatchObject({
      state: 'lost',
      reason: 'Its process is gone, and nobody saw how it ended.',
    });
  });

  it('could not write the end into the log has left it beside it', async () => {
    await open(() => never);
    await start('run-1');
    await writeRunFile(runFolder('run-1'), 'capture', { pid: 2 ** 22 + 1 });
    await writeRunFile(runFolder('run-1'), 'end', { state: 'failed', exitCode: 3, signal: null, at: now.at });
    expect(await runner.find('run-1')).toMatchObject({ state: 'failed', reason: 'It exited with code 3.' });
  });
});

describe('records of runs', () => {
  it('are written once and whole: of many writers one wins, and nothing half is left', async () => {
    await open(() => never);
    await start('run-1');
    const at = Array.from({ length: 20 }, (_, index) => index);
    const won = await Promise.all(at.map((one) => writeRunFile(runFolder('run-1'), 'cancel', { at: one })));
    expect(won.filter(Boolean)).toHaveLength(1);
    const kept = await new RunRecords(join(dataDir, 'runs')).read('run-1', 'cancel');
    expect(kept).toEqual({ at: won.indexOf(true) });
    expect((await readdir(runFolder('run-1'))).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('that a killed runner had only begun are cleared away', async () => {
    await open(() => never);
    await start('run-1');
    await runner.close();
    await writeFile(join(dataDir, 'runs', '.new-0123'), 'half');
    await open(() => never);
    expect(await readdir(join(dataDir, 'runs'))).toEqual(['run-1']);
    expect((await runner.list()).map(({ id }) => id)).toEqual(['run-1']);
  });
});
