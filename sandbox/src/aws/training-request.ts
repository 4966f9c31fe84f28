/** CreateTrainingJob's request, checked as the service checks it: service model 2017-07-24, and what it says besides. */
import type { JobRequest } from './created-job.ts';
import { AwsError } from './errors.ts';
import type { MetricDefinition } from './final-metrics.ts';
import { INVALID } from './kinds/list.ts';
import { asAsked, INSTANCE_TYPE, JOB_NAME, reading, readTexts, S3_URI, tagsOf } from './kinds/request.ts';
import { isFirstParty, ownMetrics } from './own-metrics.ts';
import { ROLE_ARN } from './pass-role.ts';
import type { AwsCall } from './service.ts';
import type { InstanceGroup } from './training.ts';
import { Parameters } from './validation.ts';

export const TRAINING_PLAN_ARN = 'arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:training-plan/.*';
const ONE_LINE = {
  pattern: /^[^\r\n]*$/,
  words: [
    'Member must have length greater than or equal to 0',
    'Member must satisfy regular expression pattern: .*',
  ],
};
const HYPERPARAMETERS = { count: 100, key: { max: 256, ...ONE_LINE }, value: { max: 2500, ...ONE_LINE } };
/** Answered as they were asked for. */
const DESCRIBED = [
  'InputDataConfig',
  'OutputDataConfig',
  'VpcConfig',
  'EnableNetworkIsolation',
  'EnableInterContainerTrafficEncryption',
  'CheckpointConfig',
  'DebugHookConfig',
  'DebugRuleConfigurations',
  'TensorBoardOutputConfig',
  'ExperimentConfig',
  'ProfilerConfig',
  'ProfilerRuleConfigurations',
  'Environment',
  'RetryStrategy',
  'RemoteDebugConfig',
  'InfraCheckConfig',
];
/** @throws AwsError ValidationException */
export function readTrainingRequest(call: AwsCall): JobRequest {
  const read = reading(call);
  const name = read.need('TrainingJobName', JOB_NAME);
  const roleArn = read.need('RoleArn', ROLE_ARN);
  const tags = tagsOf(read);
  const channels = read.list('InputDataConfig', { min: 1, max: 20 });
  const resources = member(call, read, 'ResourceConfig');
  const groups = readGroups(resources);
  const instanceType = groups?.[0]?.type ?? resources.need('InstanceType', INSTANCE_TYPE);
  const instanceCount =
    groups?.reduce((sum, { count }) => sum + count, 0) ??
    resources.number('InstanceCount', { min: 1, max: 1000 }) ??
    1;
  const volumeGB = resources.number('VolumeSizeInGB', { min: 0 }) ?? 30;
  const keepAliveSeconds = resources.number('KeepAlivePeriodInSeconds', { min: 0, max: 21_600 });
  const trainingPlanArn = resources.text('TrainingPlanArn', {
    min: 50,
    max: 2048,
    pattern: TRAINING_PLAN_ARN,
  });
  resources.text('VolumeKmsKeyId', { max: 2048, pattern: '[a-zA-Z0-9:/_-]*' });
  const stopping = member(call, read, 'StoppingCondition');
  const maxRuntimeSeconds = stopping.number('MaxRuntimeInSeconds', { min: 1 }) ?? 86_400;
  const maxWaitSeconds = stopping.number('MaxWaitTimeInSeconds', { min: 1 });
  const algorithm = member(call, read, 'AlgorithmSpecification');
  const image = algorithm.text('TrainingImage', { max: 255 });
  const algorithmName = algorithm.text('AlgorithmName', { min: 1, max: 170 });
  const metrics = readMetrics(algorithm.list('MetricDefinitions', { max: 40 }) ?? []);
  const output = member(call, read, 'OutputDataConfig');
  const outputPath = output.need('S3OutputPath', S3_URI);
  const spot = read.flag('EnableManagedSpotTraining') ?? false;
  for (const part of [read, resources, stopping, algorithm, output]) part.check();
  const hyperParameters = readTexts(call, 'HyperParameters', HYPERPARAMETERS);
  if ((image === undefined) === (algorithmName === undefined)) {
    throw new AwsError(
      INVALID,
      image === undefined
        ? 'You must provide either TrainingImage or AlgorithmName in AlgorithmSpecification.'
        : "You can't specify both TrainingImage and AlgorithmName in AlgorithmSpecification.",
    );
  }
  if (metrics.length > 0 && isFirstParty(image ?? '')) {
    throw new AwsError(
      INVALID,
      "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying metric definitions.",
    );
  }
  for (const answered of ['SelectedInstanceType', 'SelectedInstanceCount'])
    if ((call.input.ResourceConfig as Record<string, unknown>)[answered] !== undefined)
      throw new AwsError(
        INVALID,
        `${answered} is read-only and is not accepted in CreateTrainingJob requests.`,
      );
  if (spot && (maxWaitSeconds ?? 0) < maxRuntimeSeconds) {
    throw new AwsError(
      INVALID,
      'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds',
    );
  }
  const own = ownMetrics(image ?? '');
  return {
    name,
    roleArn,
    image: image ?? String(algorithmName),
    instanceType,
    instanceCount,
    ...(groups === undefined ? {} : { groups }),
    volumeGB,
    maxRuntimeSeconds,
    ...(maxWaitSeconds === undefined ? {} : { maxWaitSeconds }),
    ...(keepAliveSeconds === undefined ? {} : { keepAliveSeconds }),
    ...(trainingPlanArn === undefined ? {} : { trainingPlanArn }),
    spot,
    hyperParameters,
    channels: channelsOf(channels),
    outputPath,
    tags,
    ...(metrics.length > 0 ? { metricDefinitions: metrics } : {}),
    details: {
      ...asAsked(call, DESCRIBED),
      AlgorithmSpecification: {
        EnableSageMakerMetricsTimeSeries: true,
        ...(call.input.AlgorithmSpecification as object),
        ...(own ? { MetricDefinitions: own } : {}),
      },
    },
  };
}

function readMetrics(given: readonly unknown[]): MetricDefinition[] {
  return given.map((one) => {
    const read = new Parameters((one ?? {}) as Record<string, unknown>, INVALID);
    const definition = {
      Name: read.need('Name', { min: 1, max: 255 }),
      Regex: read.need('Regex', { min: 1, max: 500 }),
    };
    read.check();
    return definition;
  });
}

/** A heterogeneous cluster. @throws AwsError ValidationException */
function readGroups(resources: Parameters): InstanceGroup[] | undefined {
  const given = resources.list('InstanceGroups', { min: 1, max: 5 });
  if (given === undefined) return undefined;
  if (resources.text('InstanceType') !== undefined || resources.number('InstanceCount') !== undefined)
    throw new AwsError(
      INVALID,
      'InstanceType and InstanceCount cannot be specified together with InstanceGroups in ResourceConfig.',
    );
  return given.map((group) => {
    const read = new Parameters(group as Record<string, unknown>, INVALID);
    const name = read.need('InstanceGroupName', { min: 1, max: 64 });
    const type = read.need('InstanceType', INSTANCE_TYPE);
    const count = read.number('InstanceCount', { min: 0 }) ?? 0;
    read.check();
    return { name, type, count };
  });
}

function member(call: AwsCall, read: Parameters, name: string): Parameters {
  const value = call.input[name];
  if (typeof value !== 'object' || value === null) {
    read.need(name);
    return new Parameters({}, INVALID);
  }
  return new Parameters(value as Record<string, unknown>, INVALID);
}

/** Name → S3 URI. @param channels `InputDataConfig` */
export function channelsOf(channels: readonly unknown[] = []): Record<string, string> {
  return Object.fromEntries(
    channels.map((channel) => {
      const { ChannelName, DataSource } = channel as {
        ChannelName?: string;
        DataSource?: { S3DataSource?: { S3Uri?: string } };
      };
      return [String(ChannelName), DataSource?.S3DataSource?.S3Uri ?? ''];
    }),
  );
}
