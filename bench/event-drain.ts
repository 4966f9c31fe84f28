/**
 * How fast stored events are handled by one, two and three instances: processes of their own, on a real PostgreSQL.
 * Each event is a deployment on another device, told in a channel that wants to hear of it; one in ten (`--failed`) has
 * failed, and is a part of an alert. Nothing is sent to Slack: what is told is in the outbox.
 *
 *   npx tsx bench/event-drain.ts [--events 2000] [--away 0,25] [--instances 1,2,3] [--failed 10]
 *
 * `--away`: milliseconds from an instance to the database and back again, each way. With none, this machine's cores are
 * measured as much as the instances; with few, once an event takes few journeys (`ms of a core` are the instances' alone,
 * PostgreSQL and this process, which brings the database further away, come on top). Ends with 1 when an event is
 * told never or twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { arch, cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { Ingest } from '../src/events/ingest.ts';
import type { RootOptions } from '../src/roots.ts';
import type { SlackApi } from '../src/slack/api.ts';
import { openPostgres } from '../src/stores/postgres/index.ts';
import { WatchEvents } from '../src/watch-events.ts';
import { awsEvent } from '../test/e2e/aws-events.ts';
import { countJourneys } from '../test/fixtures/journeys.ts';
import { startPostgres } from '../test/fixtures/postgres.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '2000' },
    away: { type: 'string', default: '0,25' },
    instances: { type: 'string', default: '1,2,3' },
    /** Every so manyth; 0: none. */
    failed: { type: 'string', default: '10' },
    /** For the processes that this one starts. */
    instance: { type: 'string' },
  },
});
const clock = { now: () => Date.now(), elapsed: () => performance.now() };
const logger = pino({ level: 'silent' });
const USE_CASE = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
} as const;

/** The database from further away. @returns its URL there */
async function from(url: string, ms: number): Promise<string> {
  if (ms === 0) return url;
  const { hostname, port } = new URL(url);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.setNoDelay(true);
      one.on('data', (bytes) => void setTimeout(() => other.write(bytes), ms));
      one.on('close', () => void setTimeout(() => other.destroy(), ms));
      one.on('error', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  const there = new URL(url);
  there.port = String((server.address() as AddressInfo).port);
  return there.href;
}

async function beInstance(url: string): Promise<void> {
  const opened = await openPostgres({ url, clock, onError: () => {} });
  const options = { ...opened, clock, logger, config: { useCases: [USE_CASE], admins: [] } };
  const events = new WatchEvents(options as unknown as RootOptions, { directory: {} } as SlackApi);
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  const counts = countJourneys();
  const before = process.cpuUsage();
  events.start();
  await once(process.stdin, 'data');
  const { user, system } = process.cpuUsage(before);
  const { statements, journeys } = counts;
  process.stdout.write(`${JSON.stringify({ statements, journeys, cpuMs: (user + system) / 1_000 })}\n`);
  await events.stop();
  await opened.coordination.close();
  await opened.store.close();
  process.exit(0);
}

async function startInstance(url: string): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(import.meta.url), '--instance', url],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  await once(child.stdout!, 'data');
  return child;
}

const failedEvery = Number(values.failed);
const isFailed = (n: number): boolean => failedEvery > 0 && n % failedEvery === 0;

const deployment = (n: number) =>
  awsEvent('Greengrass V2 Effective Deployment Status Change', `greengrass coreDevices:box-${n}`, {
    coreDeviceThingName: `box-${n}`,
    deploymentId: 'release-7',
    effectiveDeploymentExecutionStatus: isFailed(n) ? 'FAILED' : 'SUCCEEDED',
    ...(isFailed(n) ? { reason: 'no space left on the device' } : {}),
  });

interface Drained {
  /** Events a second. */
  rate: number;
  /** Of all instances, for each event. */
  each: Usage;
}

interface Usage {
  statements: number;
  journeys: number;
  cpuMs: number;
}

async function usageOf(child: ChildProcess): Promise<Usage> {
  const said = once(child.stdout!, 'data');
  child.stdin!.write('stop\n');
  return JSON.parse(String((await said)[0])) as Usage;
}

async function drain(url: string, instances: number, away: number, count: number): Promise<Drained> {
  const { store, coordination } = await openPostgres({ url, clock, onError: () => {} });
  await store.putSubscription({
    ...{ id: 's', useCase: USE_CASE.id, channel: 'C0LINE3', kinds: ['deployment'], failuresOnly: false },
    ...{ createdAt: clock.now(), createdBy: { team: 'T', user: 'U' } },
  });
  const intake = new Ingest({ store, clock, useCases: [USE_CASE as never], log: logger });
  for (let n = 0; n < count; n += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, count - n) }, (_, index) =>
        intake.receive(JSON.stringify(deployment(n + index)), 'sqs'),
      ),
    );
  const children: ChildProcess[] = [];
  for (let n = 0; n < instances; n += 1) children.push(await startInstance(await from(url, away)));
  const began = performance.now();
  for (const child of children) child.stdin!.write('go\n');
  while ((await store.countEvents()).pending > 0) await sleep(50);
  const seconds = (performance.now() - began) / 1_000;
  const used = await Promise.all(
    children.map(async (child) => {
      const exit = once(child, 'exit');
      const usage = await usageOf(child);
      await exit;
      return usage;
    }),
  );
  const each = (what: keyof Usage): number => used.reduce((sum, usage) => sum + usage[what], 0) / count;
  const posts = await store.listUnsent();
  const told = posts.filter(({ key }) => key.startsWith('said/')).length;
  const [alert, ...more] = await store.listAlerts({ limit: 10 });
  const failed = Array.from({ length: count }, (_, n) => n).filter(isFailed).length;
  // A failure is told by its alert where that is in the same channel.
  if (told !== count - failed || (alert?.count ?? 0) !== failed || more.length > 0) {
    console.log(
      `told ${told} of ${count - failed}; ${alert?.count} of ${failed} failures in ${1 + more.length} alerts`,
    );
    process.exitCode = 1;
  }
  await coordination.close();
  await store.close();
  return {
    rate: count / seconds,
    each: { statements: each('statements'), journeys: each('journeys'), cpuMs: each('cpuMs') },
  };
}

if (values.instance !== undefined) await beInstance(values.instance);
else {
  console.log(`${cpus().length} cores (${arch()}), Node ${process.versions.node}, ${values.events} events`);
  const postgres = await startPostgres({ durable: true });
  try {
    for (const away of values.away.split(',').map(Number)) {
      let alone: number | undefined;
      for (const instances of values.instances.split(',').map(Number)) {
        const { rate, each } = await drain(await postgres.database(), instances, away, Number(values.events));
        alone ??= rate;
        console.log(
          `${away} ms away, ${instances} instance(s): ${rate.toFixed(0)} events/s, ${(rate / alone).toFixed(2)} ×; each event ` +
            `${each.statements.toFixed(1)} statements in ${each.journeys.toFixed(1)} journeys, ${each.cpuMs.toFixed(1)} ms of a core`,
        );
      }
    }
  } finally {
    await postgres.dispose();
  }
}
