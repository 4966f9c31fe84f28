import { beforeEach, describe, expect, it } from 'vitest';
import { currentStatus } from '../../src/domain/compilations.ts';
import { findTarget, targetTable } from '../../src/domain/targets.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { JobChange } from '../../src/operations/job-changes.ts';
import { jobSnapshot } from '../../src/operations/job-snapshots.ts';
import { startCompilations } from '../../src/operations/start-compilations.ts';
import type { CompilationOrder, CompilationReport } from '../../src/ports/compiler.ts';
import { ADA, Background, LINE_3, SimulatedAccount } from './simulated-account.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const JOB = 'train-resnet';

let account: SimulatedAccount;
let bot: Background;
beforeEach(() => {
  account = new SimulatedAccount();
  bot = new Background(account);
});

function order(name: string, changes: Partial<CompilationOrder> = {}): CompilationOrder {
  return {
    compilationJob: name,
    model: `s3://line-3-models/${JOB}/output/model.tar.gz`,
    framework: 'PYTORCH',
    target: findTarget(targetTable(), 'x86_64-cpu'),
    outputS3: 's3://line-3-models/pipeline/',
    roleArn: LINE_3.compile!.roleArn,
    timeoutSeconds: 900,
    ...changes,
  };
}
const ended = (status: string, at: number, more: Partial<CompilationReport> = {}) => ({
  status,
  startedAt: at - 10 * MINUTE,
  endedAt: at,
  changedAt: at,
  ...more,
});
const attempts = () => bot.store.listAttempts({ useCase: 'line-3' });
const news = (): JobChange[] => bot.told.filter(({ kind }) => kind === 'compilation');
const described = () => account.asked.filter((call) => call.startsWith('describe '));
async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await bot.pass(2_000);
}

describe('[C5] compilations that were started outside Signalbox', () => {
  it('are recorded with all that is known of them, and forbid another one', async () => {
    account.train(JOB, { createdAt: account.now - 30 * HOUR });
    account.compileElsewhere(
      order('from-the-console'),
      ended('COMPLETED', account.now - HOUR, { artifact: 's3://line-3-models/pipeline/model-x.tar.gz' }),
    );
    await bot.pass(0);
    await ticks(2);
    expect(await attempts()).toMatchObject([
      {
        job: JOB,
        target: 'x86_64-cpu',
        compilationJob: 'from-the-console',
        why: 'elsewhere',
        startedBy: { user: 'signalbox' },
        artifact: 's3://line-3-models/pipeline/model-x.tar.gz',
        input: { framework: 'PYTORCH' },
        statuses: [{ status: 'REQUESTED' }, { status: 'INPROGRESS' }, { status: 'COMPLETED' }],
      },
    ]);
    const { results } = await startCompilations(bot.deps, {
      actor: ADA,
      useCase: LINE_3,
      job: JOB,
      targets: ['x86_64-cpu', 'jetson-xavier'],
      why: 'manual',
    });
    expect(results.map(({ outcome }) => outcome)).toEqual(['already', 'started']);
    expect(account.compilations.size).toBe(2);
  });

  it('are no news when they were over before, whatever the store held', async () => {
    account.train(JOB);
    account.compileElsewhere(order('failed'), ended('FAILED', account.now - HOUR, { failureReason: 'no' }));
    await bot.pass(0);
    await ticks(2);
    expect(news()).toEqual([]);
    expect(await attempts()).toMatchObject([{ failureReason: 'no', old: true }]);
    const snapshot = await jobSnapshot(bot.deps, LINE_3, JOB);
    expect(snapshot?.overall.state).toBe('failed');
  });

  it('are followed to their end when they still run, and told of', async () => {
    account.train(JOB);
    account.compileElsewhere(order('pipeline-1'), { status: 'INPROGRESS', startedAt: account.now });
    await bot.pass(0);
    await ticks(2);
    expect(news()).toMatchObject([{ job: JOB, attempt: { compilationJob: 'pipeline-1' } }]);
    expect((await jobSnapshot(bot.deps, LINE_3, JOB))?.overall.state).toBe('compiling');
    account.advance('COMPLETED');
    await bot.pass(30_000);
    expect((await attempts()).map(currentStatus)).toEqual(['COMPLETED']);
    expect(news()).toHaveLength(2);
    expect((await attempts())[0]?.packageDue).toBeUndefined();
  });

  it('are told of when they began and failed between two looks', async () => {
    account.train(JOB);
    await bot.pass(0);
    account.now += 10_000;
    account.compileElsewhere(
      order('quick'),
      ended('FAILED', account.now + 5_000, { failureReason: 'no', startedAt: undefined }),
    );
    await bot.pass(MINUTE);
    await ticks(2);
    expect(news()).toMatchObject([{ attempt: { failureReason: 'no' } }]);
  });

  it('are recorded once, also after restarts and at two looks at the same time', async () => {
    account.train(JOB);
    account.compileElsewhere(order('a'), ended('STOPPED', account.now - HOUR));
    await bot.pass(0);
    await ticks(2);
    for (let n = 0; n < 3; n += 1) {
      await bot.restart();
      await bot.pass(MINUTE);
      await ticks(2);
    }
    expect(await attempts()).toHaveLength(1);
    expect(described()).toHaveLength(1);
  });

  it('stand beside one of ours that runs: neither is lost, both are followed', async () => {
    account.train(JOB);
    const started = startCompilations(bot.deps, {
      actor: ADA,
      useCase: LINE_3,
      job: JOB,
      targets: ['x86_64-cpu'],
      why: 'manual',
    });
    account.compileElsewhere(order('at-the-same-time'), { status: 'INPROGRESS' });
    await started;
    await bot.pass(0);
    await ticks(2);
    expect((await attempts()).map(({ why }) => why).sort()).toEqual(['elsewhere', 'manual']);
    const ours = (await attempts()).find(({ why }) => why === 'manual')!;
    account.advance('FAILED', ours.compilationJob, 'no');
    account.advance('COMPLETED', 'at-the-same-time');
    await bot.pass(30_000);
    expect((await attempts()).map(currentStatus).sort()).toEqual(['COMPLETED', 'FAILED']);
    expect(bot.errors).toEqual([]);
    // What ours gave up, the other still holds.
    const again = await startCompilations(bot.deps, {
      ...{ actor: ADA, useCase: LINE_3, job: JOB },
      targets: ['x86_64-cpu'],
      why: 'retry',
    });
    expect(again.results).toMatchObject([{ outcome: 'already' }]);
  });

  it('find a training job that is too old for the list of known ones', async () => {
    for (let n = 0; n < 101; n += 1) account.train(`newer-${n}`, { createdAt: account.now - n });
    account.train(JOB, { createdAt: account.now - 999 * HOUR });
    account.compileElsewhere(order('of-old'), ended('COMPLETED', account.now - 900 * HOUR));
    await bot.pass(0);
    for (let n = 0; n < 40; n += 1) await bot.pass(2_000);
    expect(await attempts()).toMatchObject([{ job: JOB }]);
    const appeared = bot.told.find((change) => change.kind === 'job-appeared' && change.job === JOB);
    expect(appeared).toMatchObject({ announce: false });
  });

  it('of models that nobody trained here are looked at once and left alone', async () => {
    account.train(JOB);
    account.compileElsewhere(order('of-others', { model: 's3://elsewhere/model.tar.gz' }));
    account.compileElsewhere(order('of-a-copy', { model: `s3://other/${JOB}/output/model.tar.gz` }));
    await bot.pass(0);
    for (let n = 0; n < 5; n += 1) await bot.pass(MINUTE);
    expect(await attempts()).toEqual([]);
    expect(described()).toHaveLength(2);
  });

  it('keep their own name where no target fits: nothing is hidden, nothing counts for another', async () => {
    account.train(JOB);
    const neo = { device: 'jetson_nano' };
    account.compileElsewhere(
      order('nano', { target: { name: '?', description: '', neo } }),
      ended('COMPLETED', account.now - HOUR),
    );
    await bot.pass(0);
    await ticks(2);
    const snapshot = await jobSnapshot(bot.deps, LINE_3, JOB);
    expect(snapshot?.overall).toMatchObject({ state: 'partly compiled', count: '1/3' });
    expect(snapshot?.targets.map(({ target }) => target)).toContain('jetson_nano');
  });

  it('wait for a training that is news itself', async () => {
    await bot.pass(0);
    account.now += 30_000;
    account.train(JOB);
    account.compileElsewhere(order('at-once'));
    // The list of training jobs gets no answer, the other list does.
    account.fault = (point) => (point === 'list' ? new AppError('unavailable', 'no') : undefined);
    await bot.pass(30_000);
    await ticks(2);
    account.fault = () => undefined;
    for (let n = 0; n < 3; n += 1) await bot.pass(MINUTE);
    expect(bot.told.find(({ kind }) => kind === 'job-appeared')).toMatchObject({ announce: true });
    expect(await attempts()).toHaveLength(1);
  });

  it('come later where AWS asks to slow down, and not at all where the role forbids the list', async () => {
    account.train(JOB);
    account.compileElsewhere(order('a'));
    account.fault = (point) => (point === 'describe' ? new AppError('rate_limited', 'slow down') : undefined);
    await bot.pass(0);
    expect(await attempts()).toEqual([]);
    account.fault = () => undefined;
    for (let n = 0; n < 3; n += 1) await bot.pass(MINUTE);
    expect(await attempts()).toHaveLength(1);

    account.fault = (point) =>
      point === 'compilations' ? new AppError('permission_denied', 'no') : undefined;
    bot.errors = [];
    for (let n = 0; n < 10; n += 1) await bot.pass(MINUTE);
    expect(bot.errors).toHaveLength(1);
  });

  it('are not looked for where a use case does not compile', async () => {
    bot = new Background(account, { ...LINE_3, compile: undefined });
    await bot.pass(0);
    expect(account.asked).not.toContain('compilations ');
  });
});
