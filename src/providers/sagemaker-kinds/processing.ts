/** Processing jobs: data prepared, models evaluated, drift watched. */
import type { ProcessingJobSummary } from '@aws-sdk/client-sagemaker';
import { at, type KindRow, NEWEST_FIRST, type Seen } from './row.ts';

export const processing: KindRow = {
  name: 'processing',

  async page({ sdk, client, how }, query) {
    const page = await client.send(new sdk.ListProcessingJobsCommand({ ...NEWEST_FIRST, ...query }), how);
    return { jobs: (page.ProcessingJobSummaries ?? []).map(summary), NextToken: page.NextToken };
  },

  async look({ sdk, client, how }, name) {
    const job = await client.send(new sdk.DescribeProcessingJobCommand({ ProcessingJobName: name }), how);
    const { InstanceType, InstanceCount } = job.ProcessingResources?.ClusterConfig ?? {};
    return {
      ...summary(job),
      instanceType: InstanceType,
      instanceCount: InstanceCount,
      startedAt: at(job.ProcessingStartTime),
    };
  },

  async stop({ sdk, client, how }, name) {
    await client.send(new sdk.StopProcessingJobCommand({ ProcessingJobName: name }), how);
  },
};

function summary(job: Omit<ProcessingJobSummary, '$metadata'>): Seen {
  return {
    name: job.ProcessingJobName ?? '',
    arn: job.ProcessingJobArn,
    status: job.ProcessingJobStatus ?? 'Unknown',
    // What the container wrote to /opt/ml/output/message says more than SageMaker's own "Exit Code: 1".
    failureReason: reason(job.FailureReason, job.ExitMessage),
    createdAt: at(job.CreationTime) ?? 0,
    endedAt: at(job.ProcessingEndTime),
  };
}

function reason(failure: string | undefined, exit: string | undefined): string | undefined {
  if (!failure) return undefined;
  return exit && !failure.includes(exit) ? `${failure}\n${exit}` : failure;
}
