import { beforeEach, describe, expect, it } from 'vitest';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { trainingCheck } from '../../src/operations/job-checks.ts';
import { refusedKindsIn } from '../../src/operations/kind-refusals.ts';
import { Background, LINE_3, SimulatedAccount } from './simulated-account.ts';

const denied = new AppError('permission_denied', 'The role may not.');

describe('[K1] what a role may not ask about is kept for whoever answers people', () => {
  let account: SimulatedAccount;
  let bot: Background;
  const refused = (useCase: UseCase = LINE_3) => refusedKindsIn(bot.store, [useCase]);
  beforeEach(() => {
    account = new SimulatedAccount();
    bot = new Background(account);
    account.train('train-resnet', { createdAt: account.now - 1, status: 'InProgress' });
  });

  it('a list, until it is allowed, also over a restart', async () => {
    account.fault = (point) => (point === 'list' ? denied : undefined);
    await bot.pass(0);
    const said = [{ useCase: LINE_3, unlisted: ['sagemaker'], onlyListed: [] }];
    expect(await refused()).toEqual(said);
    const [{ since } = { since: 0 }] = await bot.store.listKindRefusals();
    expect(since).toBe(account.now);
    await bot.pass(60_000);
    await bot.restart();
    expect(await refused()).toEqual(said);
    expect(await bot.store.listKindRefusals()).toMatchObject([{ since }]);
    account.fault = () => undefined;
    await bot.pass(60_000);
    expect(await refused()).toEqual([]);
  });

  it('looks at single jobs, which takes nothing away from their list', async () => {
    account.fault = (point) => (point === 'find' ? denied : undefined);
    await bot.pass(0);
    await bot.pass(60_000);
    expect(await refused()).toEqual([{ useCase: LINE_3, unlisted: [], onlyListed: ['sagemaker'] }]);
    account.fault = () => undefined;
    await bot.pass(60_000);
    expect(await refused()).toEqual([]);
  });

  it('and such a job is looked at again in minutes, any other at the usual time', () => {
    const again = (job: string, error: AppError) => trainingCheck(bot.deps, LINE_3, job).again?.(error);
    expect(again('tuning:search-1', denied)).toBeGreaterThanOrEqual(600_000);
    expect(again('tuning:search-1', new AppError('rate_limited', 'Slower.'))).toBeUndefined();
    expect(again('train-resnet', denied)).toBeUndefined();
  });

  it('not where there was no answer, and not of a kind that the use case shows no longer', async () => {
    account.fault = () => new AppError('rate_limited', 'Slower, please.');
    await bot.pass(0);
    expect(await refused()).toEqual([]);
    account.fault = (point) => (point === 'list' ? denied : undefined);
    await bot.pass(120_000);
    expect(await refused()).toHaveLength(1);
    expect(await refused({ ...LINE_3, providers: { sagemaker: { kinds: ['tuning'] } } })).toEqual([]);
    expect(await refused({ ...LINE_3, id: 'line-4' })).toEqual([]);
  });
});
