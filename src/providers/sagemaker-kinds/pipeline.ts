/** Executions of SageMaker Pipelines: steps, each with a job of its own, told of as one. */
import type { PipelineExecutionStep } from '@aws-sdk/client-sagemaker';
import { awsArn } from '../../domain/arns.ts';
import { jobKey } from '../../domain/job-keys.ts';
import { causesOf, countStates, type JobPart, type JobParts, PARTS_KEPT } from '../../domain/job-parts.ts';
import type { JobState } from '../../domain/jobs.ts';
import { executionOfArn, readExecutionName } from '../../domain/pipeline-names.ts';
import type { SageMakerName } from '../../domain/providers.ts';
import { logGroupOf } from '../../domain/sagemaker-kinds.ts';
import { awsOf } from '../../domain/use-cases.ts';
import { AppError } from '../../ground/errors.ts';
import { paged } from '../../ground/paged.ts';
import type { AwsAccount } from '../../ports/aws-account.ts';
import { type LogPlace, lateLog } from '../late-log.ts';
import { executionsOf } from './pipeline-lists.ts';
import { type Ask, at, type KindRow, type LogFinder } from './row.ts';

/** Steps of which one log is made. */
const STEPS_READ = 10;
const REASON_SHOWN = 300;

export const pipeline: KindRow = {
  name: 'pipeline',
  isName: (name) => readExecutionName(name) !== undefined,
  page: async (ask, query) => ({ jobs: await executionsOf(ask, query), NextToken: undefined }),

  async look(ask, name) {
    const found = await describe(ask, name);
    if (!found) return undefined;
    const { arn, job } = found;
    const steps = await stepsOf(ask, arn);
    const ended = job.PipelineExecutionStatus !== 'Executing' && job.PipelineExecutionStatus !== 'Stopping';
    return {
      name,
      arn,
      status: job.PipelineExecutionStatus ?? 'Unknown',
      failureReason: job.FailureReason || undefined,
      createdAt: at(job.CreationTime) ?? 0,
      startedAt: at(job.CreationTime),
      endedAt: ended ? (lastEnd(steps) ?? at(job.LastModifiedTime)) : undefined,
      parts: partsOf(steps),
      facts: {
        ...(job.PipelineExecutionDisplayName ? { 'Display name': job.PipelineExecutionDisplayName } : {}),
        ...(job.PipelineExecutionDescription ? { Description: job.PipelineExecutionDescription } : {}),
      },
    };
  },

  async stop(ask, name) {
    const found = await describe(ask, name);
    if (!found) return;
    // The SDK makes the token that the request needs.
    const command = new ask.sdk.StopPipelineExecutionCommand({ PipelineExecutionArn: found.arn });
    await ask.client.send(command, ask.how);
  },

  /** The failing steps' logs; while none has failed, those of the running ones, and then of the last that printed. */
  log(account, name, finder) {
    const names: JobNames = new Map();
    return lateLog({
      id: `${account.useCase.id}/pipeline/${name}`,
      async parts(signal) {
        const steps = await finder.ask(
          `look at the steps of ${name}`,
          async (ask) => {
            const found = await describe(ask, name);
            return found && (await stepsOf(ask, found.arn));
          },
          signal,
        );
        if (!steps)
          throw new AppError('not_found', `There is no pipeline execution ${name}.`, {
            hint: 'It was deleted.',
          });
        const chosen = toRead(steps);
        return Promise.all(chosen.map((step) => placeOf(account, finder, names, step, signal)));
      },
    });
  },
};

/** A step whose job writes a log. */
interface Printing {
  step: string;
  kind: SageMakerName;
  job: string;
  /** Its log group. */
  group: string;
}

/** Which steps tell what happened, in the order in which they began. */
function toRead(steps: readonly PipelineExecutionStep[]): Printing[] {
  const printing = steps.flatMap((step) => {
    const job = jobOf(step);
    if (!job || step.CacheHitResult?.SourcePipelineExecutionArn) return [];
    return [{ step: step.StepName ?? '', ...job, state: stateOf(step), startedAt: at(step.StartTime) ?? 0 }];
  });
  printing.sort((a, b) => a.startedAt - b.startedAt);
  for (const state of ['failed', 'running'] as const) {
    const those = printing.filter((one) => one.state === state);
    if (those.length > 0) return those.slice(0, STEPS_READ);
  }
  return printing.slice(-1);
}

/** Of steps' jobs, by their log: each is asked for once, though a log that is followed is listed again and again. */
type JobNames = Map<string, string>;

async function placeOf(
  account: AwsAccount,
  finder: LogFinder,
  names: JobNames,
  { step, kind, job, group }: Printing,
  signal?: AbortSignal,
): Promise<LogPlace> {
  const log = `${group}/${job}`;
  const known = names.get(log);
  if (known !== undefined) return { source: account.log(group, known), label: step };
  try {
    const about = `find the job of the step ${step}`;
    const name = await finder.ask(about, (ask) => nameAsItIs(ask, kind, job), signal);
    names.set(log, name);
    return { source: account.log(group, name), label: step };
  } catch (error) {
    // Deleted, or nobody's business: then its ARN is all there is to go by.
    if (error instanceof AppError && (error.code === 'not_found' || error.code === 'permission_denied'))
      return { source: account.log(group, job), label: step };
    throw error;
  }
}

/** ARNs have names in lower case; SageMaker finds them in any. */
async function nameAsItIs({ sdk, client, how }: Ask, kind: SageMakerName, job: string): Promise<string> {
  if (kind === 'sagemaker') {
    const found = await client.send(new sdk.DescribeTrainingJobCommand({ TrainingJobName: job }), how);
    return found.TrainingJobName ?? job;
  }
  if (kind === 'processing') {
    const found = await client.send(new sdk.DescribeProcessingJobCommand({ ProcessingJobName: job }), how);
    return found.ProcessingJobName ?? job;
  }
  if (kind === 'transform') {
    const found = await client.send(new sdk.DescribeTransformJobCommand({ TransformJobName: job }), how);
    return found.TransformJobName ?? job;
  }
  return job;
}

/** By ARN, which has the pipeline's name in lower case; of older pipelines perhaps as it is. */
async function describe({ sdk, client, how, account }: Ask, name: string) {
  const execution = readExecutionName(name);
  if (!execution) return undefined;
  const arnOf = (pipeline: string): string =>
    awsArn(awsOf(account.useCase), 'sagemaker', `pipeline/${pipeline}/execution/${execution.id}`);
  const names = new Set([execution.pipeline.toLowerCase(), execution.pipeline]);
  for (const arn of [...names].map(arnOf))
    try {
      const command = new sdk.DescribePipelineExecutionCommand({ PipelineExecutionArn: arn });
      return { arn, job: await client.send(command, how) };
    } catch (error) {
      const { name: kind, message = '' } = error as Partial<Error>;
      const missing =
        kind === 'ResourceNotFound' || (kind === 'ValidationException' && /not (found|exist)/i.test(message));
      if (!missing) throw error;
    }
  return undefined;
}

async function stepsOf({ sdk, client, how }: Ask, arn: string): Promise<PipelineExecutionStep[]> {
  const steps: PipelineExecutionStep[] = [];
  const query = { PipelineExecutionArn: arn, MaxResults: 100, SortOrder: 'Ascending' } as const;
  const pages = paged((NextToken) =>
    client.send(new sdk.ListPipelineExecutionStepsCommand({ ...query, NextToken }), how),
  );
  for await (const page of pages) steps.push(...(page.PipelineExecutionSteps ?? []));
  return steps;
}

const lastEnd = (steps: readonly PipelineExecutionStep[]): number | undefined =>
  steps.reduce<number | undefined>((last, { EndTime }) => {
    const end = at(EndTime);
    return end === undefined || (last !== undefined && last > end) ? last : end;
  }, undefined);

function partsOf(steps: readonly PipelineExecutionStep[]): JobParts {
  const parts = steps.map(partOf);
  const failed = steps.filter((step) => stateOf(step) === 'failed');
  return {
    thing: 'step',
    total: parts.length,
    counts: countStates(parts.map(({ state }) => state)),
    // What failed is never left out.
    shown: [...parts]
      .sort((a, b) => rank(a) - rank(b))
      .slice(0, PARTS_KEPT)
      .sort(byStart),
    causes: causesOf(
      failed.map((step) => ({
        name: step.StepName ?? '',
        cause: (step.FailureReason ?? '').split('\n', 1)[0]!.slice(0, REASON_SHOWN) || 'It says no reason.',
        reason: step.FailureReason || undefined,
        job: partOf(step).job,
        at: at(step.EndTime),
      })),
    ),
  };
}

const rank = ({ state }: JobPart): number => (state === 'failed' ? 0 : state === 'running' ? 1 : 2);
const byStart = (a: JobPart, b: JobPart): number =>
  (a.startedAt ?? Number.POSITIVE_INFINITY) - (b.startedAt ?? Number.POSITIVE_INFINITY) || 0;

const STEP_STATES: Readonly<Record<string, JobState>> = {
  ...{ starting: 'pending', executing: 'running', stopping: 'stopping' },
  ...{ succeeded: 'completed', failed: 'failed', stopped: 'stopped' },
};

function stateOf({ StepStatus }: PipelineExecutionStep): JobState {
  const word = StepStatus?.toLowerCase() ?? '';
  return Object.hasOwn(STEP_STATES, word) ? STEP_STATES[word]! : 'unknown';
}

function partOf(step: PipelineExecutionStep): JobPart {
  const job = jobOf(step);
  return {
    name: step.StepName ?? '',
    state: stateOf(step),
    status: step.StepStatus ?? 'Unknown',
    job: job && jobKey({ provider: job.kind, name: job.job }),
    note: noteOf(step),
    startedAt: at(step.StartTime),
    endedAt: at(step.EndTime),
  };
}

function noteOf({
  CacheHitResult,
  SelectiveExecutionResult,
  Metadata,
  AttemptCount,
}: PipelineExecutionStep): string | undefined {
  const source =
    CacheHitResult?.SourcePipelineExecutionArn ?? SelectiveExecutionResult?.SourcePipelineExecutionArn;
  const from = source && (executionOfArn(source)?.id ?? source);
  const notes = [
    CacheHitResult?.SourcePipelineExecutionArn ? `from the cache (${from})` : '',
    SelectiveExecutionResult?.SourcePipelineExecutionArn ? `not run again, taken from ${from}` : '',
    Metadata?.Condition?.Outcome ? `condition is ${Metadata.Condition.Outcome.toLowerCase()}` : '',
    AttemptCount !== undefined && AttemptCount > 1 ? `attempt ${AttemptCount}` : '',
  ].filter((note) => note !== '');
  return notes.length === 0 ? undefined : notes.join(', ');
}

/** The job that a step ran as, of a kind whose logs are read here. */
function jobOf({ Metadata: made }: PipelineExecutionStep): Omit<Printing, 'step'> | undefined {
  const arns: readonly (readonly [SageMakerName, string | undefined])[] = [
    ['sagemaker', made?.TrainingJob?.Arn],
    ['processing', made?.ProcessingJob?.Arn],
    ['processing', made?.QualityCheck?.CheckJobArn],
    ['processing', made?.ClarifyCheck?.CheckJobArn],
    ['transform', made?.TransformJob?.Arn],
    ['job', made?.Job?.Arn],
  ];
  for (const [kind, arn] of arns) {
    // arn:aws:sagemaker:eu-west-1:123456789012:processing-job/<name>, and job/<category>/<name>.
    const [, first, second] = arn?.split('/') ?? [];
    const job = second ?? first;
    if (job) return { kind, job, group: logGroupOf(kind, first ?? '') };
  }
  return undefined;
}
