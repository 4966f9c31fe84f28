/** SageMaker's training jobs: list, describe, create, stop, and their tags. */
import { planJob } from './created-job.ts';
import { AwsError } from './errors.ts';
import { pageOf } from './page-tokens.ts';
import type { AwsCall, AwsOperation, AwsService } from './service.ts';
import type { TrainingStore } from './training.ts';
import { Parameters } from './validation.ts';

const INVALID = 'ValidationException';
const JOB_NAME = { min: 1, max: 63, pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}' };
const S3_URI = { max: 1024, pattern: '(https|s3)://([^/]+)/?(.*)' };
const STATUSES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting'];

export function sagemakerService(stores: (account: string, region: string) => TrainingStore): AwsService {
  const storeOf = (call: AwsCall) => stores(call.account, call.region);
  const onJob = (name: string, handle: AwsOperation['handle']): AwsOperation => ({
    action: `sagemaker:${name}`,
    resources: (call) => [storeOf(call).arn(String(call.input.TrainingJobName))],
    handle,
  });
  const onTags = (name: string, handle: AwsOperation['handle']): AwsOperation => ({
    action: `sagemaker:${name}`,
    resources: (call) => [String(call.input.ResourceArn)],
    handle,
  });
  return {
    name: 'sagemaker',
    signingName: 'sagemaker',
    protocol: 'json',
    target: 'SageMaker',
    operations: {
      ListTrainingJobs: {
        action: 'sagemaker:ListTrainingJobs',
        handle: (call) => listTrainingJobs(storeOf(call), call),
      },
      DescribeTrainingJob: onJob('DescribeTrainingJob', (call) => {
        const store = storeOf(call);
        return { body: store.description(store.get(jobName(call), call.now), call.now) };
      }),
      CreateTrainingJob: onJob('CreateTrainingJob', (call) => createTrainingJob(storeOf(call), call)),
      StopTrainingJob: onJob('StopTrainingJob', (call) => {
        storeOf(call).stop(jobName(call), call.now);
        return { chunks: [], events: 0 };
      }),
      ListTags: onTags('ListTags', (call) => ({
        body: { Tags: asTags(taggedJob(storeOf(call), call).tags) },
      })),
      AddTags: onTags('AddTags', (call) => {
        const { tags } = taggedJob(storeOf(call), call);
        Object.assign(tags, readTags(new Parameters(call.input, INVALID).list('Tags', { max: 50 })));
        return { body: { Tags: asTags(tags) } };
      }),
    },
  };
}

function jobName(call: AwsCall): string {
  const read = new Parameters(call.input, INVALID);
  const name = read.need('TrainingJobName', JOB_NAME);
  read.check();
  return name;
}

function listTrainingJobs(store: TrainingStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const nameContains = read.text('NameContains', { max: 63, pattern: '[a-zA-Z0-9\\-]+' }) ?? '';
  const status = read.text('StatusEquals', { values: STATUSES });
  const sortBy = read.text('SortBy', { values: ['Name', 'CreationTime', 'Status'] }) ?? 'CreationTime';
  const order = read.text('SortOrder', { values: ['Ascending', 'Descending'] }) ?? 'Ascending';
  const limit = read.number('MaxResults', { min: 1, max: 100 }) ?? 10;
  const token = read.text('NextToken', { max: 8192 });
  const after = read.number('CreationTimeAfter') ?? Number.NEGATIVE_INFINITY;
  const before = read.number('CreationTimeBefore') ?? Number.POSITIVE_INFINITY;
  const modifiedAfter = read.number('LastModifiedTimeAfter') ?? Number.NEGATIVE_INFINITY;
  const modifiedBefore = read.number('LastModifiedTimeBefore') ?? Number.POSITIVE_INFINITY;
  read.check();
  const key = { Name: 'TrainingJobName', CreationTime: 'CreationTime', Status: 'TrainingJobStatus' }[sortBy]!;
  const found = store
    .all(call.now)
    .map((job) => store.summary(job, call.now))
    .filter((job) => String(job.TrainingJobName).includes(nameContains))
    .filter((job) => status === undefined || job.TrainingJobStatus === status)
    .filter((job) => within(job.CreationTime, after, before))
    .filter((job) => within(job.LastModifiedTime, modifiedAfter, modifiedBefore))
    .sort((a, b) => (String(a.TrainingJobName) < String(b.TrainingJobName) ? -1 : 1))
    .sort((a, b) => (a[key]! < b[key]! ? -1 : a[key]! > b[key]! ? 1 : 0));
  if (order === 'Descending') found.reverse();
  const { items, nextToken } = pageOf(found, limit, token || undefined, call.now);
  return { body: { TrainingJobSummaries: items, NextToken: nextToken } };
}

const within = (value: unknown, after: number, before: number) =>
  Number(value) >= after && Number(value) <= before;

function createTrainingJob(store: TrainingStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const name = read.need('TrainingJobName', JOB_NAME);
  const roleArn = read.need('RoleArn', {
    min: 20,
    max: 2048,
    pattern: 'arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
  });
  const tags = readTags(read.list('Tags', { max: 50 }));
  const resources = member(call, read, 'ResourceConfig');
  const instanceType = resources.need('InstanceType', { pattern: 'ml\\.[a-z0-9-]+\\.[a-z0-9]+' });
  const instanceCount = resources.number('InstanceCount', { min: 1, max: 20 }) ?? 1;
  const volumeGB = resources.number('VolumeSizeInGB', { min: 1 }) ?? 30;
  const stopping = member(call, read, 'StoppingCondition');
  const maxRuntimeSeconds = stopping.number('MaxRuntimeInSeconds', { min: 1 }) ?? 86_400;
  const maxWaitSeconds = stopping.number('MaxWaitTimeInSeconds', { min: 1 });
  const algorithm = member(call, read, 'AlgorithmSpecification');
  const image = algorithm.text('TrainingImage', { max: 255 });
  const output = member(call, read, 'OutputDataConfig');
  const outputPath = output.need('S3OutputPath', S3_URI);
  const spot = read.flag('EnableManagedSpotTraining') ?? false;
  for (const part of [read, resources, stopping, algorithm, output]) part.check();
  if (image === undefined && algorithm.text('AlgorithmName') === undefined) {
    throw new AwsError(
      INVALID,
      'You must provide either TrainingImage or AlgorithmName in AlgorithmSpecification.',
    );
  }
  if (spot && (maxWaitSeconds ?? 0) < maxRuntimeSeconds) {
    throw new AwsError(
      INVALID,
      'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds',
    );
  }
  const job = planJob(
    {
      name,
      roleArn,
      image: image ?? String(algorithm.text('AlgorithmName')),
      instanceType,
      instanceCount,
      volumeGB,
      maxRuntimeSeconds,
      ...(maxWaitSeconds === undefined ? {} : { maxWaitSeconds }),
      spot,
      hyperParameters: (call.input.HyperParameters ?? {}) as Record<string, string>,
      channels: readChannels(call),
      outputPath,
      tags,
    },
    call.now,
  );
  return { body: { TrainingJobArn: store.create(job) } };
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
  const channels = new Parameters(call.input, INVALID).list('InputDataConfig', { max: 20 }) ?? [];
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

function taggedJob(store: TrainingStore, call: AwsCall) {
  const arn = new Parameters(call.input, INVALID).need('ResourceArn');
  const name = /:training-job\/([^/]+)$/.exec(arn)?.[1] ?? '';
  if (arn !== store.arn(name)) throw new AwsError(INVALID, 'Requested resource not found.');
  return store.get(name, call.now);
}

function readTags(tags: unknown[] = []): Record<string, string> {
  return Object.fromEntries(
    tags.map((tag) => {
      const { Key, Value } = tag as { Key?: unknown; Value?: unknown };
      return [String(Key), String(Value)];
    }),
  );
}

const asTags = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
