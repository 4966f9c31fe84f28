/** Kinds of jobs whose names are all made of one word: `Training`, `Processing`, …; of generic jobs, none. */
import { AwsError } from '../errors.ts';
import { JOB_ENDS, JOB_STOP } from './kind.ts';
import { INVALID, JOB_TIMES, type ListRow } from './list.ts';
import { JOB_NAME } from './request.ts';

export function jobList(word: string, statuses: readonly string[], own: Partial<ListRow> = {}): ListRow {
  const name = `${word}JobName`;
  const status = `${word}JobStatus`;
  return {
    operation: `List${word}Jobs`,
    answer: `${word}JobSummaries`,
    sortBy: { Name: name, CreationTime: 'CreationTime', Status: status },
    defaultSort: 'CreationTime',
    key: name,
    name: { member: 'NameContains' },
    status: { of: status, values: statuses },
    times: JOB_TIMES,
    ...own,
  };
}

/** What the rows of processing and transform jobs have in common. */
export const jobRow = (word: 'Processing' | 'Transform') => ({
  words: `${word.toLowerCase()} job`,
  resource: `${word.toLowerCase()}-job`,
  name: { member: `${word}JobName`, rule: JOB_NAME },
  members: {
    arn: `${word}JobArn`,
    status: `${word}JobStatus`,
    started: `${word}StartTime`,
    ended: `${word}EndTime`,
    failure: 'FailureReason',
  },
  ends: JOB_ENDS,
  begun: ['Running'],
  operations: {
    describe: `Describe${word}Job`,
    stop: `Stop${word}Job`,
    create: `Create${word}Job`,
  },
  group: () => `/aws/sagemaker/${word}Jobs`,
  missing: (name: string) => new AwsError(INVALID, `Could not find requested job with name: ${name}`),
  stop: JOB_STOP,
});
