/** The demo's world of SageMaker's other kinds of work: each reads as its service would answer it. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeClusterCommand,
  DescribeEndpointCommand,
  DescribeHyperParameterTuningJobCommand,
  DescribeJobCommand,
  DescribeProcessingJobCommand,
  DescribeTransformJobCommand,
  ListClusterNodesCommand,
  ListNotebookInstancesCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsSandbox, startAwsSandbox } from '#sandbox';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';

const STARTED = Date.now();
const MINUTE = 60_000;
const KEY = { accessKeyId: 'AKIAADMIN00000000001', secretAccessKey: 'admin-secret' };
let aws: AwsSandbox;
let now = STARTED;

beforeAll(async () => {
  const bot = { accessKeyId: 'AKIABOT0000000000001', secretAccessKey: 'bot-secret' };
  aws = await startAwsSandbox({
    world: seededAwsWorld(STARTED, bot, { '123456789012': KEY }),
    quotas: 'off',
    clock: { now: () => now },
  });
});
afterAll(() => aws.close());

const settings = () => ({ endpoint: aws.url, region: 'eu-west-1', credentials: KEY });
const sagemaker = () => new SageMakerClient(settings());
const text = async (logGroupName: string, logStreamNamePrefix: string): Promise<string> => {
  const client = new CloudWatchLogsClient(settings());
  const lines: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new FilterLogEventsCommand({ logGroupName, logStreamNamePrefix, nextToken }),
    );
    lines.push(...page.events!.map(({ message }) => message!));
    nextToken = page.nextToken;
  } while (nextToken);
  return lines.join('\n');
};

describe('[O7] the demo’s other kinds of work', () => {
  it('has processing jobs: one that failed with its traceback, one that fails while it is watched', async () => {
    const failed = await sagemaker().send(
      new DescribeProcessingJobCommand({ ProcessingJobName: 'labels-merge' }),
    );
    expect(failed).toMatchObject({
      ProcessingJobStatus: 'Failed',
      FailureReason: 'AlgorithmError: , exit code: 1',
      ExitMessage: expect.stringContaining('MergeError'),
    });
    expect(await text('/aws/sagemaker/ProcessingJobs', 'labels-merge/')).toMatch(
      /Traceback \(most recent call last\):.*pandas\.errors\.MergeError/s,
    );
    const audit = async () =>
      (await sagemaker().send(new DescribeProcessingJobCommand({ ProcessingJobName: 'labels-audit' })))
        .ProcessingJobStatus;
    expect(await audit()).toBe('InProgress');
    now = STARTED + 5 * MINUTE;
    expect(await audit()).toBe('Failed');
    now = STARTED;
  });

  it('has one name in two kinds', async () => {
    const name = 'panels-score';
    const jobs = await Promise.all([
      sagemaker().send(new DescribeProcessingJobCommand({ ProcessingJobName: name })),
      sagemaker().send(new DescribeTransformJobCommand({ TransformJobName: name })),
    ]);
    expect(jobs[0].ProcessingJobStatus).toBe('Completed');
    expect(jobs[1].TransformJobStatus).toBe('Completed');
  });

  it('has a transform job whose data log names the file that could not be read', async () => {
    expect(await text('/aws/sagemaker/TransformJobs', 'night-shift-score/')).toContain(
      'part-00037.csv: ClientError: 500',
    );
  });

  it('has a tuning job of fifty trainings, of which some fail for one cause', async () => {
    const HyperParameterTuningJobName = 'defects-lr-search';
    const told = await sagemaker().send(
      new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName }),
    );
    expect(told.HyperParameterTuningJobStatus).toBe('Completed');
    const { Completed, NonRetryableError, Stopped } = told.TrainingJobStatusCounters!;
    expect(Completed! + NonRetryableError! + Stopped!).toBe(50);
    expect(NonRetryableError).toBeGreaterThan(3);
    expect(Completed).toBeGreaterThan(30);
    const { TrainingJobSummaries } = await sagemaker().send(
      new ListTrainingJobsForHyperParameterTuningJobCommand({
        HyperParameterTuningJobName,
        StatusEquals: 'Failed',
        MaxResults: 100,
      }),
    );
    expect(TrainingJobSummaries).toHaveLength(NonRetryableError!);
    for (const { FailureReason } of TrainingJobSummaries!)
      expect(FailureReason).toContain('CUDA out of memory');
    const [one] = TrainingJobSummaries!;
    expect(await text('/aws/sagemaker/TrainingJobs', `${one!.TrainingJobName}/`)).toContain(
      'torch.OutOfMemoryError: CUDA out of memory',
    );
  });

  it('has executions of a pipeline: steps from the cache, skipped, failed, running, with their jobs', async () => {
    const client = sagemaker();
    const { PipelineExecutionSummaries } = await client.send(
      new ListPipelineExecutionsCommand({ PipelineName: 'line-3-retrain' }),
    );
    expect(PipelineExecutionSummaries!.map(({ PipelineExecutionStatus }) => PipelineExecutionStatus)).toEqual(
      ['Executing', 'Failed', 'Succeeded'],
    );
    const [running, failed] = await Promise.all(
      PipelineExecutionSummaries!.map(async ({ PipelineExecutionArn }) => {
        const { PipelineExecutionSteps } = await client.send(
          new ListPipelineExecutionStepsCommand({ PipelineExecutionArn, MaxResults: 100 }),
        );
        return PipelineExecutionSteps!;
      }),
    );
    expect(failed!.filter(({ CacheHitResult }) => CacheHitResult)).toHaveLength(3);
    const broken = failed!.find(({ StepStatus }) => StepStatus === 'Failed');
    expect(broken).toMatchObject({ StepName: 'EvaluateModel', AttemptCount: 2 });
    const job = broken!.Metadata!.ProcessingJob!.Arn!.split('/')[1]!;
    expect(await text('/aws/sagemaker/ProcessingJobs', `${job}/`)).toContain("KeyError: 'accuracy'");
    expect(running!.filter(({ SelectiveExecutionResult }) => SelectiveExecutionResult)).toHaveLength(4);
    expect(running![0]).toMatchObject({ StepName: 'TrainModel', StepStatus: 'Executing' });
  });

  it('has endpoints: one serves, one did not come up and says why in its log', async () => {
    const canary = await sagemaker().send(new DescribeEndpointCommand({ EndpointName: 'inspection-canary' }));
    expect(canary).toMatchObject({
      EndpointStatus: 'Failed',
      FailureReason: expect.stringContaining('ping'),
    });
    expect(await text('/aws/sagemaker/Endpoints/inspection-canary', 'AllTraffic/')).toContain(
      "ModuleNotFoundError: No module named 'timm'",
    );
    const inspection = await sagemaker().send(new DescribeEndpointCommand({ EndpointName: 'inspection' }));
    expect(inspection.EndpointStatus).toBe('InService');
  });

  it('has notebook instances and a cluster with the logs of how their machines were set up', async () => {
    const { NotebookInstances } = await sagemaker().send(new ListNotebookInstancesCommand({}));
    expect(NotebookInstances!.map(({ NotebookInstanceStatus }) => NotebookInstanceStatus)).toEqual([
      'InService',
      'Failed',
    ]);
    const ClusterName = 'weld-pretraining';
    const { ClusterArn } = await sagemaker().send(new DescribeClusterCommand({ ClusterName }));
    const { ClusterNodeSummaries } = await sagemaker().send(new ListClusterNodesCommand({ ClusterName }));
    const broken = ClusterNodeSummaries!.find(({ InstanceStatus }) => InstanceStatus!.Status === 'Failure')!;
    expect(
      await text(
        `/aws/sagemaker/Clusters/${ClusterName}/${ClusterArn!.split('/')[1]}`,
        `LifecycleConfig/${broken.InstanceGroupName}/${broken.InstanceId}`,
      ),
    ).toContain('Lifecycle scripts did not run successfully');
  });

  it('has generic jobs of both categories', async () => {
    const describeJob = (JobName: string, JobCategory: 'AgentRFT' | 'AgentRFTEvaluation') =>
      sagemaker().send(new DescribeJobCommand({ JobName, JobCategory }));
    expect(await describeJob('inspector-agent', 'AgentRFT')).toMatchObject({ SecondaryStatus: 'Training' });
    expect((await describeJob('shift-planner', 'AgentRFT')).FailureReason).toContain('AccessDenied');
    expect((await describeJob('inspector-agent-before', 'AgentRFTEvaluation')).JobStatus).toBe('Completed');
    expect(await text('/aws/sagemaker/Job/AgentRFT', 'inspector-agent/')).toMatch(/step 1: reward 0\.\d+/);
  });
});
