/** Batch transform jobs: predictions for files. */
import type { TransformJobSummary } from '@aws-sdk/client-sagemaker';
import { at, type KindRow, NEWEST_FIRST, type Seen } from './row.ts';

export const transform: KindRow = {
  name: 'transform',

  async page({ sdk, client, how }, query) {
    const page = await client.send(new sdk.ListTransformJobsCommand({ ...NEWEST_FIRST, ...query }), how);
    return { jobs: (page.TransformJobSummaries ?? []).map(summary), NextToken: page.NextToken };
  },

  async look({ sdk, client, how }, name) {
    const job = await client.send(new sdk.DescribeTransformJobCommand({ TransformJobName: name }), how);
    return {
      ...summary(job),
      instanceType: job.TransformResources?.InstanceType,
      instanceCount: job.TransformResources?.InstanceCount,
      startedAt: at(job.TransformStartTime),
    };
  },

  async stop({ sdk, client, how }, name) {
    await client.send(new sdk.StopTransformJobCommand({ TransformJobName: name }), how);
  },
};

function summary(job: TransformJobSummary): Seen {
  return {
    name: job.TransformJobName ?? '',
    arn: job.TransformJobArn,
    status: job.TransformJobStatus ?? 'Unknown',
    failureReason: job.FailureReason || undefined,
    createdAt: at(job.CreationTime) ?? 0,
    endedAt: at(job.TransformEndTime),
  };
}
