/** HyperPod clusters: what the lifecycle scripts of their machines print, in a log group of the cluster's own. */
import type { ClusterSummary } from '@aws-sdk/client-sagemaker';
import { awsArn } from '../../domain/arns.ts';
import { logGroupOf } from '../../domain/sagemaker-kinds.ts';
import { awsOf } from '../../domain/use-cases.ts';
import { AppError } from '../../ground/errors.ts';
import { lateLog } from '../late-log.ts';
import { type Ask, at, type KindRow, type Seen } from './row.ts';

export const cluster: KindRow = {
  name: 'cluster',

  async page({ sdk, client, how }, query) {
    const command = new sdk.ListClustersCommand({
      SortBy: 'CREATION_TIME',
      SortOrder: 'Descending',
      ...query,
    });
    const page = await client.send(command, how);
    return { jobs: (page.ClusterSummaries ?? []).map(summary), NextToken: page.NextToken };
  },

  async look(ask, name) {
    const found = await describe(ask, name);
    const groups = (found.InstanceGroups ?? []).map(
      ({ InstanceGroupName, InstanceType, CurrentCount = 0, TargetCount = CurrentCount }) =>
        `${InstanceGroupName}: ${CurrentCount}${CurrentCount === TargetCount ? '' : ` of ${TargetCount}`} × ${InstanceType ?? 'any type'}`,
    );
    return {
      ...summary({ ...found, ClusterName: found.ClusterName ?? name, CreationTime: found.CreationTime }),
      failureReason: found.FailureMessage || undefined,
      ...(groups.length > 0 ? { facts: { 'Instance groups': groups.slice(0, 20).join('\n') } } : {}),
    };
  },

  log: (account, name, { ask }) =>
    lateLog({
      id: `${account.useCase.id}/cluster/${name}`,
      async parts(signal) {
        const { ClusterArn, ClusterName = name } = await ask(
          `find the HyperPod cluster ${name}`,
          (one) => describe(one, name),
          signal,
        );
        // arn:aws:sagemaker:eu-west-1:123456789012:cluster/abc123def456
        const id = ClusterArn?.split('/').at(-1);
        if (!id) throw new AppError('unavailable', `AWS described the cluster ${name} without its ARN.`);
        return [
          { source: account.log(logGroupOf('cluster', `${ClusterName}/${id}`), ClusterName, { prefix: '' }) },
        ];
      },
    }),
};

/** As an ARN has it. */
const ID = /^[a-z0-9]{12}$/;

/** By its name, or by the id that its ARN has in place of one. */
async function describe({ sdk, client, how, account }: Ask, name: string) {
  const find = (ClusterName: string) => client.send(new sdk.DescribeClusterCommand({ ClusterName }), how);
  try {
    return await find(name);
  } catch (error) {
    if (!ID.test(name) || (error as Partial<Error>).name !== 'ResourceNotFound') throw error;
    return find(awsArn(awsOf(account.useCase), 'sagemaker', `cluster/${name}`));
  }
}

function summary(found: Omit<ClusterSummary, 'CreationTime'> & { CreationTime: Date | undefined }): Seen {
  return {
    name: found.ClusterName ?? '',
    arn: found.ClusterArn,
    status: found.ClusterStatus ?? 'Unknown',
    createdAt: at(found.CreationTime) ?? 0,
  };
}
