import {
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { ListTrainingJobsCommand } from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import {
  ACCOUNT,
  assume,
  EXTERNAL_ID,
  GROUP,
  logsClient,
  OTHER_ACCOUNT,
  OTHER_KEYS,
  REGION,
  ROLE_ARN,
  refusal,
  sagemakerClient,
  sandbox,
  stsClient,
  twoAccounts,
} from './support.ts';

const denied = (role = ROLE_ARN) => ({
  name: 'AccessDenied',
  message: `User: arn:aws:iam::${ACCOUNT}:user/reader is not authorized to perform: sts:AssumeRole on resource: ${role}`,
  status: 403,
});

describe('[O7] roles are assumed as on the real service', () => {
  it('opens the other account with the external id, and only that account', async () => {
    const aws = await sandbox({
      world: twoAccounts(
        { logGroups: [{ name: '/one', createdAt: 0 }] },
        { logGroups: [{ name: '/two', createdAt: 0 }] },
      ),
    });
    const credentials = await assume(aws);
    const identity = await stsClient(aws, { credentials }).send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({
      Account: OTHER_ACCOUNT,
      Arn: `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/SignalboxAccess/logs-ada-1`,
      UserId: expect.stringMatching(/^AROA[A-Z2-7]{16}:logs-ada-1$/),
    });
    const groups = async (client: ReturnType<typeof logsClient>) =>
      (await client.send(new DescribeLogGroupsCommand({}))).logGroups!.map(
        ({ logGroupName }) => logGroupName,
      );
    expect(await groups(logsClient(aws, { credentials }))).toEqual(['/two']);
    expect(await groups(logsClient(aws))).toEqual(['/one']);
    expect(await groups(logsClient(aws, { region: 'us-east-1' }))).toEqual([]);
  });

  it('words a wrong external id, none, an unknown role and an untrusted caller all the same', async () => {
    const aws = await sandbox();
    const unknown = `arn:aws:iam::${OTHER_ACCOUNT}:role/Nowhere`;
    expect(await refusal(assume(aws, { ExternalId: 'wrong' }))).toEqual(denied());
    expect(await refusal(assume(aws, { ExternalId: undefined }))).toEqual(denied());
    expect(await refusal(assume(aws, { RoleArn: unknown }))).toEqual(denied(unknown));
    expect(await refusal(assume(aws, { RoleArn: ROLE_ARN.replace('SignalboxAccess', 'Second') }))).toEqual(
      denied(ROLE_ARN.replace('SignalboxAccess', 'Second')),
    );
    // Its own account's user is not named by the trust either.
    expect((await refusal(assume(aws, {}, { credentials: OTHER_KEYS }))).name).toBe('AccessDenied');
  });

  it.each([
    [
      'a',
      "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      'x'.repeat(65),
      `1 validation error detected: Value '${'x'.repeat(65)}' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    ],
    [
      'logs/ada:1',
      "1 validation error detected: Value 'logs/ada:1' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    ],
  ])('refuses the session name %s in the words of the service', async (name, message) => {
    const aws = await sandbox();
    expect(await refusal(assume(aws, { RoleSessionName: name }))).toEqual({
      name: 'ValidationError',
      message,
      status: 400,
    });
  });

  it('takes session names of 2 and of 64 characters', async () => {
    const aws = await sandbox();
    await assume(aws, { RoleSessionName: 'ab' });
    await assume(aws, { RoleSessionName: 'logs-+=,.@_'.padEnd(64, 'x') });
  });

  it('limits how long a session lasts: 15 minutes, the role, an hour when chained', async () => {
    const aws = await sandbox();
    expect((await refusal(assume(aws, { DurationSeconds: 600 }))).message).toMatch(
      /'durationSeconds' failed .* greater than or equal to 900/,
    );
    expect((await refusal(assume(aws, { DurationSeconds: 7200 }))).message).toBe(
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
    const credentials = await assume(aws, { DurationSeconds: 900 });
    const second = ROLE_ARN.replace('SignalboxAccess', 'Second');
    expect(
      (await refusal(assume(aws, { RoleArn: second, DurationSeconds: 3601 }, { credentials }))).message,
    ).toMatch(/role chaining/);
    await assume(aws, { RoleArn: second, DurationSeconds: 3600 }, { credentials });
  });

  it('ends a session when its time is over, by the clock or when told to', async () => {
    let now = Date.now();
    const aws = await sandbox({ clock: { now: () => now }, sessionSeconds: 5 });
    const credentials = await assume(aws);
    expect(credentials.expiration.getTime() - now).toBeLessThanOrEqual(5000);
    const ask = () => logsClient(aws, { credentials }).send(new DescribeLogGroupsCommand({}));
    await ask();
    now += 5001;
    expect(await refusal(ask())).toMatchObject({
      name: 'ExpiredTokenException',
      message: 'The security token included in the request is expired',
      status: 400,
    });
    expect(
      (await refusal(stsClient(aws, { credentials }).send(new GetCallerIdentityCommand({})))).name,
    ).toMatch(/^ExpiredToken/);
    aws.configure({ sessionSeconds: undefined });
    const fresh = await assume(aws);
    aws.expireSessions();
    expect(
      (await refusal(logsClient(aws, { credentials: fresh }).send(new DescribeLogGroupsCommand({})))).name,
    ).toBe('ExpiredTokenException');
  });

  it('refuses session keys without their token', async () => {
    const aws = await sandbox();
    const { accessKeyId, secretAccessKey } = await assume(aws);
    expect(
      (
        await refusal(
          logsClient(aws, { credentials: { accessKeyId, secretAccessKey } }).send(
            new DescribeLogGroupsCommand({}),
          ),
        )
      ).name,
    ).toBe('UnrecognizedClientException');
  });

  it('lets a session do what its role allows and its session policy leaves', async () => {
    const aws = await sandbox({ world: twoAccounts({}, { logGroups: [{ name: GROUP, createdAt: 0 }] }) });
    const who = `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/SignalboxAccess/logs-ada-1`;
    const wide = await assume(aws);
    expect(
      await refusal(sagemakerClient(aws, { credentials: wide }).send(new ListTrainingJobsCommand({}))),
    ).toMatchObject({
      name: 'AccessDeniedException',
      message: `User: ${who} is not authorized to perform: sagemaker:ListTrainingJobs on resource: * because no identity-based policy allows the sagemaker:ListTrainingJobs action`,
    });
    const narrow = await assume(aws, {
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['logs:DescribeLogStreams', 'logs:GetLogEvents'],
            Resource: `arn:aws:logs:*:${OTHER_ACCOUNT}:log-group:${GROUP}:*`,
          },
        ],
      }),
    });
    const logs = logsClient(aws, { credentials: narrow });
    await logs.send(new DescribeLogStreamsCommand({ logGroupName: GROUP }));
    const put = new PutLogEventsCommand({
      logGroupName: GROUP,
      logStreamName: 's',
      logEvents: [{ timestamp: 1, message: 'm' }],
    });
    expect(await refusal(logs.send(put))).toMatchObject({
      name: 'AccessDeniedException',
      message: `User: ${who} is not authorized to perform: logs:PutLogEvents on resource: arn:aws:logs:${REGION}:${OTHER_ACCOUNT}:log-group:${GROUP}:log-stream:s because no session policy allows the logs:PutLogEvents action`,
    });
    expect((await refusal(logs.send(new DescribeLogStreamsCommand({ logGroupName: '/other' })))).name).toBe(
      'AccessDeniedException',
    );
  });

  it.each([
    '{',
    '{"Statement":[{"Effect":"Maybe","Action":"logs:*","Resource":"*"}]}',
    '{"Statement":[{"Effect":"Allow","Action":"logs","Resource":"*"}]}',
  ])('refuses the session policy %s', async (Policy) => {
    const aws = await sandbox();
    expect((await refusal(assume(aws, { Policy }))).name).toMatch(/^MalformedPolicyDocument/);
  });

  it('refuses what is not a role ARN', async () => {
    const aws = await sandbox();
    const ask = new AssumeRoleCommand({
      RoleArn: 'arn:aws:iam::12:role/x/y',
      RoleSessionName: 'ok',
      ExternalId: EXTERNAL_ID,
    });
    expect(await refusal(stsClient(aws).send(ask))).toMatchObject({
      name: 'ValidationError',
      message: 'arn:aws:iam::12:role/x/y is invalid',
    });
  });
});
