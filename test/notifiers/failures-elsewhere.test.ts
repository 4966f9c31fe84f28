/** What is said of trainings that failed on a provider other than SageMaker: its cause and what to do there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertMessage } from '../../src/blocks/alerts.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { LAB, type Lab, MINUTE, openLab } from '../commands/lab.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';

const OF_SAGEMAKER = /SageMaker|ResourceConfig|instance|docs\.aws|AWS|CloudWatch/i;
const TRACEBACK = ['Traceback (most recent call last):', '  File "train.py", line 3, in <module>'];

let local: MemoryRunner;
let lab: Lab;
beforeEach(async () => {
  local = new MemoryRunner('lab');
  lab = await openLab([new MemoryRunner('lab', 'sagemaker'), local]);
});
afterEach(() => lab.close());

async function fail(lines: readonly string[], facts: Partial<TrainingJob>): Promise<void> {
  local.put('press-1', 'CRASHED', { createdAt: lab.now() + 1, endedAt: lab.now(), ...facts });
  for (const line of lines) local.print('press-1', lab.now(), line);
  await lab.pass(MINUTE);
}

describe('[C7] a training that failed on a runner', () => {
  it.each([
    {
      what: 'no memory left on the GPU',
      lines: [...TRACEBACK, 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB'],
      facts: { exit: { code: 1, signal: null }, failureReason: 'It exited with code 1.' },
      cause: 'The GPU ran out of memory.',
      fix: 'nvidia-smi',
    },
    {
      what: 'exit code 137',
      lines: ['epoch 1', 'epoch 2'],
      facts: { exit: { code: 137, signal: null }, failureReason: 'It exited with code 137.' },
      cause: 'The machine ran out of memory (RAM)',
      fix: 'dmesg',
    },
    {
      what: 'a signal',
      lines: ['epoch 1'],
      facts: { exit: { code: null, signal: 'SIGKILL' }, failureReason: 'It was ended by SIGKILL.' },
      cause: 'The machine ran out of memory (RAM)',
      fix: 'dmesg',
    },
    {
      what: 'a traceback',
      lines: [...TRACEBACK, 'ValueError: no data in train/'],
      facts: { exit: { code: 1, signal: null }, failureReason: 'It exited with code 1.' },
      cause: 'The training script raised an error.',
      fix: 'Read the traceback at the end of the log.',
      excerpt: 'ValueError: no data in train/',
    },
    {
      what: 'an end that nobody saw',
      lines: ['epoch 1'],
      facts: { exit: 'lost', failureReason: 'Its process is gone, and nobody saw how it ended.' },
      cause: 'Nobody saw how the training ended',
      fix: 'Look whether the machine was restarted',
    },
  ] as const)('by $what: its alert says cause and fix, with no word of SageMaker', async (one) => {
    await fail(one.lines, one.facts);
    const alert = lab.on('C0ALERTS');
    expect(alert).toContain(`*Cause:* ${one.cause}`);
    expect(alert).toContain(one.fix);
    if ('excerpt' in one) expect(alert).toContain(one.excerpt);
    for (const channel of ['C0ALERTS', 'C0LAB'])
      expect(lab.on(channel).replaceAll('Training', '')).not.toMatch(OF_SAGEMAKER);
    expect(lab.errors).toEqual([]);
  });

  it('before its last lines were in the log: it is read again, and then the alert has them', async () => {
    await fail([], { exit: { code: 1, signal: null }, failureReason: 'It exited with code 1.' });
    expect(lab.on('C0ALERTS')).toContain('press-1');
    local.print('press-1', lab.now(), 'RuntimeError: the press is open');
    await lab.pass(10_000);
    expect(lab.on('C0ALERTS')).not.toContain('the press is open');
    await lab.pass(5_000);
    expect(lab.on('C0ALERTS')).toContain('RuntimeError: the press is open');
    expect(lab.errors).toEqual([]);
  });

  it('without printing anything: its log is looked for three times, no more', async () => {
    await fail([], { exit: { code: 1, signal: null }, failureReason: 'It exited with code 1.' });
    for (let minute = 0; minute < 3; minute++) await lab.pass(MINUTE);
    const [alert] = await lab.store.listAlerts({ useCase: 'lab', limit: 1 });
    expect(alert).toMatchObject({ emptyReads: 3 });
    local.print('press-1', lab.now(), 'much too late');
    for (let minute = 0; minute < 15; minute++) await lab.pass(MINUTE);
    expect(lab.on('C0ALERTS')).not.toContain('much too late');
  });

  it('and one of a record of before, with a page of SageMaker’s, is shown as it was told', async () => {
    await fail([], { exit: { code: 137, signal: null } });
    const [alert] = await lab.store.listAlerts({ useCase: 'lab', limit: 1 });
    const link = { title: 'ResourceConfig', url: 'https://docs.aws.amazon.com/x.html' };
    const before = { ...alert!, advice: { id: 'old', cause: 'Some cause.', fix: 'Do this.', link } };
    expect(JSON.stringify(alertMessage(before, LAB))).toContain(
      'Do this. <https://docs.aws.amazon.com/x.html|ResourceConfig>',
    );
  });
});

it('a run that went silent on a runner is told without CloudWatch and money', async () => {
  local.put('press-2', 'EXECUTING', { createdAt: lab.now(), startedAt: lab.now() });
  local.print('press-2', lab.now(), 'epoch 1');
  for (const _ of Array(4)) await lab.pass(10 * MINUTE);
  const alert = lab.on('C0ALERTS');
  expect(alert).toContain('No log line for');
  expect(alert).not.toMatch(OF_SAGEMAKER);
});

it('a machine that was taken back is no spot capacity', async () => {
  local.put('press-3', 'EXECUTING', { createdAt: lab.now() + 1, startedAt: lab.now() });
  await lab.pass(MINUTE);
  local.put('press-3', 'PREEMPTED', { createdAt: lab.now() });
  await lab.pass(MINUTE);
  const said = lab.on('C0LAB');
  expect(said).toContain('Its machine was taken back');
  expect(said).not.toMatch(/spot|SageMaker/i);
});
