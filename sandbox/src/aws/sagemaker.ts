/** SageMaker's training jobs: list, describe, create, stop, and their tags. */
import { planJob } from './created-job.ts';
import { AwsError } from './errors.ts';
import type { Iam } from './iam.ts';
import { pageOf } from './page-tokens.ts';
import { passRole } from './pass-role.ts';
import type { AwsCall, AwsOperation, AwsService } from './service.ts';
import type { TrainingStore } from './training.ts';
import { JOB_NAME, readTags, readTrainingRequest, TRAINING_PLAN_ARN } from './training-request.ts';
import { Parameters } from './validation.ts';

const INVALID = 'ValidationException';
const WARM_POOL_STATUSES = ['Available', 'Terminated', 'Reused', 'InUse'];
const STATUSES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting'];

export function sagemakerService(
  stores: (account: string, region: string) => TrainingStore,
  iam: Iam,
): AwsService {
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
      CreateTrainingJob: onJob('CreateTrainingJob', (call) => {
        const request = readTrainingRequest(call);
        passRole(iam, call, request.roleArn);
        const arn = storeOf(call).arn(request.name);
        // Tags at the creation are a right of their own.
        if (Object.keys(request.tags ?? {}).length > 0)
          iam.authorize(call.principal, 'sagemaker:AddTags', [arn], call.region);
        return { body: { TrainingJobArn: storeOf(call).create(planJob(request, call.now)) } };
      }),
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
  const warmPool = read.text('WarmPoolStatusEquals', { values: WARM_POOL_STATUSES });
  const plan = read.text('TrainingPlanArnEquals', { min: 50, max: 2048, pattern: TRAINING_PLAN_ARN });
  const modifiedBefore = read.number('LastModifiedTimeBefore') ?? Number.POSITIVE_INFINITY;
  read.check();
  const key = { Name: 'TrainingJobName', CreationTime: 'CreationTime', Status: 'TrainingJobStatus' }[sortBy]!;
  const found = store
    .all(call.now)
    .map((job) => store.summary(job, call.now))
    .filter((job) => String(job.TrainingJobName).includes(nameContains))
    .filter((job) => status === undefined || job.TrainingJobStatus === status)
    .filter(
      ({ WarmPoolStatus }) =>
        warmPool === undefined || (WarmPoolStatus as { Status?: string } | undefined)?.Status === warmPool,
    )
    .filter((job) => plan === undefined || job.TrainingPlanArn === plan)
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

function taggedJob(store: TrainingStore, call: AwsCall) {
  const arn = new Parameters(call.input, INVALID).need('ResourceArn');
  const name = /:training-job\/([^/]+)$/.exec(arn)?.[1] ?? '';
  if (arn !== store.arn(name)) throw new AwsError(INVALID, 'Requested resource not found.');
  return store.get(name, call.now);
}

const asTags = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
