/** What a log group says of itself, and whom it lets read. */
import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  type LogGroup,
  LogGroupClass,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { writtenSeries } from '../../src/aws/event-series.ts';
import { LOG_GROUP_CLASSES, type LogGroupSeed } from '../../src/aws/log-store.ts';
import { ACCOUNT, logsClient, REGION, refusal, sandbox, twoAccounts } from './support.ts';

const DAY = 24 * 3_600_000;
const NOW = Date.now();
const clock = { now: () => NOW };
const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/0c5f2f3e`;

/** A group with one stream `s` of an event a day: `9 days old` to `0 days old`. */
async function group(settings: Partial<LogGroupSeed> = {}) {
  const events = Array.from({ length: 10 }, (_, n) => ({
    at: NOW - (9 - n) * DAY - 60_000,
    message: `${9 - n} days old`,
  }));
  const streams = [{ name: 's', createdAt: events[0]!.at, series: writtenSeries(() => events) }];
  const aws = await sandbox({
    clock,
    world: twoAccounts({ logGroups: [{ name: '/g', createdAt: 0, streams, ...settings }] }),
    silenceMs: Number.POSITIVE_INFINITY,
  });
  const client = logsClient(aws);
  const get = (startTime?: number) =>
    client.send(
      new GetLogEventsCommand({ logGroupName: '/g', logStreamName: 's', startFromHead: true, startTime }),
    );
  const filter = () => client.send(new FilterLogEventsCommand({ logGroupName: '/g' }));
  const described = async (): Promise<LogGroup> =>
    (await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/g' }))).logGroups![0]!;
  return { client, get, filter, described };
}

const messages = (page: { events?: { message?: string | undefined }[] | undefined }) =>
  page.events!.map(({ message }) => message);

describe('[O7] the class of a log group', () => {
  it('is one of those that the service has', () => {
    expect([...LOG_GROUP_CLASSES].sort()).toEqual(Object.values(LogGroupClass).sort());
  });

  it.each(LOG_GROUP_CLASSES.filter((one) => one !== 'STANDARD'))(
    'lets nobody read events one by one where it is %s, though everything else can be asked',
    async (groupClass) => {
      const { client, get, filter, described } = await group({ class: groupClass });
      for (const read of [get, filter])
        expect(await refusal(read())).toMatchObject({
          name: 'ValidationException',
          message: 'This operation is only supported on the Standard log class.',
        });
      expect((await described()).logGroupClass).toBe(groupClass);
      const { logStreams } = await client.send(new DescribeLogStreamsCommand({ logGroupName: '/g' }));
      expect(logStreams).toHaveLength(1);
    },
  );

  it('is kept from when the group is made', async () => {
    const { client, described } = await group();
    expect((await described()).logGroupClass).toBe('STANDARD');
    await client.send(new CreateLogGroupCommand({ logGroupName: '/new', logGroupClass: 'ESSENTIALS' }));
    const { logGroups } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/new' }));
    expect(logGroups![0]!.logGroupClass).toBe('ESSENTIALS');
  });
});

describe('[O7] retention', () => {
  it('hides what is older, in both ways to read and from whatever time is asked for', async () => {
    const { client, get, filter, described } = await group();
    expect(await described()).not.toHaveProperty('retentionInDays');
    expect(messages(await get())).toHaveLength(10);
    await client.send(new PutRetentionPolicyCommand({ logGroupName: '/g', retentionInDays: 3 }));
    expect((await described()).retentionInDays).toBe(3);
    const kept = ['2 days old', '1 days old', '0 days old'];
    expect(messages(await get())).toEqual(kept);
    expect(messages(await get(NOW - 8 * DAY))).toEqual(kept);
    expect(messages(await get(NOW - 1.5 * DAY))).toEqual(kept.slice(1));
    expect(messages(await filter())).toEqual(kept);
    await client.send(new DeleteRetentionPolicyCommand({ logGroupName: '/g' }));
    expect(messages(await get())).toHaveLength(10);
  });

  it('is a number of days that the service knows', async () => {
    const { client } = await group();
    for (const retentionInDays of [2, 0, 3.5, -1])
      expect(
        await refusal(client.send(new PutRetentionPolicyCommand({ logGroupName: '/g', retentionInDays }))),
      ).toMatchObject({ name: 'InvalidParameterException', message: expect.stringContaining('3653]') });
  });

  it('leaves out expired events that are put, and says how many', async () => {
    const aws = await sandbox({
      clock,
      world: twoAccounts({ logGroups: [{ name: '/g', createdAt: 0, retentionInDays: 1 }] }),
      silenceMs: Number.POSITIVE_INFINITY,
    });
    const client = logsClient(aws);
    await client.send(new CreateLogStreamCommand({ logGroupName: '/g', logStreamName: 's' }));
    const { rejectedLogEventsInfo } = await client.send(
      new PutLogEventsCommand({
        logGroupName: '/g',
        logStreamName: 's',
        logEvents: [
          { timestamp: NOW - 1.5 * DAY, message: 'expired' },
          { timestamp: NOW - 0.9 * DAY, message: 'kept' },
        ],
      }),
    );
    expect(rejectedLogEventsInfo).toEqual({ expiredLogEventEndIndex: 1 });
    const page = await client.send(new FilterLogEventsCommand({ logGroupName: '/g' }));
    expect(messages(page)).toEqual(['kept']);
  });
});

describe('[O7] a key', () => {
  it('that the service may use is only named', async () => {
    const { get, described } = await group({ kmsKeyId: KEY });
    expect((await described()).kmsKeyId).toBe(KEY);
    expect(messages(await get())).toHaveLength(10);
  });

  it('that it may not use keeps events from being read and written', async () => {
    const { client, get, filter } = await group({ kmsKeyId: KEY, kmsRefuses: true });
    const put = () =>
      client.send(
        new PutLogEventsCommand({
          logGroupName: '/g',
          logStreamName: 's',
          logEvents: [{ timestamp: NOW, message: 'm' }],
        }),
      );
    for (const call of [get, filter, put])
      expect(await refusal(call())).toMatchObject({
        name: 'AccessDeniedException',
        message: `The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/g'`,
      });
  });
});

describe('[O7] a description', () => {
  it('says whether a policy masks values, of the group or of the account', async () => {
    const of = (settings: Partial<LogGroupSeed>) => group(settings).then(({ described }) => described());
    expect(await of({ dataProtectionStatus: 'ACTIVATED' })).toMatchObject({
      dataProtectionStatus: 'ACTIVATED',
    });
    expect(await of({ inheritedProperties: ['ACCOUNT_DATA_PROTECTION'] })).toMatchObject({
      inheritedProperties: ['ACCOUNT_DATA_PROTECTION'],
    });
    expect(await of({})).not.toHaveProperty('dataProtectionStatus');
  });

  it('is short for whoever asks by a pattern, which heeds capital letters', async () => {
    const { client } = await group({ name: '/Group', retentionInDays: 3 });
    const asked = async (logGroupNamePattern: string) =>
      (await client.send(new DescribeLogGroupsCommand({ logGroupNamePattern }))).logGroups!;
    expect(await asked('oup')).toEqual([
      {
        logGroupName: '/Group',
        creationTime: 0,
        arn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/Group:*`,
      },
    ]);
    expect(await asked('group')).toEqual([]);
  });
});
