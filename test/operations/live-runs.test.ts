import { expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { liveRuns, openableJob } from '../../src/operations/live-runs.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';

async function stored(...runs: string[]) {
  const logs = new MemoryRunLogs();
  for (const run of runs) await logs.create(run);
  const errors: unknown[] = [];
  return { logs, errors, runs: liveRuns(logs, (error, { run }) => errors.push([run, error])) };
}

it('[W5] a run can be opened once something is stored of it, under its job’s key', async () => {
  const { runs } = await stored('line-3~local~press-1', 'line-3~sagemaker~press-2');
  expect(await runs.of('line-3', 'local:press-1')).toBe('line-3~local~press-1');
  expect(await runs.of('line-3', 'press-2')).toBe('line-3~sagemaker~press-2');
  for (const job of ['press-1', 'local:press-2', 'press-3'])
    expect(await runs.of('line-3', job)).toBeUndefined();
  expect(await runs.of('harbor', 'press-2')).toBeUndefined();
});

it('[W5] a job whose name no address can carry cannot be opened', async () => {
  const { runs, errors } = await stored('line-3~local~a~b');
  for (const job of ['local:a~b', 'local:a/b', 'local:', `local:${'x'.repeat(300)}`])
    expect(await runs.of('line-3', job)).toBeUndefined();
  expect(errors).toEqual([]);
});

it('[W5] a log that cannot be looked at is not offered, and that is said', async () => {
  const { logs, runs, errors } = await stored('line-3~local~press-1');
  const broken = new AppError('unavailable', 'The disk does not answer.');
  logs.info = () => Promise.reject(broken);
  expect(await runs.of('line-3', 'local:press-1')).toBeUndefined();
  expect(errors).toEqual([['line-3~local~press-1', broken]]);
});

it('[W5] a name without its provider is the first one’s that can be opened', async () => {
  const { runs } = await stored('line-3~local~press-1', 'line-3~sagemaker~press-2', 'line-3~local~press-2');
  const find = (word: string) => openableJob(runs, 'line-3', word, ['sagemaker', 'local']);
  expect(await find('press-1')).toBe('local:press-1');
  expect(await find('press-2')).toBe('press-2');
  expect(await find('local:press-2')).toBe('local:press-2');
  expect(await find('sagemaker:press-1')).toBeUndefined();
});
