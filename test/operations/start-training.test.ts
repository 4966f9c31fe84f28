/** Running a job again, on a simulated account: once, recorded, and told to whoever listens. */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { planRunAgain, type RunAgainRequest, runAgain } from '../../src/operations/start-training.ts';
import { ADA, Background, BEN, LINE_3, SimulatedAccount } from './simulated-account.ts';

const OLD = 'press-resnet-20260130';
const NAME = 'press-resnet-small';

function failed() {
  const account = new SimulatedAccount();
  account.train(OLD, {
    status: 'Failed',
    failureReason: 'AlgorithmError: Exit Code: 1',
    hyperparameters: { 'batch-size': '8', sagemaker_program: '"train.py"' },
    instanceType: 'ml.g5.2xlarge',
    instanceCount: 1,
  });
  const bot = new Background(account);
  const request = (changes: Partial<RunAgainRequest> = {}): RunAgainRequest => ({
    actor: ADA,
    actorName: 'ada',
    useCase: LINE_3,
    job: OLD,
    name: NAME,
    hyperparameters: { 'batch-size': '4' },
    room: 3000,
    askedAt: account.now,
    ...changes,
  });
  return {
    account,
    bot,
    request,
    run: (changes?: Partial<RunAgainRequest>) => runAgain(bot.deps, request(changes)),
  };
}

describe('running a job again', () => {
  it('starts it with what was changed and keeps the rest, on record and told', async () => {
    const { account, bot, run } = failed();
    const { job, rerun } = await run();
    expect(account.deployed).toEqual([
      {
        kind: 'again',
        name: NAME,
        again: OLD,
        hyperparameters: { sagemaker_program: '"train.py"', 'batch-size': '4' },
        machines: { type: 'ml.g5.2xlarge', count: 1 },
        askedAt: account.now,
      },
    ]);
    expect(job.status).toBe('InProgress');
    expect(rerun).toMatchObject({
      of: OLD,
      pipeline: 'press-resnet',
      by: ADA,
      changes: ['batch-size: 8 → 4'],
    });
    expect(await bot.store.getJob('line-3', NAME)).toMatchObject({ news: true, rerun });
    await bot.changes.idle();
    expect(bot.told).toContainEqual(
      expect.objectContaining({ kind: 'job-appeared', job: NAME, announce: true }),
    );
    expect(bot.told.at(-1)).toMatchObject({ kind: 'run-again', job: OLD, as: NAME });
    const [record] = await bot.store.listAudit({ subject: NAME, limit: 1 });
    expect(record).toMatchObject({
      action: 'training.started',
      actor: ADA,
      sessionName: 'train-U0ADA',
      detail: { again: OLD, changes: 'batch-size: 8 → 4' },
    });
  });

  it('knows the run by the name that its provider gives it, which may have an id of its own', async () => {
    const { account, bot, run } = failed();
    account.jobCalled = (name) => `${name}.7f3a`;
    const { job, rerun } = await run();
    expect(job).toMatchObject({ name: `${NAME}.7f3a`, status: 'InProgress' });
    expect(await bot.store.getJob('line-3', `${NAME}.7f3a`)).toMatchObject({ news: true, rerun });
    expect(await bot.store.getJob('line-3', NAME)).toBeUndefined();
    const again = await run();
    expect(again.rerun).toEqual(rerun);
    expect(account.deployed).toHaveLength(1);
  });

  it('counts a run of a run as the same pipeline, whatever both are called', async () => {
    const { account, run } = failed();
    await run();
    account.train(NAME, { status: 'Failed', hyperparameters: {} });
    const { rerun } = await run({ job: NAME, name: 'third-try', hyperparameters: {} });
    expect(rerun).toMatchObject({ of: NAME, pipeline: 'press-resnet' });
  });

  it('starts one run for many submissions of one form, and audits one start', async () => {
    const { account, bot, run } = failed();
    await Promise.all([run(), run(), run()]);
    account.now += 1000;
    await run({ askedAt: account.now - 1000 });
    expect(account.deployed).toHaveLength(1);
    const actions = (await bot.store.listAudit({ subject: NAME, limit: 10 })).map(({ action }) => action);
    expect(actions).toContain('training.already_started');
    expect(await bot.store.getJob('line-3', NAME)).toMatchObject({ rerun: { of: OLD, by: ADA } });
  });

  it('finds what a lost answer has started, when it is submitted again', async () => {
    const { account, bot, run } = failed();
    account.fault = (point) => (point === 'deployed' ? new AppError('timeout', 'No answer.') : undefined);
    await expect(run()).rejects.toMatchObject({ code: 'timeout' });
    account.fault = () => undefined;
    expect((await run()).job.name).toBe(NAME);
    expect(account.deployed).toHaveLength(1);
    const actions = (await bot.store.listAudit({ subject: NAME, limit: 10 })).map(({ action }) => action);
    expect(actions).toEqual(['training.started', 'training.not_started']);
  });

  it('is started although AWS cannot be asked about it in the same moment', async () => {
    const { account, run } = failed();
    account.fault = (point, subject) =>
      point === 'find' && subject === NAME ? new AppError('rate_limited', 'Too many requests.') : undefined;
    expect((await run()).job).toMatchObject({
      name: NAME,
      status: 'InProgress',
      instanceType: 'ml.g5.2xlarge',
    });
  });

  it('changes the machines where asked, and leaves them alone where they are not one type', async () => {
    const { account, run } = failed();
    const { rerun } = await run({ machines: { type: 'ml.g6e.2xlarge', count: 2 } });
    expect(rerun.changes).toContain('instances: 1 × ml.g5.2xlarge → 2 × ml.g6e.2xlarge');
    account.setup = { machines: undefined };
    await run({ name: 'groups', machines: { type: 'ml.g6e.2xlarge', count: 2 } });
    expect(account.deployed.at(-1)).not.toHaveProperty('machines');
  });

  it('refuses before AWS is asked what cannot be: names, numbers, too many', async () => {
    const { account, bot, run } = failed();
    await expect(run({ name: 'no_name' })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(run({ name: OLD })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(run({ machines: { type: 'ml.g5.xlarge', count: 0.5 } })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, '1']));
    const over = await run({ hyperparameters: many }).catch((error: AppError) => error);
    expect(over).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('101 hyperparameters'),
    });
    expect(account.deployed).toEqual([]);
    expect((await bot.store.listAudit({ limit: 10 })).map(({ action }) => action)).toEqual(
      Array(4).fill('training.not_started'),
    );
  });

  it('says why a job cannot be run again, and which ones there are instead of one that is not there', async () => {
    const { account, bot, run } = failed();
    const plan = (job: string) => planRunAgain(bot.deps, { actor: BEN, useCase: LINE_3, job });
    await expect(plan('press-resnet-2026013')).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining(OLD),
    });
    account.setup = { refusal: { reason: 'It is a trial.', hint: 'Start the search again.' } };
    await expect(plan(OLD)).rejects.toMatchObject({ code: 'conflict', hint: 'Start the search again.' });
    await expect(run()).rejects.toMatchObject({ code: 'conflict' });
    expect(account.deployed).toEqual([]);
  });
});
