/** The provider `runpod` against RunPod's API as the sandbox has it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FaultPlan, type RunpodSandbox } from '#sandbox';
import { fixedProgram } from '#sandbox/seeds';
import { AppError } from '../../src/ground/errors.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { describeTrainingProvider } from '../contract/training-provider.ts';
import { keptPods, openPods, ownPod, POD_TEMPLATE, podUseCase, startPods } from '../fixtures/runpod.ts';

const idOf = (sandbox: RunpodSandbox, name: string): string =>
  sandbox.pods().find((pod) => pod.name === name)!.id;
const jobOf = (sandbox: RunpodSandbox, name: string): string => `${name}.${idOf(sandbox, name)}`;

describeTrainingProvider('RunPod', async () => {
  const sandbox = await startPods(
    [
      ownPod('good', ['epoch 1/2 loss=0.5', 'épreuve 2/2 loss=0.25'], { exit: 0 }),
      ownPod('bad', ['epoch 1/2 loss=nan', 'ValueError: nan'], { exit: 3, createdAt: Date.now() - 50_000 }),
      ownPod('busy', ['epoch 1/90 loss=0.5'], { createdAt: Date.now() - 40_000 }),
    ],
    { settings: { provisionMs: 5_000, startMs: 0 } },
  );
  const [completed = '', failed = '', running = ''] = ['good', 'bad', 'busy'].map((one) =>
    jobOf(sandbox, one),
  );
  const { kept, copy } = keptPods();
  const provider = openPods(podUseCase(sandbox.apiUrl), kept);
  // As the background does it.
  await Promise.all([copy(provider, completed), copy(provider, failed)]);
  return {
    ...{ provider, jobs: { completed, failed, running }, template: POD_TEMPLATE, taken: 'good' },
    close: () => sandbox.close(),
  };
});

describe('a pod', () => {
  let sandbox: RunpodSandbox;
  afterEach(() => sandbox.close());
  const text = async (provider: TrainingProvider, job: string): Promise<string> =>
    (await provider.getLogs(job, { limit: 10_000, offset: 0 })).lines.join('\n');
  const refusal = (work: Promise<unknown>): Promise<AppError> =>
    work.then(
      () => expect.unreachable(),
      (error: unknown) => error as AppError,
    );

  it('is a job of the use case that started it, or of one whose patterns allow it, and of no other', async () => {
    sandbox = await startPods([
      ownPod('ours', ['a']),
      ownPod('theirs', ['a'], { useCase: 'other' }),
      { name: 'Lab press #7', image: 'acme/x', createdAt: Date.now() - 9_000 },
      { name: 'jupyter', image: 'acme/x', createdAt: Date.now() - 9_000 },
    ]);
    const provider = openPods(podUseCase(sandbox.apiUrl, { pods: ['lab *'] }));
    const seen = (await provider.jobs.list({ limit: 10 })).map(({ name }) => name);
    expect(new Set(seen)).toEqual(
      new Set([jobOf(sandbox, 'ours'), `Lab-press-7.${idOf(sandbox, 'Lab press #7')}`]),
    );
    for (const name of ['theirs', 'jupyter']) {
      const job = jobOf(sandbox, name);
      expect(await provider.getStatus(job)).toBeUndefined();
      expect(await provider.getStatus(idOf(sandbox, name))).toBeUndefined();
      expect((await refusal(provider.getLogs(job, { limit: 5 }))).code).toBe('not_found');
      expect((await refusal(provider.cancel(job))).code).toBe('not_found');
    }
    // The id alone, as people copy it, is the job with its name; a made-up name is none.
    const id = idOf(sandbox, 'ours');
    expect(await provider.getStatus(id)).toMatchObject({ name: `ours.${id}` });
    expect(await provider.getStatus(`other.${id}`)).toBeUndefined();
  });

  it('tells what it costs, what it runs on and what it was started with', async () => {
    sandbox = await startPods([ownPod('ours', ['a'])]);
    const provider = openPods(podUseCase(sandbox.apiUrl));
    const job = jobOf(sandbox, 'ours');
    expect(await provider.getStatus(job)).toMatchObject({
      ...{ state: 'running', status: 'RUNNING', costPerHour: 0.27, instanceType: 'NVIDIA RTX A5000' },
      ...{ hyperparameters: { epochs: '3' } },
    });
    expect(provider.links(job)).toMatchObject({
      site: 'RunPod',
      job: `https://www.runpod.io/console/pods/${idOf(sandbox, 'ours')}`,
    });
    expect(await provider.jobs.tags({ name: job })).toEqual({ template: 'press' });
  });

  it('is stopped, not failed and not completed, if it was taken away before its command had ended', async () => {
    sandbox = await startPods([ownPod('ours', ['epoch 1', 'epoch 2'])]);
    const { kept, copy, logs } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    const copied = copy(provider, job);
    await until(async () => (await logs.info(`lab~runpod~${job}`))?.size ?? 0);
    sandbox.preempt('ours');
    expect(['stopping', 'stopped']).toContain((await provider.getStatus(job))?.state);
    await copied;
    expect(await provider.getStatus(job)).toMatchObject({
      ...{ state: 'stopped', phase: 'unexplained', status: 'EXITED' },
      failureReason: expect.stringContaining('does not say how its command ended'),
    });
    expect(await logs.info(`lab~runpod~${job}`)).toMatchObject({ end: { state: 'stopped', exitCode: null } });
    expect(await text(provider, job)).toContain('host is going away');
  });

  it('ended as it did, whatever became of its pod later', async () => {
    sandbox = await startPods([ownPod('ours', ['epoch 1'])]);
    const { kept, copy, logs } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    const copied = copy(provider, job);
    await until(async () => (await logs.info(`lab~runpod~${job}`))?.size ?? 0);
    sandbox.preempt('ours');
    await copied;
    const before = await provider.getStatus(job);
    await provider.machines!.giveBack(idOf(sandbox, 'ours'));
    expect(await provider.getStatus(job)).toEqual(before);
  });

  it('printed when it printed, however late all of that was read at once', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => ({ after: 30, line: `step ${index}` }));
    sandbox = await startPods([
      {
        ...ownPod('ours', []),
        createdAt: Date.now() - 3_600_000,
        program: fixedProgram([...lines, { after: 1, line: '[signalbox run-ours] exit 0' }], undefined),
      },
    ]);
    const { kept, copy } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    await copy(provider, job);
    const page = await provider.log(job).readPage({ stream: 'output', direction: 'forward' });
    const times = [...page.times];
    expect(times.length).toBeGreaterThan(40);
    const steps = times.slice(-41, -1);
    for (const [index, at] of steps.entries())
      if (index > 0) expect(at - steps[index - 1]!).toBeGreaterThanOrEqual(29_000);
  });

  it('stays known, with its log and its end, after it was deleted', async () => {
    sandbox = await startPods([ownPod('ours', ['epoch 1', 'done'], { exit: 0 })]);
    const { kept, copy } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    await copy(provider, job);
    const before = await provider.getStatus(job);
    expect(before).toMatchObject({ state: 'completed', exit: { code: 0, signal: null } });
    const whole = await text(provider, job);
    await provider.machines!.giveBack(idOf(sandbox, 'ours'));
    expect(sandbox.pods()).toEqual([]);
    expect(await provider.getStatus(job)).toEqual(before);
    expect(await provider.jobs.list({ limit: 5 })).toEqual([before]);
    expect(await text(provider, job)).toBe(whole);
    expect((await provider.setup(job))?.hyperparameters).toEqual({ epochs: '3' });
  });

  it('has a log without a gap or a line twice while its stream stalls, breaks off, and repeats itself', async () => {
    const faults = new FaultPlan();
    const lines = Array.from({ length: 60 }, (_, index) => ({ after: 0.02, line: `step ${index}` }));
    sandbox = await startPods(
      [
        ownPod('ours', [], {
          createdAt: Date.now(),
          program: fixedProgram([...lines, { after: 0.01, line: '[signalbox run-ours] exit 0' }], undefined),
        }),
      ],
      { faults },
    );
    for (const kind of ['stall', 'cut', 'double', 'close', 'junk', 'cut'])
      faults.add({ on: 'runpod:GetPodLogs', kind, seconds: 0.1 });
    const { kept, copy } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    await copy(provider, job);
    const printed = (await text(provider, job)).split('\n').filter((line) => line.startsWith('step'));
    expect(printed).toEqual(lines.map(({ line }) => line));
  });

  it('has all of 10,000 lines of one second', async () => {
    const faults = new FaultPlan();
    sandbox = await startPods([ownPod('ours', ['begin'])], { faults });
    faults.add({ on: 'runpod:GetPodLogs', kind: 'same_second' });
    const { kept, copy, logs } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    const stop = new AbortController();
    const copied = copy(provider, job, stop.signal).catch(() => undefined);
    await until(async () => ((await logs.info(`lab~runpod~${job}`))?.size ?? 0) > 100_000);
    sandbox.print('ours', ['[signalbox run-ours] exit 0']);
    await copied;
    const { total = 0 } = await provider.getLogs(job, { limit: 1, offset: 0 });
    expect(total).toBe(sandbox.pods()[0]!.lines);
    expect(total).toBeGreaterThan(10_000);
  });

  it('gives the whole log as it is now from what is kept and what RunPod has besides', async () => {
    sandbox = await startPods([ownPod('ours', ['epoch 1'])]);
    const { kept, copy, logs } = keptPods();
    const provider = openPods(podUseCase(sandbox.apiUrl), kept);
    const job = jobOf(sandbox, 'ours');
    const stop = new AbortController();
    const copied = copy(provider, job, stop.signal).catch(() => undefined);
    await until(async () => (await logs.info(`lab~runpod~${job}`))?.size ?? 0);
    stop.abort();
    await copied;
    sandbox.print('ours', ['epoch 2', 'epoch 3']);
    const all = await provider.getLogs(job, { limit: 10_000, offset: 0 });
    expect(all.lines.slice(-3)).toEqual(['epoch 1', 'epoch 2', 'epoch 3']);
    expect(all.lines[0]).toBe('[system] create container acme/train:1');
    expect(
      (await openPods(podUseCase(sandbox.apiUrl)).getLogs(job, { limit: 10_000, offset: 0 })).lines,
    ).toEqual(all.lines);
  });

  it('is made once by two clicks, also if the answer to the first was lost', async () => {
    const faults = new FaultPlan();
    sandbox = await startPods([], { faults });
    const [one, other] = [openPods(podUseCase(sandbox.apiUrl)), openPods(podUseCase(sandbox.apiUrl))];
    const order = {
      ...({ kind: 'template', name: 'press-7', template: POD_TEMPLATE, askedAt: Date.now() } as const),
      ...{ values: { epochs: '2' }, machine: 'NVIDIA L40S' },
    };
    faults.add({ on: 'runpod:CreatePod', kind: 'lost_answer' });
    const lost = await refusal(one.deploy(order));
    expect(lost.code).toBe('unavailable');
    const ids = await Promise.all([one.deploy(order), other.deploy(order), one.deploy(order)]);
    expect(new Set(ids).size).toBe(1);
    expect(sandbox.pods()).toHaveLength(1);
    expect(await one.getStatus(ids[0]!)).toMatchObject({
      instanceType: 'NVIDIA L40S',
      hyperparameters: { epochs: '2' },
    });
  });
});

describe('[P3] what goes wrong with RunPod is told with what to do, and where to look instead', () => {
  let sandbox: RunpodSandbox;
  afterEach(() => sandbox.close());
  const job = 'ours.abcdef123456';
  const page = 'https://www.runpod.io/console/pods/abcdef123456';

  async function trouble(kind: string, more: { seconds?: number; key?: string } = {}): Promise<AppError> {
    const faults = new FaultPlan();
    sandbox = await startPods([], { faults });
    if (kind !== '')
      faults.add({ on: 'runpod:GetPod', kind, ...(more.seconds ? { seconds: more.seconds } : {}) });
    const useCase = podUseCase(sandbox.apiUrl, 'key' in more ? { key: more.key } : {});
    return await openPods(useCase)
      .getStatus(job)
      .then(
        () => expect.unreachable(),
        (error: unknown) => error as AppError,
      );
  }

  it.each([
    ['no key', '', { key: undefined }, 'conflict', 'no API key', 'POD_KEY'],
    ['a wrong key', '', { key: 'rpa_WRONG' }, 'permission_denied', 'does not accept', 'POD_KEY'],
    ['401', '401', {}, 'permission_denied', 'does not accept', 'POD_KEY'],
    ['403', '403', {}, 'permission_denied', 'does not let', 'POD_KEY'],
    ['422', '422', {}, 'invalid_input', 'refused', '422'],
    ['429', '429', { seconds: 12 }, 'rate_limited', 'no more requests', 'says'],
    ['500', '500', {}, 'unavailable', 'refused', '500'],
    ['a broken connection', 'drop', {}, 'unavailable', 'does not answer', '127.0.0.1'],
  ] as const)('%s', async (_, kind, more, code, message, admin) => {
    const error = await trouble(kind, more);
    expect(error).toBeInstanceOf(AppError);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.adminHint).toContain(admin);
    // P3's information message.
    expect(error.hint).toContain(`RunPod’s console, tab Logs: ${page}`);
    expect(error.hint).toContain('/workspace/training_output.log');
    if (kind === '429') expect(error.retryAfterMs).toBe(12_000);
  });

  it('404 is no error but no job', async () => {
    sandbox = await startPods();
    expect(await openPods(podUseCase(sandbox.apiUrl)).getStatus(job)).toBeUndefined();
  });

  it('a template that names a variable which is not set starts nothing', async () => {
    sandbox = await startPods();
    const template = {
      ...POD_TEMPLATE,
      runpod: { ...POD_TEMPLATE.runpod, env: { KEY: { variable: 'WANDB_KEY', read: () => undefined } } },
    };
    const order = { kind: 'template', name: 'x', template, values: { epochs: '1' }, askedAt: 0 } as const;
    const error = await openPods(podUseCase(sandbox.apiUrl))
      .deploy(order)
      .catch((one: unknown) => one as AppError);
    expect(error).toMatchObject({ code: 'invalid_input', adminHint: expect.stringContaining('WANDB_KEY') });
    expect(sandbox.pods()).toEqual([]);
  });

  it('a run that is to be repeated on another number of GPUs than its template rents is not started', async () => {
    sandbox = await startPods([]);
    const one = openPods(podUseCase(sandbox.apiUrl));
    const values = { epochs: '1' };
    const again = await one.deploy({
      ...({ kind: 'template', name: 'x', template: POD_TEMPLATE, values, askedAt: Date.now() } as const),
    });
    const machines = { ...(await one.setup(again))!.machines!, count: 3 };
    const error = await one
      .deploy({ kind: 'again', name: 'y', again, hyperparameters: values, machines, askedAt: Date.now() })
      .catch((thrown: unknown) => thrown as AppError);
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('not 3') });
    expect(sandbox.pods()).toHaveLength(1);
  });

  it('no such machine free says so, and nothing is started twice', async () => {
    const faults = new FaultPlan();
    sandbox = await startPods([], { faults });
    faults.add({ on: 'runpod:CreatePod', kind: '400' });
    const order = {
      ...({ kind: 'template', name: 'x', template: POD_TEMPLATE, values: { epochs: '1' } } as const),
      askedAt: 0,
    };
    const error = await openPods(podUseCase(sandbox.apiUrl))
      .deploy(order)
      .catch((one: unknown) => one as AppError);
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('refused') });
    expect(sandbox.pods()).toEqual([]);
  });
});

async function until(check: () => Promise<unknown>): Promise<void> {
  await vi.waitFor(async () => expect(await check()).toBeTruthy(), { timeout: 10_000, interval: 5 });
}
