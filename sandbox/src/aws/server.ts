/**
 * One HTTP server for all AWS services of the sandbox. It reads the protocol, checks the signature,
 * the rights and the quota, lets the service work, and words errors as the protocol does.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxError } from '../errors.ts';
import type { FaultPlan } from '../faults.ts';
import type { Clock } from '../time.ts';
import { AwsError, type Protocol } from './errors.ts';
import { BlockCache } from './event-blocks.ts';
import { EVENTING_DEFAULTS, type Eventing, type EventingSettings, startEventing } from './eventing.ts';
import { greengrassService } from './greengrass.ts';
import { Iam } from './iam.ts';
import { logsService } from './logs.ts';
import { neoOperations } from './neo.ts';
import {
  asAwsError,
  errorReply,
  failure,
  faultReply,
  inDialect,
  JSON_TYPE,
  jsonReply,
  REST_TYPE,
  type Reply,
  readTarget,
  spokenBy,
  type Target,
  throttled,
  unknownOperation,
} from './protocols.ts';
import { QuotaBuckets, type Quotas } from './quotas.ts';
import { s3Door } from './s3.ts';
import { isForS3, S3_OPERATIONS } from './s3-request.ts';
import { sagemakerService } from './sagemaker.ts';
import { type Scheduler, systemScheduler } from './scheduler.ts';
import type { AwsWorld } from './seed.ts';
import type { AwsAnswer, AwsService } from './service.ts';
import { checkMembers, isQuestion, watchReads } from './service-model.ts';
import { readClaim, verifySignature } from './sigv4.ts';
import { type StoreSettings, Stores } from './stores.ts';
import { stsService } from './sts.ts';
import type { TrainingJobSeed } from './training.ts';
import { toXml } from './xml.ts';

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

/** Everything that may be changed while the sandbox runs. Times in milliseconds. */
export interface AwsSandboxSettings extends StoreSettings, EventingSettings {
  /** Every answer takes at least this long, as a distant region does; default 0. */
  latencyMs: number;
  /** Plus a random part up to this; default 0. */
  jitterMs: number;
  /** Requests a second by operation, over AWS's own numbers; `off`: no limit. Default: AWS's own. */
  quotas: Quotas;
  /** A log that was silent for this long ends a page and gives empty ones; default 2 h. */
  silenceMs: number;
  /** How many empty pages each silence gives; default 1. */
  emptyPages: number;
  /** How far `lastEventTimestamp` lags; default 1 h. */
  lastEventLagMs: number;
  /** Role sessions end after so many seconds, whatever was asked for; default as asked. */
  sessionSeconds: number | undefined;
}

interface AwsSandboxStats {
  /** By operation. */
  requests: Record<string, number>;
  throttled: Record<string, number>;
  /** Pages of log events without one. */
  emptyPages: number;
  events: number;
  /** Of response bodies. */
  bytes: number;
  maxInFlight: number;
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
  /** Ends all role sessions now: their next call gets `ExpiredToken`. */
  expireSessions(): void;
  /** Renders a group's log into the cache, so that a benchmark measures its reader. @returns bytes in the cache */
  warmLogs(account: string, region: string, group: string): number;
  close(): Promise<void>;
}

const DEFAULTS: AwsSandboxSettings = {
  latencyMs: 0,
  jitterMs: 0,
  quotas: {},
  silenceMs: 2 * 3_600_000,
  emptyPages: 1,
  lastEventLagMs: 3_600_000,
  sessionSeconds: undefined,
  trainingInstances: 100,
  compilationMs: 30_000,
  concurrentCompilations: 50,
  componentMs: 6_000,
  deploymentMs: 20_000,
  ...EVENTING_DEFAULTS,
};

/** Rendered log events that are kept, bytes. */
const LOG_CACHE_BYTES = 256 * 1_048_576;
const MAX_BODY_BYTES = 16 * 1_048_576;
const LOG_SETTLE_MS = 100;

export async function startAwsSandbox(options: AwsSandboxOptions): Promise<AwsSandbox> {
  const clock = options.clock ?? { now: Date.now };
  const settings: AwsSandboxSettings = { ...DEFAULTS };
  Object.assign(settings, pickSettings(options));
  const iam = new Iam(clock);
  iam.sessionSeconds = settings.sessionSeconds;
  const buckets = new QuotaBuckets(settings.quotas);
  const cache = new BlockCache(options.logCacheBytes ?? LOG_CACHE_BYTES);
  // What was uploaded does not outlive the index of it, which is in memory.
  const objectFolder =
    options.dataDir === undefined
      ? join(tmpdir(), `sandbox-objects-${randomUUID()}`)
      : join(options.dataDir, 'aws-objects');
  await rm(objectFolder, { recursive: true, force: true });
  const stores = new Stores(options.world, iam, objectFolder, settings);
  const { logs, objects } = stores;
  let baseUrl = '';
  const eventing = startEventing({
    world: options.world,
    stores,
    iam,
    clock,
    scheduler: options.scheduler ?? systemScheduler,
    faults: options.faults,
    settings,
    baseUrl: () => baseUrl,
  });
  const sagemaker = sagemakerService(stores.jobs, iam);
  const services = [
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
        ...neoOperations(stores.compilations, iam, sagemaker.operations),
      },
    },
    greengrassService({ components: stores.components, fleet: stores.fleet, objects, iam }),
    ...eventing.services,
  ];
  let stats = emptyStats();
  let inFlight = 0;
  let settledAt = Number.NEGATIVE_INFINITY;

  const server = createServer((request, response) => {
    inFlight++;
    stats.maxInFlight = Math.max(stats.maxInFlight, inFlight);
    const arrived = performance.now();
    const latency = async () => {
      const wait = settings.latencyMs + Math.random() * settings.jitterMs - (performance.now() - arrived);
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    };
    if (isForS3(request, (name) => objects.findBucket(name) !== undefined)) {
      stores
        .settle(clock.now())
        .then(() => s3(request, response, latency))
        .catch(() => response.destroy())
        .finally(() => {
          inFlight--;
        });
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    answer(request, gone.signal)
      .catch((error: unknown) => failure(error, spokenBy(request)))
      .then(
        async (reply) => {
          if (!reply.quick) await latency();
          send(response, reply);
        },
        () => response.destroy(),
      )
      .finally(() => {
        inFlight--;
      });
  });

  const s3 = s3Door({
    objects,
    iam,
    clock,
    faults: options.faults,
    admit: (operation, account, region) => {
      stats.requests[operation] = (stats.requests[operation] ?? 0) + 1;
      if (buckets.take(account, region, operation, performance.now())) return true;
      stats.throttled[operation] = (stats.throttled[operation] ?? 0) + 1;
      return false;
    },
    sent: (bytes) => {
      stats.bytes += bytes;
    },
  });

  async function answer(request: IncomingMessage, signal: AbortSignal): Promise<Reply> {
    const body = await readBody(request);
    const target = readTarget(request, body, services);
    return inDialect(await work(request, body, target, signal), target.service);
  }

  async function work(
    request: IncomingMessage,
    body: Buffer,
    target: Target,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { service, name } = target;
    const { protocol } = service;
    try {
      const operation = service.operations[name];
      const fault = options.faults?.take(`${service.name}:${name}`);
      if (fault && fault.kind !== 'lost_answer') return faultReply(fault, protocol);
      const principal = authenticate(request, body, service);
      if (!operation) throw unknownOperation(service, name);
      stats.requests[name] = (stats.requests[name] ?? 0) + 1;
      const { account } = principal;
      const given = target.input();
      const watched = watchReads(given);
      const call = {
        account,
        region: target.region(),
        principal,
        input: watched.input,
        now: clock.now(),
        signal,
      };
      if (!buckets.take(account, call.region, name, performance.now())) {
        stats.throttled[name] = (stats.throttled[name] ?? 0) + 1;
        return { ...errorReply(throttled(), protocol), quick: true };
      }
      if (operation.action !== undefined) {
        iam.authorize(principal, operation.action, operation.resources?.(call) ?? ['*'], call.region);
      }
      checkMembers(service, name, given);
      await settle(service, call.now);
      const worked = await operation.handle(call);
      if (isQuestion(name)) watched.checkAllRead(name);
      const reply = success(worked, protocol, name, target.status);
      return fault ? { ...reply, drop: true } : reply;
    } catch (error) {
      return errorReply(asAwsError(error, protocol), protocol);
    }
  }

  function authenticate(request: IncomingMessage, body: Buffer, service: AwsService) {
    const signed = {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      headers: request.headers,
      body,
    };
    const claim = readClaim(signed);
    const credential = iam.credential(claim.accessKeyId);
    // Clients sign with their machine's clock, whatever time the sandbox plays.
    verifySignature(signed, claim, credential.secret, service.signingName, Date.now());
    iam.checkToken(credential, claim.sessionToken);
    return credential.principal;
  }

  /** Reading logs is measured: there, what the clock has brought about is looked for now and then only. */
  async function settle(service: AwsService, now: number): Promise<void> {
    const recently = service.name === 'logs' && performance.now() - settledAt < LOG_SETTLE_MS;
    if (service.name === 'sts' || service.timeless || recently) return;
    settledAt = performance.now();
    await stores.settle(now);
  }

  function success(answer: AwsAnswer, protocol: Protocol, operation: string, status = 200): Reply {
    if ('body' in answer && protocol === 'rest-json') {
      return {
        ...jsonReply(status, answer.body),
        type: REST_TYPE,
        ...(status === 204 ? { chunks: [] } : {}),
      };
    }
    if ('body' in answer) {
      return protocol === 'json'
        ? jsonReply(200, answer.body)
        : {
            status: 200,
            type: 'text/xml',
            chunks: [Buffer.from(toXml(operation, answer.body, randomUUID()))],
          };
    }
    if (answer.chunks.length > 0) {
      stats.events += answer.events;
      if (answer.events === 0) stats.emptyPages++;
    }
    return { status: 200, type: JSON_TYPE, chunks: answer.chunks };
  }

  function send(response: ServerResponse, reply: Reply): void {
    if (reply.drop) {
      response.destroy();
      return;
    }
    const length = reply.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    stats.bytes += length;
    response.writeHead(reply.status, {
      'content-type': reply.type,
      'content-length': length,
      'x-amzn-requestid': randomUUID(),
      ...(reply.errorType ? { 'x-amzn-errortype': reply.errorType } : {}),
      ...(reply.queryError ? { 'x-amzn-query-error': reply.queryError } : {}),
    });
    response.cork();
    for (const chunk of reply.chunks) response.write(chunk);
    response.end();
    response.uncork();
  }

  await listen(server, options.port ?? 0);
  // Longer than SDK clients keep an idle connection: the side that sends should be the one that closes.
  server.keepAliveTimeout = 60_000;
  const { port } = server.address() as AddressInfo;
  baseUrl = `http://127.0.0.1:${port}`;

  return {
    url: baseUrl,
    port,
    configure(changes) {
      Object.assign(settings, changes);
      iam.sessionSeconds = settings.sessionSeconds;
      buckets.quotas = settings.quotas;
      buckets.refill();
      eventing.reconfigured();
    },
    events: eventing.inside,
    operations: {
      ...Object.fromEntries(services.map((service) => [service.name, Object.keys(service.operations)])),
      s3: [...S3_OPERATIONS],
    },
    stats: () => structuredClone(stats),
    resetStats() {
      stats = emptyStats();
      buckets.refill();
    },
    putTrainingJob: (account, region, job) => stores.jobs(account, region).seed(job),
    expireSessions: () => iam.expireSessions(),
    warmLogs(account, region, group) {
      const now = clock.now();
      for (const { series } of logs(account, region).streams(group, now)) {
        const visible = series.visible(now);
        for (let index = 0; index < visible; index += series.blockEvents) cache.at(series, index, visible);
      }
      return cache.bytes;
    },
    async close() {
      eventing.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await objects.close();
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new SandboxError(
          'unavailable',
          `The sandbox's AWS side cannot listen on 127.0.0.1:${port}: ${cause.code ?? cause.message}.`,
          {
            hint: 'Another program has the port: end it or choose another port (0: any free one).',
            cause,
          },
        ),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES)
      throw new AwsError('RequestEntityTooLargeException', 'The body is too large', 413);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

const emptyStats = (): AwsSandboxStats => ({
  requests: {},
  throttled: {},
  emptyPages: 0,
  events: 0,
  bytes: 0,
  maxInFlight: 0,
});

/** The settings among the options, without those that were left out. */
function pickSettings(options: AwsSandboxOptions): Partial<AwsSandboxSettings> {
  const known = Object.keys(DEFAULTS);
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => known.includes(name) && value !== undefined),
  );
}
