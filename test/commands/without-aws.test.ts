/** A use case that has nothing in AWS and trains on a provider that is not SageMaker: everything that is not AWS's works. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allCommands } from '../../src/commands/index.ts';
import { AppError } from '../../src/ground/errors.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { type Lab, MINUTE, openLab } from './lab.ts';

let runner: MemoryRunner;
let lab: Lab;
beforeEach(async () => {
  runner = new MemoryRunner('lab');
  lab = await openLab([runner]);
});
afterEach(() => lab.close());

describe('a use case without AWS, on a provider that is not SageMaker', () => {
  it('has cards that follow its jobs, and one alert for a failure, with the provider’s own page', async () => {
    runner.put('run-7', 'QUEUED', { createdAt: lab.now() + 1 });
    await lab.pass(MINUTE);
    expect((await lab.store.getJob('lab', 'local:run-7'))?.job).toMatchObject({
      state: 'pending',
      status: 'QUEUED',
    });
    expect(lab.on('C0LAB')).toContain('Training pending');
    runner.put('run-7', 'EXECUTING', { createdAt: lab.now(), startedAt: lab.now() });
    await lab.pass(MINUTE);
    expect(lab.on('C0LAB')).toContain('Training running');
    runner.print('run-7', lab.now(), 'RuntimeError: CUDA out of memory. Tried to allocate 2 GiB');
    runner.put('run-7', 'CRASHED', {
      createdAt: lab.now(),
      endedAt: lab.now(),
      failureReason: 'exit code 1',
    });
    await lab.pass(MINUTE);
    await lab.pass(MINUTE);
    expect(lab.on('C0LAB')).toContain('Training failed');
    const [alert] = await lab.store.listAlerts({ useCase: 'lab', limit: 9 });
    expect(alert).toMatchObject({
      kind: 'training',
      subjects: [{ console: 'https://lab.example/runs/run-7' }],
    });
    expect(lab.on('C0ALERTS')).toContain('Training failed');
    expect(lab.on('C0ALERTS')).toContain('Open in the lab');
    expect(`${lab.on('C0LAB')}${lab.on('C0ALERTS')}`).not.toContain('console.aws');
    expect(lab.errors).toEqual([]);
  });

  it('is warned of a run that falls silent, and not while it waits for machines', async () => {
    runner.put('run-8', 'EXECUTING', { createdAt: lab.now() + 1, startedAt: lab.now() });
    runner.put('run-9', 'PREEMPTED', { createdAt: lab.now() + 2, startedAt: lab.now() });
    await lab.pass(MINUTE);
    for (const name of ['run-8', 'run-9']) runner.print(name, lab.now(), 'epoch 1');
    for (let minute = 0; minute < 40; minute += 5) await lab.pass(5 * MINUTE);
    expect(lab.on('C0ALERTS')).toMatch(/No log line for 3\d minutes/);
    expect(lab.on('C0ALERTS')).toContain('run-8');
    expect(lab.on('C0ALERTS')).not.toContain('run-9');
    expect(lab.errors).toEqual([]);
  });

  it('is in the digest', async () => {
    await lab.store.changeChannelSettings('C0LAB', () => ({
      channel: 'C0LAB',
      digest: { cron: '0 13 * * *', timeZone: 'UTC', useCases: ['lab'] },
      changedBy: { team: 'T', user: 'U0ADA' },
      changedAt: lab.now(),
    }));
    runner.put('run-1', 'EXECUTING', { createdAt: lab.now() + 1 });
    runner.put('run-2', 'EXECUTING', { createdAt: lab.now() + 2 });
    await lab.pass(MINUTE);
    runner.put('run-1', 'EXITED_0', { createdAt: lab.now(), endedAt: lab.now() });
    await lab.pass(MINUTE);
    await lab.pass(60 * MINUTE);
    expect(lab.on('C0LAB')).toContain('Training: 2 completed, 1 running now');
  });

  it('lists its jobs for /jobs, and gives their logs for /logs', async () => {
    runner.put('run-3', 'CRASHED', {
      createdAt: lab.now() + 1,
      endedAt: lab.now(),
      failureReason: 'exit code 137',
    });
    for (let line = 1; line <= 5; line += 1) runner.print('run-3', lab.now() - 10 + line, `epoch ${line}`);
    runner.put('run-4', 'HIBERNATING', { createdAt: lab.now() + 2 });
    await lab.pass(MINUTE);
    const table = await lab.type('jobs', '');
    expect(table).toContain('run-3');
    expect(table).toContain('HIBERNATING');
    expect(await lab.type('jobs', 'state:failed provider:local')).toContain('1 job');

    const answer = await lab.type('logs', 'run-3 --raw');
    expect(lab.files).toEqual(['epoch 1\nepoch 2\nepoch 3\nepoch 4\nepoch 5\n']);
    expect(answer).toContain('https://lab.example/runs/run-3');
    expect(await lab.type('logs', 'run-4')).toContain('The local runner shows them');
    await lab.type('logs', 'run-3');
    expect(lab.files.at(-1)).toContain('# provider     the local runner');
  });

  it('says that there is no AWS account where something of AWS is asked of it', async () => {
    runner.put('run-5', 'EXITED_0', { createdAt: lab.now() + 1, endedAt: lab.now() });
    await lab.pass(MINUTE);
    for (const [command, text] of [
      ['components', ''],
      ['devices', ''],
    ] as const)
      if (allCommands(lab.services).some(({ name }) => name === command))
        expect(await lab.type(command, text), command).toContain('The use case Lab has no AWS account.');
    // Nor would one help.
    expect(await lab.type('compile', 'run-5 x86_64-cpu')).toContain(
      'run-5 cannot be compiled: jobs on the local runner leave no model in S3',
    );
  });

  it('says that the provider does not answer, and goes on when it does', async () => {
    runner.put('run-6', 'EXECUTING', { createdAt: lab.now() + 1 });
    await lab.pass(MINUTE);
    runner.outage = new AppError('unavailable', 'The lab does not answer.');
    await lab.pass(MINUTE);
    expect((await lab.store.getJob('lab', 'local:run-6'))?.failedCheck?.message).toBe(
      'The lab does not answer.',
    );
    expect(await lab.type('logs', 'run-6')).toContain('The lab does not answer.');
    runner.outage = undefined;
    runner.put('run-6', 'EXITED_0', { createdAt: lab.now(), endedAt: lab.now() });
    await lab.pass(2 * MINUTE);
    expect((await lab.store.getJob('lab', 'local:run-6'))?.job.state).toBe('completed');
  });
});
