/**
 * From what DescribeTrainingJob says of a job to the CreateTrainingJob that repeats it: SageMaker's service model
 * 2017-07-24. Everything that can be asked for is carried over, and nothing that only an answer has.
 */
import type {
  CreateTrainingJobCommandInput,
  DescribeTrainingJobCommandOutput,
} from '@aws-sdk/client-sagemaker';
import { isPipelineStep } from '../domain/training-names.ts';
import type { AgainOrder, TrainingSetup } from '../ports/training-provider.ts';
import { isSinceAsked } from './same-order.ts';

export type Described = Partial<Omit<DescribeTrainingJobCommandOutput, '$metadata'>>;

/** What a request and an answer both have. */
type Shared = keyof CreateTrainingJobCommandInput & keyof DescribeTrainingJobCommandOutput;

/**
 * How each is carried over; a field that a newer SDK adds does not compile until it is listed here. `no empty`: an empty
 * text or list is how the answer says "none", and would be refused as a request. `own rule`: below.
 */
const CARRIED: Readonly<Record<Shared, 'as it is' | 'no empty' | 'own rule'>> = {
  TrainingJobName: 'own rule',
  HyperParameters: 'own rule',
  AlgorithmSpecification: 'own rule',
  RoleArn: 'as it is',
  InputDataConfig: 'no empty',
  OutputDataConfig: 'no empty',
  ResourceConfig: 'own rule',
  VpcConfig: 'no empty',
  StoppingCondition: 'own rule',
  EnableNetworkIsolation: 'as it is',
  EnableInterContainerTrafficEncryption: 'as it is',
  EnableManagedSpotTraining: 'as it is',
  CheckpointConfig: 'as it is',
  DebugHookConfig: 'as it is',
  DebugRuleConfigurations: 'as it is',
  TensorBoardOutputConfig: 'as it is',
  ExperimentConfig: 'own rule',
  ProfilerConfig: 'own rule',
  ProfilerRuleConfigurations: 'own rule',
  Environment: 'as it is',
  RetryStrategy: 'as it is',
  RemoteDebugConfig: 'as it is',
  InfraCheckConfig: 'as it is',
  ServerlessJobConfig: 'as it is',
  MlflowConfig: 'as it is',
  ModelPackageConfig: 'as it is',
};

/** @param tags of the job that is repeated */
export function rerunRequest(
  job: Described,
  request: AgainOrder,
  tags: Readonly<Record<string, string>>,
): CreateTrainingJobCommandInput {
  const carried: Record<string, unknown> = {};
  for (const [member, how] of Object.entries(CARRIED)) {
    const value = how === 'own rule' ? undefined : job[member as Shared];
    const told = how === 'no empty' ? withoutEmpty(value) : value;
    if (told !== undefined) carried[member] = told;
  }
  const kept = tagsToKeep(tags);
  return {
    ...(carried as Pick<CreateTrainingJobCommandInput, 'RoleArn' | 'OutputDataConfig'>),
    TrainingJobName: request.name,
    HyperParameters: { ...request.hyperparameters },
    ...algorithm(job),
    ...resources(job, request.machines),
    ...stopping(job),
    ...experiment(job),
    ...profiler(job),
    ...(kept.length > 0 ? { Tags: kept } : {}),
  };
}

type Part = Partial<CreateTrainingJobCommandInput>;

function algorithm({ AlgorithmSpecification: given }: Described): Part {
  if (!given) return {};
  const { TrainingImage, ...rest } = withoutEmpty(given) as typeof given;
  // Of an algorithm resource the answer names the image too; a request must not name both.
  const image = rest.AlgorithmName === undefined && TrainingImage !== undefined ? { TrainingImage } : {};
  return { AlgorithmSpecification: { ...rest, ...image } };
}

function resources({ ResourceConfig: given }: Described, machines: AgainOrder['machines']): Part {
  if (!given) return {};
  // What SageMaker chose from `InstancePreferences` is only in the answer.
  const { SelectedInstanceType: _type, SelectedInstanceCount: _count, ...asked } = given;
  const { InstanceType, InstanceCount, ...rest } = withoutEmpty(asked) as typeof asked;
  const chosen = rest.InstanceGroups || rest.InstancePreferences ? {} : { InstanceType, InstanceCount };
  const changed = machines && {
    InstanceType: machines.type as typeof InstanceType,
    InstanceCount: machines.count,
  };
  return { ResourceConfig: { ...rest, ...chosen, ...changed } };
}

/** The wait for spot capacity is a limit of spot jobs only. */
function stopping({ StoppingCondition: given, EnableManagedSpotTraining: spot }: Described): Part {
  if (!given) return {};
  const { MaxWaitTimeInSeconds, ...rest } = given;
  return {
    StoppingCondition: {
      ...rest,
      ...(spot && MaxWaitTimeInSeconds !== undefined ? { MaxWaitTimeInSeconds } : {}),
    },
  };
}

/** In the same experiment, but not under the old job's name. */
function experiment({ ExperimentConfig: given, TrainingJobName }: Described): Part {
  if (!given) return {};
  const { TrialComponentDisplayName: shown, ...rest } = given;
  const config = {
    ...rest,
    ...(shown && shown !== TrainingJobName ? { TrialComponentDisplayName: shown } : {}),
  };
  return Object.keys(config).length > 0 ? { ExperimentConfig: config } : {};
}

/** Switched off it takes neither settings nor rules; the answer has the defaults of both all the same. */
function profiler({ ProfilerConfig: config, ProfilerRuleConfigurations: rules }: Described): Part {
  if (config?.DisableProfiler) return { ProfilerConfig: { DisableProfiler: true } };
  const given = withoutEmpty(rules) as typeof rules;
  return {
    ...(config ? { ProfilerConfig: config } : {}),
    ...(given ? { ProfilerRuleConfigurations: given } : {}),
  };
}

/** `aws:` is AWS's own and refused; the pipeline's execution is not this run's. */
function tagsToKeep(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags)
    .filter(([key]) => !/^aws:/i.test(key) && !key.startsWith('sagemaker:pipeline'))
    .map(([Key, Value]) => ({ Key, Value }));
}

/** Without members that are empty texts or lists, at any depth; undefined when nothing is left. */
function withoutEmpty(value: unknown): unknown {
  if (value === '' || value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  if (typeof value !== 'object') return value;
  const members = Object.entries(value)
    .map(([name, inner]) => [name, withoutEmpty(inner)] as const)
    .filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(members);
}

// --- What people are told beforehand -----------------------------------------------------------------

export function rerunSetup(job: Described): TrainingSetup {
  const {
    InstanceType,
    InstanceCount,
    InstanceGroups = [],
    InstancePreferences = [],
  } = job.ResourceConfig ?? {};
  const oneType =
    InstanceType !== undefined && InstanceGroups.length === 0 && InstancePreferences.length === 0;
  const refusal = belongsTo(job);
  return {
    hyperparameters: job.HyperParameters ?? {},
    ...(oneType ? { machines: { type: InstanceType, count: InstanceCount ?? 1 } } : {}),
    notes: notes(job),
    ...(refusal ? { refusal } : {}),
  };
}

/** Jobs whose input or meaning only exists within what started them. */
function belongsTo({ AutoMLJobArn, LabelingJobArn }: Described): TrainingSetup['refusal'] {
  if (AutoMLJobArn)
    return {
      reason: `It is one of the trials of the AutoML job ${lastPart(AutoMLJobArn)}, which prepared its data and chose its settings.`,
      hint: 'Start the AutoML job again in SageMaker.',
    };
  if (LabelingJobArn)
    return {
      reason: `It was trained by the labeling job ${lastPart(LabelingJobArn)} on what people had labeled until then.`,
      hint: 'Start the labeling job again in SageMaker Ground Truth.',
    };
  return undefined;
}

function notes(job: Described): string[] {
  const { CheckpointConfig, ResourceConfig, TuningJobArn, TrainingJobName = '', HyperParameters = {} } = job;
  const keepAlive = ResourceConfig?.KeepAlivePeriodInSeconds;
  const shared = Object.entries(HyperParameters)
    .filter(
      ([name, value]) =>
        !name.startsWith('sagemaker_') && /s3:\/\//.test(value) && value.includes(TrainingJobName),
    )
    .map(([name]) => name);
  return [
    ...(CheckpointConfig?.S3Uri
      ? [
          `If its script loads checkpoints, it continues from those in ${CheckpointConfig.S3Uri}. They do not fit a changed model.`,
        ]
      : []),
    ...(TuningJobArn
      ? [
          `The old run is one of the tuning job ${lastPart(TuningJobArn)}; the new one is not, and its result does not count there.`,
        ]
      : []),
    ...(isPipelineStep(TrainingJobName)
      ? ['The old run is a step of a pipeline; the new one is not, and the pipeline does not go on after it.']
      : []),
    ...(keepAlive
      ? [`Its machines are kept, and paid for, for up to ${keepAlive} s after it (warm pool).`]
      : []),
    ...(ResourceConfig?.TrainingPlanArn
      ? [
          `It runs in the training plan ${lastPart(ResourceConfig.TrainingPlanArn)}, on what the plan has left.`,
        ]
      : []),
    ...(shared.length > 0
      ? [`It writes to places of the old run, unless you change them: ${shared.slice(0, 5).join(', ')}.`]
      : []),
  ];
}

const lastPart = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

// --- Whether it is there already ---------------------------------------------------------------------

/** Whether a job of the requested name is the result of this same request, sent before. */
export function isSameRun(there: Described, asked: CreateTrainingJobCommandInput, askedAt: number): boolean {
  const one = (job: Described | CreateTrainingJobCommandInput): string => {
    const { TrainingImage, AlgorithmName } = job.AlgorithmSpecification ?? {};
    const { InstanceType, InstanceCount } = job.ResourceConfig ?? {};
    const hyperparameters = Object.entries(job.HyperParameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([
      job.RoleArn,
      AlgorithmName ?? TrainingImage,
      InstanceType,
      InstanceCount,
      hyperparameters,
    ]);
  };
  return one(there) === one(asked) && isSinceAsked(there.CreationTime?.getTime() ?? 0, askedAt);
}
