/** What is started again for a failure, as its alert knows it: once, whoever asks, and also across restarts. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/domain/alerts.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { AlertManager, type Failure } from '../../src/operations/alert-manager.ts';
import { claimRetry, retryUnderWay, settleRetries } from '../../src/operations/retry-claims.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { LINE_3 } from '../slack/workspace.ts';
import { memoryNotices, type Posted } from './memory-notices.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5, 12);
const ADA = { team: 'T', user: 'U0ADA' };
const CHLOE = { team: 'T', user: 'U0CHLOE' };
const useCase: UseCase = {
  ...LINE_3,
  onCall: { levels: [['U0BEN'], ['U0LEAD']], escalateAfterMs: 10 * MINUTE },
};
const JOB = { kind: 'training', job: 'press-1' } as const;

let dir: string;
let store: Store;
let now: number;
let alerts: AlertManager;
let shown: Posted[] = [];

async function open(): Promise<void> {
  store = await openLowdbStore(dir);
  alerts = new AlertManager({
    store,
    clock: { now: () => now },
    directory: { membersOf: async () => [] },
    useCases: [useCase],
    admins: [],
    show: alertBoard(memoryNotices(store, shown)),
    onError: (error) => {
      throw error;
    },
  });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-retries-'));
  now = START;
  shown = [];
  await open();
  await alerts.raise(useCase, failure('press-1'));
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const failure = (name: string, more: Partial<Failure> = {}): Failure => ({
  kind: 'training',
  title: 'Training failed',
  cause: 'CUDA out of memory',
  scope: 'press',
  subject: { id: `failed ${name}`, name, job: name, pipeline: 'press', at: now },
  job: name,
  ...more,
});
const deps = () => ({ store, clock: { now: () => now }, alerts });
const claim = (as: string, by = ADA) => claimRetry(deps(), useCase, JOB, { as, by });
const job = (name: string, status: string) =>
  store.changeJob(useCase.id, name, () => ({
    job: { name, useCase: useCase.id, provider: 'sagemaker', ...sageMakerState(status), createdAt: now },
    seenAt: now,
    news: true,
  }));
const only = async (): Promise<Alert> => (await store.listAlerts({ limit: 1 }))[0]!;
const alertText = (): string =>
  JSON.stringify(shown.find(({ thread }) => thread === undefined)?.message.blocks);
const thread = (): string => JSON.stringify(shown.filter(({ thread }) => thread !== undefined));

describe('[N4] a failure that is started again', () => {
  it('is shown as being retried, by whom and as what, and offers no second retry', async () => {
    expect(alertText()).toContain('train.again');
    expect(await claim('press-1-again')).toBeUndefined();
    expect(alertText()).toContain('*Being retried by <@U0ADA>*');
    expect(alertText()).toMatch(/console\.aws\.amazon\.com[^|]*press-1-again\|press-1-again/);
    expect(alertText()).toContain('See the retry');
    expect(alertText()).not.toContain('train.again');
    expect(alertText()).not.toContain('Not acknowledged');
  });

  it('is started once by all who start it at the same moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 2 }),
        async (names) => {
          const first = await Promise.all(names.map((name) => claim(name, name === 'a' ? ADA : CHLOE)));
          expect(first.filter((one) => one === undefined)).toHaveLength(1);
          const winner = names[first.indexOf(undefined)]!;
          for (const one of first) expect(one?.as ?? winner).toBe(winner);
          await alerts.endRetry(useCase, winner, 'not started');
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is refused to the second one also after a restart, and the same claim again is the same', async () => {
    await claim('press-2');
    await store.close();
    await open();
    expect(await claim('press-3', CHLOE)).toMatchObject({ as: 'press-2', by: ADA });
    expect(await claim('press-2')).toBeUndefined();
    expect((await only()).retries).toHaveLength(1);
  });

  it('is the job that its provider made of the name, which may have an id of its own', async () => {
    await claim('runpod:press-2');
    await alerts.renameRetry(useCase, 'runpod:press-2', 'runpod:press-2.8t1hif70q426k9');
    now += 30 * MINUTE;
    await store.changeJob(useCase.id, 'runpod:press-2.8t1hif70q426k9', () => ({
      job: {
        ...{ name: 'press-2.8t1hif70q426k9', useCase: useCase.id, provider: 'runpod', createdAt: now },
        ...{ state: 'running', status: 'RUNNING' },
      },
      seenAt: now,
      news: true,
    }));
    await settleRetries(deps(), useCase);
    expect((await only()).retries).toMatchObject([{ as: 'runpod:press-2.8t1hif70q426k9', by: ADA }]);
    expect(alertText()).toContain('press-2.8t1hif70q426k9');
    expect(await claim('runpod:press-3', CHLOE)).toMatchObject({ as: 'runpod:press-2.8t1hif70q426k9' });
  });

  it('calls nobody else while the retry goes on, and goes on calling when it has failed', async () => {
    await claim('press-2');
    now += 30 * MINUTE;
    await job('press-2', 'InProgress');
    await settleRetries(deps(), useCase);
    await alerts.tick();
    expect((await only()).calls).toHaveLength(1);
    await job('press-2', 'Failed');
    await settleRetries(deps(), useCase);
    expect(alertText()).toContain('Retry by <@U0ADA> failed');
    expect(alertText()).toContain('train.again');
    expect(thread()).toContain('The retry failed');
    now += 10 * MINUTE;
    await alerts.tick();
    expect((await only()).calls).toMatchObject([{ why: 'opened' }, { why: 'escalated', to: ['U0LEAD'] }]);
  });

  it('may be started again once the first retry has ended, from the run that failed last', async () => {
    await claim('press-2');
    await job('press-2', 'Failed');
    await alerts.raise(useCase, failure('press-2'));
    expect(await claim('press-3', CHLOE)).toBeUndefined();
    await alerts.endRetry(useCase, 'press-3', 'failed');
    expect(alertText()).toContain('line-3 press-2');
    // A run of a run is for the same failure.
    expect(
      await claimRetry(deps(), useCase, { kind: 'training', job: 'press-2' }, { as: 'press-4', by: ADA }),
    ).toBeUndefined();
    expect(await retryUnderWay(deps(), useCase, JOB)).toMatchObject({ as: 'press-4' });
  });

  it('lets go of a claim of which nothing has become known, as a crash leaves it', async () => {
    await claim('press-2');
    now += 5 * MINUTE;
    expect(await claim('press-3', CHLOE)).toMatchObject({ as: 'press-2' });
    now += 6 * MINUTE;
    expect(await claim('press-3', CHLOE)).toBeUndefined();
    expect(alertText()).toContain('Being retried by <@U0CHLOE>');
  });

  it('is nobody’s claim where no alert is about it', async () => {
    await alerts.close(await only(), ADA);
    expect(await claim('press-2')).toBeUndefined();
    expect(await claim('press-3')).toBeUndefined();
    expect((await only()).retries).toBeUndefined();
  });

  it('of a compilation is that of the target alone', async () => {
    for (const target of ['jetson-xavier', 'x86_64-cpu'])
      await alerts.raise(
        useCase,
        failure('press-1', {
          kind: 'compilation',
          cause: `operators are not implemented on ${target}`,
          subject: {
            id: target,
            name: `press-1 → ${target}`,
            job: 'press-1',
            pipeline: 'press',
            target,
            at: now,
          },
        }),
      );
    const failed = { kind: 'compilation', job: 'press-1', target: 'jetson-xavier' } as const;
    await alerts.beginRetry(useCase, failed, { as: 'press-1-jetson-2', by: ADA, at: now });
    expect(await retryUnderWay(deps(), useCase, failed)).toMatchObject({ as: 'press-1-jetson-2' });
    expect(await retryUnderWay(deps(), useCase, { ...failed, target: 'x86_64-cpu' })).toBeUndefined();
    expect(await retryUnderWay(deps(), useCase, JOB)).toBeUndefined();
  });
});

describe('[N4] the same thing that failed several times', () => {
  it('is said once, with its attempts', async () => {
    const target = (id: string, name: string) =>
      failure('press-1', {
        kind: 'compilation',
        title: 'Compilation failed',
        subject: { id, name, job: 'press-1', pipeline: 'press', target: name.split(' → ')[1], at: now },
      });
    await alerts.close(await only(), ADA);
    shown.length = 0;
    await alerts.raise(useCase, target('1', 'press-1 → jetson'));
    await alerts.raise(useCase, target('2', 'press-1 → jetson'));
    expect(shown[0]!.message.text).toContain('`press-1 → jetson` (2 attempts)');
    expect(alertText().split('press-1 → jetson')).toHaveLength(2);
    await alerts.raise(useCase, target('3', 'press-1 → x86'));
    expect(shown[0]!.message.text).toContain('`press-1 → jetson` and 1 more');
    expect(alertText()).toContain(
      '*3 failures with the same cause*: `press-1 → jetson` (2 attempts), `press-1 → x86`',
    );
  });
});
