/** Data folders of earlier versions: what they kept of a training job were SageMaker's words alone. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { jobKey } from '../../src/domain/job-keys.ts';
import { applyJobObservation } from '../../src/domain/job-observations.ts';
import { isFinished } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { jobRecord } from '../contract/store-records.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-older-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const WORDS = [
  ['ended', 'Completed', 'Completed', 'completed', undefined],
  ['loud', 'FAILED', undefined, 'failed', undefined],
  ['waits', 'InProgress', 'Starting', 'running', 'preparing'],
  ['paused', 'InProgress', 'Interrupted', 'running', 'interrupted'],
  ['limited', 'Stopped', 'MaxRuntimeExceeded', 'stopped', 'runtime-limit'],
  ['odd', 'Deleting', undefined, 'unknown', undefined],
] as const;

/** As an earlier version wrote it. */
const older = (text: string): string =>
  text
    .replaceAll(/"state":"\w+",("phase":"[\w-]+",)?("status":"[A-Za-z]+")/g, '$2')
    .replaceAll('"provider":"sagemaker",', '');

async function fill(): Promise<void> {
  const store = await openLowdbStore(folder);
  for (const [name, status, second] of WORDS)
    await store.changeJob('line-3', name, () => jobRecord(name, sageMakerState(status, second)));
  // As a kill leaves it: all of it in the journal.
  await mkdir(join(folder, 'killed'));
  for (const file of await readdir(folder))
    if (/^(state|journal)/.test(file)) await cp(join(folder, file), join(folder, 'killed', file));
  await store.close();
}

it.each([
  ['state file', 'state.json', '.'],
  ['journal', 'journal.jsonl', 'killed'],
])('jobs of an earlier version are read from the %s with their states', async (_, file, place) => {
  await fill();
  const there = join(folder, place);
  const text = await readFile(join(there, file), 'utf8');
  const before = older(text);
  expect(text).toContain('"state":"completed"');
  expect(before).not.toMatch(/"state":"(completed|running|stopped|unknown)"/);
  expect(before).not.toContain('"provider"');
  await writeFile(join(there, file), before);

  const store = await openLowdbStore(there);
  for (const [name, status, secondaryStatus, state, phase] of WORDS) {
    const record = (await store.getJob('line-3', name))!;
    expect(record.job).toMatchObject({ name, provider: 'sagemaker', state, status });
    expect(jobKey(record.job)).toBe(name);
    expect([record.job.phase, record.job.secondaryStatus]).toEqual([phase, secondaryStatus]);
    // Seen again as it was, it is no news.
    const again = { ...record.job, ...sageMakerState(status, secondaryStatus) };
    expect(applyJobObservation(record, again, record.seenAt)).toBe(record);
    expect(isFinished(record.job)).toBe(['ended', 'loud', 'limited'].includes(name));
  }
  await store.close();
});

it('a channel that could not be posted to is tried again when an earlier version meant to', async () => {
  const store = await openLowdbStore(folder);
  const dead = { channel: 'C1', since: 1, code: 'is_archived', nextCheckAt: 77, checks: 2 };
  await store.changeDeadChannel('C1', () => dead);
  await store.close();
  const path = join(folder, 'state.json');
  const text = await readFile(path, 'utf8');
  const before = text.replace('"nextCheckAt":77,"checks":2', '"nextLookAt":77,"looks":2');
  expect(before).not.toBe(text);
  await writeFile(path, before);

  const later = await openLowdbStore(folder);
  expect(await later.listDeadChannels()).toEqual([dead]);
  await later.close();
});
