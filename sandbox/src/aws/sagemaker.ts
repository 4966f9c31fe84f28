/** SageMaker's training jobs: list, describe, create, stop. */
import { planJob } from './created-job.ts';
import type { Iam } from './iam.ts';
import { jobList } from './kinds/job-row.ts';
import type { ListOddities } from './kinds/list.ts';
import { listOperation, NOTHING } from './kinds/operations.ts';
import { JOB_NAME, reading } from './kinds/request.ts';
import { passRole } from './pass-role.ts';
import type { AwsCall, AwsOperation, AwsService } from './service.ts';
import type { TrainingStore } from './training.ts';
import { readTrainingRequest, TRAINING_PLAN_ARN } from './training-request.ts';

const WARM_POOL_STATUSES = ['Available', 'Terminated', 'Reused', 'InUse'];
const STATUSES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting'];

const TRAINING_LIST = jobList('Training', STATUSES, {
  late: 'status',
  equals: [
    {
      member: 'WarmPoolStatusEquals',
      of: ({ WarmPoolStatus }) => (WarmPoolStatus as { Status?: string } | undefined)?.Status,
      rule: { values: WARM_POOL_STATUSES },
    },
    {
      member: 'TrainingPlanArnEquals',
      of: ({ TrainingPlanArn }) => TrainingPlanArn,
      rule: { min: 50, max: 2048, pattern: TRAINING_PLAN_ARN },
    },
  ],
});

export function sagemakerService(
  stores: (account: string, region: string) => TrainingStore,
  iam: Iam,
  settings: ListOddities,
): AwsService {
  const storeOf = (call: AwsCall) => stores(call.account, call.region);
  const onJob = (name: string, handle: AwsOperation['handle']): AwsOperation => ({
    action: `sagemaker:${name}`,
    resources: (call) => [storeOf(call).arn(String(call.input.TrainingJobName))],
    handle,
  });
  return {
    name: 'sagemaker',
    signingName: 'sagemaker',
    protocol: 'json',
    target: 'SageMaker',
    operations: {
      ListTrainingJobs: listOperation(TRAINING_LIST, settings, (call) => {
        const store = storeOf(call);
        return () => store.all(call.now).map((job) => store.summary(job, call.now));
      }),
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
        return NOTHING;
      }),
    },
  };
}

function jobName(call: AwsCall): string {
  const read = reading(call);
  const name = read.need('TrainingJobName', JOB_NAME);
  read.check();
  return name;
}
