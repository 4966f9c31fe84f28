/** Hyperparameter tuning jobs: many training jobs, told of as one. */
import type {
  HyperParameterTrainingJobSummary,
  HyperParameterTuningJobSummary,
  TrainingJobStatusCounters,
} from '@aws-sdk/client-sagemaker';
import { guidanceForTraining } from '../../domain/failure-guidance.ts';
import { jobKey } from '../../domain/job-keys.ts';
import { causesOf, type JobPart, type JobParts, PARTS_KEPT } from '../../domain/job-parts.ts';
import { TRAINING_LOG_GROUP } from '../../domain/log-groups.ts';
import { sageMakerState } from '../../domain/sagemaker-states.ts';
import { paged } from '../../ground/paged.ts';
import type { LogSource } from '../../ports/log-source.ts';
import { type Ask, at, type KindRow, type LogFinder, NEWEST_FIRST, type Seen } from './row.ts';

/** Of a page of children; also the service's limit. */
const PAGE = 100;
/** Children whose logs are read as one: a thousand streams in one file are of no use to anybody. */
const CHILDREN_READ = 1_000;
const REASON_SHOWN = 300;

export const tuning: KindRow = {
  name: 'tuning',

  async page({ sdk, client, how }, query) {
    const command = new sdk.ListHyperParameterTuningJobsCommand({ ...NEWEST_FIRST, ...query });
    const page = await client.send(command, how);
    return { jobs: (page.HyperParameterTuningJobSummaries ?? []).map(summary), NextToken: page.NextToken };
  },

  async look(ask, name) {
    const { sdk, client, how } = ask;
    const command = new sdk.DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name });
    const job = await client.send(command, how);
    const { HyperParameterTuningJobObjective: objective } = job.HyperParameterTuningJobConfig ?? {};
    const { NonRetryableError = 0, RetryableError = 0 } = job.TrainingJobStatusCounters ?? {};
    const failed = NonRetryableError + RetryableError;
    const minimize = objective?.Type === 'Minimize';
    const { total } = countsOf(job.TrainingJobStatusCounters ?? {});
    const running = job.TrainingJobStatusCounters?.InProgress ?? 0;
    const lists = await Promise.all(
      total <= PAGE
        ? [children(ask, name, {})]
        : [
            // Leaves out those without a value.
            children(ask, name, {
              ...{ SortBy: 'FinalObjectiveMetricValue', SortOrder: minimize ? 'Ascending' : 'Descending' },
            }),
            running === 0 ? [] : children(ask, name, { StatusEquals: 'InProgress' }),
            failed === 0 ? [] : children(ask, name, { StatusEquals: 'Failed' }),
          ],
    );
    const listed = [...new Map(lists.flat().map((one) => [one.TrainingJobName, one])).values()];
    const described: HyperParameterTuningJobSummary = {
      Strategy: job.HyperParameterTuningJobConfig?.Strategy,
      ...job,
    };
    return {
      ...summary(described),
      failureReason: job.FailureReason || undefined,
      parts: partsOf(listed, job.TrainingJobStatusCounters ?? {}, minimize),
      hyperparameters: job.BestTrainingJob?.TunedHyperParameters,
      facts: {
        ...summary(described).facts,
        ...(objective?.MetricName
          ? { Objective: `${minimize ? 'minimize' : 'maximize'} ${objective.MetricName}` }
          : {}),
        ...(job.BestTrainingJob?.TrainingJobName ? { Best: job.BestTrainingJob.TrainingJobName } : {}),
      },
    };
  },

  async stop({ sdk, client, how }, name) {
    const command = new sdk.StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name });
    await client.send(command, how);
  },

  /**
   * All streams that begin with its name and a dash belong to its children or to jobs that only sound like them; which,
   * its own list of children says. One listing of streams for all, for a request each would take minutes.
   */
  log: (account, name, finder) =>
    ofChildren(account.log(TRAINING_LOG_GROUP, name, { prefix: `${name}-` }), name, finder),
};

function ofChildren(source: LogSource, name: string, finder: LogFinder): LogSource {
  return {
    id: source.id,
    async listStreams(signal) {
      const [streams, names] = await Promise.all([
        source.listStreams(signal),
        finder.ask(`list the training jobs of ${name}`, (ask) => childNames(ask, name), signal),
      ]);
      return streams.filter(({ name: stream }) => names.has(stream.slice(0, stream.indexOf('/'))));
    },
    readPage: (request, signal) => source.readPage(request, signal),
    secondLane: source.secondLane,
    pace: source.pace,
    forwardOnly: source.forwardOnly,
    aheadMs: source.aheadMs,
    ...(source.keeping ? { keeping: () => source.keeping!() } : {}),
    ...(source.inBackground ? { inBackground: () => ofChildren(source.inBackground!(), name, finder) } : {}),
  };
}

/** @returns none if there is no such tuning job */
async function childNames(ask: Ask, name: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const page of childrenPages(ask, name, {})) {
    for (const { TrainingJobName } of page.TrainingJobSummaries ?? [])
      if (TrainingJobName !== undefined) names.add(TrainingJobName);
    if (names.size >= CHILDREN_READ) break;
  }
  return names;
}

interface ChildrenQuery {
  SortBy?: 'FinalObjectiveMetricValue';
  SortOrder?: 'Ascending' | 'Descending';
  StatusEquals?: 'Failed' | 'InProgress';
}

const childrenPages = ({ sdk, client, how }: Ask, name: string, query: ChildrenQuery) =>
  paged((NextToken) =>
    client.send(
      new sdk.ListTrainingJobsForHyperParameterTuningJobCommand({
        ...{ HyperParameterTuningJobName: name, MaxResults: PAGE, NextToken },
        ...query,
      }),
      how,
    ),
  );

/** The first page that has any. */
async function children(
  ask: Ask,
  name: string,
  query: ChildrenQuery,
): Promise<HyperParameterTrainingJobSummary[]> {
  for await (const { TrainingJobSummaries: jobs = [] } of childrenPages(ask, name, query))
    if (jobs.length > 0) return jobs;
  return [];
}

function countsOf(counters: TrainingJobStatusCounters) {
  const counts = {
    completed: counters.Completed ?? 0,
    running: counters.InProgress ?? 0,
    // Of the first kind SageMaker may start another one in its place.
    failed: (counters.RetryableError ?? 0) + (counters.NonRetryableError ?? 0),
    stopped: counters.Stopped ?? 0,
  };
  return { counts, total: counts.completed + counts.running + counts.failed + counts.stopped };
}

function partsOf(
  listed: readonly HyperParameterTrainingJobSummary[],
  counters: TrainingJobStatusCounters,
  minimize: boolean,
): JobParts {
  const { counts, total } = countsOf(counters);
  const failures = listed.filter(({ TrainingJobStatus }) => TrainingJobStatus === 'Failed');
  const value = (job: HyperParameterTrainingJobSummary): number =>
    job.FinalHyperParameterTuningJobObjectiveMetric?.Value ?? Number.NaN;
  const order = (a: number, b: number): number => (minimize ? a - b : b - a);
  // Those without a value come last, whichever way the service sorts them.
  const best = [...listed].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return order(x, y);
  });
  return {
    thing: 'training job',
    total,
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    shown: best.slice(0, PARTS_KEPT).map(partOf),
    causes: scaled(
      causesOf(
        failures.map((job) => ({
          name: job.TrainingJobName ?? '',
          cause: causeOf(job.FailureReason ?? ''),
          reason: job.FailureReason || undefined,
          job: jobKey({ provider: 'sagemaker', name: job.TrainingJobName ?? '' }),
          at: at(job.TrainingEndTime),
        })),
      ),
      counts.failed,
      failures.length,
    ),
  };
}

/** Only one page of failures is read: where there are more, one cause of all of them is that of the rest too. */
function scaled(causes: JobParts['causes'], failed: number, read: number): JobParts['causes'] {
  const [only, ...others] = causes;
  return only && others.length === 0 && read >= PAGE ? [{ ...only, count: Math.max(failed, read) }] : causes;
}

/** In Signalbox's words, so that what differs in the details of one cause is one. */
function causeOf(reason: string): string {
  const advice = guidanceForTraining({ state: 'failed', failureReason: reason });
  return advice?.cause ?? reason.split('\n', 1)[0]!.slice(0, REASON_SHOWN);
}

function partOf(job: HyperParameterTrainingJobSummary): JobPart {
  const { FinalHyperParameterTuningJobObjectiveMetric: metric, TrainingJobName: name = '' } = job;
  const status = job.TrainingJobStatus ?? 'Unknown';
  return {
    name,
    job: jobKey({ provider: 'sagemaker', name }),
    ...{ status, state: sageMakerState(status).state },
    note:
      metric?.Value === undefined ? undefined : `${metric.MetricName} ${Number(metric.Value.toPrecision(6))}`,
    startedAt: at(job.TrainingStartTime),
    endedAt: at(job.TrainingEndTime),
  };
}

function summary(job: HyperParameterTuningJobSummary): Seen {
  return {
    name: job.HyperParameterTuningJobName ?? '',
    arn: job.HyperParameterTuningJobArn,
    status: job.HyperParameterTuningJobStatus ?? 'Unknown',
    createdAt: at(job.CreationTime) ?? 0,
    startedAt: at(job.CreationTime),
    endedAt: at(job.HyperParameterTuningEndTime),
    ...(job.Strategy ? { facts: { Strategy: job.Strategy } } : {}),
  };
}
