/** A tuning job of fifty trainings: those with the largest batches and pictures do not fit into their GPU. */
import type { EpochMs } from '#sandbox';
import { childName, randomFrom, type TuningChild, type TuningSeed } from '#sandbox/seeds';
import { pytorchEpochs } from '../framework-logs.ts';
import { HOUR, MINUTE, oneMachine } from '../job-maker.ts';
import { CLASSES, LINE_3 } from '../line-3.ts';
import { trainingRoleArn } from '../roles.ts';

const NAME = 'defects-lr-search';
const TRAININGS = 50;
const AT_A_TIME = 5;
const METRIC = 'validation:accuracy';
const BEST = 'best acc=([0-9.]+)';
const BATCHES = ['16', '32', '64', '128'];
const SIZES = ['224', '384', '512'];
/** Stopped by the tuning job, which saw that they would not get better. */
const EARLY = [23, 41];

export function line3Search(now: EpochMs): TuningSeed {
  const createdAt = now - 76 * HOUR;
  const random = randomFrom(770);
  const children = Array.from({ length: TRAININGS }, (_, index) => {
    const round = Math.floor(index / AT_A_TIME);
    return child(index, createdAt + 2 * MINUTE + round * 31 * MINUTE + (index % AT_A_TIME) * 40_000, random);
  });
  const endAt = Math.max(...children.map(({ job }) => job.transitions.at(-1)!.at)) + 2 * MINUTE;
  return {
    name: NAME,
    transitions: [
      { at: createdAt, status: 'InProgress' },
      { at: endAt, status: 'Completed' },
    ],
    config: {
      Strategy: 'Bayesian',
      HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: METRIC },
      ResourceLimits: { MaxNumberOfTrainingJobs: TRAININGS, MaxParallelTrainingJobs: AT_A_TIME },
      ParameterRanges: {
        ContinuousParameterRanges: [
          { Name: 'lr', MinValue: '0.00001', MaxValue: '0.01', ScalingType: 'Logarithmic' },
        ],
        CategoricalParameterRanges: [
          { Name: 'batch-size', Values: BATCHES },
          { Name: 'image-size', Values: SIZES },
        ],
      },
      TrainingJobEarlyStoppingType: 'Auto',
    },
    details: {
      TrainingJobDefinition: {
        StaticHyperParameters: { backbone: 'resnet50', epochs: '12', _tuning_objective_metric: METRIC },
        AlgorithmSpecification: {
          TrainingImage: children[0]!.job.image,
          TrainingInputMode: 'File',
          MetricDefinitions: [{ Name: METRIC, Regex: BEST }],
        },
        RoleArn: trainingRoleArn(LINE_3.account),
        OutputDataConfig: { S3OutputPath: `s3://${LINE_3.models}/trained/` },
        ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 100 },
        StoppingCondition: { MaxRuntimeInSeconds: 7200 },
      },
    },
    children,
    tags: { project: LINE_3.project, owner: LINE_3.owner },
  };
}

function child(index: number, createdAt: EpochMs, random: () => number): TuningChild {
  const lr = 10 ** (-5 + 3 * random());
  const batch = BATCHES[Math.floor(random() * BATCHES.length)]!;
  const size = SIZES[Math.floor(random() * SIZES.length)]!;
  const tuned = { lr: lr.toPrecision(6), 'batch-size': batch, 'image-size': size };
  const name = childName(NAME, index, 771);
  const tooLarge = Number(batch) * Number(size) ** 2 > 64 * 384 ** 2;
  const early = EARLY.includes(index + 1) && !tooLarge;
  const trainingAt = createdAt + 5 * MINUTE;
  const ended = tooLarge
    ? ({ at: trainingAt + 2 * MINUTE, as: 'Failed' } as const)
    : early
      ? ({ at: trainingAt + 8 * MINUTE, as: 'Stopped' } as const)
      : ({ at: trainingAt + 21 * MINUTE, as: 'Completed' } as const);
  // Best near a rate of 0.0004, and better with larger pictures.
  const objective = Number(
    (
      0.972 -
      0.03 * Math.abs(Math.log10(lr / 4e-4)) ** 1.5 +
      0.004 * SIZES.indexOf(size) -
      0.006 * random()
    ).toFixed(4),
  );
  const job = oneMachine(
    LINE_3,
    {
      name,
      createdAt,
      trainingAt,
      ended,
      instance: 'ml.g5.xlarge',
      hyperParameters: { backbone: 'resnet50', epochs: '12', ...tuned, _tuning_objective_metric: METRIC },
      ...(tooLarge
        ? {
            failureReason:
              'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "torch.OutOfMemoryError: CUDA out of memory."\nCommand "/opt/conda/bin/python3.11 train.py", exit code: 1',
          }
        : {}),
      metrics: { [METRIC]: BEST },
    },
    780 + index,
    (script) => {
      const until = tooLarge ? { epoch: 1, step: 30 } : early ? { epoch: 5, step: 300 } : undefined;
      pytorchEpochs(script, { epochs: 12, steps: 300, every: 30, pace: 9_000, classes: CLASSES }, until);
      if (tooLarge) script.lines(outOfMemory(batch, size), 800);
      else if (!early) script.say(`kept the checkpoint with best acc=${objective}`, 1_200);
    },
  );
  return { job, tuned, ...(ended.as === 'Completed' ? { objective } : {}) };
}

const outOfMemory = (batch: string, size: string) => `Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 212, in <module>
    main(parse_arguments())
  File "/opt/ml/code/train.py", line 166, in main
    loss = step(model, images.cuda(), targets.cuda())
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.06 GiB for ${batch} images of ${size} px. GPU 0 has a total capacity of 21.98 GiB of which 1.22 GiB is free.`;
