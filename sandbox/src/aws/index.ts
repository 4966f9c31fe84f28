/** The AWS side of the sandbox, put together: what it stores, its services, its server, and how it is steered. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaultPlan } from '../faults.ts';
import { close, listen } from '../listen.ts';
import type { Clock, EpochMs } from '../time.ts';
import { BlockCache } from './event-blocks.ts';
import { type Eventing, startEventing } from './eventing.ts';
import { greengrassService } from './greengrass.ts';
import { Iam } from './iam.ts';
import { type KindSeeds, kindsOperations, seedKinds } from './kinds/index.ts';
import { tagOperations } from './kinds/tags.ts';
import type { LogStore } from './log-store.ts';
import { logsService } from './logs.ts';
import { neoOperations } from './neo.ts';
import { s3Door } from './s3.ts';
import { S3_OPERATIONS } from './s3-request.ts';
import { sagemakerService } from './sagemaker.ts';
import { type Scheduler, systemScheduler } from './scheduler.ts';
import type { AwsWorld } from './seed.ts';
import { awsServer } from './server.ts';
import type { AwsService } from './service.ts';
import { serviceDoor } from './service-door.ts';
import { type AwsSandboxSettings, settingsFrom } from './settings.ts';
import { Stores } from './stores.ts';
import { stsService } from './sts.ts';
import { type AwsSandboxStats, Traffic } from './traffic.ts';
import type { TrainingJobSeed } from './training.ts';

export interface AwsSandboxOptions extends Partial<AwsSandboxSettings> {
  /** 0 or left out: any free port. */
  port?: number;
  world: AwsWorld;
  clock?: Clock;
  /** Asked with `logs:GetLogEvents`, `sts:AssumeRole`, …: service and operation. */
  faults?: FaultPlan;
  /** Of what happens by itself; left out: Node's timers. */
  scheduler?: Scheduler;
  /** Rendered log events that are kept, bytes; default 256 MiB. */
  logCacheBytes?: number;
  /** Where the bytes of uploaded S3 objects are kept while the sandbox runs; left out: a temporary folder. */
  dataDir?: string;
}

export interface AwsSandbox {
  url: string;
  port: number;
  /** Changes settings of the running sandbox; full buckets again when quotas change. */
  configure(settings: Partial<AwsSandboxSettings>): void;
  stats(): AwsSandboxStats;
  resetStats(): void;
  /** Events, queues and alarms from inside, without requests. */
  events: Eventing['inside'];
  /** By service: the operations that are here. */
  operations: Readonly<Record<string, string[]>>;
  /** Makes a training job that is how it is, or puts it in place of one of the same name. */
  putTrainingJob(account: string, region: string, job: TrainingJobSeed): void;
  /** The same of SageMaker's other kinds of work. */
  putKinds(account: string, region: string, seeds: KindSeeds): void;
  /** Ends all role sessions now: their next call gets `ExpiredToken`. */
  expireSessions(): void;
  /** Renders a group's log into the cache, so that a benchmark measures its reader. @returns bytes in the cache */
  warmLogs(account: string, region: string, group: string): number;
  close(): Promise<void>;
}

/** Rendered log events that are kept, bytes. */
const LOG_CACHE_BYTES = 256 * 1_048_576;

/** @throws SandboxError unavailable, when the port is taken */
export async function startAwsSandbox(options: AwsSandboxOptions): Promise<AwsSandbox> {
  const { world, faults, clock = { now: Date.now }, scheduler = systemScheduler } = options;
  const settings = settingsFrom(options);
  const iam = new Iam(clock);
  iam.sessionSeconds = settings.sessionSeconds;
  const traffic = new Traffic(settings.quotas);
  const cache = new BlockCache(options.logCacheBytes ?? LOG_CACHE_BYTES);
  const stores = new Stores(world, iam, await emptyObjectFolder(options.dataDir), settings);
  const { objects } = stores;
  let url = '';
  const eventing = startEventing({
    world,
    stores,
    iam,
    clock,
    scheduler,
    faults,
    settings,
    baseUrl: () => url,
  });
  const services = [...servicesOn(stores, iam, cache, settings), ...eventing.services];
  const server = awsServer({
    s3: s3Door({
      objects,
      iam,
      clock,
      faults,
      admit: (operation, account, region) => traffic.admit(operation, account, region),
      sent: (bytes) => traffic.sent(bytes),
    }),
    service: serviceDoor({ services, stores, iam, clock, faults, traffic }),
    stores,
    clock,
    settings,
    traffic,
  });
  const port = await listen(server, options.port ?? 0, { side: 'AWS', option: '--aws-port' });
  url = `http://127.0.0.1:${port}`;

  return {
    url,
    port,
    configure(changes) {
      Object.assign(settings, changes);
      iam.sessionSeconds = settings.sessionSeconds;
      traffic.limit(settings.quotas);
      eventing.reconfigured();
    },
    events: eventing.inside,
    operations: {
      ...Object.fromEntries(services.map((service) => [service.name, Object.keys(service.operations)])),
      s3: [...S3_OPERATIONS],
    },
    stats: () => traffic.stats(),
    resetStats: () => traffic.reset(),
    putTrainingJob: (account, region, job) => stores.jobs(account, region).seed(job),
    putKinds: (account, region, seeds) => seedKinds(stores.place(account, region).kinds, seeds),
    expireSessions: () => iam.expireSessions(),
    warmLogs: (account, region, group) => warm(cache, stores.logs(account, region), group, clock.now()),
    async close() {
      eventing.close();
      await close(server);
      await objects.close();
    },
  };
}

/** What was uploaded does not outlive the index of it, which is in memory. */
async function emptyObjectFolder(dataDir: string | undefined): Promise<string> {
  const folder =
    dataDir === undefined ? join(tmpdir(), `sandbox-objects-${randomUUID()}`) : join(dataDir, 'aws-objects');
  await rm(folder, { recursive: true, force: true });
  return folder;
}

/** All but S3, and but those that have to do with events. */
function servicesOn(stores: Stores, iam: Iam, cache: BlockCache, settings: AwsSandboxSettings): AwsService[] {
  const { logs, jobs, compilations, components, fleet, objects } = stores;
  const sagemaker = sagemakerService(jobs, iam, settings);
  return [
    stsService(iam),
    logsService(
      logs,
      // A live view: what `configure` changes counts from the next request on.
      Object.defineProperties({} as Parameters<typeof logsService>[1], {
        cache: { value: cache },
        silenceMs: { get: () => settings.silenceMs },
        emptyPages: { get: () => settings.emptyPages },
        lastEventLagMs: { get: () => settings.lastEventLagMs },
      }),
    ),
    {
      ...sagemaker,
      operations: {
        ...sagemaker.operations,
        ...neoOperations(compilations, iam, settings),
        ...kindsOperations(({ account, region }) => stores.place(account, region), iam, settings),
        ...tagOperations(({ account, region }) => stores.tagged(account, region)),
      },
    },
    greengrassService({ components, fleet, objects, iam }),
  ];
}

/** @returns bytes in the cache */
function warm(cache: BlockCache, logs: LogStore, group: string, now: EpochMs): number {
  for (const { series } of logs.streams(group, now)) {
    const visible = series.visible(now);
    for (let index = 0; index < visible; index += series.blockEvents) cache.at(series, index, visible);
  }
  return cache.bytes;
}
