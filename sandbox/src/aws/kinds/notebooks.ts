/** Notebook instances. */
import { AwsError } from '../errors.ts';
import type { Kind } from './kind.ts';
import { INVALID, JOB_TIMES } from './list.ts';

const NAME = { max: 63, pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9])*' };
const STATUSES = ['Pending', 'InService', 'Stopping', 'Stopped', 'Failed', 'Deleting', 'Updating'];

export const notebook: Kind = {
  words: 'notebook instance',
  resource: 'notebook-instance',
  arnOf: (name) => name.toLowerCase(),
  name: { member: 'NotebookInstanceName', rule: NAME },
  members: {
    arn: 'NotebookInstanceArn',
    status: 'NotebookInstanceStatus',
    modified: 'LastModifiedTime',
    failure: 'FailureReason',
  },
  ends: ['Failed', 'Stopped'],
  operations: { describe: 'DescribeNotebookInstance', stop: 'StopNotebookInstance' },
  list: {
    operation: 'ListNotebookInstances',
    answer: 'NotebookInstances',
    sortBy: { Name: 'NotebookInstanceName', CreationTime: 'CreationTime', Status: 'NotebookInstanceStatus' },
    defaultSort: 'Name',
    key: 'NotebookInstanceName',
    name: { member: 'NameContains' },
    status: { of: 'NotebookInstanceStatus', values: STATUSES },
    times: JOB_TIMES,
    contains: [
      {
        member: 'NotebookInstanceLifecycleConfigNameContains',
        of: 'NotebookInstanceLifecycleConfigName',
        rule: NAME,
      },
      { member: 'DefaultCodeRepositoryContains', of: 'DefaultCodeRepository', rule: { max: 1024 } },
    ],
    equals: [
      {
        member: 'AdditionalCodeRepositoryEquals',
        of: ({ AdditionalCodeRepositories }, wanted) =>
          ((AdditionalCodeRepositories ?? []) as string[]).find((one) => one === wanted),
        rule: { min: 1, max: 1024 },
      },
    ],
  },
  summary: [
    'NotebookInstanceName',
    'NotebookInstanceArn',
    'NotebookInstanceStatus',
    'Url',
    'InstanceType',
    'CreationTime',
    'LastModifiedTime',
    'NotebookInstanceLifecycleConfigName',
    'DefaultCodeRepository',
    'AdditionalCodeRepositories',
  ],
  group: () => '/aws/sagemaker/NotebookInstances',
  describe: ({ name }, { status }, { region }) =>
    status === 'InService' ? { Url: `${name.toLowerCase()}.notebook.${region}.sagemaker.aws` } : {},
  missing: () => new AwsError(INVALID, 'RecordNotFound'),
  stop: {
    from: ['InService'],
    via: { status: 'Stopping' },
    ms: 10_000,
    to: { status: 'Stopped' },
    refused: (status, arn) =>
      new AwsError(
        INVALID,
        `Status (${status}) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance (${arn}).`,
      ),
  },
  event: { detailType: 'SageMaker Notebook Instance State Change' },
};
