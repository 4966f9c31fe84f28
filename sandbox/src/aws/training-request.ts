/** CreateTrainingJob's request, checked as the service checks it: service model 2017-07-24, and what it says besides. */
import type { JobRequest } from './created-job.ts';
import { AwsError } from './errors.ts';
import { isFirstParty, ownMetrics } from './own-metrics.ts';
import { ROLE_ARN } from './pass-role.ts';
import type { AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

const INVALID = 'ValidationException';
export const JOB_NAME = { min: 1, max: 63, pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}' };
const S3_URI = { max: 1024, pattern: '(https|s3)://([^/]+)/?(.*)' };
export const TRAINING_PLAN_ARN = 'arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:training-plan/.*';
const HYPERPARAMETERS = { count: 100, key: 256, value: 2500 };
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
  const read = new Parameters(call.input, INVALID);
  const name = read.need('TrainingJobName', JOB_NAME);
  const roleArn = read.need('RoleArn', ROLE_ARN);
  const tags = readTags(read.list('Tags', { max: 50 }));
  read.list('InputDataConfig', { min: 1, max: 20 });
  const resources = member(call, read, 'ResourceConfig');
  const instanceType = resources.need('InstanceType', { pattern: 'ml\\.[a-z0-9-]+\\.[a-z0-9]+' });
  const instanceCount = resources.number('InstanceCount', { min: 1, max: 1000 }) ?? 1;
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
  const metrics = algorithm.list('MetricDefinitions', { max: 40 }) ?? [];
  const output = member(call, read, 'OutputDataConfig');
  const outputPath = output.need('S3OutputPath', S3_URI);
  const spot = read.flag('EnableManagedSpotTraining') ?? false;
  for (const part of [read, resources, stopping, algorithm, output]) part.check();
  const hyperParameters = readHyperParameters(call.input.HyperParameters);
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
  return {
    name,
    roleArn,
    image: image ?? String(algorithmName),
    instanceType,
    instanceCount,
    volumeGB,
    maxRuntimeSeconds,
    ...(maxWaitSeconds === undefined ? {} : { maxWaitSeconds }),
    ...(keepAliveSeconds === undefined ? {} : { keepAliveSeconds }),
    ...(trainingPlanArn === undefined ? {} : { trainingPlanArn }),
    spot,
    hyperParameters,
    channels: readChannels(call),
    outputPath,
    tags,
    details: {
      ...Object.fromEntries(
        DESCRIBED.flatMap((key) => (call.input[key] === undefined ? [] : [[key, call.input[key]]])),
      ),
      AlgorithmSpecification: {
        EnableSageMakerMetricsTimeSeries: true,
        ...(call.input.AlgorithmSpecification as object),
        ...ownMetrics(image ?? ''),
      },
    },
  };
}

function readHyperParameters(given: unknown): Record<string, string> {
  if (given === undefined || given === null) return {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new AwsError('SerializationException', "Unexpected value for 'HyperParameters': expected a Map");
  }
  const entries = Object.entries(given);
  const problem = (constraint: string) =>
    new AwsError(
      INVALID,
      `1 validation error detected: Value at 'hyperParameters' failed to satisfy constraint: ${constraint}`,
    );
  if (entries.length > HYPERPARAMETERS.count)
    throw problem(`Member must have length less than or equal to ${HYPERPARAMETERS.count}`);
  for (const [key, value] of entries) {
    if (typeof value !== 'string')
      throw new AwsError('SerializationException', `Unexpected value for '${key}': expected a String`);
    if (key.length > HYPERPARAMETERS.key || /[\r\n]/.test(key))
      throw problem(
        `Map keys must satisfy constraint: [Member must have length less than or equal to ${HYPERPARAMETERS.key}, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: .*]`,
      );
    if (value.length > HYPERPARAMETERS.value || /[\r\n]/.test(value))
      throw problem(
        `Map value must satisfy constraint: [Member must have length less than or equal to ${HYPERPARAMETERS.value}, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: .*]`,
      );
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function member(call: AwsCall, read: Parameters, name: string): Parameters {
  const value = call.input[name];
  if (typeof value !== 'object' || value === null) {
    read.need(name);
    return new Parameters({}, INVALID);
  }
  return new Parameters(value as Record<string, unknown>, INVALID);
}

function readChannels(call: AwsCall): Record<string, string> {
  const channels = new Parameters(call.input, INVALID).list('InputDataConfig') ?? [];
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

/** @throws AwsError ValidationException for AWS's own keys */
export function readTags(tags: unknown[] = []): Record<string, string> {
  return Object.fromEntries(
    tags.map((tag) => {
      const { Key, Value } = tag as { Key?: unknown; Value?: unknown };
      if (/^aws:/i.test(String(Key)))
        throw new AwsError(INVALID, 'aws: prefixed tag key names are not allowed for external use.');
      return [String(Key), String(Value)];
    }),
  );
}
