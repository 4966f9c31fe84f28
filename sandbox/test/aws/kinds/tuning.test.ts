import {
  CreateHyperParameterTuningJobCommand,
  type CreateHyperParameterTuningJobCommandInput,
  DescribeHyperParameterTuningJobCommand,
  DescribeTrainingJobCommand,
  ListHyperParameterTuningJobsCommand,
  ListTrainingJobsCommand,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  StopHyperParameterTuningJobCommand,
} from '@aws-sdk/client-sagemaker';
import { beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNT, REGION, refusal, sagemakerClient, sandbox } from '../support.ts';
import { watched } from '../watched.ts';

let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = Date.now();
});

const NAME = { HyperParameterTuningJobName: 'search' };
const ARN = `arn:aws:sagemaker:${REGION}:${ACCOUNT}:hyper-parameter-tuning-job/search`;

const request = (
  changes: Partial<CreateHyperParameterTuningJobCommandInput> = {},
  hyperParameters: Record<string, string> = { epochs: '2' },
): CreateHyperParameterTuningJobCommandInput => ({
  ...NAME,
  HyperParameterTuningJobConfig: {
    Strategy: 'Bayesian',
    HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'validation:accuracy' },
    ResourceLimits: { MaxNumberOfTrainingJobs: 6, MaxParallelTrainingJobs: 2 },
    ParameterRanges: {
      ContinuousParameterRanges: [{ Name: 'lr', MinValue: '0.0001', MaxValue: '0.1' }],
      IntegerParameterRanges: [{ Name: 'layers', MinValue: '2', MaxValue: '8' }],
      CategoricalParameterRanges: [{ Name: 'optimizer', Values: ['adam', 'sgd'] }],
    },
  },
  TrainingJobDefinition: {
    StaticHyperParameters: hyperParameters,
    AlgorithmSpecification: { TrainingImage: 'repo/train:1', TrainingInputMode: 'File' },
    RoleArn: `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`,
    OutputDataConfig: { S3OutputPath: 's3://models/out' },
    ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 50 },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
  },
  ...changes,
});

async function started(...asked: Parameters<typeof request>) {
  const client = sagemakerClient(await sandbox({ clock }));
  await client.send(new CreateHyperParameterTuningJobCommand(request(...asked)));
  return {
    client,
    describeIt: () => client.send(new DescribeHyperParameterTuningJobCommand(NAME)),
    children: async (input: object = {}) =>
      (
        await client.send(
          new ListTrainingJobsForHyperParameterTuningJobCommand({ ...NAME, MaxResults: 100, ...input }),
        )
      ).TrainingJobSummaries!,
  };
}

describe('[O7] a tuning job', () => {
  it('trains so many at a time, and tells the best', async () => {
    const { client, describeIt, children } = await started();
    now += 12_000;
    expect(await describeIt()).toMatchObject({
      HyperParameterTuningJobStatus: 'InProgress',
      TrainingJobStatusCounters: { Completed: 0, InProgress: 2 },
      ObjectiveStatusCounters: { Pending: 2 },
    });
    now += 300_000;
    const told = await describeIt();
    expect(told).toMatchObject({
      HyperParameterTuningJobArn: ARN,
      HyperParameterTuningJobStatus: 'Completed',
      HyperParameterTuningEndTime: expect.any(Date),
      TrainingJobStatusCounters: { Completed: 6, InProgress: 0, NonRetryableError: 0 },
      ObjectiveStatusCounters: { Succeeded: 6, Pending: 0, Failed: 0 },
      TrainingJobDefinition: { StaticHyperParameters: { epochs: '2' } },
    });
    const best = await children({ SortBy: 'FinalObjectiveMetricValue', SortOrder: 'Descending' });
    const values = best.map((child) => child.FinalHyperParameterTuningJobObjectiveMetric!.Value!);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(told.BestTrainingJob!.TrainingJobName).toBe(best[0]!.TrainingJobName);
    for (const { TunedHyperParameters } of best) {
      const { lr, layers, optimizer } = TunedHyperParameters!;
      expect(Number(lr)).toBeGreaterThanOrEqual(0.0001);
      expect(Number(lr)).toBeLessThanOrEqual(0.1);
      expect(['2', '3', '4', '5', '6', '7', '8']).toContain(layers);
      expect(['adam', 'sgd']).toContain(optimizer);
    }
    // They are training jobs like any other.
    const child = await client.send(
      new DescribeTrainingJobCommand({ TrainingJobName: best[0]!.TrainingJobName }),
    );
    expect(child).toMatchObject({
      TuningJobArn: ARN,
      HyperParameters: { epochs: '2', ...best[0]!.TunedHyperParameters },
    });
    expect(child.TrainingJobName).toMatch(/^search-00[1-6]-[0-9a-f]{8}$/);
    const { TrainingJobSummaries } = await client.send(
      new ListTrainingJobsCommand({ NameContains: 'search-', MaxResults: 100 }),
    );
    expect(TrainingJobSummaries).toHaveLength(6);
  });

  it('whose trainings all fail fails itself; without a metric there is nothing to sort by it', async () => {
    const { describeIt, children } = await started({}, { epochs: '3', 'fail-at-epoch': '1' });
    now += 300_000;
    expect(await describeIt()).toMatchObject({
      HyperParameterTuningJobStatus: 'Failed',
      FailureReason: expect.stringContaining('All training jobs failed.'),
      TrainingJobStatusCounters: { Completed: 0, NonRetryableError: 6 },
      ObjectiveStatusCounters: { Failed: 6 },
    });
    expect(await children({ SortBy: 'FinalObjectiveMetricValue' })).toEqual([]);
    const failed = await children({ StatusEquals: 'Failed' });
    expect(failed).toHaveLength(6);
    expect(failed[0]).toMatchObject({ FailureReason: expect.stringContaining('loss is nan') });
  });

  it('is stopped with what runs of it, and starts no more', async () => {
    const { client, describeIt, children } = await started({}, { epochs: '50' });
    now += 20_000;
    await client.send(new StopHyperParameterTuningJobCommand(NAME));
    expect((await describeIt()).HyperParameterTuningJobStatus).toBe('Stopping');
    now += 60_000;
    expect(await describeIt()).toMatchObject({
      HyperParameterTuningJobStatus: 'Stopped',
      TrainingJobStatusCounters: { Stopped: 2, InProgress: 0 },
    });
    now += 3_600_000;
    expect(await children()).toHaveLength(2);
    expect(await refusal(client.send(new StopHyperParameterTuningJobCommand(NAME)))).toMatchObject({
      name: 'ValidationException',
    });
  });

  it('is refused, and missing, in the words of the service', async () => {
    const { client } = await started();
    const create = (changes: Partial<CreateHyperParameterTuningJobCommandInput>) =>
      refusal(client.send(new CreateHyperParameterTuningJobCommand(request(changes))));
    expect(await create({})).toMatchObject({ name: 'ResourceInUse' });
    expect(await create({ HyperParameterTuningJobName: 'x'.repeat(33) })).toMatchObject({
      message: expect.stringContaining(
        "at 'hyperParameterTuningJobName' failed to satisfy constraint: Member must have length less than or equal to 32",
      ),
    });
    const config = { ...request().HyperParameterTuningJobConfig!, Strategy: 'Guessing' as 'Random' };
    expect(
      await create({ HyperParameterTuningJobName: 'other', HyperParameterTuningJobConfig: config }),
    ).toMatchObject({
      message: expect.stringContaining("'hyperParameterTuningJobConfig.strategy' failed to satisfy"),
    });
    const missing = new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: 'nope' });
    expect(await refusal(client.send(missing))).toMatchObject({
      name: 'ResourceNotFound',
      message: expect.stringMatching(/^Amazon SageMaker can't find a tuning job/),
    });
    const ofMissing = new ListTrainingJobsForHyperParameterTuningJobCommand({
      HyperParameterTuningJobName: 'nope',
    });
    expect(await refusal(client.send(ofMissing))).toMatchObject({ name: 'ResourceNotFound' });
  });

  it('is listed with its strategy, limits and counters', async () => {
    const { client } = await started();
    const { HyperParameterTuningJobSummaries } = await client.send(
      new ListHyperParameterTuningJobsCommand({ StatusEquals: 'InProgress' }),
    );
    expect(HyperParameterTuningJobSummaries).toMatchObject([
      {
        ...NAME,
        Strategy: 'Bayesian',
        ResourceLimits: { MaxNumberOfTrainingJobs: 6 },
        TrainingJobStatusCounters: { Completed: 0 },
      },
    ]);
  });

  it('tells EventBridge of itself and of each of its trainings', async () => {
    const { aws, time, received } = await watched({});
    await sagemakerClient(aws).send(
      new CreateHyperParameterTuningJobCommand(request({ Tags: [{ Key: 'team', Value: 'ml' }] })),
    );
    await time.advance(400_000);
    const events = await received();
    const own = events.filter(
      (event) => event['detail-type'] === 'SageMaker HyperParameter Tuning Job State Change',
    );
    expect(own.map(({ detail }) => detail.HyperParameterTuningJobStatus)).toEqual([
      'InProgress',
      'Completed',
    ]);
    expect(own[1]).toMatchObject({
      resources: [ARN],
      detail: {
        HyperParameterTuningJobArn: ARN,
        TrainingJobStatusCounters: { Completed: 6 },
        ObjectiveStatusCounters: { Succeeded: 6 },
        TrainingJobDefinition: { StaticHyperParameters: { epochs: '2' } },
        Tags: { team: 'ml' },
      },
    });
    const completed = events.filter(({ detail }) => detail.TrainingJobStatus === 'Completed');
    expect(completed).toHaveLength(6);
    expect(completed[0]!.detail.TuningJobArn).toBe(ARN);
  });
});
