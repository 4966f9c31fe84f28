/** Events as AWS's pages show them: automating-sagemaker-with-eventbridge and Batch's service-job events, November 2026. */
import { describe, expect, it } from 'vitest';
import { type AwsEvent, EVENT_PATTERN, parseAwsEvent } from '../../src/domain/aws-events.ts';
import { SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import { AT, body, envelope } from '../events/support.ts';

const PLACE = 'arn:aws:sagemaker:eu-west-1:123456789012';
const parsed = (event: object): AwsEvent => {
  const result = parseAwsEvent(body(event));
  if ('setAside' in result) throw new Error(result.setAside.message);
  return result.event;
};
const aside = (event: object) => {
  const result = parseAwsEvent(body(event));
  return 'setAside' in result ? result.setAside : undefined;
};

describe('[K3] events of every kind', () => {
  it('are those of the table of kinds, and of what belongs to them', () => {
    const types = EVENT_PATTERN['detail-type'];
    for (const { detailType } of Object.values(SAGEMAKER_KINDS))
      if (detailType !== undefined) expect(types).toContain(detailType);
    expect(new Set(types).size).toBe(types.length);
    // EventBridge's limit of a rule's pattern.
    expect(JSON.stringify(EVENT_PATTERN).length).toBeLessThan(2048);
  });

  it('a processing job', () => {
    expect(
      parsed(
        envelope('SageMaker Processing Job State Change', {
          ProcessingJobName: 'Prep-1',
          ProcessingJobArn: `${PLACE}:processing-job/prep-1`,
          ProcessingJobStatus: 'Failed',
          FailureReason: 'InternalServerError: We encountered an internal error.  Please try again.',
          ProcessingResources: { ClusterConfig: { InstanceCount: 3, InstanceType: 'ml.c5.xlarge' } },
          ProcessingStartTime: AT - 12_000,
          ProcessingEndTime: AT,
          LastModifiedTime: AT + 5,
          CreationTime: AT - 60_000,
        }),
      ),
    ).toMatchObject({
      ...{ kind: 'training', provider: 'processing', job: 'Prep-1', status: 'Failed', at: AT + 5 },
      ...{ startedAt: AT - 12_000, endedAt: AT, createdAt: AT - 60_000 },
      ...{ instanceType: 'ml.c5.xlarge', instanceCount: 3 },
      failureReason: expect.stringContaining('internal error'),
    });
  });

  it('a transform job, with times in ISO 8601 and none of its last change', () => {
    expect(
      parsed(
        envelope('SageMaker Transform Job State Change', {
          TransformJobName: 'predict-1',
          TransformJobArn: `${PLACE}:transform-job/predict-1`,
          TransformJobStatus: 'Completed',
          TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 3 },
          CreationTime: '2026-01-31T13:00:00Z',
          TransformStartTime: '2026-01-31T13:05:00Z',
          TransformEndTime: '2026-01-31T13:10:00Z',
          Tags: {},
        }),
      ),
    ).toMatchObject({ provider: 'transform', job: 'predict-1', at: AT - 50 * 60_000, instanceCount: 3 });
  });

  it('a tuning job, whose ARN is of no usual form there, and times are text', () => {
    expect(
      parsed(
        envelope('SageMaker HyperParameter Tuning Job State Change', {
          HyperParameterTuningJobName: 'search-3',
          HyperParameterTuningJobArn: `${PLACE}:tuningJob/x`,
          HyperParameterTuningJobStatus: 'InProgress',
          CreationTime: String(AT),
          LastModifiedTime: String(AT),
          TrainingJobStatusCounters: { Completed: 1, InProgress: 0 },
        }),
      ),
    ).toMatchObject({ provider: 'tuning', job: 'search-3', status: 'InProgress', createdAt: AT, at: AT });
  });

  it.each([
    ['IN_SERVICE', 'InService'],
    ['UPDATE_ROLLBACK_FAILED', 'UpdateRollbackFailed'],
    ['FAILED', 'Failed'],
    ['InService', 'InService'],
  ])('an endpoint that is %s', (given, status) => {
    expect(
      parsed(
        envelope(
          'SageMaker Endpoint State Change',
          {
            EndpointName: 'MyEndpoint',
            EndpointArn: `${PLACE}:endpoint/myendpoint`,
            EndpointConfigName: 'MyEndpointConfig',
            ProductionVariants: [{ DesiredWeight: 1.0, DesiredInstanceCount: 1.0 }],
            EndpointStatus: given,
            CreationTime: AT - 2000.0,
            LastModifiedTime: AT,
          },
          { time: String(AT) },
        ),
      ),
    ).toMatchObject({ provider: 'endpoint', job: 'MyEndpoint', status });
  });

  it('a notebook instance and a cluster, whose failure has a name of its own', () => {
    expect(
      parsed(
        envelope('SageMaker Notebook Instance State Change', {
          NotebookInstanceName: 'lab',
          NotebookInstanceStatus: 'Failed',
          FailureReason: 'LifecycleConfig',
          InstanceType: 'ml.t3.medium',
        }),
      ),
    ).toMatchObject({ provider: 'notebook', job: 'lab', instanceType: 'ml.t3.medium', instanceCount: 1 });
    const cluster = (FailureMessage: string) =>
      parsed(
        envelope('SageMaker HyperPod Cluster State Change', {
          ...{ ClusterArn: `${PLACE}:cluster/abc123def456`, ClusterName: 'big', ClusterStatus: 'Failed' },
          FailureMessage,
        }),
      );
    expect(cluster('no capacity')).toMatchObject({ provider: 'cluster', failureReason: 'no capacity' });
    expect(cluster('')).toMatchObject({ failureReason: undefined });
  });

  it('a pipeline’s execution and its steps, by the execution’s ARN', () => {
    const arn = `${PLACE}:pipeline/mypipeline-123`;
    const common = { pipelineArn: arn, pipelineExecutionArn: `${arn}/execution/p4jn9xou8a8s` };
    const resources = [arn, `${arn}/execution/p4jn9xou8a8s`];
    const status = {
      currentPipelineExecutionStatus: 'Succeeded',
      previousPipelineExecutionStatus: 'Executing',
      executionStartTime: '2026-01-31T13:50:00Z',
      executionEndTime: '2026-01-31T14:00:00Z',
    };
    const type = 'SageMaker Model Building Pipeline Execution Status Change';
    for (const detail of [{ ...status, ...common }, status])
      expect(parsed(envelope(type, detail, { resources }))).toMatchObject({
        ...{ provider: 'pipeline', job: 'mypipeline-123-p4jn9xou8a8s', status: 'Succeeded', at: AT },
        resource: resources[1],
      });
    expect(
      parsed(
        envelope(
          'SageMaker Model Building Pipeline Execution Step Status Change',
          {
            metadata: {
              processingJob: { arn: `${PLACE}:processing-job/pipelines-p4jn9xou8a8s-a-tmgxry49ug` },
            },
            ...{ stepName: 'prepare', stepType: 'Processing', currentStepStatus: 'Failed' },
            ...{ stepStartTime: '2026-01-31T13:50:00Z', stepEndTime: '2026-01-31T14:00:00Z' },
            ...common,
          },
          { resources },
        ),
      ),
    ).toMatchObject({
      ...{ kind: 'step', execution: 'mypipeline-123-p4jn9xou8a8s', step: 'prepare', status: 'Failed' },
      resource: resources[1],
    });
    expect(aside(envelope(type, status, { resources: [arn] }))).toMatchObject({
      code: 'incomplete',
      message: expect.stringContaining('pipelineExecutionArn'),
    });
  });

  it.each(['TrainingJobArn', 'trainingJobArn'])('Batch names the training job, as %s', (name) => {
    const value = `${PLACE}:training-job/AWSBatchmy-training-job88b610a69aa8380ca5b0a7aba3f81cb8`;
    const detail = {
      attempts: [{ serviceResourceId: { name, value }, startedAt: AT - 1000, stoppedAt: AT }],
      jobArn: 'arn:aws:batch:eu-west-1:123456789012:service-job/4c7599ae',
      jobName: 'event-test',
      jobQueue: 'arn:aws:batch:eu-west-1:123456789012:job-queue/HappyPathJobQueue',
      status: 'SUCCEEDED',
      statusReason: 'Received status from SageMaker: Training job completed',
      stoppedAt: AT,
    };
    const type = 'Batch Service Job State Change';
    for (const latestAttempt of [{ serviceResourceId: { name, value } }, undefined])
      expect(parsed(envelope(type, { ...detail, latestAttempt }))).toMatchObject({
        ...{ kind: 'batch', batchJob: 'event-test', queue: 'HappyPathJobQueue', status: 'SUCCEEDED' },
        ...{ trainingJob: value.split('/').at(-1), resource: value, at: AT },
      });
    expect(
      parsed(envelope(type, { ...detail, attempts: [], latestAttempt: {}, status: 'RUNNABLE' })),
    ).toMatchObject({ trainingJob: undefined, resource: detail.jobArn });
    const wrong = { serviceResourceId: { name, value: 'my-training-job' } };
    expect(aside(envelope(type, { ...detail, latestAttempt: wrong }))).toMatchObject({
      code: 'incomplete',
      message: expect.stringContaining('serviceResourceId.value'),
    });
  });

  it('a model package, in a group or alone', () => {
    const type = 'SageMaker Model Package State Change';
    const detail = {
      ModelPackageStatus: 'Completed',
      ModelApprovalStatus: 'Rejected',
      ModelPackageStatusDetails: { ValidationStatuses: [], ImageScanStatuses: [] },
      ModelLifeCycle: { Stage: 'Development', StageStatus: 'Approved', StageDescription: 'fine' },
      LastModifiedTime: '2026-01-31T14:00:00Z',
    };
    expect(
      parsed(
        envelope(type, {
          ...detail,
          ModelPackageGroupName: 'weld',
          ModelPackageVersion: 2,
          ModelPackageArn: `${PLACE}:model-package/weld/2`,
        }),
      ),
    ).toMatchObject({
      ...{ kind: 'model-package', model: 'weld', version: 2, status: 'Completed', approval: 'Rejected' },
      stage: { name: 'Development', status: 'Approved', description: 'fine' },
    });
    expect(parsed(envelope(type, detail, { resources: [`${PLACE}:model-package/weld/7`] }))).toMatchObject({
      model: 'weld',
      version: 7,
    });
    expect(parsed(envelope(type, { ...detail, ModelPackageName: 'old' }))).toMatchObject({
      ...{ model: 'old', version: undefined },
    });
    expect(aside(envelope(type, detail))).toMatchObject({ code: 'incomplete' });
  });

  it('a deployment of an endpoint, with what it does now', () => {
    const type = 'SageMaker Endpoint Deployment State Change';
    const common = {
      EndpointName: 'sample-endpoint',
      EndpointArn: `${PLACE}:endpoint/sample-endpoint`,
      EndpointConfigName: 'config-1',
      EndpointStatus: 'UPDATING',
      LastModifiedTime: AT - 60_000,
    };
    const PendingDeploymentSummary = {
      EndpointConfigName: 'config-2',
      ProductionVariants: [
        { VariantStatus: [{ Status: 'Baking', StatusMessage: 'Baking for 600 seconds', StartTime: AT }] },
      ],
    };
    expect(parsed(envelope(type, { ...common, PendingDeploymentSummary }))).toMatchObject({
      ...{ kind: 'endpoint-deployment', endpoint: 'sample-endpoint', status: 'Updating', at: AT },
      ...{ configuration: 'config-2', stage: { name: 'Baking', message: 'Baking for 600 seconds' } },
    });
    expect(parsed(envelope(type, common))).toMatchObject({ configuration: 'config-1', at: AT - 60_000 });
  });
});
