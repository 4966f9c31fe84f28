/** Notebook instances: what their lifecycle scripts and Jupyter print. */
import type { NotebookInstanceSummary } from '@aws-sdk/client-sagemaker';
import { isFinished } from '../../domain/jobs.ts';
import { kindState } from '../../domain/sagemaker-kinds.ts';
import { at, type KindRow, NEWEST_FIRST, type Seen } from './row.ts';

export const notebook: KindRow = {
  name: 'notebook',

  async page({ sdk, client, how }, query) {
    const page = await client.send(new sdk.ListNotebookInstancesCommand({ ...NEWEST_FIRST, ...query }), how);
    return { jobs: (page.NotebookInstances ?? []).map(summary), NextToken: page.NextToken };
  },

  async look({ sdk, client, how }, name) {
    const job = await client.send(
      new sdk.DescribeNotebookInstanceCommand({ NotebookInstanceName: name }),
      how,
    );
    const hook = job.NotebookInstanceLifecycleConfigName;
    return {
      ...summary({ NotebookInstanceName: name, NotebookInstanceArn: '', ...job }),
      failureReason: job.FailureReason || undefined,
      ...(hook ? { facts: { 'Lifecycle configuration': hook } } : {}),
    };
  },
};

function summary(job: Partial<NotebookInstanceSummary>): Seen {
  const status = job.NotebookInstanceStatus ?? 'Unknown';
  return {
    name: job.NotebookInstanceName ?? '',
    arn: job.NotebookInstanceArn || undefined,
    status,
    ...(job.InstanceType === undefined ? {} : { instanceType: job.InstanceType, instanceCount: 1 }),
    createdAt: at(job.CreationTime) ?? 0,
    endedAt: isFinished(kindState('notebook', status)) ? at(job.LastModifiedTime) : undefined,
  };
}
