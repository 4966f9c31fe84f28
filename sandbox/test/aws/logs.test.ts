import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  type FilterLogEventsCommandInput,
  GetLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { writtenSeries } from '../../src/aws/event-series.ts';
import { ACCOUNT, logsClient, REGION, refusal, sandbox, twoAccounts } from './support.ts';

const NOW = Date.now();
const clock = { now: () => NOW };
const group = '/test';

/** A group with the streams named, each with these messages a second apart, the last 10 s ago. */
async function withStreams(streams: Record<string, string[]>) {
  const aws = await sandbox({ clock });
  const client = logsClient(aws);
  await client.send(new CreateLogGroupCommand({ logGroupName: group }));
  for (const [logStreamName, messages] of Object.entries(streams)) {
    await client.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName }));
    const logEvents = messages.map((message, n) => ({
      message,
      timestamp: NOW - 10_000 - (messages.length - 1 - n) * 1000,
    }));
    if (logEvents.length > 0)
      await client.send(new PutLogEventsCommand({ logGroupName: group, logStreamName, logEvents }));
  }
  const filter = (query: FilterLogEventsCommandInput) =>
    client.send(new FilterLogEventsCommand({ logGroupName: group, ...query }));
  const found = async (filterPattern: string) =>
    (await filter({ filterPattern })).events!.map(({ message }) => message);
  return { aws, client, filter, found };
}

describe('[O7] log groups and streams', () => {
  it('are created once, listed, and deleted', async () => {
    const { client } = await withStreams({ a: ['m'] });
    expect(await refusal(client.send(new CreateLogGroupCommand({ logGroupName: group })))).toMatchObject({
      name: 'ResourceAlreadyExistsException',
      message: 'The specified log group already exists',
    });
    expect(
      (await refusal(client.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: 'a' }))))
        .message,
    ).toBe('The specified log stream already exists');
    const { logGroups } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/te' }));
    expect(logGroups![0]).toMatchObject({
      logGroupName: group,
      arn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/test:*`,
    });
    await client.send(new DeleteLogStreamCommand({ logGroupName: group, logStreamName: 'a' }));
    expect(
      (await refusal(client.send(new GetLogEventsCommand({ logGroupName: group, logStreamName: 'a' }))))
        .message,
    ).toBe('The specified log stream does not exist.');
    await client.send(new DeleteLogGroupCommand({ logGroupName: group }));
    expect(await refusal(client.send(new DescribeLogStreamsCommand({ logGroupName: group })))).toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'The specified log group does not exist.',
    });
  });

  it('come fifty a page, by name or by their last event, but not by both a prefix and time', async () => {
    const { client } = await withStreams(
      Object.fromEntries(
        Array.from({ length: 60 }, (_, n) => [`job/algo-${String(n).padStart(2, '0')}`, []]),
      ),
    );
    const first = await client.send(
      new DescribeLogStreamsCommand({ logGroupName: group, logStreamNamePrefix: 'job/' }),
    );
    expect(first.logStreams).toHaveLength(50);
    const second = await client.send(
      new DescribeLogStreamsCommand({
        logGroupName: group,
        logStreamNamePrefix: 'job/',
        nextToken: first.nextToken,
      }),
    );
    expect(second.logStreams!.map(({ logStreamName }) => logStreamName)).toEqual(
      Array.from({ length: 10 }, (_, n) => `job/algo-${50 + n}`),
    );
    expect(second.nextToken).toBeUndefined();
    expect(
      await refusal(
        client.send(
          new DescribeLogStreamsCommand({
            logGroupName: group,
            logStreamNamePrefix: 'j',
            orderBy: 'LastEventTime',
          }),
        ),
      ),
    ).toMatchObject({
      name: 'InvalidParameterException',
      message: 'Cannot order by LastEventTime with a logStreamNamePrefix.',
    });
  });

  it('are asked for by ARN as well, and by one of the two only', async () => {
    const { client } = await withStreams({ a: ['m'] });
    const logGroupIdentifier = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/test`;
    expect(
      (await client.send(new GetLogEventsCommand({ logGroupIdentifier, logStreamName: 'a' }))).events,
    ).toHaveLength(1);
    expect(
      (
        await refusal(
          client.send(
            new GetLogEventsCommand({ logGroupIdentifier, logGroupName: group, logStreamName: 'a' }),
          ),
        )
      ).name,
    ).toBe('InvalidParameterException');
  });

  it('tell a last event that lags behind, and never less than the first', async () => {
    const events = Array.from({ length: 100 }, (_, n) => ({
      at: NOW - (100 - n) * 60_000,
      message: `m${n}`,
    }));
    const streams = [{ name: 's', createdAt: NOW - 101 * 60_000, series: writtenSeries(() => events) }];
    const world = twoAccounts({ logGroups: [{ name: group, createdAt: 0, streams }] });
    const aws = await sandbox({ clock, world, lastEventLagMs: 3_600_000 });
    const last = async () =>
      (await logsClient(aws).send(new DescribeLogStreamsCommand({ logGroupName: group }))).logStreams![0]!;
    expect((await last()).lastEventTimestamp).toBe(NOW - 61 * 60_000);
    aws.configure({ lastEventLagMs: 9 * 3_600_000 });
    expect((await last()).lastEventTimestamp).toBe((await last()).firstEventTimestamp);
    aws.configure({ lastEventLagMs: 0 });
    expect((await last()).lastEventTimestamp).toBe(NOW - 60_000);
  });
});

describe('[O7] PutLogEvents', () => {
  const put = async (logEvents: { timestamp: number; message: string }[]) => {
    const { client } = await withStreams({ a: [] });
    const answer = client.send(
      new PutLogEventsCommand({ logGroupName: group, logStreamName: 'a', logEvents }),
    );
    const stored = async () =>
      (
        await client.send(
          new GetLogEventsCommand({ logGroupName: group, logStreamName: 'a', startFromHead: true }),
        )
      ).events!.map(({ message }) => message);
    return { answer, stored };
  };
  const DAY = 86_400_000;

  it('leaves out what is too old or too new and says where', async () => {
    const { answer, stored } = await put([
      { timestamp: NOW - 15 * DAY, message: 'old' },
      { timestamp: NOW, message: 'good' },
      { timestamp: NOW + 3 * 3_600_000, message: 'new' },
    ]);
    expect((await answer).rejectedLogEventsInfo).toEqual({
      tooOldLogEventEndIndex: 1,
      tooNewLogEventStartIndex: 2,
    });
    expect(await stored()).toEqual(['good']);
  });

  it.each<[string, { timestamp: number; message: string }[], RegExp]>([
    [
      'a batch out of order',
      [
        { timestamp: NOW, message: 'b' },
        { timestamp: NOW - 1, message: 'a' },
      ],
      /chronological order/,
    ],
    [
      'a batch over a day long',
      [
        { timestamp: NOW - 2 * DAY, message: 'a' },
        { timestamp: NOW, message: 'b' },
      ],
      /24 hours/,
    ],
    [
      'more than 10,000 events',
      Array.from({ length: 10_001 }, () => ({ timestamp: NOW, message: 'a' })),
      /less than or equal to 10000/,
    ],
    [
      'more than 1 MiB, overhead counted',
      Array.from({ length: 1001 }, () => ({ timestamp: NOW, message: 'a'.repeat(1022) })),
      /Upload too large/,
    ],
    ['an event over 1 MiB', [{ timestamp: NOW, message: 'a'.repeat(1_048_551) }], /Log event too large/],
  ])('refuses %s', async (_what, events, message) => {
    const { answer } = await put(events);
    expect(await refusal(answer)).toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringMatching(message),
    });
  });
});

describe('[O7] GetLogEvents and FilterLogEvents', () => {
  it('differ in the end of the range: exclusive and inclusive', async () => {
    const { client, filter } = await withStreams({ a: ['m0', 'm1', 'm2'] });
    const window = { startTime: NOW - 12_000, endTime: NOW - 11_000 };
    expect(
      (await client.send(new GetLogEventsCommand({ logGroupName: group, logStreamName: 'a', ...window })))
        .events,
    ).toHaveLength(1);
    expect((await filter(window)).events).toHaveLength(2);
  });

  it('read by stream names or by a prefix, not by both, and by at most 100 names', async () => {
    const { filter } = await withStreams({ a1: ['x'], a2: ['y'], b1: ['z'] });
    expect((await filter({ logStreamNamePrefix: 'a' })).events).toHaveLength(2);
    expect((await filter({ logStreamNames: ['b1'] })).events).toHaveLength(1);
    expect((await refusal(filter({ logStreamNamePrefix: 'a', logStreamNames: ['b1'] }))).name).toBe(
      'InvalidParameterException',
    );
    expect(
      (await refusal(filter({ logStreamNames: Array.from({ length: 101 }, (_, n) => `s${n}`) }))).message,
    ).toMatch(/less than or equal to 100/);
    expect((await refusal(filter({ logStreamNames: ['nobody'] }))).name).toBe('ResourceNotFoundException');
  });

  it.each([
    [
      'limit',
      { limit: 0 },
      "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      'limit',
      { limit: 10_001 },
      "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    ],
    [
      'stream name',
      { logStreamName: 'a:b' },
      "Value 'a:b' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*",
    ],
    [
      'start',
      { startTime: -5 },
      "Value '-5' at 'startTime' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ],
  ])('refuse a bad %s in the words of the service', async (_what, changes, message) => {
    const { client } = await withStreams({ a: ['x'] });
    expect(
      await refusal(
        client.send(new GetLogEventsCommand({ logGroupName: group, logStreamName: 'a', ...changes })),
      ),
    ).toMatchObject({
      name: 'InvalidParameterException',
      message: `1 validation error detected: ${message}`,
    });
  });

  const lines = [
    'ERROR disk full',
    'WARN disk slow',
    'INFO all is well',
    'error in lower case',
    'ERROR 404 "not found"',
  ];
  it.each<[string, string[]]>([
    ['', lines],
    ['ERROR', [lines[0]!, lines[4]!]],
    ['ERROR disk', [lines[0]!]],
    ['"disk slow"', [lines[1]!]],
    ['disk -ERROR', [lines[1]!]],
    ['?WARN ?well', [lines[1]!, lines[2]!]],
    ['-disk', [lines[2]!, lines[3]!, lines[4]!]],
    ['"\\"not found\\""', [lines[4]!]],
  ])('find with the pattern %s', async (pattern, wanted) => {
    const { found } = await withStreams({ a: lines });
    expect(await found(pattern)).toEqual(wanted);
  });

  it.each(['{ $.loss > 1 }', '[ip, user]', '%err.r%', 'a.b', '"open'])(
    'refuse the pattern %s rather than match wrongly',
    async (filterPattern) => {
      const { filter } = await withStreams({ a: lines });
      expect((await refusal(filter({ filterPattern }))).name).toBe('InvalidParameterException');
    },
  );
});
