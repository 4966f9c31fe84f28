import { DescribeLogStreamsCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AddTagsCommand,
  CreateTrainingJobCommand,
  type CreateTrainingJobCommandInput,
  DescribeTrainingJobCommand,
  ListTagsCommand,
  ListTrainingJobsCommand,
  type ListTrainingJobsCommandInput,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker';
import { beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNT, GROUP, logsClient, REGION, refusal, sagemakerClient, sandbox } from './support.ts';

let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = Date.now();
});

const request = (changes: Partial<CreateTrainingJobCommandInput> = {}): CreateTrainingJobCommandInput => ({
  TrainingJobName: 'defects-1',
  RoleArn: `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`,
  AlgorithmSpecification: { TrainingImage: 'repo/image:1', TrainingInputMode: 'File' },
  OutputDataConfig: { S3OutputPath: 's3://models/' },
  ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 2, VolumeSizeInGB: 50 },
  StoppingCondition: { MaxRuntimeInSeconds: 3600 },
  HyperParameters: { epochs: '3' },
  ...changes,
});

async function started(changes: Partial<CreateTrainingJobCommandInput> = {}) {
  const aws = await sandbox({ clock });
  const client = sagemakerClient(aws);
  await client.send(new CreateTrainingJobCommand(request(changes)));
  const describeJob = () => client.send(new DescribeTrainingJobCommand({ TrainingJobName: 'defects-1' }));
  const text = async () => {
    const logs = logsClient(aws);
    const { logStreams } = await logs
      .send(new DescribeLogStreamsCommand({ logGroupName: GROUP, logStreamNamePrefix: 'defects-1/' }))
      .catch((error: Error) => {
        // The first job of an account makes the group when it begins to write.
        if (error.name === 'ResourceNotFoundException') return { logStreams: [] };
        throw error;
      });
    const pages = await Promise.all(
      logStreams!.map(({ logStreamName }) =>
        logs.send(new GetLogEventsCommand({ logGroupName: GROUP, logStreamName, startFromHead: true })),
      ),
    );
    return pages.map(({ events }) => events!.map(({ message }) => message!));
  };
  return { aws, client, describeJob, text };
}

const MetricDefinitions = [
  { Name: 'loss', Regex: ' loss=([0-9.]+)' },
  { Name: 'accuracy', Regex: 'val_accuracy=(?P<a>[0-9.]+)' },
  { Name: 'never', Regex: 'never=([0-9.]+)' },
];

describe('[O7] training jobs', () => {
  it('run through their statuses while their logs grow', async () => {
    const { describeJob, text } = await started({
      AlgorithmSpecification: { TrainingImage: 'repo/image:1', TrainingInputMode: 'File', MetricDefinitions },
    });
    const seen: string[] = [];
    const lines: number[] = [];
    for (let second = 0; second <= 40; second += 2) {
      const { SecondaryStatus } = await describeJob();
      if (seen.at(-1) !== SecondaryStatus) seen.push(SecondaryStatus!);
      lines.push((await text()).flat().length);
      now += 2000;
    }
    expect(seen).toEqual(['Starting', 'Downloading', 'Training', 'Uploading', 'Completed']);
    expect(lines[0]).toBe(0);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
    expect(new Set(lines).size).toBeGreaterThan(6);
    expect(await text()).toHaveLength(2);
    expect((await text())[0]!.at(-1)).toBe('Reporting training SUCCESS');
    const job = await describeJob();
    expect(job).toMatchObject({
      TrainingJobStatus: 'Completed',
      ModelArtifacts: { S3ModelArtifacts: 's3://models/defects-1/output/model.tar.gz' },
    });
    expect(job.SecondaryStatusTransitions!.at(-1)).toMatchObject({
      Status: 'Completed',
      StatusMessage: 'Training job completed',
    });
    expect(job.AlgorithmSpecification!.MetricDefinitions).toEqual(MetricDefinitions);
    // The last that the log says of each, at the time of that line; nothing of what it never says.
    const last = (pattern: RegExp) => logged.findLast((line) => pattern.test(line))!.match(pattern)![1];
    const logged = (await text())[0]!;
    expect(job.FinalMetricDataList).toEqual([
      { MetricName: 'loss', Value: Number(last(/ loss=(\S+)/)), Timestamp: expect.any(Date) },
      { MetricName: 'accuracy', Value: Number(last(/val_accuracy=(\S+)/)), Timestamp: expect.any(Date) },
    ]);
    expect(job.FinalMetricDataList![0]!.Timestamp!.getTime()).toBeLessThan(job.TrainingEndTime!.getTime());
  });

  it('have no last values without definitions of them', async () => {
    const { describeJob } = await started();
    now += 120_000;
    const { AlgorithmSpecification, FinalMetricDataList, TrainingJobStatus } = await describeJob();
    expect(TrainingJobStatus).toBe('Completed');
    expect([AlgorithmSpecification!.MetricDefinitions, FinalMetricDataList]).toEqual([undefined, undefined]);
  });

  it('fail with the reason of their script', async () => {
    const { describeJob, text } = await started({ HyperParameters: { epochs: '5', 'fail-at-epoch': '2' } });
    now += 60_000;
    expect(await describeJob()).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: expect.stringContaining('loss is nan in epoch 2'),
    });
    expect((await text())[0]!.at(-1)).toBe('RuntimeError: loss is nan in epoch 2');
  });

  it('are stopped by the runtime limit, which is not a failure', async () => {
    const { describeJob } = await started({ StoppingCondition: { MaxRuntimeInSeconds: 5 } });
    now += 60_000;
    expect(await describeJob()).toMatchObject({
      TrainingJobStatus: 'Stopped',
      SecondaryStatus: 'MaxRuntimeExceeded',
    });
  });

  it('lose their Spot machines and begin the epoch again on others, in further streams of the same hosts', async () => {
    const { describeJob, text } = await started({
      HyperParameters: { epochs: '4', 'interrupt-at-epoch': '3' },
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200 },
    });
    now += 120_000;
    const { TrainingJobStatus, SecondaryStatusTransitions } = await describeJob();
    expect(TrainingJobStatus).toBe('Completed');
    expect(SecondaryStatusTransitions!.map(({ Status }) => Status)).toEqual([
      'Starting',
      'Downloading',
      'Training',
      'Interrupted',
      'Starting',
      'Downloading',
      'Training',
      'Uploading',
      'Completed',
    ]);
    const [first, second, ...hosts] = await text();
    expect(hosts).toHaveLength(2);
    expect(first!.at(-1)).toMatch(/^epoch 3\/4 step [123]\//);
    expect(second).toContainEqual('found /opt/ml/checkpoints/epoch-2.pt, going on with epoch 3');
    expect(second!.at(-1)).toBe('Reporting training SUCCESS');
  });

  it('run on groups of different machines, whose hosts are numbered through', async () => {
    const InstanceGroups = [
      { InstanceGroupName: 'gpu', InstanceType: 'ml.g5.xlarge' as const, InstanceCount: 1 },
      { InstanceGroupName: 'data', InstanceType: 'ml.m5.xlarge' as const, InstanceCount: 2 },
    ];
    const { client, describeJob, text } = await started({
      ResourceConfig: { InstanceGroups, VolumeSizeInGB: 50 },
    });
    now += 20_000;
    expect((await describeJob()).ResourceConfig).toEqual({ InstanceGroups, VolumeSizeInGB: 50 });
    const said = (await text()).map((lines) => lines.find((line) => line.includes('rank')));
    expect(said).toEqual([
      expect.stringContaining('on ml.g5.xlarge, rank 0 of 3'),
      expect.stringContaining('on ml.m5.xlarge, rank 1 of 3'),
      expect.stringContaining('on ml.m5.xlarge, rank 2 of 3'),
    ]);
    const both = request({ TrainingJobName: 'both' });
    const mixed = { ...both.ResourceConfig, InstanceGroups, VolumeSizeInGB: 50 };
    expect(
      await refusal(client.send(new CreateTrainingJobCommand({ ...both, ResourceConfig: mixed }))),
    ).toMatchObject({ name: 'ValidationException', message: expect.stringContaining('InstanceGroups') });
  });

  it('are stopped by request and write no more', async () => {
    const { client, describeJob, text } = await started({ HyperParameters: { epochs: '100' } });
    now += 30_000;
    const stop = () => client.send(new StopTrainingJobCommand({ TrainingJobName: 'defects-1' }));
    await stop();
    expect((await describeJob()).TrainingJobStatus).toBe('Stopping');
    now += 20_000;
    expect(await describeJob()).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' });
    const length = (await text()).flat().length;
    now += 60_000;
    expect((await text()).flat().length).toBe(length);
    expect(await refusal(stop())).toMatchObject({
      name: 'ValidationException',
      message: 'The request was rejected because the training job is in status Stopped.',
    });
  });

  it('that are missing are told in the words of the service', async () => {
    const aws = await sandbox();
    for (const command of [
      new DescribeTrainingJobCommand({ TrainingJobName: 'nope' }),
      new StopTrainingJobCommand({ TrainingJobName: 'nope' }),
    ]) {
      expect(await refusal(sagemakerClient(aws).send(command as DescribeTrainingJobCommand))).toMatchObject({
        name: 'ValidationException',
        message: 'Requested resource not found.',
      });
    }
  });

  it('have a name of their own that keeps the rules', async () => {
    const { client } = await started();
    expect(await refusal(client.send(new CreateTrainingJobCommand(request())))).toMatchObject({
      name: 'ResourceInUse',
      message: expect.stringContaining('must be unique within an AWS account and region'),
    });
    for (const TrainingJobName of ['-a', 'a_b', 'a'.repeat(64)]) {
      expect(
        (await refusal(client.send(new CreateTrainingJobCommand(request({ TrainingJobName }))))).name,
      ).toBe('ValidationException');
    }
    const spot = request({ TrainingJobName: 'spot', EnableManagedSpotTraining: true });
    expect((await refusal(client.send(new CreateTrainingJobCommand(spot)))).message).toContain(
      'MaxWaitTimeInSeconds',
    );
  });

  it('carry tags', async () => {
    const { client } = await started({ Tags: [{ Key: 'owner', Value: 'ada' }] });
    const ResourceArn = `arn:aws:sagemaker:${REGION}:${ACCOUNT}:training-job/defects-1`;
    await client.send(new AddTagsCommand({ ResourceArn, Tags: [{ Key: 'line', Value: '3' }] }));
    expect((await client.send(new ListTagsCommand({ ResourceArn }))).Tags).toEqual([
      { Key: 'owner', Value: 'ada' },
      { Key: 'line', Value: '3' },
    ]);
    expect((await refusal(client.send(new ListTagsCommand({ ResourceArn: `${ResourceArn}0` })))).name).toBe(
      'ValidationException',
    );
  });
});

describe('[O7] starting a training job', () => {
  const create = async (changes: object, options: Parameters<typeof sandbox>[0] = {}) => {
    const client = sagemakerClient(await sandbox({ clock, ...options }));
    return client.send(
      new CreateTrainingJobCommand(request(changes as Partial<CreateTrainingJobCommandInput>)),
    );
  };
  const image = 'repo/image:1';
  const input = (metrics: object[]) => ({ TrainingInputMode: 'File', MetricDefinitions: metrics });

  it('is refused in the words of the service', async () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, '1']));
    const metrics = [{ Name: 'loss', Regex: 'x' }];
    const xgboost = '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1';
    for (const [changes, words] of [
      [{ HyperParameters: many }, 'less than or equal to 100'],
      [{ HyperParameters: { long: 'x'.repeat(2501) } }, 'less than or equal to 2500'],
      [{ HyperParameters: { ['k'.repeat(257)]: '1' } }, 'less than or equal to 256'],
      [{ HyperParameters: { two: 'a\nb' } }, 'regular expression pattern: .*'],
      [{ InputDataConfig: [] }, "'inputDataConfig'"],
      [{ Tags: [{ Key: 'aws:stack', Value: 'x' }] }, 'aws: prefixed tag key names are not allowed'],
      [{ RoleArn: `arn:aws:iam::${ACCOUNT}:role/Nobody` }, 'Please ensure that the role exists'],
      [
        { AlgorithmSpecification: { ...input(metrics), TrainingImage: xgboost } },
        "can't override the metric",
      ],
      [{ AlgorithmSpecification: { ...input([]), TrainingImage: image, AlgorithmName: 'a' } }, 'both'],
      [
        { AlgorithmSpecification: { ...input([{ Name: 'a' }]), TrainingImage: image } },
        "Value null at 'regex'",
      ],
    ] as const)
      expect(await refusal(create(changes))).toMatchObject({
        name: 'ValidationException',
        message: expect.stringContaining(words),
      });
  });

  it('keeps the quota of each instance type', async () => {
    const group = { InstanceType: 'ml.g5.xlarge', InstanceCount: 3 };
    expect(await refusal(create({ ResourceConfig: group }, { trainingInstances: 2 }))).toMatchObject({
      name: 'ResourceLimitExceeded',
      message: expect.stringContaining(
        "'ml.g5.xlarge for training job usage' is 2 Instances, with current utilization of 0 Instances and a request delta of 3 Instances",
      ),
    });
    const large = { InstanceType: 'ml.p5.48xlarge', InstanceCount: 1 };
    expect((await refusal(create({ ResourceConfig: large }))).name).toBe('ResourceLimitExceeded');
    const aws = await sandbox({ clock, trainingInstances: 2 });
    const client = sagemakerClient(aws);
    const start = (TrainingJobName: string) =>
      client.send(new CreateTrainingJobCommand(request({ TrainingJobName })));
    await start('first');
    expect((await refusal(start('second'))).name).toBe('ResourceLimitExceeded');
    now += 60_000;
    await start('third');
  });

  it('is described as it was asked for', async () => {
    const asked = {
      CheckpointConfig: { S3Uri: 's3://checkpoints/x/' },
      Environment: { STAGE: 'night' },
      RetryStrategy: { MaximumRetryAttempts: 2 },
      VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
    };
    const { describeJob } = await started(asked);
    expect(await describeJob()).toMatchObject(asked);
  });

  it('ends as the memory of its machine allows: a smaller batch, or a larger GPU', async () => {
    const ending = async (
      HyperParameters: Record<string, string>,
      InstanceType: 'ml.g5.2xlarge' | 'ml.g6e.2xlarge',
    ) => {
      const ResourceConfig = { InstanceType, InstanceCount: 1, VolumeSizeInGB: 50 };
      const { describeJob, text } = await started({
        HyperParameters: { epochs: '1', ...HyperParameters },
        ResourceConfig,
      });
      now += 60_000;
      const { TrainingJobStatus, FailureReason } = await describeJob();
      return { TrainingJobStatus, FailureReason, log: (await text())[0]!.join('\n') };
    };
    const hires = { 'image-size': '2048', 'batch-size': '8' };
    const failed = await ending(hires, 'ml.g5.2xlarge');
    expect(failed).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: expect.stringContaining('CUDA out of memory'),
    });
    expect(failed.log).toContain('GPU 0 has a total capacity of 22.06 GiB');
    expect((await ending({ ...hires, 'batch-size': '"4"' }, 'ml.g5.2xlarge')).TrainingJobStatus).toBe(
      'Completed',
    );
    expect((await ending(hires, 'ml.g6e.2xlarge')).TrainingJobStatus).toBe('Completed');
    const workers = await ending({ 'image-size': '3840', workers: '48' }, 'ml.g5.2xlarge');
    expect(workers.FailureReason).toContain('exit code: 137');
  });
});

describe('[O7] lists of training jobs', () => {
  async function listing() {
    const aws = await sandbox({ clock });
    const client = sagemakerClient(aws);
    for (let n = 0; n < 25; n++) {
      await client.send(
        new CreateTrainingJobCommand(
          request({ TrainingJobName: `${n % 2 ? 'yolo' : 'resnet'}-${String(n).padStart(2, '0')}` }),
        ),
      );
      now += 1000;
    }
    return async (query: ListTrainingJobsCommandInput = {}) => {
      const names: string[] = [];
      let pages = 0;
      let NextToken: string | undefined;
      do {
        const page = await client.send(new ListTrainingJobsCommand({ ...query, NextToken }));
        names.push(...page.TrainingJobSummaries!.map(({ TrainingJobName }) => TrainingJobName!));
        pages++;
        NextToken = page.NextToken;
      } while (NextToken);
      return { names, pages };
    };
  }

  it('page, sort and filter', async () => {
    const list = await listing();
    const start = now - 25_000;
    expect(await list()).toMatchObject({ pages: 3 });
    expect(await list({ MaxResults: 100 })).toMatchObject({ pages: 1 });
    expect(
      (await list({ SortBy: 'CreationTime', SortOrder: 'Descending', MaxResults: 7 })).names.slice(0, 2),
    ).toEqual(['resnet-24', 'yolo-23']);
    expect((await list({ SortBy: 'Name', SortOrder: 'Ascending' })).names[0]).toBe('resnet-00');
    expect((await list({ NameContains: 'olo-1' })).names).toHaveLength(5);
    expect((await list({ CreationTimeAfter: new Date(start + 19_500) })).names).toHaveLength(5);
    expect((await list({ CreationTimeBefore: new Date(start + 2_500) })).names).toHaveLength(3);
    expect(
      (await list({ StatusEquals: 'InProgress' })).names.length +
        (await list({ StatusEquals: 'Completed' })).names.length,
    ).toBe(25);
  });

  it('take a page first and then filter it by status, as AWS documents: an empty page is not the last', async () => {
    const client = sagemakerClient(await sandbox({ clock }));
    const create = (name: string, changes: Partial<CreateTrainingJobCommandInput> = {}) =>
      client.send(new CreateTrainingJobCommand(request({ TrainingJobName: name, ...changes })));
    await create('a-runs', { HyperParameters: { epochs: '100' } });
    now += 1;
    await create('b-fails', { HyperParameters: { epochs: '2', 'fail-at-epoch': '1' } });
    now += 60_000;
    const asked = { StatusEquals: 'Failed', MaxResults: 1, SortOrder: 'Ascending' } as const;
    const first = await client.send(new ListTrainingJobsCommand(asked));
    expect(first.TrainingJobSummaries).toEqual([]);
    const { TrainingJobSummaries, NextToken } = await client.send(
      new ListTrainingJobsCommand({ ...asked, NextToken: first.NextToken }),
    );
    expect(TrainingJobSummaries!.map(({ TrainingJobName }) => TrainingJobName)).toEqual(['b-fails']);
    expect(NextToken).toBeUndefined();
  });

  it('refuse what is out of range', async () => {
    const client = sagemakerClient(await sandbox());
    expect((await refusal(client.send(new ListTrainingJobsCommand({ MaxResults: 101 })))).message).toMatch(
      /'maxResults' failed .* less than or equal to 100/,
    );
    expect((await refusal(client.send(new ListTrainingJobsCommand({ NameContains: 'a b' })))).name).toBe(
      'ValidationException',
    );
  });
});
