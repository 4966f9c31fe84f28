/** Executions of pipelines, with their steps. A pipeline is there with its first execution. */
import type { EpochMs } from '../../time.ts';
import { AwsError } from '../errors.ts';
import type { AwsOperation } from '../service.ts';
import type { Kind, KindChange, KindPlace, KindTools, Works } from './kind.ts';
import { INVALID, type ListRow } from './list.ts';
import { secondMark } from './marks.ts';
import { listOperation } from './operations.ts';
import { reading } from './request.ts';
import { seconds, stateOf, timeMember, type Work, type WorkSeed, type WorkTransition } from './work.ts';

export interface ExecutionSeed extends WorkSeed {
  /** `<pipeline>/execution/<12 letters and digits>`. */
  name: string;
  pipeline: PipelineFacts;
  steps: readonly StepSeed[];
}

export interface PipelineFacts {
  name: string;
  description?: string;
  roleArn: string;
  createdAt: EpochMs;
  /** Its definition, as JSON text. */
  definition?: string;
}

export interface StepSeed {
  name: string;
  displayName?: string;
  /** In events: `Processing`, `Training`, `Condition`, … */
  type: string;
  /** `Starting`, `Executing` and how it ended; the first says when it began. Left empty: it never began. */
  transitions: readonly WorkTransition[];
  failureReason?: string;
  /** ARN of the execution whose result was taken, by the cache. */
  cachedFrom?: string;
  /** ARN of the execution whose result was taken, because only other steps were selected. */
  skippedFrom?: string;
  /** As the service has it: `{ ProcessingJob: { Arn } }`. */
  metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  attempts?: number;
}

const EXECUTION_ARN = {
  max: 2048,
  pattern: 'arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:pipeline\\/.*\\/execution\\/.*',
};
const PIPELINE_NAME = {
  min: 1,
  max: 2048,
  pattern:
    '(arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:([0-9]{12}|aws):pipeline/.*)?([a-zA-Z0-9](-*[a-zA-Z0-9]){0,255})',
};
const ENDS = ['Succeeded', 'Failed', 'Stopped'];

export const pipeline: Kind<ExecutionSeed> = {
  words: 'pipeline execution',
  resource: 'pipeline',
  name: { member: 'PipelineExecutionArn', rule: EXECUTION_ARN },
  members: {
    arn: 'PipelineExecutionArn',
    status: 'PipelineExecutionStatus',
    modified: 'LastModifiedTime',
    failure: 'FailureReason',
  },
  ends: ENDS,
  operations: { describe: 'DescribePipelineExecution' },
  summary: [],
  describe: ({ pipeline: { name } }, _, place) => ({
    PipelineArn: pipelineArn(place, name),
    PipelineExecutionDisplayName: `execution-${name}`,
  }),
  missing: (name, arn) =>
    new AwsError('ResourceNotFound', `Pipeline execution with ARN ${arn || name} does not exist.`),
  stop: {
    from: ['Executing'],
    via: { status: 'Stopping' },
    ms: 12_000,
    to: { status: 'Stopped' },
    also: stopSteps,
    refused: () => new AwsError(INVALID, "Only pipelines with 'Executing' status can be stopped."),
  },
  more: pipelineOperations,
  changes: executionChanges,
};

const PIPELINES: ListRow = {
  operation: 'ListPipelines',
  answer: 'PipelineSummaries',
  sortBy: { Name: 'PipelineName', CreationTime: 'CreationTime' },
  defaultSort: 'CreationTime',
  defaultOrder: 'Descending',
  key: 'PipelineName',
  name: { member: 'PipelineNamePrefix', rule: { min: 1, max: 256 }, prefix: true },
  times: [{ asked: 'Created', of: 'CreationTime' }],
};

const EXECUTIONS: ListRow = {
  operation: 'ListPipelineExecutions',
  answer: 'PipelineExecutionSummaries',
  sortBy: { CreationTime: 'StartTime', PipelineExecutionArn: 'PipelineExecutionArn' },
  defaultSort: 'CreationTime',
  defaultOrder: 'Descending',
  key: 'PipelineExecutionArn',
  times: [{ asked: 'Created', of: 'StartTime' }],
};

const STEPS: ListRow = {
  operation: 'ListPipelineExecutionSteps',
  answer: 'PipelineExecutionSteps',
  sortBy: { StartTime: 'StartTime' },
  defaultSort: 'StartTime',
  defaultOrder: 'Descending',
  key: 'StepName',
  times: [],
};

function pipelineOperations({
  works,
  placeOf,
  settings,
}: KindTools<ExecutionSeed>): Record<string, AwsOperation> {
  return {
    [PIPELINES.operation]: listOperation(PIPELINES, settings, (call) => () => [
      ...pipelinesOf(works(call), placeOf(call), call.now).values(),
    ]),
    DescribePipeline: {
      action: 'sagemaker:DescribePipeline',
      resources: (call) => [pipelineArn(placeOf(call), String(call.input.PipelineName))],
      handle: (call) => {
        const read = reading(call);
        const asked = read.need('PipelineName', PIPELINE_NAME);
        read.check();
        const { LastExecutionTime, ...told } = known(works(call), placeOf(call), asked, call.now);
        return {
          body: {
            ...told,
            PipelineStatus: 'Active',
            LastRunTime: LastExecutionTime,
            PipelineDefinition: definitionOf(works(call).all(call.now), String(told.PipelineName)),
          },
        };
      },
    },
    [EXECUTIONS.operation]: listOperation(EXECUTIONS, settings, (call, read) => {
      const asked = read.need('PipelineName', PIPELINE_NAME);
      return () => {
        const store = works(call);
        const { PipelineName } = known(store, placeOf(call), asked, call.now);
        return store
          .all(call.now)
          .filter((work) => work.pipeline.name === PipelineName)
          .map((work) => executionSummary(store.description(work, call.now)));
      };
    }),
    [STEPS.operation]: listOperation(STEPS, settings, (call, read) => {
      // Not required, says the model, and nothing works without it.
      const arn = read.need('PipelineExecutionArn', EXECUTION_ARN);
      return () =>
        works(call)
          .named(arn, call.now)
          .steps.flatMap((step) => stepSummary(step, call.now));
    }),
    StopPipelineExecution: {
      action: 'sagemaker:StopPipelineExecution',
      resources: (call) => [String(call.input.PipelineExecutionArn)],
      handle: (call) => {
        const read = reading(call);
        const arn = read.need('PipelineExecutionArn', EXECUTION_ARN);
        read.need('ClientRequestToken', { min: 32, max: 128 });
        read.check();
        works(call).stop(arn, call.now);
        return { body: { PipelineExecutionArn: arn } };
      },
    },
  };
}

const pipelineArn = ({ account, region }: KindPlace, asked: string): string =>
  asked.startsWith('arn:') ? asked : `arn:aws:sagemaker:${region}:${account}:pipeline/${asked}`;

/** By name. */
function pipelinesOf(
  store: Works<ExecutionSeed>,
  place: KindPlace,
  now: EpochMs,
): Map<string, Record<string, unknown>> {
  const found = new Map<string, Record<string, unknown>>();
  const newestLast = store.all(now).sort((a, b) => a.transitions[0]!.at - b.transitions[0]!.at);
  for (const { pipeline: facts, transitions } of newestLast)
    found.set(facts.name, {
      PipelineArn: pipelineArn(place, facts.name),
      PipelineName: facts.name,
      PipelineDisplayName: facts.name,
      ...(facts.description === undefined ? {} : { PipelineDescription: facts.description }),
      RoleArn: facts.roleArn,
      CreationTime: seconds(facts.createdAt),
      LastModifiedTime: seconds(facts.createdAt),
      LastExecutionTime: seconds(transitions[0]!.at),
    });
  return found;
}

/** @throws AwsError ResourceNotFound */
function known(store: Works<ExecutionSeed>, place: KindPlace, asked: string, now: EpochMs) {
  const arn = pipelineArn(place, asked);
  for (const one of pipelinesOf(store, place, now).values()) if (one.PipelineArn === arn) return one;
  throw new AwsError('ResourceNotFound', `Pipeline '${arn}' does not exist.`);
}

function definitionOf(works: readonly ExecutionSeed[], name: string): string {
  const newest = works.findLast((work) => work.pipeline.name === name);
  const steps = newest?.steps.map((step) => ({ Name: step.name, Type: step.type })) ?? [];
  return newest?.pipeline.definition ?? JSON.stringify({ Version: '2020-12-01', Steps: steps });
}

const executionSummary = (told: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  PipelineExecutionArn: told.PipelineExecutionArn,
  StartTime: told.CreationTime,
  PipelineExecutionStatus: told.PipelineExecutionStatus,
  PipelineExecutionDisplayName: told.PipelineExecutionDisplayName,
  ...(told.PipelineExecutionDescription === undefined
    ? {}
    : { PipelineExecutionDescription: told.PipelineExecutionDescription }),
  ...(told.FailureReason === undefined ? {} : { PipelineExecutionFailureReason: told.FailureReason }),
});

/** @returns nothing of a step that has not begun */
function stepSummary(step: StepSeed, now: EpochMs): Record<string, unknown>[] {
  if ((step.transitions[0]?.at ?? Number.POSITIVE_INFINITY) > now) return [];
  const state = stateOf(step, now, { ends: ENDS });
  return [
    {
      StepName: step.name,
      ...(step.displayName === undefined ? {} : { StepDisplayName: step.displayName }),
      StepStatus: state.status,
      StartTime: seconds(state.createdAt),
      ...timeMember('EndTime', state.endedAt),
      ...(step.cachedFrom === undefined
        ? {}
        : { CacheHitResult: { SourcePipelineExecutionArn: step.cachedFrom } }),
      ...(step.skippedFrom === undefined
        ? {}
        : { SelectiveExecutionResult: { SourcePipelineExecutionArn: step.skippedFrom } }),
      ...(state.status === 'Failed' && step.failureReason !== undefined
        ? { FailureReason: step.failureReason }
        : {}),
      ...(step.metadata === undefined ? {} : { Metadata: step.metadata }),
      AttemptCount: step.attempts ?? 1,
    },
  ];
}

/** Steps that run are stopped with their jobs; later ones do not begin. */
function stopSteps(work: Work<ExecutionSeed>, place: KindPlace, now: EpochMs): void {
  work.steps = work.steps.flatMap((step) => {
    const [first] = step.transitions;
    if (first === undefined || first.at > now) return [];
    if (stateOf(step, now, { ends: ENDS }).endedAt !== undefined) return [step];
    for (const { Arn } of Object.values(step.metadata ?? {})) if (Arn) place.stop(String(Arn), now);
    const reached = step.transitions.filter(({ at }) => at <= now);
    return [
      {
        ...step,
        transitions: [
          ...reached,
          { at: now, status: 'Stopping' },
          { at: now + pipeline.stop!.ms - 1_000, status: 'Stopped' },
        ],
      },
    ];
  });
}

const iso = (at: EpochMs) => `${new Date(at).toISOString().slice(0, 19)}Z`;
const lowerFirst = (word: string) => word.charAt(0).toLowerCase() + word.slice(1);

/** Both kinds of events write names and times in their own way, unlike the API. */
function* executionChanges(work: Work<ExecutionSeed>, arn: string, now: EpochMs): Generator<KindChange> {
  const ofPipeline = arn.replace(/\/execution\/.*$/, '');
  const common = { pipelineArn: ofPipeline, pipelineExecutionArn: arn };
  const resources = [ofPipeline, arn];
  const startedAt = work.transitions[0]!.at;
  for (const { transition, index, before } of told(work, now)) {
    const { status, at } = transition;
    yield {
      mark: transition,
      key: `${work.name}/${index}`,
      at,
      detailType: 'SageMaker Model Building Pipeline Execution Status Change',
      resources,
      detail: () => ({
        pipelineExecutionDisplayName: String(
          work.details?.PipelineExecutionDisplayName ?? `execution-${work.pipeline.name}`,
        ),
        currentPipelineExecutionStatus: status,
        ...(before === undefined ? {} : { previousPipelineExecutionStatus: before }),
        executionStartTime: iso(startedAt),
        ...(ENDS.includes(status) ? { executionEndTime: iso(at) } : {}),
        ...common,
      }),
    };
  }
  for (const step of work.steps)
    for (const { transition, index, before } of told(step, now)) {
      const { status, at } = transition;
      const key = `${work.name}/${step.name}/${index}`;
      yield {
        mark: transition,
        key,
        at,
        detailType: 'SageMaker Model Building Pipeline Execution Step Status Change',
        resources,
        detail: () => ({ ...stepDetail(step, transition, before), ...common }),
      };
      const { Arn } = step.metadata?.RegisterModel ?? {};
      if (status === 'Succeeded' && typeof Arn === 'string')
        yield {
          mark: secondMark(transition),
          key: `${key}/package`,
          at,
          detailType: 'SageMaker Model Package State Change',
          resources: [Arn],
          detail: () => packageDetail(Arn, at, arn),
        };
    }
}

/** Changes so far, each with the status before it. */
function* told({ transitions }: Pick<WorkSeed, 'transitions'>, now: EpochMs) {
  for (const [index, transition] of transitions.entries()) {
    if (transition.at > now) return;
    yield { transition, index, before: transitions[index - 1]?.status };
  }
}

const stepDetail = (step: StepSeed, { status, at }: WorkTransition, before: string | undefined) => ({
  metadata: Object.fromEntries(
    Object.entries(step.metadata ?? {}).map(([name, members]) => [
      lowerFirst(name),
      Object.fromEntries(Object.entries(members).map(([key, value]) => [lowerFirst(key), value])),
    ]),
  ),
  stepStartTime: iso(step.transitions[0]!.at),
  ...(ENDS.includes(status) ? { stepEndTime: iso(at) } : {}),
  stepName: step.name,
  stepType: step.type,
  ...(before === undefined ? {} : { previousStepStatus: before }),
  currentStepStatus: status,
  ...(step.cachedFrom === undefined
    ? {}
    : { cacheHitResult: { sourcePipelineExecutionArn: step.cachedFrom } }),
  ...(status === 'Failed' && step.failureReason !== undefined ? { failureReason: step.failureReason } : {}),
});

/** Of a version of a model that the execution has registered: `…:model-package/<group>/<version>`. */
function packageDetail(arn: string, at: EpochMs, execution: string) {
  const [group, version] = arn.split('/').slice(-2);
  return {
    ModelPackageGroupName: group,
    ModelPackageVersion: Number(version),
    ModelPackageArn: arn,
    CreationTime: iso(at),
    ModelPackageStatus: 'Completed',
    ModelPackageStatusDetails: { ValidationStatuses: [], ImageScanStatuses: [] },
    CertifyForMarketplace: false,
    ModelApprovalStatus: 'PendingManualApproval',
    MetadataProperties: { GeneratedBy: execution },
    LastModifiedTime: iso(at),
  };
}
