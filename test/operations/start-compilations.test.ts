import { beforeEach, describe, expect, it } from 'vitest';
import { currentStatus } from '../../src/domain/compilations.ts';
import { targetTable } from '../../src/domain/targets.ts';
import { AppError } from '../../src/ground/errors.ts';
import { compileForm } from '../../src/operations/compile-form.ts';
import { retryCompilation, startCompilations } from '../../src/operations/start-compilations.ts';
import { stopCompilation } from '../../src/operations/stop-compilation.ts';
import { ADA, Background, BEN, LINE_3, SimulatedAccount } from './simulated-account.ts';

let account: SimulatedAccount;
let bot: Background;
beforeEach(() => {
  account = new SimulatedAccount();
  account.train('train-resnet');
  bot = new Background(account);
});

const start = (targets: string[], more: Partial<Parameters<typeof startCompilations>[1]> = {}) =>
  startCompilations(bot.deps, {
    actor: ADA,
    useCase: LINE_3,
    job: 'train-resnet',
    targets,
    why: 'manual',
    ...more,
  });
const attempts = () => bot.store.listAttempts({ useCase: 'line-3', job: 'train-resnet' });

describe('[C5] starting compilations', () => {
  it('starts each target once, stored before AWS is asked, with what is known of the model', async () => {
    const { results, job } = await start(['Jetson_Xavier', 'x86_64-cpu']);
    expect(results.map(({ target, outcome }) => [target, outcome])).toEqual([
      ['jetson-xavier', 'started'],
      ['x86_64-cpu', 'started'],
    ]);
    expect(job.modelArtifact).toContain('model.tar.gz');
    const orders = [...account.compilations.values()].map(({ order }) => order);
    expect(orders[0]).toMatchObject({
      model: 's3://line-3-models/train-resnet/output/model.tar.gz',
      framework: 'PYTORCH',
      frameworkVersion: '1.13',
      dataInputConfig: '{"input":[1,3,224,224]}',
      timeoutSeconds: 3600,
    });
    expect(orders[0]!.outputS3).toBe(`s3://line-3-models/compiled/${orders[0]!.compilationJob}/`);
    expect(new Set(orders.map(({ outputS3 }) => outputS3)).size).toBe(2);
    expect((await attempts()).map(currentStatus)).toEqual(['STARTING', 'STARTING']);
  });

  it('gives the claim to one of two who click at the same instant, and tells the other', async () => {
    const both = await Promise.all([start(['x86_64-cpu']), start(['x86_64-cpu'], { actor: BEN })]);
    const outcomes = both.flatMap(({ results }) => results.map(({ outcome }) => outcome)).sort();
    expect(outcomes).toEqual(['already', 'started']);
    expect(account.compilations.size).toBe(1);
    const other = both.flatMap(({ results }) => results).find(({ outcome }) => outcome === 'already')!;
    expect(other.error?.code).toBe('conflict');
    expect(other.attempt?.target).toBe('x86_64-cpu');
  });

  it('keeps the other targets when AWS refuses one, and frees its claim for a retry', async () => {
    account.fault = (point, subject) =>
      point === 'start' && subject.endsWith('x86_64-cpu')
        ? new AppError('permission_denied', 'AWS does not allow it.', { hint: 'Grant iam:PassRole.' })
        : undefined;
    const { results } = await start(['jetson-xavier', 'x86_64-cpu', 'arm64-cpu']);
    expect(results.map(({ outcome }) => outcome)).toEqual(['started', 'refused', 'started']);
    const refused = results[1]!.attempt!;
    expect(refused.failureReason).toBe('AWS does not allow it. Grant iam:PassRole.');
    expect(currentStatus(refused)).toBe('FAILED');

    account.fault = () => undefined;
    const again = await retryCompilation(bot.deps, { actor: BEN, useCase: LINE_3, attempt: refused.id });
    expect(again.results[0]).toMatchObject({ outcome: 'started', attempt: { why: 'retry', startedBy: BEN } });
    expect((await attempts()).filter(({ target }) => target === 'x86_64-cpu')).toHaveLength(2);
  });

  it('an answer that is lost stays requested, holds the claim, and polling finds the compilation', async () => {
    account.fault = (point) => (point === 'started' ? new AppError('timeout', 'No answer.') : undefined);
    const { results } = await start(['x86_64-cpu']);
    expect(results[0]).toMatchObject({ outcome: 'unknown', error: { code: 'timeout' } });
    expect((await start(['x86_64-cpu'])).results[0]?.outcome).toBe('already');
    await bot.pass(2_000);
    expect((await attempts()).map(currentStatus)).toEqual(['STARTING']);
  });

  it('a request that never arrived is given up after its grace, not before', async () => {
    account.fault = (point) =>
      point === 'start' ? new AppError('unavailable', 'No way through.') : undefined;
    await start(['x86_64-cpu']);
    account.fault = () => undefined;
    await bot.pass(4 * 60_000);
    expect((await attempts()).map(currentStatus)).toEqual(['REQUESTED']);
    await bot.pass(2 * 60_000);
    expect((await attempts()).map(currentStatus)).toEqual(['FAILED']);
    expect((await start(['x86_64-cpu'])).results[0]?.outcome).toBe('started');
  });

  it('a taken name is our own request that got through: it counts as started', async () => {
    account.fault = (point) => (point === 'started' ? new AppError('conflict', 'Taken.') : undefined);
    expect((await start(['x86_64-cpu'])).results[0]).toMatchObject({
      outcome: 'started',
      attempt: { statuses: [{ status: 'REQUESTED' }, { status: 'STARTING' }] },
    });
  });

  it('is on record for each target, with the session that CloudTrail shows', async () => {
    await start(['jetson-xavier', 'x86_64-cpu']);
    const audit = await bot.store.listAudit({ subject: 'train-resnet', limit: 10 });
    expect(audit.map(({ action, sessionName }) => [action, sessionName])).toEqual([
      ['compilation.started', 'comp-U0ADA'],
      ['compilation.started', 'comp-U0ADA'],
    ]);
    expect(audit[0]?.detail).toMatchObject({ why: 'manual', compilationJob: expect.any(String) });
  });
});

describe('[C4] only a completed training is compiled, as SageMaker says now', () => {
  it.each(['InProgress', 'Failed', 'Stopped'])('refuses one that is %s by then', async (status) => {
    await compileForm(bot.deps, { actor: ADA, useCase: LINE_3, job: 'train-resnet' });
    account.train('train-resnet', { status });
    await expect(start(['x86_64-cpu'])).rejects.toMatchObject({ code: 'conflict' });
    expect(await attempts()).toEqual([]);
  });

  it('refuses one that was deleted, with the nearest names', async () => {
    account.jobs = [];
    account.train('train-resnet-2');
    await expect(start(['x86_64-cpu'])).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('train-resnet-2'),
    });
  });

  it('names the nearest target, what a use case lacks, and an input that nobody told', async () => {
    await expect(start(['jetson-xaver'])).rejects.toMatchObject({
      hint: expect.stringContaining('jetson-xavier'),
    });
    await expect(start([])).rejects.toMatchObject({ code: 'invalid_input' });
    const { compile: _, ...bare } = LINE_3;
    await expect(start(['x86_64-cpu'], { useCase: bare })).rejects.toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('compile: {'),
    });
    const shapeless = { ...LINE_3, compile: { ...LINE_3.compile!, dataInputConfig: undefined } };
    await expect(start(['x86_64-cpu'], { useCase: shapeless })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(await attempts()).toEqual([]);
  });
});

describe('[C3] what the form shows', () => {
  const form = (useCase = LINE_3) => compileForm(bot.deps, { actor: ADA, useCase, job: 'train-resnet' });

  it('preselects the use case’s targets, and not what is compiled or compiling', async () => {
    await start(['jetson-xavier', 'x86_64-cpu']);
    account.advance('COMPLETED', [...account.compilations.keys()][0]);
    await bot.pass(30_000);
    const { targets } = await form();
    const others = [...targetTable().keys()].filter(
      (name) => !['jetson-xavier', 'x86_64-cpu'].includes(name),
    );
    expect(others).toContain('arm64-cpu');
    expect(targets.map(({ target, why, preselected }) => [target.name, why, preselected])).toEqual([
      ['jetson-xavier', 'compiled already', false],
      ['x86_64-cpu', 'compiling', false],
      ...others.map((name) => [name, undefined, false]),
    ]);
  });

  it.each([
    ['ClientError: InputConfiguration: TVM cannot convert the PyTorch model. Invalid model.', false],
    ['CompilationError: Unable to lower op nn.conv3d_transpose', false],
    ['ServerError: There was an internal server error during the compilation job.', true],
    ['ClientError: Access denied when calling sts:AssumeRole on role arn:aws:iam::1:role/Neo.', true],
    ['ClientError: InputConfiguration: S3 object does not exist. Bucket: b, Key: k', true],
    ['ClientError: TimeOut: Compilation exceeded the allowed runtime of 900 seconds.', false],
    ['Something nobody has heard of', true],
  ])('after “%s” it is preselected: %s, and its cause is said', async (reason, preselected) => {
    await start(['x86_64-cpu']);
    account.advance('FAILED', undefined, reason);
    await bot.pass(30_000);
    const target = (await form()).targets.find((one) => one.target.name === 'x86_64-cpu');
    expect(target).toMatchObject({
      preselected,
      selectable: true,
      before: { cause: expect.stringMatching(/\w/), lasting: !preselected },
    });
  });

  it('preselects again what failed with another input than it would have now', async () => {
    await start(['x86_64-cpu'], { corrections: { dataInputConfig: 'x=1x8' } });
    account.advance('FAILED', undefined, 'ClientError: InputConfiguration: TVM cannot convert');
    await bot.pass(30_000);
    const target = (await form()).targets.find((one) => one.target.name === 'x86_64-cpu');
    expect(target).toMatchObject({ preselected: true, before: { lasting: false } });
  });

  it('says where each input comes from, and what is missing beside what is known', async () => {
    account.tags = { 'signalbox:framework-version': '2.0' };
    expect((await form()).input).toMatchObject({
      kind: 'known',
      input: { frameworkVersion: '2.0', sources: { framework: 'use case', frameworkVersion: 'tag' } },
    });
    account.tags = {};
    const shapeless = { ...LINE_3, compile: { ...LINE_3.compile!, dataInputConfig: undefined } };
    expect((await form(shapeless)).input).toMatchObject({
      kind: 'missing',
      known: { framework: 'PYTORCH', frameworkVersion: '1.13' },
      error: { code: 'invalid_input' },
    });
  });

  it('a retry starts from what was corrected for the last attempt', async () => {
    const { results } = await start(['x86_64-cpu'], { corrections: { dataInputConfig: 'x=1x8' } });
    account.advance('FAILED', undefined, 'ClientError: InputConfiguration: TVM cannot convert');
    await bot.pass(30_000);
    await retryCompilation(bot.deps, { actor: ADA, useCase: LINE_3, attempt: results[0]!.attempt!.id });
    expect([...account.compilations.values()].at(-1)!.order.dataInputConfig).toBe('{"x":[1,8]}');
  });
});

describe('[C9] stopping', () => {
  it('asks Neo, and shows what Neo says then', async () => {
    const { results } = await start(['x86_64-cpu']);
    const id = results[0]!.attempt!.id;
    const stopped = await stopCompilation(bot.deps, { actor: BEN, useCase: LINE_3, attempt: id });
    expect(stopped.outcome).toBe('stopping');
    expect(currentStatus(stopped.attempt)).toBe('STOPPING');
    account.advance('STOPPED');
    await bot.pass(30_000);
    expect(await stopCompilation(bot.deps, { actor: BEN, useCase: LINE_3, attempt: id })).toMatchObject({
      outcome: 'ended',
    });
    const [audit] = await bot.store.listAudit({ user: 'U0BEN', limit: 1 });
    expect(audit).toMatchObject({ action: 'compilation.stopped', sessionName: 'comp-U0BEN' });
  });

  it('cannot reach into another use case', async () => {
    const { results } = await start(['x86_64-cpu']);
    const other = { ...LINE_3, id: 'harbor' };
    await expect(
      stopCompilation(bot.deps, { actor: BEN, useCase: other, attempt: results[0]!.attempt!.id }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });
});
