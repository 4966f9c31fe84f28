import {
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { ListTrainingJobsCommand } from '@aws-sdk/client-sagemaker';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { defaultRate, QuotaBuckets } from '../../src/aws/quotas.ts';
import { FaultPlan } from '../../src/faults.ts';
import { GROUP, logsClient, refusal, sagemakerClient, sandbox, stsClient, twoAccounts } from './support.ts';

describe('[O7] quotas', () => {
  it('are those that AWS documents, by region', () => {
    expect(defaultRate('GetLogEvents', 'us-east-1')).toBe(25);
    expect(defaultRate('GetLogEvents', 'eu-west-1')).toBe(10);
    expect(defaultRate('GetLogEvents', 'eu-west-3')).toBe(30);
    expect(defaultRate('FilterLogEvents', 'us-east-1')).toBe(25);
    expect(defaultRate('FilterLogEvents', 'eu-central-1')).toBe(5);
    expect(defaultRate('FilterLogEvents', 'eu-west-1')).toBe(10);
    expect(defaultRate('ListTrainingJobs', 'eu-west-1')).toBe(2);
  });

  it('let a second of requests through at once, then as many as the rate', () => {
    const buckets = new QuotaBuckets({});
    const take = (at: number) => buckets.take('1', 'eu-west-1', 'GetLogEvents', at);
    expect(Array.from({ length: 12 }, () => take(0)).filter(Boolean)).toHaveLength(10);
    expect(take(99)).toBe(false);
    expect(take(150)).toBe(true);
    expect(take(150)).toBe(false);
    expect(buckets.take('2', 'eu-west-1', 'GetLogEvents', 200)).toBe(true);
    expect(buckets.take('1', 'eu-west-1', 'FilterLogEvents', 200)).toBe(true);
  });

  it('throttle with "Rate exceeded", are settings, and can be turned off', async () => {
    const aws = await sandbox({ quotas: { ListTrainingJobs: 0.001 } });
    const list = () => sagemakerClient(aws).send(new ListTrainingJobsCommand({}));
    await list();
    expect(await refusal(list())).toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      status: 400,
    });
    expect(aws.stats()).toMatchObject({
      requests: { ListTrainingJobs: 2 },
      throttled: { ListTrainingJobs: 1 },
    });
    aws.configure({ quotas: 'off' });
    await list();
    await list();
  });
});

describe('[O7] faults of AWS calls', () => {
  async function faulty(fault: { on: string; kind: string; times?: number }) {
    const faults = new FaultPlan();
    faults.add(fault);
    const aws = await sandbox({ faults, world: twoAccounts({ logGroups: [{ name: GROUP, createdAt: 0 }] }) });
    return {
      aws,
      describeStreams: () => logsClient(aws).send(new DescribeLogStreamsCommand({ logGroupName: GROUP })),
    };
  }

  it.each([
    ['429', 'ThrottlingException'],
    ['500', 'InternalFailure'],
    ['ServiceUnavailableException', 'ServiceUnavailableException'],
    ['ExpiredTokenException', 'ExpiredTokenException'],
    ['AccessDeniedException', 'AccessDeniedException'],
  ])('%s comes as %s, once', async (kind, name) => {
    const { describeStreams } = await faulty({ on: 'logs:DescribeLogStreams', kind });
    expect((await refusal(describeStreams())).name).toBe(name);
    await describeStreams();
  });

  it('speak the protocol of the service', async () => {
    const { aws } = await faulty({ on: 'sts:GetCallerIdentity', kind: 'ThrottlingException' });
    expect(await refusal(stsClient(aws).send(new GetCallerIdentityCommand({})))).toMatchObject({
      name: 'Throttling',
      message: 'Rate exceeded',
    });
  });

  it('cut the connection', async () => {
    const { describeStreams } = await faulty({ on: '*', kind: 'drop' });
    expect((await refusal(describeStreams())).message).toMatch(/socket hang up|ECONNRESET/);
    await describeStreams();
  });
});

describe('[O7] the server', () => {
  it('names what it does not have', async () => {
    const aws = await sandbox();
    const answer = await fetch(aws.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'Nothing_1.Do' },
      body: '{}',
    });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ __type: 'UnknownOperationException' });
  });

  it('refuses a stranger before it looks at the request', async () => {
    const aws = await sandbox();
    const answer = await fetch(aws.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'Logs_20140328.GetLogEvents' },
      body: 'not json',
    });
    expect(await answer.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    expect(answer.headers.get('x-amzn-requestid')).toMatch(/^[\da-f-]{36}$/);
  });

  it('counts requests, pages and events', async () => {
    const aws = await sandbox();
    const client = logsClient(aws);
    await client.send(new DescribeLogGroupsCommand({}));
    await refusal(client.send(new GetLogEventsCommand({ logGroupName: GROUP, logStreamName: 's' })));
    expect(aws.stats().requests).toEqual({ DescribeLogGroups: 1, GetLogEvents: 1 });
    aws.resetStats();
    expect(aws.stats()).toMatchObject({ requests: {}, bytes: 0 });
  });

  it('says which port is taken', async () => {
    const aws = await sandbox();
    await expect(sandbox({ port: aws.port })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`127.0.0.1:${aws.port}`),
    });
  });
});
