/** Several providers at their worst: odd names, one that never answers, one that is gone from the configuration. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOGS, LOGS_FIELDS } from '../../src/blocks/logs.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { type Lab, MINUTE, openLab } from './lab.ts';

let cloud: MemoryRunner;
let local: MemoryRunner;
let other: MemoryRunner;
let lab: Lab;
beforeEach(async () => {
  cloud = new MemoryRunner('lab', 'sagemaker');
  local = new MemoryRunner('lab', 'local');
  other = new MemoryRunner('lab', 'runpod');
  lab = await openLab([cloud, local, other]);
});
afterEach(() => lab.close());

function ran(runner: MemoryRunner, name: string, word = 'EXITED_0'): void {
  const ended = word === 'EXECUTING' ? {} : { endedAt: lab.now() };
  runner.put(name, word, { createdAt: lab.now() + 1, startedAt: lab.now(), ...ended });
  runner.print(name, lab.now(), `printed on ${runner.name}`);
}

describe('a name that three providers have', () => {
  const LONGEST = `n${'_.-9'.repeat(29)}end`;

  it.each(['local', 'LOCAL', 'sagemaker', 'press_1.b', 'constructor', LONGEST])(
    '%s means each of them by its exact word, and is asked about alone',
    async (name) => {
      for (const runner of [cloud, local, other]) ran(runner, name);
      await lab.pass(MINUTE);
      for (const { name: place } of [cloud, local, other]) {
        await lab.type('logs', `${place}:${name} --raw`);
        expect(lab.files.at(-1)).toBe(`printed on ${place}\n`);
      }
      expect(await lab.type('logs', `${name} --raw`)).toContain('Which one?');
      await lab.click('RunPod');
      expect(lab.files.at(-1)).toBe('printed on runpod\n');
      expect(lab.errors).toEqual([]);
    },
  );

  it('is suggested once for each, by its name and behind its provider, and each choice brings its own log', async () => {
    for (const runner of [cloud, local, other]) ran(runner, 'press-1');
    await lab.pass(MINUTE);
    const suggested = async (typed: string) =>
      (await lab.suggest(LOGS.job, typed)).map(({ value = '' }) => value).sort();
    expect(await suggested('press')).toEqual(['lab local:press-1', 'lab press-1', 'lab runpod:press-1']);
    expect(await suggested('local:pre')).toEqual(['lab local:press-1']);
    expect(await suggested('RUNPOD:')).toContain('lab runpod:press-1');
    expect(await suggested('sagemaker:press-1')).toEqual(['lab press-1']);
    for (const value of await suggested('press'))
      await lab.submit(LOGS.form, { [LOGS_FIELDS.job]: [value], [LOGS_FIELDS.form]: ['raw'] });
    expect([...lab.files].sort()).toEqual(
      ['local', 'runpod', 'sagemaker'].map((place) => `printed on ${place}\n`),
    );
  });

  it('and 500 characters is listed and told of without an error, and too long to be typed', async () => {
    const name = 'n'.repeat(500);
    for (const runner of [cloud, local, other]) ran(runner, name, 'CRASHED');
    await lab.pass(MINUTE);
    expect(await lab.type('jobs', 'nnn')).toContain('3 jobs');
    expect(await lab.type('logs', name)).toContain('at most 120 characters');
    expect(await lab.suggest(LOGS.job, 'nnn')).toEqual([]);
    expect(await lab.store.listAlerts({ useCase: 'lab', limit: 9 })).toHaveLength(3);
    expect(lab.errors).toEqual([]);
  });
});

describe('a provider that is gone from the configuration', () => {
  beforeEach(async () => {
    ran(local, 'done-1', 'CRASHED');
    ran(local, 'going-1', 'EXECUTING');
    await lab.pass(MINUTE);
    local.isUsed = false;
  });

  it('leaves its jobs, cards and alerts as they were last seen, with the reason', async () => {
    // Longer than a run may be silent: nobody can tell whether this one is.
    for (let round = 0; round < 6; round += 1) await lab.pass(10 * MINUTE);
    expect(lab.errors).toEqual([]);
    const gone = 'This use case does not train on the local runner any more.';
    await lab.type('jobs', '');
    expect(await lab.click('local:going-1')).toContain(gone);
    await lab.type('jobs', '');
    expect(await lab.click('local:done-1')).toContain('"*Provider*\\nLocal runner"');
    expect(lab.on('C0LAB')).toContain(gone);
    const [alert] = await lab.store.listAlerts({ useCase: 'lab', limit: 9 });
    expect(alert).toMatchObject({ job: 'local:done-1', state: 'open' });
  });

  it('is named to whoever asks for the log of one of its jobs, and the others are read as ever', async () => {
    expect(await lab.type('logs', 'local:done-1')).toContain('does not train on the local runner');
    expect(await lab.type('logs', 'done-1')).toContain('There is no training job');
    ran(cloud, 'mill-1');
    await lab.pass(MINUTE);
    await lab.type('logs', 'mill-1 --raw');
    expect(lab.files).toEqual(['printed on sagemaker\n']);
  });

  it('is taken up again where it comes back', async () => {
    await lab.pass(MINUTE);
    local.isUsed = true;
    ran(local, 'going-1');
    await lab.pass(20 * MINUTE);
    expect((await lab.store.getJob('lab', 'local:going-1'))?.job.state).toBe('completed');
    expect(lab.errors).toEqual([]);
  });
});
