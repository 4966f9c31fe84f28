/** SageMaker's generic jobs, of several categories. */
import { AwsError } from '../errors.ts';
import { jobList } from './job-row.ts';
import { JOB_ENDS, JOB_STOP, type Kind, NEWER_STATUSES } from './kind.ts';
import { JOB_NAME, tagList } from './request.ts';
import { secondaryTransitions, type WorkSeed } from './work.ts';

export interface JobSeed extends WorkSeed {
  /**
   * `<category>/<name>`; a category that the model does not know is known here from then on, as to a newer service.
   */
  name: string;
  roleArn: string;
  /** JSON text. */
  config?: string;
}

/** SDK 3.1142. */
const JOB_CATEGORIES = ['AgentRFT', 'AgentRFTEvaluation'];

const STATUS_MESSAGES: Readonly<Record<string, string>> = {
  Starting: 'Preparing the job',
  Pending: 'Waiting for the requested capacity',
  Downloading: 'Downloading input data',
  Training: 'Training in progress',
  Evaluating: 'Evaluation in progress',
  Uploading: 'Uploading the results',
  Stopping: 'Stopping the job',
  Stopped: 'Job stopped',
  Completed: 'Job completed',
  Failed: 'Job failed',
};

export const job: Kind<JobSeed> = {
  words: 'job',
  resource: 'job',
  name: { member: 'JobName', rule: JOB_NAME },
  members: {
    arn: 'JobArn',
    status: 'JobStatus',
    secondary: 'SecondaryStatus',
    modified: 'LastModifiedTime',
    ended: 'EndTime',
    failure: 'FailureReason',
  },
  ends: JOB_ENDS,
  operations: { describe: 'DescribeJob', stop: 'StopJob' },
  list: jobList('', NEWER_STATUSES, { defaultOrder: 'Descending', pageSize: 50 }),
  summary: ['JobArn', 'JobName', 'JobCategory', 'JobStatus', 'CreationTime', 'LastModifiedTime', 'EndTime'],
  summaryOf: (_, { secondary }) => ({ JobSecondaryStatus: secondary }),
  group: ({ name }) => `/aws/sagemaker/Job/${categoryOf(name)}`,
  describe: ({ name, roleArn, config, tags }, state) => ({
    JobName: name.slice(name.indexOf('/') + 1),
    JobCategory: categoryOf(name),
    RoleArn: roleArn,
    JobConfigSchemaVersion: '1.0',
    ...(config === undefined ? {} : { JobConfigDocument: config }),
    SecondaryStatusTransitions: secondaryTransitions(state, JOB_ENDS, STATUS_MESSAGES),
    Tags: tagList(tags),
  }),
  missing: (name) => new AwsError('ResourceNotFound', `Job ${name} not found.`),
  stop: JOB_STOP,
  within: {
    member: 'JobCategory',
    values: (names) => [...new Set([...JOB_CATEGORIES, ...names.map(categoryOf)])],
  },
};

const categoryOf = (name: string) => name.split('/')[0]!;
