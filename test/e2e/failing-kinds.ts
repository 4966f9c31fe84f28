/** Jobs of SageMaker's kinds that have just failed in the account of line 3, for the sandbox, and a role that may look. */
import {
  type AwsWorld,
  type ExecutionSeed,
  type StepSeed,
  scripted,
  type TrainingJobSeed,
  type TuningSeed,
  type WorkTransition,
} from '#sandbox/seeds';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';
const ARN = `arn:aws:sagemaker:${REGION}:${ACCOUNT}`;
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`;
const MINUTE = 60_000;

/** Signalbox's role may look at everything but what is denied. */
export const lookingAtKinds =
  (denied: readonly string[] = []) =>
  ({ accounts }: AwsWorld): AwsWorld => ({
    accounts: accounts.map((account) => ({
      ...account,
      roles: account.roles?.map((role) =>
        account.id === ACCOUNT && role.name === 'SignalboxAccess'
          ? {
              ...role,
              policy: {
                Statement: [
                  ...role.policy.Statement,
                  { Effect: 'Allow', Action: 'sagemaker:*', Resource: '*' },
                  ...(denied.length === 0
                    ? []
                    : [{ Effect: 'Deny', Action: denied.map((one) => `sagemaker:${one}`), Resource: '*' }]),
                ],
              },
            }
          : role,
      ),
    })) as AwsWorld['accounts'],
  });

export const way = (...states: readonly string[]): WorkTransition[] =>
  states.map((status, index) => ({
    at: Date.now() - (states.length - 1 - index) * MINUTE,
    status,
    secondary: status,
  }));
export const log = (name: string, ...lines: string[]) => {
  const start = Date.now() - MINUTE;
  return {
    name,
    createdAt: start,
    series: scripted(start, 1, (script) => {
      for (const line of lines) script.say(line, 500);
    }),
  };
};
const OUT_OF_MEMORY =
  'AlgorithmError: ExecuteUserScriptError: torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB';

export function trainingJob(
  name: string,
  as: 'Completed' | 'Failed',
  more: Partial<TrainingJobSeed> = {},
): TrainingJobSeed {
  return {
    name,
    transitions: [
      { at: Date.now() - 2 * MINUTE, status: 'InProgress', secondary: 'Starting' },
      { at: Date.now() - MINUTE, status: 'InProgress', secondary: 'Training' },
      { at: Date.now() - 1_000, status: as, secondary: as },
    ],
    ...(as === 'Failed' ? { failureReason: OUT_OF_MEMORY } : {}),
    ...{ image: 'image', roleArn: ROLE, instanceType: 'ml.g5.xlarge', instanceCount: 1, volumeGB: 30 },
    ...{ maxRuntimeSeconds: 86_400, hyperParameters: {}, channels: {}, streams: [] },
    outputPath: 's3://line-3-models/trained',
    ...more,
  };
}

/** 500 training jobs, of which 40 ran out of memory. */
export function failingSearch(name: string): TuningSeed {
  const child = (index: number): string => `${name}-${String(index).padStart(3, '0')}-0a1b2c3d`;
  const stream = () => log(`${child(0)}/algo-1-1`, 'epoch 1', OUT_OF_MEMORY);
  return {
    name,
    transitions: way('InProgress', 'InProgress', 'Failed'),
    failureReason: 'No training job succeeded after 5 attempts.',
    config: {
      Strategy: 'Bayesian',
      ResourceLimits: { MaxNumberOfTrainingJobs: 500, MaxParallelTrainingJobs: 50 },
      HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'accuracy' },
    },
    children: Array.from({ length: 500 }, (_, index) => ({
      job: trainingJob(child(index), index % 12 === 0 && index < 480 ? 'Failed' : 'Completed', {
        ...(index === 0 ? { streams: [stream()] } : {}),
      }),
      tuned: { lr: String(index / 1000) },
      objective: index / 500,
    })),
  };
}

/**
 * 60 steps: from the cache, skipped, and one that failed.
 * @param id 12 letters and digits
 * @returns with the training job of the step that failed
 */
export function failingPipeline(
  pipeline: string,
  id: string,
): { execution: ExecutionSeed; job: TrainingJobSeed } {
  const job = `pipelines-${id}-Train-0123456789`;
  const at = Date.now() - 3 * MINUTE;
  const earlier = `${ARN}:pipeline/${pipeline.toLowerCase()}/execution/000000000000`;
  const step = (name: string, more: Partial<StepSeed>): StepSeed => ({
    ...{ name, type: 'Condition' },
    transitions: [
      { at, status: 'Starting' },
      { at: at + 1_000, status: 'Executing' },
      { at: at + 2_000, status: 'Succeeded' },
    ],
    ...more,
  });
  return {
    job: trainingJob(job, 'Failed', { streams: [log(`${job}/algo-1-1`, 'epoch 1', OUT_OF_MEMORY)] }),
    execution: {
      name: `${pipeline}/execution/${id}`,
      pipeline: { name: pipeline, roleArn: ROLE, createdAt: at },
      transitions: way('Executing', 'Executing', 'Failed'),
      failureReason: 'Step failure: One or multiple steps failed.',
      steps: [
        ...Array.from({ length: 29 }, (_, index) => step(`cached-${index}`, { cachedFrom: earlier })),
        ...Array.from({ length: 30 }, (_, index) => step(`skipped-${index}`, { skippedFrom: earlier })),
        step('Train', {
          ...{ type: 'Training', failureReason: OUT_OF_MEMORY },
          transitions: way('Starting', 'Executing', 'Failed'),
          metadata: { TrainingJob: { Arn: `${ARN}:training-job/${job}` } },
        }),
      ],
    },
  };
}
