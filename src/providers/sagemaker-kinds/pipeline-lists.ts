/**
 * The newest executions of all pipelines. SageMaker lists them for one pipeline at a time, so those pipelines are asked
 * that began one last, and not again while nothing began since.
 */
import type { PipelineExecutionSummary, PipelineSummary } from '@aws-sdk/client-sagemaker';
import { isFinished } from '../../domain/jobs.ts';
import { executionName, executionOfArn } from '../../domain/pipeline-names.ts';
import { kindState } from '../../domain/sagemaker-kinds.ts';
import { awsOf } from '../../domain/use-cases.ts';
import { paged } from '../../ground/paged.ts';
import type { AwsAccount } from '../../ports/aws-account.ts';
import { type Ask, at, NEWEST_FIRST, type PageQuery, type Seen } from './row.ts';

const PAGE = 100;
/** Pipelines looked through. */
const PIPELINES = 500;
/** Pipelines whose executions are asked for in one listing. */
const ASKED = 20;
const AT_ONCE = 4;

interface Known {
  lastAt: number;
  asked: number;
  executions: Seen[];
}

/** By pipeline's name. */
const known = new WeakMap<AwsAccount, Map<string, Known>>();
/**
 * Account and region → the pipelines that began one last, as anybody saw them: whoever asks for the first time asks for
 * their executions at once, which saves a round trip. What comes is the answer to their own request.
 */
const latest = new Map<string, readonly string[]>();

export async function executionsOf(
  ask: Ask,
  { MaxResults: limit, NameContains }: PageQuery,
): Promise<Seen[]> {
  const needle = NameContains?.toLowerCase() ?? '';
  const { account, region } = awsOf(ask.account.useCase);
  const place = `${account}/${region}`;
  const guessed = known.has(ask.account) ? [] : (latest.get(place) ?? []);
  const early = new Map(guessed.map((name) => [name, executionsFrom(ask, name, limit)]));
  for (const one of early.values()) one.catch(() => undefined);
  const all = await pipelines(ask);
  latest.set(
    place,
    all.slice(0, AT_ONCE).flatMap(({ PipelineName }) => PipelineName ?? []),
  );
  const name = ({ PipelineName = '' }: PipelineSummary): string => PipelineName.toLowerCase();
  // A part of a name may be of the pipeline's, of both, or of an execution's id alone.
  const likely = all.filter((one) => name(one).includes(needle) || needle.startsWith(name(one)));
  const chosen = (likely.length > 0 ? likely : all).slice(0, ASKED);
  const found: Seen[] = [];
  for (let next = 0; next < chosen.length; next += AT_ONCE) {
    const lists = await Promise.all(
      chosen.slice(next, next + AT_ONCE).map((one) => ofPipeline(ask, one, limit, early)),
    );
    found.push(...lists.flat().filter((one) => one.name.toLowerCase().includes(needle)));
    found.sort((a, b) => b.createdAt - a.createdAt);
    const later = chosen[next + AT_ONCE];
    // The others began nothing as new as these.
    if (later && found.length >= limit && found[limit - 1]!.createdAt >= lastOf(later)) break;
  }
  return found.slice(0, limit);
}

const lastOf = ({ LastExecutionTime, LastModifiedTime, CreationTime }: PipelineSummary): number =>
  at(LastExecutionTime) ?? at(LastModifiedTime) ?? at(CreationTime) ?? 0;

/** Those that ever began one, the one that began one last first. */
async function pipelines({ sdk, client, how }: Ask): Promise<PipelineSummary[]> {
  const found: PipelineSummary[] = [];
  const query = { ...NEWEST_FIRST, MaxResults: PAGE };
  const pages = paged((NextToken) => client.send(new sdk.ListPipelinesCommand({ ...query, NextToken }), how));
  for await (const page of pages) {
    found.push(...(page.PipelineSummaries ?? []));
    if (found.length >= PIPELINES) break;
  }
  return found.sort((a, b) => lastOf(b) - lastOf(a));
}

async function ofPipeline(
  ask: Ask,
  pipeline: PipelineSummary,
  limit: number,
  early: ReadonlyMap<string, Promise<Seen[]>>,
): Promise<Seen[]> {
  const { account } = ask;
  const { PipelineName: name = '' } = pipeline;
  const all = known.get(account) ?? new Map<string, Known>();
  known.set(account, all);
  const before = all.get(name);
  const lastAt = lastOf(pipeline);
  const isOver = before?.executions.every(({ status }) => isFinished(kindState('pipeline', status)));
  if (before && isOver && before.lastAt === lastAt && before.asked >= limit)
    return before.executions.slice(0, limit);
  const executions = await (early.get(name) ?? executionsFrom(ask, name, limit));
  all.set(name, { lastAt, asked: limit, executions });
  return executions.slice(0, limit);
}

async function executionsFrom({ sdk, client, how }: Ask, name: string, limit: number): Promise<Seen[]> {
  const executions: Seen[] = [];
  const query = { ...NEWEST_FIRST, PipelineName: name, MaxResults: Math.min(PAGE, limit) };
  const pages = paged((NextToken) =>
    client.send(new sdk.ListPipelineExecutionsCommand({ ...query, NextToken }), how),
  );
  for await (const page of pages) {
    executions.push(...(page.PipelineExecutionSummaries ?? []).flatMap((one) => summary(name, one) ?? []));
    if (executions.length >= limit) break;
  }
  return executions;
}

function summary(pipeline: string, one: PipelineExecutionSummary): Seen | undefined {
  const { PipelineExecutionArn: arn } = one;
  const execution = arn === undefined ? undefined : executionOfArn(arn);
  return (
    execution && {
      name: executionName({ pipeline, id: execution.id }),
      arn,
      status: one.PipelineExecutionStatus ?? 'Unknown',
      failureReason: one.PipelineExecutionFailureReason || undefined,
      createdAt: at(one.StartTime) ?? 0,
    }
  );
}
