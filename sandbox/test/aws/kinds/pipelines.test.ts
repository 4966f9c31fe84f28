import {
  DescribePipelineCommand,
  DescribePipelineExecutionCommand,
  DescribeProcessingJobCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  ListPipelinesCommand,
  StopPipelineExecutionCommand,
} from '@aws-sdk/client-sagemaker';
import { beforeEach, describe, expect, it } from 'vitest';
import type { KindSeeds } from '../../../src/aws/kinds/index.ts';
import { ACCOUNT, REGION, refusal, sagemakerClient, sandbox, twoAccounts } from '../support.ts';
import { watched } from '../watched.ts';

let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = Date.now();
});

const BASE = `arn:aws:sagemaker:${REGION}:${ACCOUNT}`;
const PIPELINE = `${BASE}:pipeline/retrain`;
const arnOf = (id: string) => `${PIPELINE}/execution/${id}`;
const FIRST = arnOf('aaaaaaaaaaa1');
const SECOND = arnOf('aaaaaaaaaaa2');
const JOB = 'pipelines-aaaaaaaaaaa2-Prepare-kX93jdk2Lm';

/** Yesterday's execution succeeded; one is under way: a step from the cache, one skipped, one running, one to come. */
function seeds(from = now): KindSeeds {
  const pipeline = { name: 'retrain', roleArn: 'role', createdAt: from - 9e8 };
  const done = (at: number) => [
    { at, status: 'Starting' },
    { at: at + 1_000, status: 'Executing' },
    { at: at + 2_000, status: 'Succeeded' },
  ];
  return {
    processing: [
      {
        name: JOB,
        transitions: [
          { at: from - 30_000, status: 'InProgress', secondary: 'Starting' },
          { at: from - 20_000, status: 'InProgress', secondary: 'Running' },
          { at: from + 60_000, status: 'Completed' },
        ],
      },
    ],
    pipeline: [
      {
        name: 'retrain/execution/aaaaaaaaaaa1',
        pipeline,
        transitions: [
          { at: from - 9e7, status: 'Executing' },
          { at: from - 8e7, status: 'Failed' },
        ],
        failureReason: 'Step failure: One or multiple steps failed.',
        steps: [
          {
            name: 'Prepare',
            type: 'Processing',
            transitions: [
              { at: from - 9e7, status: 'Executing' },
              { at: from - 8e7, status: 'Failed' },
            ],
            failureReason: 'ClientError: AlgorithmError: , exit code: 1',
            attempts: 2,
          },
        ],
      },
      {
        name: 'retrain/execution/aaaaaaaaaaa2',
        pipeline,
        details: { PipelineExecutionDescription: 'After the new camera' },
        transitions: [
          { at: from - 60_000, status: 'Executing' },
          { at: from + 90_000, status: 'Succeeded' },
        ],
        steps: [
          { name: 'Check', type: 'Processing', transitions: done(from - 55_000), cachedFrom: FIRST },
          { name: 'Label', type: 'Processing', transitions: done(from - 50_000), skippedFrom: FIRST },
          {
            name: 'Prepare',
            displayName: 'Prepare the pictures',
            type: 'Processing',
            metadata: { ProcessingJob: { Arn: `${BASE}:processing-job/${JOB}` } },
            transitions: [
              { at: from - 30_000, status: 'Starting' },
              { at: from - 29_000, status: 'Executing' },
              { at: from + 61_000, status: 'Succeeded' },
            ],
          },
          { name: 'Train', type: 'Training', transitions: done(from + 65_000) },
          {
            name: 'Register',
            type: 'RegisterModel',
            transitions: done(from + 70_000),
            metadata: { RegisterModel: { Arn: `${BASE}:model-package/defects/7` } },
          },
        ],
      },
    ],
  };
}

async function opened() {
  const client = sagemakerClient(await sandbox({ clock, world: twoAccounts({ kinds: seeds() }) }));
  return {
    client,
    steps: async (PipelineExecutionArn: string) =>
      (
        await client.send(
          new ListPipelineExecutionStepsCommand({ PipelineExecutionArn, SortOrder: 'Ascending' }),
        )
      ).PipelineExecutionSteps!,
  };
}

describe('[O7] pipelines', () => {
  it('are listed with their executions, newest first', async () => {
    const { client } = await opened();
    const { PipelineSummaries } = await client.send(new ListPipelinesCommand({ PipelineNamePrefix: 'retr' }));
    expect(PipelineSummaries).toMatchObject([
      { PipelineArn: PIPELINE, PipelineName: 'retrain', LastExecutionTime: new Date(now - 60_000) },
    ]);
    expect(
      (await client.send(new ListPipelinesCommand({ PipelineNamePrefix: 'train' }))).PipelineSummaries,
    ).toEqual([]);
    for (const PipelineName of ['retrain', PIPELINE]) {
      const { PipelineExecutionSummaries } = await client.send(
        new ListPipelineExecutionsCommand({ PipelineName }),
      );
      expect(PipelineExecutionSummaries).toMatchObject([
        { PipelineExecutionArn: SECOND, PipelineExecutionStatus: 'Executing' },
        {
          PipelineExecutionArn: FIRST,
          PipelineExecutionStatus: 'Failed',
          PipelineExecutionFailureReason: 'Step failure: One or multiple steps failed.',
        },
      ]);
    }
    const { PipelineDefinition } = await client.send(
      new DescribePipelineCommand({ PipelineName: 'retrain' }),
    );
    expect(JSON.parse(PipelineDefinition!).Steps.map(({ Name }: { Name: string }) => Name)).toContain(
      'Train',
    );
  });

  it('have steps that came from the cache, were skipped, run, failed; one that has not begun is not there', async () => {
    const { client, steps } = await opened();
    expect(
      await client.send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: SECOND })),
    ).toMatchObject({
      PipelineArn: PIPELINE,
      PipelineExecutionStatus: 'Executing',
      PipelineExecutionDescription: 'After the new camera',
    });
    expect(await steps(SECOND)).toMatchObject([
      { StepName: 'Check', StepStatus: 'Succeeded', CacheHitResult: { SourcePipelineExecutionArn: FIRST } },
      { StepName: 'Label', SelectiveExecutionResult: { SourcePipelineExecutionArn: FIRST } },
      {
        StepName: 'Prepare',
        StepDisplayName: 'Prepare the pictures',
        StepStatus: 'Executing',
        Metadata: { ProcessingJob: { Arn: `${BASE}:processing-job/${JOB}` } },
      },
    ]);
    expect(await steps(FIRST)).toMatchObject([
      { StepStatus: 'Failed', AttemptCount: 2, FailureReason: expect.stringContaining('exit code: 1') },
    ]);
    now += 70_000;
    expect((await steps(SECOND)).map(({ StepName, StepStatus }) => `${StepName} ${StepStatus}`)).toEqual([
      'Check Succeeded',
      'Label Succeeded',
      'Prepare Succeeded',
      'Train Succeeded',
      'Register Starting',
    ]);
  });

  it('are stopped with the jobs of the steps that run; what was to come does not', async () => {
    const { client, steps } = await opened();
    const stop = () =>
      client.send(
        new StopPipelineExecutionCommand({
          PipelineExecutionArn: SECOND,
          ClientRequestToken: 'x'.repeat(32),
        }),
      );
    expect(await stop()).toMatchObject({ PipelineExecutionArn: SECOND });
    expect((await steps(SECOND)).at(-1)).toMatchObject({ StepName: 'Prepare', StepStatus: 'Stopping' });
    now += 120_000;
    expect(
      (await client.send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: SECOND })))
        .PipelineExecutionStatus,
    ).toBe('Stopped');
    expect((await steps(SECOND)).at(-1)).toMatchObject({ StepName: 'Prepare', StepStatus: 'Stopped' });
    const { ProcessingJobStatus } = await client.send(
      new DescribeProcessingJobCommand({ ProcessingJobName: JOB }),
    );
    expect(ProcessingJobStatus).toBe('Stopped');
    expect(await refusal(stop())).toMatchObject({
      name: 'ValidationException',
      message: "Only pipelines with 'Executing' status can be stopped.",
    });
  });

  it('that are missing are told in the words of the service', async () => {
    const { client } = await opened();
    const missing = arnOf('zzzzzzzzzzzz');
    for (const asked of [
      client.send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: missing })),
      client.send(new ListPipelineExecutionStepsCommand({ PipelineExecutionArn: missing })),
    ])
      expect(await refusal(asked)).toMatchObject({
        name: 'ResourceNotFound',
        message: `Pipeline execution with ARN ${missing} does not exist.`,
      });
    expect(
      await refusal(client.send(new ListPipelineExecutionsCommand({ PipelineName: 'nope' }))),
    ).toMatchObject({
      name: 'ResourceNotFound',
      message: `Pipeline '${BASE}:pipeline/nope' does not exist.`,
    });
    expect(
      await refusal(client.send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: 'retrain' }))),
    ).toMatchObject({ name: 'ValidationException' });
  });

  it('tell EventBridge of executions and steps, in names and times of their own', async () => {
    const { time, received } = await watched({ kinds: seeds() });
    await time.advance(100_000);
    const events = await received();
    const told = events
      .filter((event) => event['detail-type'].startsWith('SageMaker Model Building Pipeline'))
      .map(({ 'detail-type': type, detail }) =>
        type.includes('Step')
          ? `${detail.stepName} ${detail.currentStepStatus}`
          : `= ${detail.previousPipelineExecutionStatus} → ${detail.currentPipelineExecutionStatus}`,
      );
    expect(told).toEqual([
      'Prepare Succeeded',
      'Train Starting',
      'Train Executing',
      'Train Succeeded',
      'Register Starting',
      'Register Executing',
      'Register Succeeded',
      '= Executing → Succeeded',
    ]);
    const registered = events.find(
      (event) => event['detail-type'] === 'SageMaker Model Package State Change',
    );
    expect(registered).toMatchObject({
      resources: [`${BASE}:model-package/defects/7`],
      detail: {
        ModelPackageGroupName: 'defects',
        ModelPackageVersion: 7,
        ModelPackageStatus: 'Completed',
        ModelApprovalStatus: 'PendingManualApproval',
        MetadataProperties: { GeneratedBy: SECOND },
      },
    });
    const step = events.find(({ detail }) => detail.stepName === 'Prepare');
    expect(step).toMatchObject({
      'detail-type': 'SageMaker Model Building Pipeline Execution Step Status Change',
      resources: [PIPELINE, SECOND],
      detail: {
        metadata: { processingJob: { arn: `${BASE}:processing-job/${JOB}` } },
        stepStartTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        stepEndTime: expect.any(String),
        stepType: 'Processing',
        previousStepStatus: 'Executing',
        pipelineArn: PIPELINE,
        pipelineExecutionArn: SECOND,
      },
    });
  });
});
