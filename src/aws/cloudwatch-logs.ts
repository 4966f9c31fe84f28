/**
 * The log of one job in CloudWatch Logs, as the log engine reads it.
 *
 * Requests go through the AWS SDK's own client, which does credentials, signing, endpoints and sockets. Only the body
 * of a page is read by us, inside the client's middleware (page-pool.ts). The engine and the rate limiter decide about
 * retries, because only they know what else is waiting.
 */
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  DescribeLogStreamsCommand,
  type DescribeLogStreamsResponse,
  FilterLogEventsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogKeeping } from '../domain/log-keeping.ts';
import { watchedClient } from '../ground/aws-calls.ts';
import { backoff, jittered } from '../ground/backoff.ts';
import { AppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type { Budgets } from '../ports/budgets.ts';
import type {
  LogLane,
  LogPage,
  LogPageRequest,
  LogSource,
  LogStreamInfo,
  RequestPace,
} from '../ports/log-source.ts';
import { AnsweringTimes } from './answering-times.ts';
import { type ReadApi, readQuota } from './cloudwatch-logs-quotas.ts';
import { Connections } from './connections.ts';
import { describeLogGroup } from './describe-log-group.ts';
import {
  type AwsErrorContext,
  awsErrorToAppError,
  isExpiredCredentials,
  isOtherLogClass,
  isThrottled,
} from './errors.ts';
import { LogGroups } from './log-groups.ts';
import { streamPattern, streamsOf } from './log-streams.ts';
import { PagePool, type PooledPage } from './page-pool.ts';
import type { RateLimiter } from './rate-limit.ts';
import { readLimiter } from './read-limiters.ts';

/** Credentials as the SDK takes them. A function must give new ones when asked with `forceRefresh`. */
type AwsCredentials = NonNullable<CloudWatchLogsClientConfig['credentials']>;

export interface CloudWatchLogSourceOptions {
  /** 12 digits. AWS gives each account its own request quota in each region. */
  account: string;
  region: string;
  /** Left out: the SDK's default chain. */
  credentials?: AwsCredentials | undefined;
  /** Called when the service says that the credentials have expired; the next request uses what it returns. */
  renewCredentials?: (() => Promise<AwsCredentials>) | undefined;
  /** `/aws/sagemaker/TrainingJobs`. */
  group: string;
  /** The job's name. Its streams are `<job>/…`, and for a compilation also `<job>` itself. */
  job: string;
  /**
   * Whether there may be a stream named exactly like the job (compilations have one). When there is none, only
   * `<job>/…` is asked for, which leaves out other jobs whose names begin the same. Default: true.
   */
  ownStream?: boolean | undefined;
  /** Instead of the job's own streams, all that begin so; empty: all of the group. */
  prefix?: string | undefined;
  /** `auto` means on where the quota of FilterLogEvents is worth it: 10 requests a second or more. */
  secondLane?: 'auto' | 'on' | 'off' | undefined;
  /** What goes on by itself: it leaves the larger part of the quota to whatever else asks. */
  inBackground?: boolean | undefined;
  /** What is known of log groups, shared by all logs of a process. Left out: this log asks for itself. */
  groups?: LogGroups | undefined;
  /** Named in errors. */
  useCase?: string | undefined;
  roleArn?: string | undefined;
  /** Requests a second, where they differ from what AWS publishes for the region. Infinity means no quota. */
  quota?: Partial<Record<ReadApi, number>> | undefined;
  /** What all instances take their requests from. Left out: this process alone uses the quota. */
  budgets?: Budgets | undefined;
  /** More options for the SDK's client, such as an endpoint. */
  clientConfig?: Omit<CloudWatchLogsClientConfig, 'requestHandler'> | undefined;
}

/** Requests a second. Below this, FilterLogEvents adds little and is better left to people at the console. */
const SECOND_LANE_WORTH = 10;
/** A page is a megabyte. A connection that is silent for this long is broken. */
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECTION_TIMEOUT_MS = 5_000;
const STREAMS_PER_PAGE = 50;
/** How far an event may be ahead of the service's clock. Source: PutLogEvents in the API reference. */
const AHEAD_MS = 2 * 3_600_000;

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
  readonly #groups: LogGroups;
  #client: CloudWatchLogsClient;
  #renewing: Promise<void> | undefined;
  #renewals = 0;
  #filterRefused = false;
  readonly #endpoint = new AnsweringTimes();

  constructor(options: CloudWatchLogSourceOptions) {
    this.#options = options;
    const { account, region, group, job, prefix } = options;
    // A job of another kind may have the same name, in the same group. No stream's name has a star.
    this.id = `${account}/${region}${group}/${prefix === undefined ? job : `${prefix}*`}`;
    this.#limiters = {
      GetLogEvents: readLimiter(options, 'GetLogEvents'),
      FilterLogEvents: readLimiter(options, 'FilterLogEvents'),
      DescribeLogStreams: readLimiter(options, 'DescribeLogStreams'),
      DescribeLogGroups: readLimiter(options, 'DescribeLogGroups'),
    };
    const { inBackground = false } = options;
    this.#paces = {
      GetLogEvents: this.#limiters.GetLogEvents.flow({ inBackground }),
      FilterLogEvents: this.#limiters.FilterLogEvents.flow({ inBackground }),
      DescribeLogStreams: this.#limiters.DescribeLogStreams.flow({ inBackground }),
      DescribeLogGroups: this.#limiters.DescribeLogGroups.flow({ inBackground }),
    };
    this.#groups = options.groups ?? new LogGroups(Date);
    this.pace = this.#paces.GetLogEvents;
    const mode = options.secondLane ?? 'auto';
    const filterQuota = options.quota?.FilterLogEvents ?? readQuota(options.region, 'FilterLogEvents');
    this.secondLane =
      mode === 'on' || (mode === 'auto' && filterQuota >= SECOND_LANE_WORTH)
        ? {
            pace: this.#paces.FilterLogEvents,
            readPage: (request, signal) => this.#readSecond(request, signal),
          }
        : undefined;
    this.#client = this.#connect(options.credentials);
  }

  get isNear(): boolean {
    return this.#endpoint.isNear && this.pace.rate === Number.POSITIVE_INFINITY;
  }

  inBackground(): LogSource {
    return new CloudWatchLogSource({ ...this.#options, groups: this.#groups, inBackground: true });
  }

  keeping(): Promise<LogKeeping | undefined> {
    const { account, region, group, roleArn } = this.#options;
    return this.#groups.of(`${account}/${region}${group} ${roleArn}`, async (signal) => {
      await this.#paces.DescribeLogGroups.turn(signal);
      return this.#call('DescribeLogGroups', `look at the log group ${group}`, signal, (abortSignal) =>
        describeLogGroup(this.#client, group, abortSignal),
      );
    });
  }

  async listStreams(signal?: AbortSignal): Promise<LogStreamInfo[]> {
    const { group, job, ownStream = true, prefix } = this.#options;
    const streams: LogStreamInfo[] = [];
    let nextToken: string | undefined;
    const seen = new Set<string>();
    let failures = 0;
    for (;;) {
      let answer: DescribeLogStreamsResponse;
      try {
        await this.#paces.DescribeLogStreams.turn(signal);
        answer = await this.#call(
          'DescribeLogStreams',
          `list the log streams of ${job}`,
          signal,
          (abortSignal) =>
            this.#client.send(
              // The slash leaves out other jobs whose names begin the same; without it, their names are checked below.
              new DescribeLogStreamsCommand({
                logGroupName: group,
                // Empty, it would be refused.
                logStreamNamePrefix: (prefix ?? (ownStream ? job : `${job}/`)) || undefined,
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
      for (const stream of streamsOf(answer.logStreams ?? [], { job, ownStream, prefix })) {
        if (seen.has(stream.name)) continue;
        seen.add(stream.name);
        streams.push(stream);
      }
      if (!answer.nextToken || answer.nextToken === nextToken) return streams;
      nextToken = answer.nextToken;
    }
  }

  async readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
    const { group, job } = this.#options;
    const onNext =
      request.onNext && request.direction === 'forward'
        ? (token: string): void => {
            // The same one is the end.
            if (token !== request.token) request.onNext?.(token);
          }
        : undefined;
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
      this.#pages.layOut(command.input, { lead: request.lead }, onNext);
      return this.#client.send(command, { abortSignal });
    });
    const page = this.#pages.pageOf(output);
    return this.#toLogPage(
      page,
      request,
      request.direction === 'forward' ? page.raw.forwardToken : page.raw.backwardToken,
    );
  }

  /** People report groups that refuse FilterLogEvents because of their class and give out the same by GetLogEvents. */
  async #readSecond(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
    try {
      if (!this.#filterRefused) return await this.#readByFilter(request, signal);
    } catch (error) {
      if (!(error instanceof AppError && isOtherLogClass(error.cause))) throw error;
      this.#filterRefused = true;
    }
    await this.#paces.GetLogEvents.turn(signal);
    return this.readPage(request, signal);
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
        // Inclusive, unlike in GetLogEvents.
        endTime: request.to === undefined ? undefined : request.to - 1,
        nextToken: request.token,
        limit: request.limit,
      });
      this.#pages.layOut(command.input, { lead: request.lead });
      return this.#client.send(command, { abortSignal });
    });
    const page = this.#pages.pageOf(output);
    return this.#toLogPage(page, request, page.raw.nextToken);
  }

  #toLogPage({ raw, release }: PooledPage, request: LogPageRequest, nextToken: string | undefined): LogPage {
    return {
      count: raw.count,
      text: raw.text,
      ends: raw.ends,
      times: raw.times,
      nextToken,
      lead: request.lead,
      release,
    };
  }

  /** Sends one request. When the credentials have expired it renews them and tries once more. */
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
      return answer;
    } catch (error) {
      if (isThrottled(error)) limiter.refused(sentAt);
      const context: AwsErrorContext = {
        operation,
        useCase: this.#options.useCase,
        roleArn: this.#options.roleArn,
        region: this.#options.region,
        actions: [`logs:${api}`],
        log: { group: this.#options.group, streams: streamPattern(this.#options) },
      };
      const expired = isExpiredCredentials(error);
      if (!expired && !isClockSkewed(error)) throw awsErrorToAppError(error, context);
      try {
        // For a skewed clock nothing is needed: the SDK has corrected its own by the date of the answer.
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

  /** All requests that run into the same expiry share one renewal. */
  async #renew(seen: number): Promise<void> {
    if (this.#renewals > seen) return;
    this.#renewing ??= (async () => {
      const { credentials, renewCredentials } = this.#options;
      let fresh = credentials;
      if (renewCredentials) fresh = await renewCredentials();
      else if (typeof credentials === 'function') {
        const renewed = await credentials({ forceRefresh: true });
        // The SDK's first call gets the renewed credentials. Later calls go to the provider as usual.
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
      // Requests under way still use the old sockets.
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
      // Without a logger of ours, the SDK formats every answer for a log that nobody reads.
      logger: SILENT,
      requestHandler: new Connections({
        connectMs: CONNECTION_TIMEOUT_MS,
        silentMs: REQUEST_TIMEOUT_MS,
        memory: this.#pages.memory,
      }),
      ...clientConfig,
    });
    this.#pages.attach(client, (host, waitedMs) => this.#answered(host, waitedMs));
    return watchedClient(client);
  }

  #answered(host: string, waitedMs: number): void {
    this.#endpoint.add(host, waitedMs);
    if (this.#options.quota !== undefined || !this.#endpoint.isEmulator) return;
    for (const limiter of Object.values(this.#limiters)) limiter.lift();
  }
}

const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing, trace: nothing };

function isClockSkewed(error: unknown): boolean {
  const { name, message } = error as Partial<Error>;
  return (
    name === 'RequestTimeTooSkewed' ||
    name === 'RequestInTheFuture' ||
    /signature (expired|not yet current)/i.test(message ?? '')
  );
}
