import { beforeEach, describe, expect, it } from 'vitest';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { artifactLink } from '../../src/operations/artifact-link.ts';
import { componentDetails, listComponents, withStates } from '../../src/operations/browse-components.ts';
import { DeviceFinder } from '../../src/operations/find-devices.ts';
import { jobSnapshot } from '../../src/operations/job-snapshots.ts';
import { publishComponents, recipePreview } from '../../src/operations/publish-component.ts';
import { startCompilations } from '../../src/operations/start-compilations.ts';
import { ADA, Background, BEN, componentArn, LINE_3, SimulatedAccount } from './simulated-account.ts';

let account: SimulatedAccount;
let bot: Background;
beforeEach(() => {
  account = new SimulatedAccount();
  bot = new Background(account);
});

const XAVIER = 'model-train-resnet-jetson-xavier';
const CPU = 'model-train-resnet-x86_64-cpu';

async function compiled(job = 'train-resnet-20260131', targets = ['jetson-xavier', 'x86_64-cpu']) {
  account.train(job);
  await startCompilations(bot.deps, { actor: ADA, useCase: bot.useCase, job, targets, why: 'manual' });
  account.advance('COMPLETED');
  await bot.pass(30_000);
}
const publish = (targets: string[], more: Partial<Parameters<typeof publishComponents>[1]> = {}) =>
  publishComponents(bot.deps, {
    actor: ADA,
    useCase: LINE_3,
    job: 'train-resnet-20260131',
    targets,
    why: 'manual',
    ...more,
  });
const settle = (state: string, message?: string) => {
  for (const component of account.components.values()) {
    if (component.state !== 'INITIATED') continue;
    component.state = state;
    if (message !== undefined) component.message = message;
  }
};
const stored = () => bot.store.listComponents({ useCase: 'line-3' });

describe('[G1] packaging a compiled model', () => {
  it('publishes the next free version of each target and follows it until it is deployable', async () => {
    await compiled();
    const { results } = await publish(['jetson-xavier', 'x86_64-cpu']);
    expect(
      results.map(({ outcome, component }) => [outcome, component?.chain.component, component?.state]),
    ).toEqual([
      ['published', { name: XAVIER, version: '1.0.0' }, 'INITIATED'],
      ['published', { name: CPU, version: '1.0.0' }, 'INITIATED'],
    ]);
    settle('DEPLOYABLE');
    await bot.pass(30_000);
    expect((await stored()).map(({ state, recipe, publishedBy }) => [state, recipe, publishedBy])).toEqual([
      ['DEPLOYABLE', undefined, ADA],
      ['DEPLOYABLE', undefined, ADA],
    ]);
    expect((await jobSnapshot(bot.deps, LINE_3, 'train-resnet-20260131'))?.targets[0]).toMatchObject({
      packageable: false,
      components: [{ state: 'DEPLOYABLE' }],
    });
  });

  it('never takes a version that Greengrass or a retraining has', async () => {
    account.components.set('by hand', {
      arn: componentArn(XAVIER, '1.4.2'),
      name: XAVIER,
      version: '1.4.2',
      state: 'DEPLOYABLE',
      errors: {},
      createdAt: 0,
    });
    await compiled();
    await compiled('train-resnet-20260201');
    const both = await Promise.all([
      publish(['jetson-xavier']),
      publish(['jetson-xavier'], { job: 'train-resnet-20260201' }),
    ]);
    const versions = both.flatMap(({ results }) =>
      results.map(({ component }) => component?.chain.component.version),
    );
    expect(versions.sort()).toEqual(['1.4.3', '1.4.4']);
  });

  it('makes one of one compilation, however many click', async () => {
    await compiled();
    const all = await Promise.all([
      publish(['x86_64-cpu']),
      publish(['x86_64-cpu'], { actor: BEN }),
      publish(['x86_64-cpu']),
    ]);
    expect(all.flatMap(({ results }) => results.map(({ outcome }) => outcome)).sort()).toEqual([
      'already',
      'already',
      'published',
    ]);
    expect(account.components.size).toBe(1);
  });

  it('an answer that is lost is asked for again with the same recipe and makes nothing twice', async () => {
    await compiled();
    account.fault = (point) => (point === 'published' ? new AppError('timeout', 'No answer.') : undefined);
    const { results } = await publish(['x86_64-cpu']);
    expect(results[0]).toMatchObject({ outcome: 'pending', component: { state: 'REQUESTED' } });
    account.fault = () => undefined;
    await bot.restart();
    await bot.pass(30_000);
    expect(account.components.size).toBe(1);
    expect(await stored()).toMatchObject([{ state: 'INITIATED', arn: componentArn(CPU, '1.0.0') }]);
  });

  it('by itself when a compilation completes, once, and told when it cannot', async () => {
    const auto: UseCase = { ...LINE_3, components: { auto: true } };
    bot = new Background(account, auto);
    await compiled();
    await bot.pass(2_000);
    await bot.restart();
    await bot.pass(30_000);
    expect((await stored()).map(({ chain, publishedBy }) => [chain.target, publishedBy?.user])).toEqual([
      ['jetson-xavier', 'signalbox'],
      ['x86_64-cpu', 'signalbox'],
    ]);

    bot = new Background(account, {
      ...auto,
      components: { auto: true, recipeTemplate: 'nonsense: {{oops}}' },
    });
    await compiled('train-unet', ['x86_64-cpu']);
    await bot.pass(2_000);
    expect(bot.told.filter(({ kind }) => kind === 'auto-failed')).toMatchObject([
      { what: 'package', target: 'x86_64-cpu', error: { code: 'invalid_input' } },
    ]);
  });

  it('previews the recipe before anything is published', async () => {
    await compiled();
    const preview = await recipePreview(bot.deps, {
      actor: ADA,
      useCase: LINE_3,
      job: 'train-resnet-20260131',
      target: 'jetson-xavier',
    });
    expect(preview).toMatchObject({ name: XAVIER, version: '1.0.0', template: 'built-in', existing: [] });
    expect(preview.recipe).toContain('architecture: aarch64');
    expect(await stored()).toEqual([]);
  });
});

describe('[G4] what cannot be packaged', () => {
  it('is said per target, does not touch the others, and may be packaged again', async () => {
    await compiled();
    account.fault = (point, subject) =>
      point === 'publish' && subject === XAVIER
        ? new AppError('permission_denied', 'No right to read the artifact.')
        : undefined;
    const { results } = await publish(['jetson-xavier', 'x86_64-cpu', 'arm64-cpu']);
    expect(results.map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ['refused', 'permission_denied'],
      ['published', undefined],
      ['refused', 'conflict'],
    ]);
    expect(results[0]?.component).toMatchObject({
      state: 'FAILED',
      message: 'No right to read the artifact.',
    });
    account.fault = () => undefined;
    expect((await publish(['jetson-xavier'])).results[0]).toMatchObject({
      outcome: 'published',
      component: { chain: { component: { version: '1.0.1' } } },
    });
  });

  it('fails in Greengrass with its words, cause and fix', async () => {
    await compiled();
    await publish(['x86_64-cpu']);
    settle('FAILED', 'Access Denied when reading s3://line-3-models/compiled');
    await bot.pass(30_000);
    const { entries } = await listComponents(bot.deps, { actor: ADA, useCase: LINE_3 });
    expect(entries[0]).toMatchObject({ state: 'FAILED', advice: { fix: expect.any(String) } });
    expect((await publish(['x86_64-cpu'])).results[0]?.outcome).toBe('published');
  });

  it('a second version of a good one only when asked for', async () => {
    await compiled();
    await publish(['x86_64-cpu']);
    expect((await publish(['x86_64-cpu'], { why: 'again' })).results[0]?.outcome).toBe('already');
    settle('DEPLOYABLE');
    await bot.pass(30_000);
    expect((await publish(['x86_64-cpu'])).results[0]?.outcome).toBe('already');
    expect((await publish(['x86_64-cpu'], { why: 'again' })).results[0]).toMatchObject({
      outcome: 'published',
      component: { chain: { component: { version: '1.0.1' } } },
    });
  });
});

describe('[G2] components and where they come from', () => {
  it('lists our versions with their chain, and others without', async () => {
    await compiled();
    account.components.set('other', {
      arn: componentArn('camera-driver', '2.0.0'),
      name: 'camera-driver',
      version: '2.0.0',
      state: 'DEPLOYABLE',
      errors: {},
      createdAt: 1,
    });
    await publish(['x86_64-cpu']);
    const all = await listComponents(bot.deps, { actor: ADA, useCase: LINE_3 });
    expect(all.entries.map(({ name, attempt }) => [name, attempt?.target])).toEqual([
      [CPU, 'x86_64-cpu'],
      ['camera-driver', undefined],
    ]);
    const byJob = await listComponents(bot.deps, { actor: ADA, useCase: LINE_3, match: 'RESNET-2026' });
    expect(byJob.entries.map(({ component }) => component?.chain.trainingJob)).toEqual([
      'train-resnet-20260131',
    ]);
    account.components.get('other')!.state = 'FAILED';
    const entries = await withStates(bot.deps, { actor: ADA, useCase: LINE_3, entries: all.entries });
    expect(entries.map(({ name, state }) => [name, state])).toEqual([
      [CPU, 'INITIATED'],
      ['camera-driver', 'FAILED'],
    ]);
    account.fault = (point) => (point === 'component' ? new AppError('unavailable', 'Away.') : undefined);
    expect(await withStates(bot.deps, { actor: ADA, useCase: LINE_3, entries: all.entries })).toMatchObject([
      { state: 'INITIATED' },
      { name: 'camera-driver' },
    ]);
    const own = await listComponents(bot.deps, { actor: ADA, useCase: LINE_3 });
    expect(own).toMatchObject({ incomplete: { code: 'unavailable' }, entries: [{ name: CPU }] });
  });

  it('shows one as Greengrass says now, with all its versions, or the nearest name', async () => {
    await compiled();
    await publish(['x86_64-cpu']);
    settle('DEPLOYABLE');
    const details = await componentDetails(bot.deps, { actor: ADA, useCase: LINE_3, name: CPU });
    expect(details).toMatchObject({
      version: '1.0.0',
      state: 'DEPLOYABLE',
      attempt: { job: 'train-resnet-20260131', target: 'x86_64-cpu' },
      versions: [{ version: '1.0.0' }],
    });
    const wrong = componentDetails(bot.deps, { actor: ADA, useCase: LINE_3, name: `${CPU}x` });
    await expect(wrong).rejects.toMatchObject({ code: 'not_found', hint: expect.stringContaining(CPU) });
  });
});

describe('[C10] the artifact’s link', () => {
  it('lives 15 minutes, is named after job and target, and is on record', async () => {
    await compiled();
    const [attempt] = await bot.store.listAttempts({ useCase: 'line-3' });
    const link = await artifactLink(bot.deps, { actor: BEN, useCase: LINE_3, attempt: attempt!.id });
    expect(link).toMatchObject({
      fileName: 'train-resnet-20260131-jetson-xavier.tar.gz',
      expiresAt: account.now + 900_000,
    });
    const [audit] = await bot.store.listAudit({ user: 'U0BEN', limit: 1 });
    expect(audit).toMatchObject({ action: 'artifact.linked', sessionName: 'comp-U0BEN' });
    expect(JSON.stringify(audit)).not.toContain('https://');
  });

  it('is not there before the compilation completed', async () => {
    account.train('train-unet');
    const { results } = await startCompilations(bot.deps, {
      actor: ADA,
      useCase: LINE_3,
      job: 'train-unet',
      targets: ['x86_64-cpu'],
      why: 'manual',
    });
    const link = artifactLink(bot.deps, { actor: ADA, useCase: LINE_3, attempt: results[0]!.attempt!.id });
    await expect(link).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('[G5] devices', () => {
  const component = { name: 'model-x' };
  beforeEach(() => {
    account.devices = Array.from({ length: 60 }, (_, n) => ({
      name: `device-${String(n).padStart(2, '0')}`,
      health: n === 3 ? 'UNHEALTHY' : 'HEALTHY',
      reportedAt: account.now - 3_600_000,
      installed: n < 5 ? ['model-x', 'camera'] : ['camera'],
      deployments: n === 3 || n === 9 ? ['model-x'] : ['camera'],
    }));
  });

  it('shows who has it, how they are, as of when, and who is meant to get it', async () => {
    const finder = new DeviceFinder(bot.deps);
    const progress: number[] = [];
    const report = await finder.find(
      { actor: ADA, useCase: LINE_3, component },
      { onProgress: ({ done }) => void progress.push(done) },
    );
    expect(report).toMatchObject({ total: 60, failed: 0, asOf: account.now });
    expect(report.devices.map(({ device }) => device.name)).toEqual([
      ...['device-00', 'device-01', 'device-02', 'device-03', 'device-04'],
      'device-09',
    ]);
    expect(report.devices[3]).toMatchObject({
      device: { health: 'UNHEALTHY', reportedAt: account.now - 3_600_000 },
      installed: [{ version: '1.0.0', state: 'RUNNING' }],
      deployments: [{ id: 'model-x', version: '2.0.0' }],
    });
    expect(progress.at(-1)).toBe(60);
    // Two deployments, each asked for once, whatever the number of devices.
    expect(account.asked.filter((call) => call.startsWith('devices deployment'))).toHaveLength(2);
  });

  it('keeps the answer for a minute and shares one under way', async () => {
    const finder = new DeviceFinder(bot.deps);
    const find = (options = {}) => finder.find({ actor: ADA, useCase: LINE_3, component }, options);
    await Promise.all([find(), find()]);
    await find();
    const lists = () => account.asked.filter((call) => call === 'devices ').length;
    expect(lists()).toBe(1);
    await find({ fresh: true });
    expect(lists()).toBe(2);
    account.now += 61_000;
    await find();
    expect(lists()).toBe(3);
  });

  it('names a device that cannot be asked, and keeps the others', async () => {
    account.fault = (point, subject) =>
      point === 'devices' && subject === 'device-07' ? new AppError('unavailable', 'Away.') : undefined;
    const report = await new DeviceFinder(bot.deps).find({ actor: ADA, useCase: LINE_3, component });
    expect(report.failed).toBe(1);
    expect(report.devices.find(({ problem }) => problem)).toMatchObject({
      device: { name: 'device-07' },
      problem: 'Away.',
    });
  });

  it('ends when nobody waits any more, and begins anew for the next', async () => {
    const finder = new DeviceFinder(bot.deps);
    const leave = new AbortController();
    const first = finder.find({ actor: ADA, useCase: LINE_3 }, { signal: leave.signal });
    leave.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect((await finder.find({ actor: BEN, useCase: LINE_3 })).devices).toHaveLength(60);
  });
});
