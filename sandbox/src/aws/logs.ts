/** CloudWatch Logs (`Logs_20140328`), as far as reading and writing a training job's log needs it. */
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { EVENT_OVERHEAD } from './event-blocks.ts';
import { StoredSeries } from './event-series.ts';
import { parseFilterPattern } from './filter-pattern.ts';
import { filterPage } from './log-filter.ts';
import { GROUP_NAME, groupArn, keptFrom, logGroupOperations, openGroup } from './log-groups.ts';
import { getPage, type PageRules } from './log-pages.ts';
import type { LogStore, LogStream } from './log-store.ts';
import { pageOf } from './page-tokens.ts';
import type { AwsCall, AwsService } from './service.ts';
import { Parameters } from './validation.ts';

export interface LogsSettings extends PageRules {
  /** How far `lastEventTimestamp` may lag behind, ms; the real service says up to an hour. */
  lastEventLagMs: number;
}

const INVALID = 'InvalidParameterException';
const STREAM_NAME = { min: 1, max: 512, pattern: '[^:*]*' };
const BATCH_BYTES = 1_048_576;
const DAY_MS = 24 * 3_600_000;

export function logsService(
  store: (account: string, region: string) => LogStore,
  settings: LogsSettings,
): AwsService {
  const storeOf = (call: AwsCall) => store(call.account, call.region);

  function describeLogStreams(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const prefix = read.text('logStreamNamePrefix', STREAM_NAME);
    const orderBy = read.text('orderBy', { values: ['LogStreamName', 'LastEventTime'] }) ?? 'LogStreamName';
    const limit = read.number('limit', { min: 1, max: 50 }) ?? 50;
    const token = read.text('nextToken', { min: 1 });
    const descending = read.flag('descending') ?? false;
    const group = groupName(read, call);
    if (prefix !== undefined && orderBy === 'LastEventTime') {
      throw new AwsError(INVALID, 'Cannot order by LastEventTime with a logStreamNamePrefix.');
    }
    let streams = storeOf(call)
      .streams(group, call.now)
      .filter(({ name }) => name.startsWith(prefix ?? ''));
    if (orderBy === 'LastEventTime') {
      const last = (stream: LogStream) => laggingLast(stream, call.now, settings.lastEventLagMs) ?? 0;
      streams = streams.sort((a, b) => last(a) - last(b));
    }
    if (descending) streams.reverse();
    const { items, nextToken } = pageOf(streams, limit, token, call.now);
    return {
      body: {
        logStreams: items.map((stream) => streamDescription(call, group, stream, settings)),
        nextToken,
      },
    };
  }

  function getLogEvents(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const stream = read.need('logStreamName', STREAM_NAME);
    const window = {
      startTime: read.number('startTime', { min: 0 }),
      endTime: read.number('endTime', { min: 0 }),
      limit: read.number('limit', { min: 1, max: 10_000 }),
      nextToken: read.text('nextToken', { min: 1 }),
      startFromHead: read.flag('startFromHead'),
    };
    const group = openGroup(storeOf(call), call, groupName(read, call), 'read');
    const { series } = storeOf(call).stream(group.name, stream, call.now);
    const startTime = keptFrom(group, window.startTime, call.now);
    return getPage(settings, { ...window, startTime, stream, series }, call.now);
  }

  function filterLogEvents(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const names = read.list('logStreamNames', { min: 1, max: 100 });
    const prefix = read.text('logStreamNamePrefix', STREAM_NAME);
    const pattern = read.text('filterPattern', { max: 1024 }) ?? '';
    const window = {
      startTime: read.number('startTime', { min: 0 }),
      endTime: read.number('endTime', { min: 0 }),
      limit: read.number('limit', { min: 1, max: 10_000 }),
      nextToken: read.text('nextToken', { min: 1 }),
    };
    const group = groupName(read, call);
    if (names !== undefined && prefix !== undefined) {
      throw new AwsError(
        INVALID,
        'logStreamNamePrefix and logStreamNames are mutually exclusive parameters.',
      );
    }
    const filter = parseFilterPattern(pattern);
    const opened = openGroup(storeOf(call), call, group, 'read');
    const streams = names
      ? [...new Set(names)].map((name) => storeOf(call).stream(group, String(name), call.now))
      : storeOf(call)
          .streams(group, call.now)
          .filter(({ name }) => name.startsWith(prefix ?? ''));
    const startTime = keptFrom(opened, window.startTime, call.now);
    return filterPage(settings, { ...window, startTime, streams, filter }, call.now);
  }

  function putLogEvents(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const name = read.need('logGroupName', GROUP_NAME);
    const stream = read.need('logStreamName', STREAM_NAME);
    const batch = parseBatch(read.list('logEvents', { min: 1, max: 10_000 }) ?? []);
    read.check();
    const group = openGroup(storeOf(call), call, name, 'write');
    const { series } = storeOf(call).stream(name, stream, call.now);
    if (!(series instanceof StoredSeries)) {
      throw new AwsError('OperationAbortedException', `The sandbox writes the stream ${stream} itself.`);
    }
    const { accepted, rejected } = sortOut(batch, keptFrom(group, 0, call.now) ?? 0, call.now);
    series.add(accepted, call.now);
    return {
      body: {
        nextSequenceToken: String(call.now).padStart(56, '0'),
        ...(rejected ? { rejectedLogEventsInfo: rejected } : {}),
      },
    };
  }

  /** An operation on a stream that answers with nothing. */
  const change = (act: (store: LogStore, group: string, stream: string, now: EpochMs) => void) =>
    function changeIt(call: AwsCall) {
      const read = new Parameters(call.input, INVALID);
      const group = read.need('logGroupName', GROUP_NAME);
      const stream = read.need('logStreamName', STREAM_NAME);
      read.check();
      act(storeOf(call), group, stream, call.now);
      return { chunks: [], events: 0 };
    };

  const operation = (
    name: string,
    handle: (call: AwsCall) => ReturnType<AwsService['operations'][string]['handle']>,
  ) => ({
    action: `logs:${name}`,
    resources: resourceArns,
    handle,
  });
  return {
    name: 'logs',
    signingName: 'logs',
    protocol: 'json',
    target: 'Logs_20140328',
    operations: {
      ...Object.fromEntries(
        Object.entries(logGroupOperations(storeOf)).map(([name, handle]) => [name, operation(name, handle)]),
      ),
      DescribeLogStreams: operation('DescribeLogStreams', describeLogStreams),
      GetLogEvents: operation('GetLogEvents', getLogEvents),
      FilterLogEvents: operation('FilterLogEvents', filterLogEvents),
      PutLogEvents: operation('PutLogEvents', putLogEvents),
      CreateLogStream: operation(
        'CreateLogStream',
        change((logs, group, stream, now) => logs.createStream(group, stream, now)),
      ),
      DeleteLogStream: operation(
        'DeleteLogStream',
        change((logs, group, stream, now) => logs.deleteStream(group, stream, now)),
      ),
    },
  };
}

/** Policies name a group with or without `:*` behind it; both mean the group. */
function resourceArns(call: AwsCall): string[] {
  const identifier = String(call.input.logGroupName ?? call.input.logGroupIdentifier ?? '');
  const group = groupArn(call, identifier.replace(/^arn:.*:log-group:/, '').replace(/:\*$/, ''));
  const stream = call.input.logStreamName;
  return typeof stream === 'string' ? [`${group}:log-stream:${stream}`] : [`${group}:log-stream:`, group];
}

/** A group by name or, in its place, by ARN. Also throws what the other parameters broke. */
function groupName(read: Parameters, call: AwsCall): string {
  const name = read.text('logGroupName', GROUP_NAME);
  const identifier = read.text('logGroupIdentifier', { min: 1, max: 2048, pattern: '[\\w#+=/:,.@-]*' });
  read.check();
  if ((name === undefined) === (identifier === undefined)) {
    throw new AwsError(
      INVALID,
      name === undefined
        ? 'Exactly one of logGroupName and logGroupIdentifier must be specified.'
        : 'LogGroup name and LogGroup ARN are mutually exclusive parameters.',
    );
  }
  if (name !== undefined) return name;
  if (!identifier!.startsWith('arn:')) return identifier!;
  const [, region, account, group] =
    /^arn:aws:logs:([\w-]+):(\d{12}):log-group:([^:]+)(?::\*)?$/.exec(identifier!) ?? [];
  if (region !== call.region || account !== call.account) {
    throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
  }
  return group!;
}

function streamDescription(call: AwsCall, group: string, stream: LogStream, settings: LogsSettings) {
  const last = laggingLast(stream, call.now, settings.lastEventLagMs);
  const visible = stream.series.visible(call.now);
  return {
    logStreamName: stream.name,
    creationTime: stream.createdAt,
    ...(last === undefined
      ? {}
      : {
          firstEventTimestamp: stream.series.time(0),
          lastEventTimestamp: last,
          lastIngestionTime: stream.series.ingestedAt(visible - 1),
          uploadSequenceToken: String(stream.createdAt).padStart(56, '0'),
        }),
    arn: `${groupArn(call, group)}:log-stream:${stream.name}`,
    storedBytes: 0,
  };
}

/** The last event as the service knew it `lag` ago, at least the first event. */
function laggingLast({ series }: LogStream, now: EpochMs, lag: number): EpochMs | undefined {
  if (series.visible(now) === 0) return undefined;
  return series.time(Math.max(0, Math.min(series.visible(now), series.lowerBound(now - lag)) - 1));
}

function parseBatch(events: unknown[]): { at: EpochMs; message: string }[] {
  let bytes = 0;
  let last = 0;
  const batch = events.map((event) => {
    const { timestamp, message } = (event ?? {}) as { timestamp?: unknown; message?: unknown };
    if (typeof timestamp !== 'number' || typeof message !== 'string') {
      throw new AwsError(
        'SerializationException',
        'Each log event needs a timestamp (number) and a message (string)',
      );
    }
    if (message === '') throw new AwsError(INVALID, 'Log event message must not be empty.');
    if (timestamp < last) {
      throw new AwsError(
        INVALID,
        'Log events in a single PutLogEvents request must be in chronological order.',
      );
    }
    const size = Buffer.byteLength(message) + EVENT_OVERHEAD;
    if (size > BATCH_BYTES) {
      throw new AwsError(INVALID, `Log event too large: ${size} bytes exceeds limit of ${BATCH_BYTES}`);
    }
    bytes += size;
    last = timestamp;
    return { at: timestamp, message };
  });
  if (bytes > BATCH_BYTES) {
    throw new AwsError(INVALID, `Upload too large: ${bytes} bytes exceeds limit of ${BATCH_BYTES}`);
  }
  return batch;
}

/** Expired, too old (14 days) and too new (2 hours) events are left out, the others taken. */
function sortOut(batch: { at: EpochMs; message: string }[], kept: EpochMs, now: EpochMs) {
  const endOf = (from: EpochMs): number => {
    const first = batch.findIndex(({ at }) => at >= from);
    return first < 0 ? batch.length : first;
  };
  const expiredEnd = endOf(kept);
  const oldEnd = endOf(now - 14 * DAY_MS);
  const newStart = batch.findIndex(({ at }) => at > now + 2 * 3_600_000);
  const accepted = batch.slice(Math.max(oldEnd, expiredEnd), newStart < 0 ? undefined : newStart);
  if (accepted.length > 0 && accepted.at(-1)!.at - accepted[0]!.at > DAY_MS) {
    throw new AwsError(
      INVALID,
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    );
  }
  const rejected = {
    ...(oldEnd > 0 ? { tooOldLogEventEndIndex: oldEnd } : {}),
    ...(expiredEnd > 0 ? { expiredLogEventEndIndex: expiredEnd } : {}),
    ...(newStart >= 0 ? { tooNewLogEventStartIndex: newStart } : {}),
  };
  return { accepted, rejected: Object.keys(rejected).length > 0 ? rejected : undefined };
}
