/** Endpoints: what serves a model, and why it could not. */
import type { EndpointSummary } from '@aws-sdk/client-sagemaker';
import { isFinished } from '../../domain/jobs.ts';
import { kindState } from '../../domain/sagemaker-kinds.ts';
import { at, type KindRow, NEWEST_FIRST, type Seen } from './row.ts';

export const endpoint: KindRow = {
  name: 'endpoint',

  async page({ sdk, client, how }, query) {
    const page = await client.send(new sdk.ListEndpointsCommand({ ...NEWEST_FIRST, ...query }), how);
    return { jobs: (page.Endpoints ?? []).map(summary), NextToken: page.NextToken };
  },

  async look({ sdk, client, how }, name) {
    const job = await client.send(new sdk.DescribeEndpointCommand({ EndpointName: name }), how);
    const variants = (job.ProductionVariants ?? []).map(({ VariantName, CurrentInstanceCount }) =>
      CurrentInstanceCount === undefined ? VariantName : `${VariantName} × ${CurrentInstanceCount}`,
    );
    return {
      ...summary(job),
      failureReason: job.FailureReason || undefined,
      facts: {
        ...(job.EndpointConfigName ? { Configuration: job.EndpointConfigName } : {}),
        ...(variants.length > 0 ? { Variants: variants.slice(0, 10).join(', ') } : {}),
      },
    };
  },
};

function summary(job: Omit<EndpointSummary, 'EndpointArn'> & { EndpointArn?: string | undefined }): Seen {
  const status = job.EndpointStatus ?? 'Unknown';
  return {
    name: job.EndpointName ?? '',
    arn: job.EndpointArn,
    status,
    createdAt: at(job.CreationTime) ?? 0,
    // It says no more than when it last changed.
    endedAt: isFinished(kindState('endpoint', status)) ? at(job.LastModifiedTime) : undefined,
  };
}
