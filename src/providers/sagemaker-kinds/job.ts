/** Jobs of SageMaker's generic Job API: a category says what each does. Categories are those that the SDK knows. */
import type { JobCategory, JobSummary } from '@aws-sdk/client-sagemaker';
import { AppError } from '../../ground/errors.ts';
import type { AwsAccount } from '../../ports/aws-account.ts';
import { lateLog } from '../late-log.ts';
import { type Ask, at, type KindRow, type Page, type PageQuery, type Seen } from './row.ts';

/** Categories whose group is known. */
const OWN_GROUP: ReadonlySet<string> = new Set(['AgentRFT', 'AgentRFTEvaluation']);

/** What one category answers; one that the service does not know (yet) has no jobs. */
async function ofCategory<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const { name, message = '' } = error as Partial<Error>;
    const unknown = name === 'ValidationException' && /categor|enum value set|not found/i.test(message);
    if (unknown || name === 'ResourceNotFound' || name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

const categoriesOf = ({ sdk }: Ask): JobCategory[] => Object.values(sdk.JobCategory);

/** A token for each category that has more: `{"AgentRFT":"…"}`. */
type Tokens = Readonly<Record<string, string>>;

/** Categories whose jobs all came when they were listed last: each takes a request of its own, and most have few jobs. */
const whole = new WeakMap<AwsAccount, Map<JobCategory, readonly JobSummary[]>>();

async function page(ask: Ask, { NextToken, ...query }: PageQuery, sparing: boolean): Promise<Page> {
  const tokens = NextToken === undefined ? undefined : (JSON.parse(NextToken) as Tokens);
  const known = whole.get(ask.account) ?? new Map<JobCategory, readonly JobSummary[]>();
  whole.set(ask.account, known);
  const answers = await Promise.all(
    categoriesOf(ask)
      .filter((category) => tokens === undefined || Object.hasOwn(tokens, category))
      .map(async (category) => {
        const token = tokens?.[category];
        const all = sparing && tokens === undefined ? known.get(category) : undefined;
        if (all) return { category, jobs: named(all, query.NameContains), next: undefined };
        const command = new ask.sdk.ListJobsCommand({
          ...{ JobCategory: category, SortBy: 'CreationTime', SortOrder: 'Descending' },
          ...{ ...query, ...(token === undefined ? {} : { NextToken: token }) },
        });
        const answer = await ofCategory(ask.client.send(command, ask.how));
        // A token that comes back again would never end.
        const next = answer?.NextToken === token ? undefined : answer?.NextToken;
        if (query.NameContains === undefined && tokens === undefined)
          if (next === undefined) known.set(category, answer?.JobSummaries ?? []);
          else known.delete(category);
        return { category, jobs: answer?.JobSummaries ?? [], next };
      }),
  );
  const next = Object.fromEntries(answers.flatMap(({ category, next }) => (next ? [[category, next]] : [])));
  return {
    jobs: answers
      .flatMap(({ jobs }) => jobs)
      .map(summary)
      .sort((a, b) => b.createdAt - a.createdAt),
    NextToken: Object.keys(next).length === 0 ? undefined : JSON.stringify(next),
  };
}

function named(jobs: readonly JobSummary[], part = ''): JobSummary[] {
  const needle = part.toLowerCase();
  return jobs.filter(({ JobName = '' }) => JobName.toLowerCase().includes(needle));
}

/** The newest one of that name: names are unique within a category only. */
async function find(ask: Ask, name: string) {
  const found = await Promise.all(
    categoriesOf(ask).map((category) =>
      ofCategory(
        ask.client.send(new ask.sdk.DescribeJobCommand({ JobName: name, JobCategory: category }), ask.how),
      ),
    ),
  );
  return found
    .filter((one) => one !== undefined)
    .sort((a, b) => (at(b.CreationTime) ?? 0) - (at(a.CreationTime) ?? 0))[0];
}

export const job: KindRow = {
  name: 'job',
  page,

  async look(ask, name) {
    const found = await find(ask, name);
    if (!found) return undefined;
    return {
      ...summary({ ...found, JobSecondaryStatus: found.SecondaryStatus }),
      failureReason: found.FailureReason || undefined,
      startedAt: at(found.SecondaryStatusTransitions?.find(({ Status }) => Status === 'Training')?.StartTime),
    };
  },

  async stop(ask, name) {
    const found = await find(ask, name);
    if (!found) return;
    const command = new ask.sdk.StopJobCommand({ JobName: name, JobCategory: found.JobCategory });
    await ask.client.send(command, ask.how);
  },

  log: (account, name, { ask }) =>
    lateLog({
      id: `${account.useCase.id}/job/${name}`,
      async parts(signal) {
        const found = await ask(`find the SageMaker job ${name}`, (one) => find(one, name), signal);
        if (!found)
          throw new AppError('not_found', `There is no SageMaker job ${name}.`, { hint: 'It was deleted.' });
        const { JobCategory: category } = found;
        const group = `/aws/sagemaker/Job/${category}`;
        const place = { source: account.log(group, name) };
        // People report of other categories that the names of their groups end with a slash.
        if (category !== undefined && OWN_GROUP.has(category)) return [place];
        return [place, { source: account.log(`${group}/`, name), label: `${category}` }];
      },
    }),
};

function summary(found: JobSummary): Seen {
  return {
    name: found.JobName ?? '',
    arn: found.JobArn,
    status: found.JobStatus ?? 'Unknown',
    secondaryStatus: found.JobSecondaryStatus,
    createdAt: at(found.CreationTime) ?? 0,
    endedAt: at(found.EndTime),
    ...(found.JobCategory ? { facts: { Category: found.JobCategory } } : {}),
  };
}
