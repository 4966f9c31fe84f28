/** What events cost: statements sent to the database, and journeys there and back, of which each takes its distance. */
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { Ingest } from '../../../src/events/ingest.ts';
import type { RootOptions } from '../../../src/roots.ts';
import type { SlackApi } from '../../../src/slack/api.ts';
import { openPostgres } from '../../../src/stores/postgres/index.ts';
import { WatchEvents } from '../../../src/watch-events.ts';
import { awsEvent } from '../../e2e/aws-events.ts';
import { SILENT, USE_CASE } from '../../events/support.ts';
import { countJourneys, type Journeys } from '../../fixtures/journeys.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const clock = { now: () => Date.now(), elapsed: () => performance.now() };
const CHANNEL = 'C0LINE3';

const deployment = (device: string, status: 'SUCCEEDED' | 'FAILED') =>
  awsEvent('Greengrass V2 Effective Deployment Status Change', `greengrass coreDevices:${device}`, {
    ...{ coreDeviceThingName: device, deploymentId: 'release-7', effectiveDeploymentExecutionStatus: status },
    ...(status === 'FAILED' ? { reason: 'no space left on the device' } : {}),
  });

describe.skipIf(noPostgres)('events on PostgreSQL', () => {
  const postgres = postgresOfTests();
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** An instance that handles events; the first one it has handled has made its connections. */
  async function instance() {
    const url = await postgres().database();
    const opened = await openPostgres({ url, clock, onError: () => {} });
    const { store, coordination } = opened;
    closing.push(
      () => store.close(),
      () => coordination.close(),
    );
    const useCase = { ...USE_CASE, channels: [CHANNEL] };
    await store.putSubscription({
      ...{ id: 's', useCase: useCase.id, channel: CHANNEL, kinds: ['deployment'], failuresOnly: false },
      ...{ createdAt: clock.now(), createdBy: { team: 'T', user: 'U' } },
    });
    // Looks only when it is told to: what it does by the clock is not what an event costs.
    const options = {
      ...{ ...opened, clock, logger: pino({ level: 'silent' }), config: { useCases: [useCase], admins: [] } },
      pace: { ticker: () => ({ stop: () => {} }) },
    };
    const events = new WatchEvents(options as unknown as RootOptions, { directory: {} } as SlackApi);
    const intake = new Ingest({ store, clock, useCases: [useCase], log: SILENT });
    closing.push(() => events.stop());
    events.start();
    const pending = async (): Promise<number> => {
      const [row] = await postgres().query<{ count: string }>(
        url,
        `select count(*) from signalbox.events where state = 'pending'`,
      );
      return Number(row!.count);
    };
    const handled = async (all: readonly object[]): Promise<void> => {
      for (const one of all) await intake.receive(JSON.stringify(one), 'sqs');
      await coordination.wake('events', { kind: 'deployment' });
      await expect.poll(pending, { interval: 20, timeout: 20_000 }).toBe(0);
    };
    /** From the moment at which all of them are stored. */
    const costOf = async (all: readonly object[]): Promise<Journeys> => {
      for (const one of all) await intake.receive(JSON.stringify(one), 'sqs');
      const counts = countJourneys();
      try {
        await coordination.wake('events', { kind: 'deployment' });
        await expect.poll(pending, { interval: 20, timeout: 20_000 }).toBe(0);
      } finally {
        counts.stop();
      }
      return counts;
    };
    await handled([deployment('warm-up', 'SUCCEEDED')]);
    return { store, handled, costOf };
  }

  it('one that is told costs at most 11 journeys, the claims and the word to the sender among them', async () => {
    const { store, costOf } = await instance();
    const { statements, journeys, sent } = await costOf([deployment('box-1', 'SUCCEEDED')]);
    expect(journeys, sent.join('\n')).toBeLessThanOrEqual(11);
    expect(statements, sent.join('\n')).toBeLessThanOrEqual(33);
    expect(await store.getPost(`said/line-3/deployment/release-7/box-1/SUCCEEDED@${CHANNEL}`)).toBeDefined();
  });

  it('one that is a failure and joins an open alert costs at most 15, with the drawing of it', async () => {
    const { store, costOf, handled } = await instance();
    await handled([deployment('box-0', 'FAILED')]);
    const { journeys, sent } = await costOf([deployment('box-1', 'FAILED')]);
    expect(journeys, sent.join('\n')).toBeLessThanOrEqual(15);
    expect(await store.listAlerts({ limit: 9 })).toMatchObject([{ count: 2 }]);
  });

  it('64 at once share journeys: one each at most, beside an alert that is about other things', async () => {
    const { store, costOf, handled } = await instance();
    await handled([deployment('box-0', 'FAILED')]);
    const all = Array.from({ length: 64 }, (_, n) => deployment(`box-${n + 1}`, 'SUCCEEDED'));
    const { statements, journeys, sent } = await costOf(all);
    expect(journeys, sent.join('\n')).toBeLessThanOrEqual(64);
    expect(statements, sent.join('\n')).toBeLessThanOrEqual(7 * 64);
    const posts = await store.listUnsent();
    expect(posts.filter(({ key }) => key.startsWith('said/line-3/deployment/release-7/box-'))).toHaveLength(
      64,
    );
  });
});
