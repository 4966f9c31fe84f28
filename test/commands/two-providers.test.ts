/** A use case that trains on two providers, each with jobs of its own, some of them called the same. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOGS, LOGS_FIELDS } from '../../src/blocks/logs.ts';
import { AppError } from '../../src/ground/errors.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { type Lab, MINUTE, openLab } from './lab.ts';

let cloud: MemoryRunner;
let local: MemoryRunner;
let lab: Lab;
beforeEach(async () => {
  // The one whose jobs are kept under their names alone, as in every record of earlier versions, and another.
  cloud = new MemoryRunner('lab', 'sagemaker');
  local = new MemoryRunner('lab');
  lab = await openLab([cloud, local]);
});
afterEach(() => lab.close());

/** A job of one name on each, both printing where they run. */
async function both(name: string, word = 'EXITED_0'): Promise<void> {
  for (const [runner, place] of [
    [cloud, 'cloud'],
    [local, 'lab'],
  ] as const) {
    runner.put(name, word, { createdAt: lab.now() + 1, endedAt: lab.now() });
    runner.print(name, lab.now(), `printed in the ${place}`);
  }
  await lab.pass(MINUTE);
}

/** A job on the local runner alone. */
async function drill(): Promise<void> {
  local.put('drill-1', 'EXITED_0', { createdAt: lab.now() + 1, endedAt: lab.now() });
  local.print('drill-1', lab.now(), 'drilled');
  await lab.pass(MINUTE);
}

const asked = 'Which one?';

describe('a name that two providers have', () => {
  it('is asked about by /logs, and each answer brings its own log', async () => {
    await both('press-1');
    expect(await lab.type('logs', 'press-1 --raw')).toContain(asked);
    expect(lab.files).toEqual([]);
    await lab.click('The local runner');
    expect(lab.files).toEqual(['printed in the lab\n']);
    await lab.type('logs', 'press-1 --raw');
    await lab.click('SageMaker');
    expect(lab.files.at(-1)).toBe('printed in the cloud\n');
  });

  it.each([
    ['local:press-1', 'lab'],
    ['LOCAL:press-1', 'lab'],
    ['sagemaker:press-1', 'cloud'],
    ['`local:press-1`', 'lab'],
  ])('is not asked about when it is written as %s', async (word, place) => {
    await both('press-1');
    expect(await lab.type('logs', `${word} --raw`)).not.toContain(asked);
    expect(lab.files).toEqual([`printed in the ${place}\n`]);
  });

  it('has two rows in /jobs, told apart, with a way into each', async () => {
    await both('press-1');
    const table = await lab.type('jobs', 'press');
    expect(table).toContain('2 jobs');
    expect(table).toContain('"Provider"');
    expect(await lab.click('local:press-1')).toContain('"*Provider*\\nLocal runner"');
    await lab.type('jobs', 'press');
    expect(await lab.click('press-1')).toContain('"*Provider*\\nSageMaker"');
    const filtered = await lab.type('jobs', 'press provider:local');
    expect(filtered).toContain('1 job');
    expect(filtered).toContain('on the local runner');
  });

  it('is suggested twice, and the one chosen in the form is the one that comes', async () => {
    await both('press-1');
    const options = await lab.suggest(LOGS.job, 'press');
    expect(options.map(({ value }) => value).sort()).toEqual(['lab local:press-1', 'lab press-1']);
    const [ours] = options.filter(({ value = '' }) => value.includes('local:'));
    expect(ours?.description?.text).toContain('on the local runner');
    for (const { value = '' } of options)
      await lab.submit(LOGS.form, { [LOGS_FIELDS.job]: [value], [LOGS_FIELDS.form]: ['raw'] });
    expect([...lab.files].sort()).toEqual(['printed in the cloud\n', 'printed in the lab\n']);
  });

  it('is two cards and two alerts, whose buttons bring the log of each', async () => {
    await both('press-1', 'CRASHED');
    const alerts = await lab.store.listAlerts({ useCase: 'lab', limit: 9 });
    expect(alerts.map(({ job }) => job).sort()).toEqual(['local:press-1', 'press-1']);
    expect(lab.on('C0ALERTS')).toContain('`press-1` on the local runner');
    for (const job of ['press-1', 'local:press-1'])
      expect(await lab.store.getPost(`card/lab/${job}`)).toBeDefined();
    const cards = lab.on('C0LAB');
    expect(cards).toContain('*Training failed* on the local runner');
    for (const word of ['local:press-1', 'sagemaker:press-1'])
      expect(cards).toContain(JSON.stringify(JSON.stringify({ job: word, useCase: 'lab' })).slice(1, -1));
    expect(lab.errors).toEqual([]);
  });

  it('is made good by a success on its own provider alone', async () => {
    await both('press-20260105', 'CRASHED');
    local.put('press-20260106', 'EXITED_0', { createdAt: lab.now() + 1, endedAt: lab.now() + 1 });
    await lab.pass(MINUTE);
    const alerts = await lab.store.listAlerts({ useCase: 'lab', limit: 9 });
    const states = Object.fromEntries(alerts.map(({ job, state }) => [job, state]));
    expect(states).toEqual({ 'press-20260105': 'open', 'local:press-20260105': 'resolved' });
  });

  it('means the one whose model can be compiled to /compile', async () => {
    await both('press-1');
    const answer = await lab.type('compile', 'press-1 x86_64-cpu');
    expect(answer).not.toContain(asked);
    expect(answer).toContain('has no AWS account');
    expect(await lab.type('compile', 'local:press-1 x86_64-cpu')).toContain(
      'press-1 cannot be compiled: jobs on the local runner leave no model in S3, where Neo takes models from. What can be compiled: training jobs on SageMaker.',
    );
  });

  it('is the one that a message names', async () => {
    await both('press-1');
    expect(await lab.onMessage('what about local:press-1 ?')).not.toContain(asked);
    expect(lab.files.at(-1)).toContain('printed in the lab');
    expect(await lab.onMessage('what about press-1 ?')).toContain(asked);
  });
});

describe('a name that one of two providers has', () => {
  it('is found wherever it is, without a question', async () => {
    await drill();
    expect(await lab.type('logs', 'drill-1 --raw')).not.toContain(asked);
    expect(lab.files).toEqual(['drilled\n']);
    expect(await lab.type('logs', 'sagemaker:drill-1')).toContain('There is no training job');
  });

  it('is offered for a mistyped one as it is written to be meant alone', async () => {
    await drill();
    expect(await lab.type('logs', 'dril-1 --raw')).toContain('local:drill-1');
    await lab.click('local:drill-1');
    expect(lab.files).toEqual(['drilled\n']);
  });

  it('is refused on a provider where the use case does not train, with what to do', async () => {
    const answer = await lab.type('logs', 'runpod:drill-1');
    expect(answer).toContain('does not train on RunPod');
    expect(answer).toContain('It trains on SageMaker and the local runner');
  });
});

describe('when one of two providers does not answer', () => {
  const down = new AppError('unavailable', 'The lab does not answer.');

  it('the other’s jobs are listed, suggested, followed and read as ever', async () => {
    local.outage = down;
    cloud.put('mill-1', 'EXECUTING', { createdAt: lab.now() + 1 });
    cloud.print('mill-1', lab.now(), 'milling');
    await lab.pass(MINUTE);
    expect(await lab.type('jobs', '')).toContain('mill-1');
    expect((await lab.suggest(LOGS.job, 'mill')).map(({ value }) => value)).toEqual(['lab mill-1']);
    await lab.type('logs', 'mill-1 --raw');
    expect(lab.files).toEqual(['milling\n']);
    expect(lab.on('C0LAB')).toContain('mill-1');
  });

  it('a job that is on neither of those that answer is not said to be nowhere', async () => {
    local.outage = down;
    const answer = await lab.type('logs', 'press-9');
    expect(answer).toContain('The lab does not answer.');
    expect(answer).not.toContain('There is no training job');
  });

  it('what it had is still in the table, with the reason why it is not newer', async () => {
    await both('press-1', 'EXECUTING');
    local.outage = down;
    await lab.pass(MINUTE);
    expect(await lab.type('jobs', 'press')).toContain('2 jobs');
    expect(await lab.click('local:press-1')).toContain('The lab does not answer.');
  });
});
