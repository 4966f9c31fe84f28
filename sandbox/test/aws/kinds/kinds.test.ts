/** Jobs that are created, listed, described and stopped in one way: what holds for each such kind. */
import {
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  AddTagsCommand,
  CreateProcessingJobCommand,
  CreateTransformJobCommand,
  DescribeProcessingJobCommand,
  DescribeTransformJobCommand,
  ListProcessingJobsCommand,
  ListTagsCommand,
  ListTransformJobsCommand,
  StopProcessingJobCommand,
  StopTransformJobCommand,
} from '@aws-sdk/client-sagemaker';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AwsSandbox, AwsSandboxOptions } from '../../../src/aws/index.ts';
import type { WorkSeed } from '../../../src/aws/kinds/work.ts';
import {
  ACCOUNT,
  assume,
  logsClient,
  OTHER_ACCOUNT,
  REGION,
  refusal,
  sagemakerClient,
  sandbox,
  twoAccounts,
} from '../support.ts';
import { watched } from '../watched.ts';

let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = Date.now();
});

const ROLE = `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`;

interface ListInput {
  NameContains?: string;
  StatusEquals?: 'Completed' | 'Failed' | 'InProgress';
  SortBy?: 'Name' | 'CreationTime' | 'Status';
  SortOrder?: 'Ascending' | 'Descending';
  MaxResults?: number;
  NextToken?: string;
  CreationTimeAfter?: Date;
  LastModifiedTimeBefore?: Date;
}

const clients = (aws: AwsSandbox) => {
  const client = sagemakerClient(aws);
  return {
    processing: {
      create: (name: string, Environment: Record<string, string> = {}, count = 2) =>
        client.send(
          new CreateProcessingJobCommand({
            ProcessingJobName: name,
            RoleArn: ROLE,
            ProcessingResources: {
              ClusterConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: count, VolumeSizeInGB: 30 },
            },
            AppSpecification: { ImageUri: 'repo/prepare:3', ContainerEntrypoint: ['python3', 'prepare.py'] },
            Environment,
          }),
        ),
      describe: async (name: string) => {
        const job = await client.send(new DescribeProcessingJobCommand({ ProcessingJobName: name }));
        return { ...job, status: job.ProcessingJobStatus, ended: job.ProcessingEndTime };
      },
      stop: (name: string) => client.send(new StopProcessingJobCommand({ ProcessingJobName: name })),
      list: async (input: ListInput) => {
        const { ProcessingJobSummaries, NextToken } = await client.send(new ListProcessingJobsCommand(input));
        return { names: ProcessingJobSummaries!.map((job) => job.ProcessingJobName), NextToken };
      },
    },
    transform: {
      create: (name: string, Environment: Record<string, string> = {}, count = 2) =>
        client.send(
          new CreateTransformJobCommand({
            TransformJobName: name,
            ModelName: 'defects',
            TransformInput: {
              DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://data/in/' } },
            },
            TransformOutput: { S3OutputPath: 's3://data/out/' },
            TransformResources: { InstanceType: 'ml.m5.xlarge', InstanceCount: count },
            Environment,
          }),
        ),
      describe: async (name: string) => {
        const job = await client.send(new DescribeTransformJobCommand({ TransformJobName: name }));
        return { ...job, status: job.TransformJobStatus, ended: job.TransformEndTime };
      },
      stop: (name: string) => client.send(new StopTransformJobCommand({ TransformJobName: name })),
      list: async (input: ListInput) => {
        const { TransformJobSummaries, NextToken } = await client.send(new ListTransformJobsCommand(input));
        return { names: TransformJobSummaries!.map((job) => job.TransformJobName), NextToken };
      },
    },
  };
};

type Name = keyof ReturnType<typeof clients>;
const FACTS = {
  processing: {
    group: '/aws/sagemaker/ProcessingJobs',
    resource: 'processing-job',
    streams: /^made\/algo-[12]-\d{10}$/,
    detailType: 'SageMaker Processing Job State Change',
    status: 'ProcessingJobStatus',
    order: 'Ascending',
  },
  transform: {
    group: '/aws/sagemaker/TransformJobs',
    resource: 'transform-job',
    streams: /^made\/i-[0-9a-f]{17}-\d{10}(\/data-log)?$/,
    detailType: 'SageMaker Transform Job State Change',
    status: 'TransformJobStatus',
    order: 'Descending',
  },
} as const;

async function logOf(aws: AwsSandbox, group: string, name: string): Promise<Record<string, string[]>> {
  const logs = logsClient(aws);
  const { logStreams } = await logs.send(
    new DescribeLogStreamsCommand({ logGroupName: group, logStreamNamePrefix: `${name}/` }),
  );
  const read = logStreams!.map(async ({ logStreamName }) => {
    const { events } = await logs.send(
      new GetLogEventsCommand({ logGroupName: group, logStreamName, startFromHead: true }),
    );
    return [logStreamName!, events!.map(({ message }) => message!)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Jobs of the past, one an hour, the newest last in the alphabet. */
function pastJobs(count: number): WorkSeed[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `job-${String(index).padStart(3, '0')}`,
    transitions: [
      { at: now - (count - index) * 3_600_000, status: 'InProgress', secondary: 'Starting' },
      {
        at: now - (count - index) * 3_600_000 + 60_000,
        status: index % 3 === 0 ? 'Failed' : 'Completed',
      },
    ],
  }));
}

async function withPast(kind: Name, count: number, options: Partial<AwsSandboxOptions> = {}) {
  const kinds = { [kind]: pastJobs(count) };
  return clients(await sandbox({ clock, world: twoAccounts({ kinds }), ...options }))[kind];
}

/** Every page of a list, as a careful client reads it. */
async function pages(
  list: (input: ListInput) => Promise<{ names: unknown[]; NextToken?: string | undefined }>,
  input: ListInput,
) {
  const found: unknown[][] = [];
  let token: string | undefined;
  do {
    const page = await list({ ...input, ...(token === undefined ? {} : { NextToken: token }) });
    found.push(page.names);
    token = page.NextToken === token ? undefined : page.NextToken;
  } while (token !== undefined);
  return found;
}

describe.each(['processing', 'transform'] as const)('[O7] a %s job', (kind) => {
  const facts = FACTS[kind];
  const jobs = (aws: AwsSandbox) => clients(aws)[kind];

  it('runs, and its log group and streams are there once it has written', async () => {
    const aws = await sandbox({ clock });
    await jobs(aws).create('made');
    const groups = async () =>
      (await logsClient(aws).send(new DescribeLogGroupsCommand({}))).logGroups!.map(
        ({ logGroupName }) => logGroupName,
      );
    expect(await groups()).not.toContain(facts.group);
    expect(await refusal(logOf(aws, facts.group, 'made'))).toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'The specified log group does not exist.',
    });
    const lengths: number[] = [];
    for (let second = 6; second <= 36; second += 6) {
      now += 6_000;
      expect(await groups()).toContain(facts.group);
      const streams = await logOf(aws, facts.group, 'made');
      for (const name of Object.keys(streams)) expect(name).toMatch(facts.streams);
      lengths.push(Object.values(streams).flat().length);
    }
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lengths.at(-1)).toBeGreaterThan(lengths[0]!);
    expect(await jobs(aws).describe('made')).toMatchObject({ status: 'Completed', ended: expect.any(Date) });
  });

  it('fails where its environment says so, with a reason and a log', async () => {
    const aws = await sandbox({ clock });
    await jobs(aws).create('made', { PARTS: '8', FAIL_AT_PART: '3' });
    now += 60_000;
    expect(await jobs(aws).describe('made')).toMatchObject({
      status: 'Failed',
      FailureReason: expect.stringMatching(/^AlgorithmError: /),
      Environment: { PARTS: '8', FAIL_AT_PART: '3' },
    });
    const lines = Object.values(await logOf(aws, facts.group, 'made')).flat();
    expect(lines.join('\n')).toMatch(/Traceback \(most recent call last\).*ValueError/s);
  });

  it('is stopped by request, and writes no more', async () => {
    const aws = await sandbox({ clock });
    const { create, stop, describe } = jobs(aws);
    await create('made', { PARTS: '500' });
    now += 20_000;
    await stop('made');
    expect((await describe('made')).status).toBe('Stopping');
    now += 20_000;
    expect((await describe('made')).status).toBe('Stopped');
    const before = await logOf(aws, facts.group, 'made');
    now += 60_000;
    expect(await logOf(aws, facts.group, 'made')).toEqual(before);
    expect(await refusal(stop('made'))).toMatchObject({
      name: 'ValidationException',
      message: `The request was rejected because the ${kind} job is in status Stopped.`,
    });
  });

  it('that is missing is told in the words of the service; so is a name that is taken, and a quota', async () => {
    const aws = await sandbox({ clock, trainingInstances: 3 });
    const { create, stop, describe } = jobs(aws);
    for (const asked of [describe('nope'), stop('nope')])
      expect(await refusal(asked)).toMatchObject({
        name: 'ValidationException',
        message: 'Could not find requested job with name: nope',
      });
    await create('made');
    expect(await refusal(create('made'))).toMatchObject({ name: 'ResourceInUse' });
    expect(await refusal(create('more'))).toMatchObject({
      name: 'ResourceLimitExceeded',
      message: expect.stringContaining(
        `'ml.m5.xlarge for ${kind} job usage' is 3 Instances, with current utilization of 2 Instances`,
      ),
    });
  });

  it('breaks rules one by one, and all are named', async () => {
    const aws = await sandbox();
    expect(await refusal(jobs(aws).create('-bad-', {}, 0))).toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(
        /^2 validation errors detected: .*Value '-bad-' at '\w+JobName'.*nstanceCount' failed/,
      ),
    });
  });

  it('carries tags', async () => {
    const aws = await sandbox();
    await jobs(aws).create('made');
    const ResourceArn = `arn:aws:sagemaker:${REGION}:${ACCOUNT}:${facts.resource}/made`;
    const client = sagemakerClient(aws);
    await client.send(new AddTagsCommand({ ResourceArn, Tags: [{ Key: 'team', Value: 'ml' }] }));
    expect((await client.send(new ListTagsCommand({ ResourceArn }))).Tags).toEqual([
      { Key: 'team', Value: 'ml' },
    ]);
  });

  it('is denied to who may not', async () => {
    const aws = await sandbox();
    const denied = sagemakerClient(aws, { credentials: await assume(aws) });
    const command =
      kind === 'processing'
        ? new StopProcessingJobCommand({ ProcessingJobName: 'made' })
        : new StopTransformJobCommand({ TransformJobName: 'made' });
    expect(await refusal(denied.send(command as StopProcessingJobCommand))).toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`arn:aws:sagemaker:${REGION}:${OTHER_ACCOUNT}:${facts.resource}/made`),
    });
  });

  it('is listed by name, status, time and order', async () => {
    const { list } = await withPast(kind, 12);
    const names = async (input: ListInput) => (await list(input)).names;
    const all = pastJobs(12).map(({ name }) => name);
    const inDefaultOrder = facts.order === 'Ascending' ? all : [...all].reverse();
    expect(await names({})).toEqual(inDefaultOrder.slice(0, 10));
    expect(await names({ NameContains: 'job-00', SortBy: 'Name', SortOrder: 'Descending' })).toEqual(
      all.slice(0, 10).reverse(),
    );
    expect(await names({ StatusEquals: 'Failed', SortOrder: 'Ascending' })).toEqual(
      all.filter((_, index) => index % 3 === 0),
    );
    expect(
      await names({ CreationTimeAfter: new Date(now - 2.5 * 3_600_000), SortOrder: 'Ascending' }),
    ).toEqual(all.slice(-2));
    expect(
      await names({ LastModifiedTimeBefore: new Date(now - 10.5 * 3_600_000), SortOrder: 'Ascending' }),
    ).toEqual(all.slice(0, 2));
    expect(await refusal(list({ MaxResults: 101 }))).toMatchObject({ name: 'ValidationException' });
    expect(await refusal(list({ StatusEquals: 'Broken' as 'Failed' }))).toMatchObject({
      message: expect.stringContaining('Member must satisfy enum value set: [InProgress, Completed'),
    });
    expect(await refusal(list({ NextToken: 'made-up' }))).toMatchObject({ name: 'ValidationException' });
  });

  it('is listed in pages, of which some are empty and the last may come again and again', async () => {
    const { list } = await withPast(kind, 25, { emptyListPages: 2, repeatedListTokens: true });
    const found = await pages(list, { MaxResults: 10, SortOrder: 'Ascending' });
    expect(found.map(({ length }) => length)).toEqual([10, 0, 0, 10, 5]);
    expect(found.flat()).toEqual(pastJobs(25).map(({ name }) => name));
  });

  it('tells EventBridge of each change', async () => {
    const { aws, time, received } = await watched({ kinds: { [kind]: pastJobs(2) } });
    await jobs(aws).create('made', { PARTS: '2', FAIL_AT_PART: '2' }, 1);
    const created = time.now();
    await time.advance(60_000);
    const events = await received();
    expect(events.map(({ detail }) => detail[facts.status])).toEqual(['InProgress', 'InProgress', 'Failed']);
    expect(events.at(-1)).toMatchObject({
      source: 'aws.sagemaker',
      'detail-type': facts.detailType,
      resources: [`arn:aws:sagemaker:${REGION}:${ACCOUNT}:${facts.resource}/made`],
      detail: { CreationTime: created, FailureReason: expect.stringContaining('AlgorithmError') },
    });
  });
});
