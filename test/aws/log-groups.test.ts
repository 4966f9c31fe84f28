/** The adapter against the sandbox: log groups that are not read like others, and what is said of them. */
import { CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { type LogGroupSeed, writtenSeries } from '#sandbox/seeds';
import {
  ACCOUNT,
  assume,
  GROUP,
  KEYS,
  logsClient,
  OTHER_ACCOUNT,
  REGION,
  ROLE_ARN,
  sandbox,
  twoAccounts,
} from '../../sandbox/test/aws/support.ts';
import { createCloudWatchLogSource } from '../../src/aws/cloudwatch-logs.ts';
import { LogGroups } from '../../src/aws/log-groups.ts';
import type { AppError } from '../../src/ground/errors.ts';
import type { LogSource } from '../../src/ports/log-source.ts';

const AT = Date.now() - 60_000;
const JOB = 'press-1';
const STREAM = `${JOB}/algo-1-1795150455`;
const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/0c5f2f3e`;

async function withGroup(settings: Partial<LogGroupSeed> = {}, groups?: LogGroups) {
  const events = [{ at: AT, message: 'epoch 1' }];
  const streams = [{ name: STREAM, createdAt: AT, series: writtenSeries(() => events) }];
  const aws = await sandbox({
    world: twoAccounts({
      // Begins like the group that is asked for, and comes after it.
      logGroups: [
        { name: `${GROUP}-2`, createdAt: 0, retentionInDays: 1 },
        { name: GROUP, createdAt: 0, streams, ...settings },
      ],
    }),
  });
  const source = createCloudWatchLogSource({
    ...{ account: ACCOUNT, region: REGION, group: GROUP, job: JOB, useCase: 'line-3' },
    credentials: KEYS,
    secondLane: 'on',
    groups,
    clientConfig: { endpoint: aws.url },
  });
  return { aws, source };
}

const page = { stream: STREAM, from: AT, to: AT + 1, direction: 'forward' } as const;
const lanes = (source: LogSource) => [source, source.secondLane!];

async function failure(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => expect.unreachable('It should have failed'),
    (error: unknown) => error as AppError,
  );
}

describe('[L13] a log group that is not of the Standard class', () => {
  it.each(['INFREQUENT_ACCESS', 'DELIVERY', 'ESSENTIALS'] as const)(
    'is named as the reason (%s), with what can be done',
    async (groupClass) => {
      const { source } = await withGroup({ class: groupClass });
      expect(await source.listStreams()).toHaveLength(1);
      for (const lane of lanes(source)) {
        const error = await failure(lane.readPage(page));
        expect(error).toMatchObject({
          code: 'conflict',
          message: `AWS gives out no logs of the log group ${GROUP}, because it is not of the Standard class; could not read the log of ${JOB} in use case line-3.`,
          hint: expect.stringContaining(`filter @logStream like /^${JOB}(\\/|$)/ | sort @timestamp`),
          adminHint: expect.stringContaining('only supported on the Standard log class'),
        });
      }
      expect((await source.keeping!())?.unreadableClass).toBe(groupClass);
    },
  );
});

describe('[L13] a key that may not be used', () => {
  it('is named as the reason, with who has to allow it', async () => {
    const { source } = await withGroup({ kmsKeyId: KEY, kmsRefuses: true });
    for (const lane of lanes(source)) {
      const error = await failure(lane.readPage(page));
      expect(error).toMatchObject({
        code: 'permission_denied',
        message: `AWS refused to read the log of ${JOB} in use case line-3, because the KMS key that it is encrypted with may not be used.`,
      });
      expect(error.hint).toContain(`kms:Decrypt to CloudWatch Logs (logs.${REGION}.amazonaws.com)`);
      expect(error.hint).not.toContain('logs:GetLogEvents');
    }
    expect((await source.keeping!())?.key).toBe(KEY);
  });

  it('does no harm where it may be used', async () => {
    const { source } = await withGroup({ kmsKeyId: KEY });
    for (const lane of lanes(source)) expect((await lane.readPage(page)).count).toBe(1);
  });
});

describe('[L13] what a log group keeps', () => {
  it('is asked of the group itself, not of one that begins like it', async () => {
    const { source } = await withGroup({ retentionInDays: 30 });
    expect(await source.keeping!()).toEqual({
      place: `the log group ${GROUP}`,
      days: 30,
    });
  });

  it.each([
    [{ dataProtectionStatus: 'ACTIVATED' }, 'now'],
    // The whole account's policy: the group's own status is left out.
    [{ inheritedProperties: ['ACCOUNT_DATA_PROTECTION'] }, 'now'],
    [{ dataProtectionStatus: 'DISABLED', inheritedProperties: ['ACCOUNT_DATA_PROTECTION'] }, 'now'],
    [{ dataProtectionStatus: 'DELETED' }, 'before'],
    [{ dataProtectionStatus: 'ARCHIVED' }, 'before'],
    [{}, undefined],
  ] as const)('says of %j whether values are masked: %s', async (settings, masks) => {
    const { source } = await withGroup(settings);
    expect((await source.keeping!())?.masks).toBe(masks);
  });

  it('is nothing for a group that is not there', async () => {
    const { source } = await withGroup({ name: `${GROUP}-3` });
    expect(await source.keeping!()).toBeUndefined();
  });

  it('is asked once for all logs of the group, and again after ten minutes', async () => {
    let now = 0;
    const { aws, source } = await withGroup({}, new LogGroups({ now: () => now }));
    const asked = () => aws.stats().requests.DescribeLogGroups ?? 0;
    await Promise.all([source.keeping!(), source.inBackground!().keeping!()]);
    now = 10 * 60_000 - 1;
    await source.keeping!();
    expect(asked()).toBe(1);
    now += 1;
    await source.keeping!();
    expect(asked()).toBe(2);
  });

  it('stays unknown to a role that may not ask, which is not asked for again, and reads the log all the same', async () => {
    const aws = await sandbox({ world: twoAccounts({}, { logGroups: [{ name: GROUP, createdAt: 0 }] }) });
    const whole = await assume(aws);
    const client = logsClient(aws, { credentials: whole });
    await client.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: STREAM }));
    const logEvents = [{ timestamp: AT, message: 'm' }];
    await client.send(new PutLogEventsCommand({ logGroupName: GROUP, logStreamName: STREAM, logEvents }));
    const Policy = JSON.stringify({
      Statement: [
        { Effect: 'Allow', Action: ['logs:DescribeLogStreams', 'logs:GetLogEvents'], Resource: '*' },
      ],
    });
    const source = createCloudWatchLogSource({
      ...{ account: OTHER_ACCOUNT, region: REGION, group: GROUP, job: JOB, roleArn: ROLE_ARN },
      credentials: await assume(aws, { Policy }),
      clientConfig: { endpoint: aws.url },
    });
    for (let again = 0; again < 2; again++)
      expect(await failure(source.keeping!())).toMatchObject({
        code: 'permission_denied',
        hint: expect.stringContaining('logs:DescribeLogGroups'),
      });
    expect(aws.stats().requests.DescribeLogGroups).toBe(1);
    expect((await source.readPage(page)).count).toBe(1);
  });
});
