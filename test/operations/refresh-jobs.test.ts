import { beforeEach, describe, expect, it } from 'vitest';
import { currentStatus, isLive } from '../../src/domain/compilations.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { JobChange } from '../../src/operations/job-changes.ts';
import { jobPage, jobSnapshot } from '../../src/operations/job-snapshots.ts';
import { startCompilations } from '../../src/operations/start-compilations.ts';
import { ADA, Background, LINE_3, SimulatedAccount } from './simulated-account.ts';

const HOUR = 3_600_000;
const AUTO: UseCase = {
  ...LINE_3,
  compile: { ...LINE_3.compile!, auto: true },
  components: { auto: true, namePrefix: 'model-' },
};

let account: SimulatedAccount;
let bot: Background;
beforeEach(() => {
  account = new SimulatedAccount();
  bot = new Background(account);
});

const kinds = (changes: readonly JobChange[], kind: JobChange['kind']) =>
  changes.filter((change) => change.kind === kind);
const start = (job: string, targets = ['x86_64-cpu']) =>
  startCompilations(bot.deps, { actor: ADA, useCase: LINE_3, job, targets, why: 'manual' });
const snapshot = (job: string, useCase = LINE_3) => jobSnapshot(bot.deps, useCase, job);
const throttled = new AppError('rate_limited', 'AWS asks to slow down.');

describe('[C1] jobs become known', () => {
  it('silently on the first look, whatever their age', async () => {
    account.train('old', { createdAt: account.now - 99 * HOUR, endedAt: account.now - 98 * HOUR });
    account.train('recent', { createdAt: account.now - 9 * HOUR, endedAt: account.now - 8 * HOUR });
    account.train('running', { createdAt: account.now - 50 * HOUR, status: 'InProgress' });
    await bot.pass(0);
    const known = await bot.store.listJobs({ limit: 9 });
    expect(known.map(({ job }) => job.name)).toEqual(['recent', 'running', 'old']);
    const appeared = kinds(bot.told, 'job-appeared');
    expect(appeared.map((change) => 'announce' in change && change.announce)).toEqual([false, false, false]);
  });

  it('by the list alone at first, which a job that has ended is known by until it is asked for itself', async () => {
    account.train('old', { createdAt: account.now - 99 * HOUR, endedAt: account.now - 98 * HOUR });
    account.train('running', { createdAt: account.now - HOUR, status: 'InProgress' });
    await bot.pass(0);
    expect(await snapshot('old')).toMatchObject({ isOnlyListed: true });
    expect(await snapshot('running')).toMatchObject({ isOnlyListed: false });
    await bot.refresher.refreshNow('line-3', 'old');
    expect(await snapshot('old')).toMatchObject({ isOnlyListed: false });
  });

  it('as news when they were created since, also while the bot was away, and once', async () => {
    account.train('first', { endedAt: account.now });
    await bot.pass(0);
    await bot.restart();
    account.now += 2 * HOUR;
    account.train('second', { status: 'InProgress' });
    await bot.pass(60_000);
    await bot.pass(60_000);
    const news = kinds(bot.told, 'job-appeared').filter((change) => 'announce' in change && change.announce);
    expect(news.map(({ job }) => job)).toEqual(['second']);
  });

  it('as news from the very first on in an account without any', async () => {
    await bot.pass(0);
    account.train('first', { createdAt: account.now + 1_000, status: 'InProgress' });
    await bot.pass(61_000);
    expect(kinds(bot.told, 'job-appeared')).toMatchObject([{ job: 'first', announce: true }]);
  });

  it('with what a list leaves out: the reason of a failure', async () => {
    await bot.pass(0);
    account.train('broken', {
      createdAt: account.now + 1_000,
      status: 'Failed',
      failureReason: 'AlgorithmError: exit code: 137',
    });
    await bot.pass(61_000);
    await bot.pass(2_000);
    expect(await snapshot('broken')).toMatchObject({
      job: { failureReason: 'AlgorithmError: exit code: 137' },
      overall: { applies: false },
      guidance: { exitCode: 137 },
    });
  });
});

describe('[C2] while anything runs', () => {
  it('describes an ended job once, whatever restarts come, also when nobody said why it failed', async () => {
    account.train('train-silent', { status: 'Failed', modelArtifact: undefined });
    await bot.pass(0);
    await bot.pass(2_000);
    const finds = () => account.asked.filter((one) => one === 'find train-silent').length;
    expect(finds()).toBe(1);
    for (let round = 0; round < 3; round += 1) {
      await bot.restart();
      await bot.pass(2_000);
      await bot.pass(30_000);
    }
    expect(finds()).toBe(1);
  });

  it('asks again within 30 s, and tells a change once it is stored', async () => {
    account.train('train-resnet');
    await start('train-resnet');
    account.advance('INPROGRESS');
    bot.told.length = 0;
    for (let ms = 0; ms < 30_000; ms += 2_000) await bot.pass(2_000);
    expect(kinds(bot.told, 'compilation')).toHaveLength(1);
    expect(kinds(bot.told, 'checked').length).toBeGreaterThan(0);
    expect((await bot.store.listAttempts({ live: true })).map(currentStatus)).toEqual(['INPROGRESS']);

    const before = account.asked.length;
    account.advance('COMPLETED');
    for (let ms = 0; ms < 30_000; ms += 2_000) await bot.pass(2_000);
    expect(await snapshot('train-resnet')).toMatchObject({
      overall: { state: 'partly compiled', count: '1/2' },
    });
    expect(account.asked.slice(before).filter((call) => call.startsWith('describe')).length).toBeLessThan(3);
  });

  it('shows elapsed and usual time, and nothing that Neo does not say', async () => {
    account.train('train-1');
    await start('train-1');
    account.advance('INPROGRESS');
    account.now += 600_000;
    account.advance('COMPLETED');
    await bot.pass(0);
    account.train('train-2');
    await start('train-2');
    account.advance('INPROGRESS');
    await bot.pass(0);
    await bot.pass(60_000);
    const target = (await snapshot('train-2'))!.targets.find(({ target }) => target === 'x86_64-cpu');
    expect(target).toMatchObject({ live: true, elapsedMs: 60_000, usualMs: 600_000, startable: false });
  });

  it('asks about all of one job at once when something happened to it', async () => {
    account.train('train-resnet');
    await start('train-resnet');
    account.advance('FAILED', undefined, 'ClientError: InputConfiguration: Unable to untar input model');
    await Promise.all([
      bot.refresher.refreshNow('line-3', 'train-resnet'),
      bot.refresher.refreshNow('line-3', 'train-resnet'),
    ]);
    const [target] = (await snapshot('train-resnet'))!.targets.filter(({ attempt }) => attempt);
    expect(target).toMatchObject({
      startable: true,
      advice: { id: 'neo-not-a-tar' },
      label: { word: 'failed' },
    });
    expect(account.asked.filter((call) => call.startsWith('describe'))).toHaveLength(1);
  });

  it('goes on after a restart with what was live', async () => {
    account.train('train-resnet');
    await start('train-resnet');
    await bot.restart();
    account.advance('COMPLETED');
    await bot.pass(2_000);
    expect((await bot.store.listAttempts({})).map(currentStatus)).toEqual(['COMPLETED']);
  });

  it('is one look for hundreds as for one: everybody gets a turn, and no account more than it stands', async () => {
    for (let n = 0; n < 400; n += 1)
      account.train(`train-${n}`, { status: 'InProgress', createdAt: account.now - n });
    await bot.pass(0);
    await bot.pass(2_000);
    account.asked.length = 0;
    for (let ms = 0; ms < 120_000; ms += 2_000) await bot.pass(2_000);
    const found = account.asked.filter((call) => call.startsWith('find'));
    expect(found.length).toBeLessThanOrEqual(4 * 120 + 12);
    // Those of the list's page are known.
    expect(new Set(found).size).toBe(100);
  });
});

describe('[C9] a check without an answer', () => {
  it('is shown as such, changes nothing else, and goes with the next answer', async () => {
    account.train('train-resnet');
    await start('train-resnet');
    account.advance('FAILED', undefined, 'ClientError: the real reason');
    account.fault = (point) => (point === 'describe' || point === 'find' ? throttled : undefined);
    const asked = account.now;
    for (let ms = 0; ms < 600_000; ms += 2_000) await bot.pass(2_000);
    const during = await snapshot('train-resnet');
    expect(during).toMatchObject({
      overall: { state: 'compiling' },
      failedCheck: { message: 'AWS asks to slow down.' },
    });
    expect(during!.lastCheckedAt).toBe(asked);
    // Slower and slower instead of every 20 seconds.
    const describes = account.asked.filter((call) => call.startsWith('describe')).length;
    expect(describes).toBeGreaterThan(3);
    expect(describes).toBeLessThanOrEqual(31);

    account.fault = () => undefined;
    for (let ms = 0; ms < 30_000; ms += 2_000) await bot.pass(2_000);
    const after = await snapshot('train-resnet');
    expect(after).toMatchObject({ failedCheck: undefined, overall: { state: 'failed' } });
    expect(after!.attempts[0]!.failureReason).toBe('ClientError: the real reason');
  });

  it('an account that does not let us in is told of, and tried once a minute', async () => {
    account.train('train-resnet');
    await start('train-resnet');
    account.asked.length = 0;
    account.fault = (point) =>
      point === 'open' ? new AppError('permission_denied', 'The role cannot be assumed.') : undefined;
    for (let ms = 0; ms < 60_000; ms += 2_000) await bot.pass(2_000);
    expect((await snapshot('train-resnet'))?.failedCheck?.message).toBe('The role cannot be assumed.');
    expect(account.asked.length).toBeLessThanOrEqual(2);
  });

  it('a compilation that was deleted after its end frees its claim, saying so', async () => {
    account.train('train-resnet');
    await start('train-resnet');
    account.compilations.clear();
    await bot.pass(60_000);
    expect((await bot.store.listAttempts({})).every(isLive)).toBe(true);
    await bot.pass(6 * 60_000);
    const [attempt] = await bot.store.listAttempts({});
    expect(attempt).toMatchObject({ failureReason: expect.stringContaining('deleted') });
    expect(currentStatus(attempt!)).toBe('STOPPED');
  });

  it('a failing listener is reported and keeps nobody else from being told', async () => {
    bot.changes.subscribe(() => Promise.reject(new Error('Slack is away')));
    account.train('train-resnet', { status: 'InProgress' });
    await bot.pass(0);
    expect(bot.errors).toHaveLength(kinds(bot.told, 'job-appeared').length + bot.told.length - 1);
    expect(bot.told[0]?.kind).toBe('job-appeared');
  });
});

describe('[C6] a training that completes is compiled by itself', () => {
  beforeEach(() => {
    bot = new Background(account, AUTO);
    account.train('train-resnet', { status: 'InProgress', modelArtifact: undefined });
  });
  const complete = () => account.train('train-resnet', { createdAt: account.now - HOUR });

  it('once, for the use case’s targets, by Signalbox itself', async () => {
    await bot.pass(0);
    complete();
    await bot.pass(30_000);
    await bot.pass(30_000);
    const attempts = await bot.store.listAttempts({});
    expect(attempts.map(({ target, why, startedBy }) => [target, why, startedBy.user])).toEqual([
      ['jetson-xavier', 'auto', 'signalbox'],
      ['x86_64-cpu', 'auto', 'signalbox'],
    ]);
    expect((await snapshot('train-resnet', AUTO))?.people).toEqual([]);
    expect((await bot.store.getJob('line-3', 'train-resnet'))?.compileDue).toBeUndefined();
  });

  it('a clock that is set back or forward by hours holds up no look and makes no storm of them', async () => {
    let set = 0;
    const { clock } = account;
    Object.assign(account, { clock: { now: () => account.now + set, elapsed: () => account.now } });
    bot = new Background(account, AUTO);
    await bot.pass(0);
    for (const by of [-5 * HOUR, 9 * HOUR]) {
      set += by;
      account.asked.length = 0;
      for (let tick = 0; tick < 15; tick += 1) await bot.pass(2_000);
      const looks = account.asked.filter((one) => one === 'find train-resnet').length;
      expect(looks).toBeGreaterThanOrEqual(1);
      expect(looks).toBeLessThanOrEqual(2);
    }
    Object.assign(account, { clock });
  });

  it('also when the bot is killed right after it saw the end', async () => {
    await bot.pass(0);
    complete();
    account.fault = (point) => (point === 'tags' ? new AppError('unavailable', 'Away.') : undefined);
    await bot.pass(30_000);
    expect(await bot.store.listAttempts({})).toEqual([]);
    account.fault = () => undefined;
    await bot.restart();
    await bot.pass(2_000);
    expect(await bot.store.listAttempts({})).toHaveLength(2);
    await bot.restart();
    await bot.pass(60_000);
    expect(await bot.store.listAttempts({})).toHaveLength(2);
  });

  it.each([
    ['at once', 2_000],
    ['long afterwards', 20 * 60_000],
  ])(
    'also when the bot is killed between a claim and the request, and starts again %s',
    async (_when, ms) => {
      await bot.pass(0);
      complete();
      account.fault = (point) => {
        if (point !== 'start') return undefined;
        void bot.store.close();
        return new AppError('unavailable', 'Killed.');
      };
      await bot.pass(30_000);
      account.fault = () => undefined;
      expect(account.compilations.size).toBe(0);
      await bot.restart();
      await bot.pass(ms);
      await bot.pass(30_000);
      const attempts = await bot.store.listAttempts({});
      expect(attempts.map(({ target, why }) => [target, why])).toEqual([
        ['jetson-xavier', 'auto'],
        ['x86_64-cpu', 'auto'],
      ]);
      expect([...account.compilations.keys()].sort()).toEqual(
        attempts.map(({ compilationJob }) => compilationJob).sort(),
      );
      expect((await bot.store.getJob('line-3', 'train-resnet'))?.compileDue).toBeUndefined();
    },
  );

  it('not what was completed before the bot knew it', async () => {
    account.jobs = [];
    account.train('done-before');
    await bot.pass(0);
    await bot.pass(60_000);
    expect(await bot.store.listAttempts({})).toEqual([]);
  });

  it('tells when it cannot, and does not try for ever', async () => {
    const shapeless = { ...AUTO, compile: { ...AUTO.compile!, dataInputConfig: undefined } };
    bot = new Background(account, shapeless);
    await bot.pass(0);
    complete();
    await bot.pass(30_000);
    await bot.pass(30_000);
    expect(kinds(bot.told, 'auto-failed')).toMatchObject([
      { what: 'compile', job: 'train-resnet', error: { code: 'invalid_input' } },
    ]);
  });
});

describe('[C11] the table of jobs', () => {
  it('is filtered and paged, with how many there are in each state', async () => {
    for (const [index, name] of ['resnet-a', 'resnet-b', 'unet-c'].entries())
      account.train(name, { createdAt: account.now - index });
    await bot.pass(0);
    await start('resnet-a');
    account.advance('FAILED');
    await bot.pass(30_000);
    await start('unet-c');
    const names = async (query: Parameters<typeof jobPage>[2]) => {
      const page = await jobPage(bot.deps, [LINE_3], query);
      return [page.jobs.map(({ job }) => job.name), page.page, page.pages, page.total];
    };
    expect(await names({ pageSize: 2 })).toEqual([['resnet-a', 'resnet-b'], 0, 2, 3]);
    expect(await names({ pageSize: 2, page: 7 })).toEqual([['unet-c'], 1, 2, 3]);
    expect(await names({ pageSize: 9, filter: { name: 'RESNET' } })).toEqual([
      ['resnet-a', 'resnet-b'],
      0,
      1,
      2,
    ]);
    expect(await names({ pageSize: 9, filter: { compilation: 'failed' } })).toEqual([['resnet-a'], 0, 1, 1]);
    expect(await names({ pageSize: 9, filter: { person: 'U0ADA' } })).toEqual([
      ['resnet-a', 'unet-c'],
      0,
      1,
      2,
    ]);
    expect(await names({ pageSize: 9, filter: { live: true } })).toEqual([['unet-c'], 0, 1, 1]);
    expect((await jobPage(bot.deps, [LINE_3], { pageSize: 1 })).counts).toMatchObject({
      training: { completed: 3, failed: 0 },
      compilation: { failed: 1, compiling: 1, 'not compiled': 1 },
    });
  });

  it('keeps a training that failed apart from a compilation that failed, in rows, sums and filters', async () => {
    for (const name of ['resnet-a', 'unet-c']) account.train(name);
    account.train('resnet-b', { status: 'Failed' });
    account.train('resnet-d', { status: 'InProgress' });
    await bot.pass(0);
    await start('resnet-a');
    account.advance('FAILED');
    await bot.pass(30_000);
    const found = async (filter: NonNullable<Parameters<typeof jobPage>[2]['filter']>) => {
      const { jobs } = await jobPage(bot.deps, [LINE_3], { pageSize: 9, filter });
      return jobs.map(({ job }) => job.name).sort();
    };
    const all = await jobPage(bot.deps, [LINE_3], { pageSize: 9 });
    expect(all.counts.training).toEqual({ running: 1, completed: 2, failed: 1, stopped: 0, other: 0 });
    // Nothing can be compiled of a training that has not completed: it is in no sum of compilations.
    expect(all.counts.compilation).toMatchObject({ failed: 1, 'not compiled': 1, stopped: 0 });
    expect(all.jobs.find(({ job }) => job.name === 'resnet-b')?.overall.applies).toBe(false);
    expect(await found({ training: 'failed' })).toEqual(['resnet-b']);
    expect(await found({ compilation: 'failed' })).toEqual(['resnet-a']);
    expect(await found({ ended: 'failed' })).toEqual(['resnet-a', 'resnet-b']);
    expect(await found({ compilation: 'not compiled' })).toEqual(['unet-c']);
    expect(await found({ training: 'running' })).toEqual(['resnet-d']);
  });
});
