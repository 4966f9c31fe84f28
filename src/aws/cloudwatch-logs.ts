/**
 * The log of one job in CloudWatch Logs, as the log engine reads it.
 *
 * Requests go through the AWS SDK's own client: credentials, signing, endpoints and sockets are its. Only the body of
 * a page takes another way, at the innermost place of the middleware stack (see cloudwatch-logs-page.ts), and retries
 * are the engine's and the limiter's, because only they know what else is waiting.
 */
import type { IncomingMessage } from 'node:http';
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { backoff, jittered } from '../ground/backoff.ts';
import { AppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type {
  LogLane,
  LogPage,
  LogPageRequest,
  LogSource,
  LogStreamInfo,
  RequestPace,
} from '../ports/log-source.ts';
import {
  newPageMemory,
  type PageLayout,
  type PageMemory,
  type RawPage,
  readPage,
} from './cloudwatch-logs-page.ts';
import { type ReadApi, readQuota } from './cloudwatch-logs-quotas.ts';
import { type AwsErrorContext, awsErrorToAppError, isExpiredCredentials, isThrottled } from './errors.ts';
import { pageArena } from './page-scanner.ts';
import { RateLimiter } from './rate-limit.ts';

/** Credentials as the SDK takes them: a function that gives new ones when asked with `forceRefresh`. */
type AwsCredentials = NonNullable<CloudWatchLogsClientConfig['credentials']>;

export interface CloudWatchLogSourceOptions {
  /** 12 digits; with the region the owner of the request quota. */
  account: string;
  region: string;
  /** Left out: the SDK's default chain. */
  credentials?: AwsCredentials | undefined;
  /** Called when the service says that the credentials have expired; the next request uses what it returns. */
  renewCredentials?: (() => Promise<AwsCredentials>) | undefined;
  /** `/aws/sagemaker/TrainingJobs`. */
  group: string;
  /** The job's name: its streams are `<job>/…`, and for compilations also the stream that is called `<job>`. */
  job: string;
  /**
   * Whether the job has a stream that is called like itself, besides those below it (compilations). Without
   * one only `<job>/…` is asked for, which keeps other jobs whose name begins the same out of the answer. Default: true.
   */
  ownStream?: boolean | undefined;
  /** `auto`: on where FilterLogEvents' quota is worth it (10 requests a second or more). */
  secondLane?: 'auto' | 'on' | 'off' | undefined;
  /** Named in errors. */
  useCase?: string | undefined;
  roleArn?: string | undefined;
  /** Requests a second, when they are not what AWS publishes for the region; Infinity: none. */
  quota?: Partial<Record<ReadApi, number>> | undefined;
  /** More for the SDK's client: an endpoint, an HTTP handler. */
  clientConfig?: CloudWatchLogsClientConfig | undefined;
}

/** Below this FilterLogEvents adds little and is better left to people at the console. */
const SECOND_LANE_WORTH = 10;
/** A page is a megabyte; a connection that gives nothing for so long is broken. */
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECTION_TIMEOUT_MS = 5_000;
const MAX_SOCKETS = 64;
const STREAMS_PER_PAGE = 50;
/** An event may be so far ahead of the service's clock. Source: PutLogEvents in the API reference. */
const AHEAD_MS = 2 * 3_600_000;
/** Memory for pages kept for the next ones. */
const SPARE_PAGES = 6;
/** A loopback endpoint that answers a page faster than this is an emulator: AWS's quotas say nothing about it. */
const EMULATOR_ANSWERS_WITHIN_MS = 25;

const limiters = new Map<string, RateLimiter>();

/** The one limiter of this process for an API of an account in a region. */
function limiterFor(options: CloudWatchLogSourceOptions, api: ReadApi): RateLimiter {
  const rate = options.quota?.[api] ?? readQuota(options.region, api);
  const key = `${options.account}/${options.region}/${api}/${rate}`;
  let limiter = limiters.get(key);
  if (!limiter) {
    limiter = new RateLimiter({ rate });
    limiters.set(key, limiter);
  }
  return limiter;
}

export function createCloudWatchLogSource(options: CloudWatchLogSourceOptions): LogSource {
  return new CloudWatchLogSource(options);
}

class CloudWatchLogSource implements LogSource {
  readonly id: string;
  readonly aheadMs = AHEAD_MS;
  readonly pace: RequestPace;
  readonly secondLane: LogLane | undefined;
  readonly #options: CloudWatchLogSourceOptions;
  readonly #limiters: Readonly<Record<ReadApi, RateLimiter>>;
  readonly #paces: Readonly<Record<ReadApi, RequestPace>>;
  readonly #pages = new PagePool();
  #client: CloudWatchLogsClient;
  #renewing: Promise<void> | undefined;
  #renewals = 0;
  #host = '';

  constructor(options: CloudWatchLogSourceOptions) {
    this.#options = options;
    this.id = `${options.account}/${options.region}${options.group}/${options.job}`;
    this.#limiters = {
      GetLogEvents: limiterFor(options, 'GetLogEvents'),
      FilterLogEvents: limiterFor(options, 'FilterLogEvents'),
      DescribeLogStreams: limiterFor(options, 'DescribeLogStreams'),
    };
    this.#paces = {
      GetLogEvents: this.#limiters.GetLogEvents.flow(),
      FilterLogEvents: this.#limiters.FilterLogEvents.flow(),
      DescribeLogStreams: this.#limiters.DescribeLogStreams.flow(),
    };
    this.pace = this.#paces.GetLogEvents;
    const mode = options.secondLane ?? 'auto';
    const filterQuota = options.quota?.FilterLogEvents ?? readQuota(options.region, 'FilterLogEvents');
    this.secondLane =
      mode === 'on' || (mode === 'auto' && filterQuota >= SECOND_LANE_WORTH)
        ? {
            pace: this.#paces.FilterLogEvents,
            readPage: (request, signal) => this.#readByFilter(request, signal),
          }
        : undefined;
    this.#client = this.#connect(options.credentials);
  }

  async listStreams(signal?: AbortSignal): Promise<LogStreamInfo[]> {
    const { group, job, ownStream = true } = this.#options;
    const streams: LogStreamInfo[] = [];
    let nextToken: string | undefined;
    const seen = new Set<string>();
    let failures = 0;
    for (;;) {
      let answer: { logStreams?: StreamDescription[] | undefined; nextToken?: string | undefined };
      try {
        await this.#paces.DescribeLogStreams.turn(signal);
        answer = await this.#call(
          'DescribeLogStreams',
          `list the log streams of ${job}`,
          signal,
          (abortSignal) =>
            this.#client.send(
              // With the slash other jobs whose name begins the same stay out; a compilation's own stream has none,
              // so what comes back is checked by name instead.
              new DescribeLogStreamsCommand({
                logGroupName: group,
                logStreamNamePrefix: ownStream ? job : `${job}/`,
                limit: STREAMS_PER_PAGE,
                nextToken,
              }),
              { abortSignal },
            ),
        );
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return [];
        const again =
          error instanceof AppError && (error.code === 'rate_limited' || error.code === 'unavailable');
        if (!again || ++failures > 6) throw error;
        await pause(jittered(backoff([200, 12_800], failures)), signal);
        continue;
      }
      for (const {
        logStreamName: name,
        firstEventTimestamp,
        lastEventTimestamp,
        storedBytes,
      } of answer.logStreams ?? []) {
        if (name === undefined || seen.has(name)) continue;
        if (!(ownStream && name === job) && !name.startsWith(`${job}/`)) continue;
        seen.add(name);
        streams.push({
          name,
          shortName: shortName(name, job),
          firstEventAt: firstEventTimestamp,
          lastEventAt: lastEventTimestamp,
          bytes: storedBytes,
        });
      }
      if (!answer.nextToken || answer.nextToken === nextToken) return streams;
      nextToken = answer.nextToken;
    }
  }

  async readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
    const { group, job } = this.#options;
    const output = await this.#call('GetLogEvents', `read the log of ${job}`, signal, (abortSignal) => {
      const command = new GetLogEventsCommand({
        logGroupName: group,
        logStreamName: request.stream,
        startTime: request.from,
        endTime: request.to,
        startFromHead: request.direction === 'forward',
        nextToken: request.token,
        limit: request.limit,
      });
      layouts.set(command.input, { lead: request.lead });
      return this.#client.send(command, { abortSignal });
    });
    const page = pageOf(output);
    return this.#toLogPage(
      page,
      request,
      request.direction === 'forward' ? page.raw.forwardToken : page.raw.backwardToken,
    );
  }

  async #readByFilter(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
    if (request.direction === 'backward')
      throw new AppError('internal', 'FilterLogEvents reads forward only.');
    const { group, job } = this.#options;
    const output = await this.#call('FilterLogEvents', `read the log of ${job}`, signal, (abortSignal) => {
      const command = new FilterLogEventsCommand({
        logGroupName: group,
        logStreamNames: [request.stream],
        startTime: request.from,
        // Inclusive here, unlike GetLogEvents.
        endTime: request.to === undefined ? undefined : request.to - 1,
        nextToken: request.token,
        limit: request.limit,
      });
      layouts.set(command.input, { lead: request.lead });
      return this.#client.send(command, { abortSignal });
    });
    const page = pageOf(output);
    return this.#toLogPage(page, request, page.raw.nextToken);
  }

  #toLogPage(page: ReadPage, request: LogPageRequest, nextToken: string | undefined): LogPage {
    const { raw, memory } = page;
    let released = false;
    return {
      count: raw.count,
      text: raw.text,
      ends: raw.ends,
      times: raw.times,
      nextToken,
      lead: request.lead,
      release: () => {
        if (released) return;
        released = true;
        this.#pages.give(memory);
      },
    };
  }

  /** One request, with new credentials and a second try when the old ones have expired. */
  async #call<T>(
    api: ReadApi,
    operation: string,
    signal: AbortSignal | undefined,
    send: (abortSignal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const limiter = this.#limiters[api];
    const sentAt = limiter.now;
    const renewals = this.#renewals;
    try {
      const answer = await send(signal);
      limiter.accepted();
      this.#looksLikeEmulator(limiter.now - sentAt);
      return answer;
    } catch (error) {
      if (isThrottled(error)) limiter.refused(sentAt);
      const context: AwsErrorContext = {
        operation,
        useCase: this.#options.useCase,
        roleArn: this.#options.roleArn,
        region: this.#options.region,
        actions: [`logs:${api}`],
      };
      const expired = isExpiredCredentials(error);
      if (!expired && !isClockSkewed(error)) throw awsErrorToAppError(error, context);
      try {
        // After a skewed clock the SDK has corrected its own by the answer's date.
        if (expired) await this.#renew(renewals);
        const answer = await send(signal);
        limiter.accepted();
        return answer;
      } catch (again) {
        if (isThrottled(again)) limiter.refused(sentAt);
        throw awsErrorToAppError(again, context);
      }
    }
  }

  /** All requests that meet the same expiry share one renewal. */
  async #renew(seen: number): Promise<void> {
    if (this.#renewals > seen) return;
    this.#renewing ??= (async () => {
      const { credentials, renewCredentials } = this.#options;
      let fresh = credentials;
      if (renewCredentials) fresh = await renewCredentials();
      else if (typeof credentials === 'function') {
        const renewed = await credentials({ forceRefresh: true });
        // The first answer is the renewed one; later ones come from the provider as usual.
        let first: typeof renewed | undefined = renewed;
        fresh = (identity) => {
          const given = first;
          first = undefined;
          return given ? Promise.resolve(given) : credentials(identity);
        };
      }
      const old = this.#client;
      this.#client = this.#connect(fresh);
      this.#renewals++;
      // Requests on their way still use the old sockets.
      setTimeout(() => old.destroy(), REQUEST_TIMEOUT_MS).unref();
    })().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  #connect(credentials: AwsCredentials | undefined): CloudWatchLogsClient {
    const { region, clientConfig } = this.#options;
    const client = new CloudWatchLogsClient({
      region,
      ...(credentials ? { credentials } : {}),
      maxAttempts: 1,
      // Left out, the SDK formats every answer for a log that nobody reads.
      logger: SILENT,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        socketTimeout: REQUEST_TIMEOUT_MS,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'lifo' },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'lifo' },
      },
      ...clientConfig,
    });
    this.#pages.readInside(client, (host) => {
      this.#host = host;
    });
    return client;
  }

  #looksLikeEmulator(tookMs: number): void {
    if (this.#options.quota !== undefined) return;
    if (tookMs >= EMULATOR_ANSWERS_WITHIN_MS || !isLoopback(this.#host)) return;
    for (const limiter of Object.values(this.#limiters)) limiter.lift();
  }
}

interface StreamDescription {
  logStreamName?: string | undefined;
  firstEventTimestamp?: number | undefined;
  lastEventTimestamp?: number | undefined;
  storedBytes?: number | undefined;
}

interface ReadPage {
  raw: RawPage;
  memory: PageMemory;
}

/** How the page of a call is to be laid out, by the call's input: what the SDK hands to middleware unchanged. */
const layouts = new WeakMap<object, PageLayout>();

const PAGE = Symbol('page');
const PAGE_COMMANDS = new Set(['GetLogEventsCommand', 'FilterLogEventsCommand']);
const EMPTY_ANSWER = new TextEncoder().encode('{}');
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing, trace: nothing };

function pageOf(output: object): ReadPage {
  const page = (output as { [PAGE]?: ReadPage })[PAGE];
  if (!page) throw new AppError('internal', "The AWS SDK gave a log page past Signalbox's reader.");
  return page;
}

/** Reads page bodies inside the SDK's middleware and keeps the memory of pages for the next ones. */
class PagePool {
  readonly #bodies: Buffer[] = [];
  readonly #memories: PageMemory[] = [];
  readonly #arena = pageArena();

  give(memory: PageMemory): void {
    if (memory.region) memory.region.arena.giveRegion(memory.region);
    else if (this.#memories.length < SPARE_PAGES) this.#memories.push(memory);
  }

  /**
   * Two middlewares: the inner one stands between the HTTP handler and the SDK's deserializer, reads a page's body
   * and leaves the deserializer an empty answer; the outer one hands the page out with the output.
   */
  readInside(client: CloudWatchLogsClient, onHost: (host: string) => void): void {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        onHost(String((args.request as { hostname?: string }).hostname ?? ''));
        if (!PAGE_COMMANDS.has(String(context.commandName))) return result;
        const response = result.response as { statusCode?: number; body?: unknown; [PAGE]?: ReadPage };
        if (response.statusCode !== 200 || !isMessage(response.body)) return result;
        const layout = layouts.get(args.input) ?? { lead: undefined };
        const body = await this.#collect(response.body);
        try {
          response[PAGE] = this.#read(body, layout);
        } finally {
          this.#takeBack(body);
        }
        response.body = EMPTY_ANSWER;
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'signalboxPageBody', override: true },
    );
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const page = (result.response as { [PAGE]?: ReadPage } | undefined)?.[PAGE];
        if (page) (result.output as { [PAGE]?: ReadPage })[PAGE] = page;
        return result;
      },
      { step: 'deserialize', priority: 'high', name: 'signalboxPageOutput', override: true },
    );
  }

  #read(body: Buffer, layout: PageLayout): ReadPage {
    const memory = this.#takeMemory(body);
    try {
      return { raw: readPage(body, layout, memory), memory };
    } catch (error) {
      this.give(memory);
      // A body that ends early or was mangled on the way: the same request may well succeed.
      throw new AppError('unavailable', 'The log service gave an answer that cannot be read.', {
        cause: error,
      });
    }
  }

  #takeMemory(body: Buffer): PageMemory {
    if (this.#arena && body.buffer === this.#arena.buffer) {
      const region = this.#arena.takeRegion();
      if (region) return { text: region.text, ends: region.ends, times: region.times, region };
    }
    return this.#memories.pop() ?? newPageMemory();
  }

  /** The whole body in one piece, in memory that was used before where possible. */
  #collect(message: IncomingMessage): Promise<Buffer> {
    const expected = Number(message.headers['content-length'] ?? 0);
    let buffer = this.#arena?.takeBody(expected) ?? this.#bodies.pop() ?? Buffer.allocUnsafeSlow(0);
    if (buffer.length < expected) buffer = Buffer.allocUnsafeSlow(expected + (expected >> 3));
    return new Promise((resolve, reject) => {
      let length = 0;
      const fail = (error: unknown): void => {
        this.#takeBack(buffer);
        buffer = Buffer.alloc(0);
        reject(error);
      };
      message.on('data', (chunk: Buffer) => {
        if (length + chunk.length > buffer.length) {
          const larger = Buffer.allocUnsafeSlow(Math.max(64 * 1024, (length + chunk.length) * 2));
          buffer.copy(larger, 0, 0, length);
          this.#takeBack(buffer);
          buffer = larger;
        }
        chunk.copy(buffer, length);
        length += chunk.length;
      });
      message.once('end', () => resolve(buffer.subarray(0, length)));
      message.once('error', fail);
      message.once('close', () => {
        if (!message.complete)
          fail(Object.assign(new Error('The connection was cut'), { code: 'ECONNRESET' }));
      });
    });
  }

  #takeBack(body: Buffer): void {
    if (body.length === 0) return;
    if (this.#arena && body.buffer === this.#arena.buffer) this.#arena.giveBody(body);
    else if (this.#bodies.length < SPARE_PAGES)
      this.#bodies.push(Buffer.from(body.buffer, 0, body.buffer.byteLength));
  }
}

function isMessage(body: unknown): body is IncomingMessage {
  return (
    typeof body === 'object' &&
    body !== null &&
    typeof (body as IncomingMessage).on === 'function' &&
    'headers' in body
  );
}

function isClockSkewed(error: unknown): boolean {
  const { name, message } = error as Partial<Error>;
  return (
    name === 'RequestTimeTooSkewed' ||
    name === 'RequestInTheFuture' ||
    /signature (expired|not yet current)/i.test(message ?? '')
  );
}

/** `algo-1` of `<job>/algo-1-1795150455`; what stands after the job's name otherwise. */
function shortName(stream: string, job: string): string {
  if (stream === job) return 'log';
  const rest = stream.slice(job.length + 1);
  return /^(.+-\d+)-\d{9,}$/.exec(rest)?.[1] ?? rest;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
