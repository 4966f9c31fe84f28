/** CreateHyperParameterTuningJob's request, and what the job that it asks for does: so many trainings, some at a time. */
import { hash32, randomFrom } from '../../random.ts';
import type { EpochMs } from '../../time.ts';
import { type JobRequest, planJob } from '../created-job.ts';
import { AwsError } from '../errors.ts';
import { ROLE_ARN } from '../pass-role.ts';
import type { AwsCall } from '../service.ts';
import type { TrainingJobSeed } from '../training.ts';
import { channelsOf } from '../training-request.ts';
import type { Parameters } from '../validation.ts';
import { INVALID } from './list.ts';
import { asAsked, INSTANCE_TYPE, reading, S3_URI, tagsOf } from './request.ts';
import type { WorkSeed } from './work.ts';

export interface TuningSeed extends WorkSeed {
  /** `HyperParameterTuningJobConfig`, as the service has it. */
  config: {
    Strategy: string;
    ResourceLimits: { MaxNumberOfTrainingJobs?: number; MaxParallelTrainingJobs: number };
    HyperParameterTuningJobObjective?: { Type: 'Maximize' | 'Minimize'; MetricName: string };
    [member: string]: unknown;
  };
  /** In the order in which they start. */
  children: readonly TuningChild[];
}

export interface TuningChild {
  job: TrainingJobSeed;
  /** Those of its hyperparameters that the tuning job chose. */
  tuned: Readonly<Record<string, string>>;
  /** Told once it has completed. Left out: its log has no such metric. */
  objective?: number;
}

export const TUNING_NAME = { min: 1, max: 32, pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}' };
const STRATEGIES = ['Bayesian', 'Random', 'Hyperband', 'Grid'];
/** Between the end of a training and the start of the next one in its place. */
const BETWEEN_MS = 1_000;
/** From the end of the last training. */
const FINISH_MS = 3_000;

/** @throws AwsError ValidationException */
export function readTuning(call: AwsCall): { seed: TuningSeed; roleArn: string } {
  const read = reading(call);
  const name = read.need('HyperParameterTuningJobName', TUNING_NAME);
  const config = read.needPart('HyperParameterTuningJobConfig');
  config.need('Strategy', { values: STRATEGIES });
  const limits = config.needPart('ResourceLimits');
  const most = limits.number('MaxNumberOfTrainingJobs', { min: 1 }) ?? 10;
  const parallel = limits.number('MaxParallelTrainingJobs', { min: 1 }) ?? 1;
  const objective = config.part('HyperParameterTuningJobObjective');
  const metric = objective.text('MetricName', { min: 1, max: 255 });
  const type = objective.text('Type', { values: ['Maximize', 'Minimize'] });
  const ranges = readRanges(config.part('ParameterRanges'));
  const definition = read.part('TrainingJobDefinition');
  const request = readDefinition(definition, call);
  const tags = tagsOf(read);
  read.check();
  if (call.input.TrainingJobDefinitions !== undefined || call.input.TrainingJobDefinition === undefined)
    throw new AwsError(INVALID, 'The sandbox tunes one training: give TrainingJobDefinition.');
  const children = planChildren({ name, most, parallel, metric, ranges, request }, call.now);
  const failed = children.every(({ job }) => job.transitions.at(-1)!.status === 'Failed');
  const endAt = Math.max(...children.map(({ job }) => job.transitions.at(-1)!.at)) + FINISH_MS;
  return {
    roleArn: request.roleArn,
    seed: {
      name,
      tags,
      config: {
        ...(call.input.HyperParameterTuningJobConfig as TuningSeed['config']),
        ...(metric === undefined
          ? {}
          : {
              HyperParameterTuningJobObjective: {
                MetricName: metric,
                Type: type === 'Minimize' ? ('Minimize' as const) : ('Maximize' as const),
              },
            }),
      },
      details: asAsked(call, ['TrainingJobDefinition', 'WarmStartConfig', 'Autotune']),
      transitions: [
        { at: call.now, status: 'InProgress' },
        { at: endAt, status: failed ? 'Failed' : 'Completed' },
      ],
      failureReason:
        'All training jobs failed. Please take a look at the training jobs failures to get more details.',
      children,
    },
  };
}

function readDefinition(read: Parameters, call: AwsCall): Omit<JobRequest, 'name'> {
  const given = (call.input.TrainingJobDefinition ?? {}) as Readonly<Record<string, never>>;
  const algorithm = read.part('AlgorithmSpecification');
  const image = algorithm.text('TrainingImage', { max: 255 });
  const algorithmName = algorithm.text('AlgorithmName', { min: 1, max: 170 });
  const resources = read.part('ResourceConfig');
  const channels = read.list('InputDataConfig', { min: 1, max: 20 });
  return {
    roleArn: read.text('RoleArn', ROLE_ARN) ?? '',
    image: image ?? algorithmName ?? '',
    instanceType: resources.text('InstanceType', INSTANCE_TYPE) ?? 'ml.m5.xlarge',
    instanceCount: resources.number('InstanceCount', { min: 0 }) ?? 1,
    volumeGB: resources.number('VolumeSizeInGB', { min: 0 }) ?? 30,
    maxRuntimeSeconds: read.part('StoppingCondition').number('MaxRuntimeInSeconds', { min: 1 }) ?? 86_400,
    outputPath: read.part('OutputDataConfig').text('S3OutputPath', S3_URI) ?? '',
    hyperParameters: { ...(given.StaticHyperParameters as Record<string, string> | undefined) },
    channels: channelsOf(channels),
  };
}

interface Range {
  name: string;
  /** @param chance 0 to 1 */
  pick(chance: number): string;
}

function readRanges(read: Parameters): Range[] {
  const between = (member: string, pick: (low: number, high: number, chance: number) => number): Range[] =>
    ((read.list(member, { max: 30 }) ?? []) as { Name?: string; MinValue?: string; MaxValue?: string }[]).map(
      ({ Name, MinValue, MaxValue }) => ({
        name: String(Name),
        pick: (chance) => String(pick(Number(MinValue), Number(MaxValue), chance)),
      }),
    );
  const categories = (read.list('CategoricalParameterRanges', { max: 30 }) ?? []) as {
    Name?: string;
    Values?: string[];
  }[];
  return [
    ...between('IntegerParameterRanges', (low, high, chance) =>
      Math.min(high, Math.floor(low + chance * (high - low + 1))),
    ),
    ...between('ContinuousParameterRanges', (low, high, chance) =>
      Number((low + chance * (high - low)).toPrecision(6)),
    ),
    ...categories.map(({ Name, Values = [] }) => ({
      name: String(Name),
      pick: (chance: number) => Values[Math.min(Values.length - 1, Math.floor(chance * Values.length))] ?? '',
    })),
  ];
}

function planChildren(
  {
    name,
    most,
    parallel,
    metric,
    ranges,
    request,
  }: {
    name: string;
    most: number;
    parallel: number;
    metric: string | undefined;
    ranges: readonly Range[];
    request: Omit<JobRequest, 'name'>;
  },
  now: EpochMs,
): TuningChild[] {
  const seed = [...name].reduce((hash, letter) => hash32(letter.charCodeAt(0), hash), 17);
  const random = randomFrom(seed);
  const free = Array.from({ length: Math.min(parallel, most) }, () => now + BETWEEN_MS);
  return Array.from({ length: most }, (_, index) => {
    const place = free.indexOf(Math.min(...free));
    const tuned = Object.fromEntries(ranges.map((range) => [range.name, range.pick(random())]));
    const objective = Number((0.72 + 0.25 * random()).toFixed(4));
    const job = planJob(
      {
        ...request,
        name: childName(name, index, seed),
        hyperParameters: { ...request.hyperParameters, ...tuned },
      },
      free[place]!,
    );
    free[place] = job.transitions.at(-1)!.at + BETWEEN_MS;
    return {
      job: metric === undefined ? job : { ...job, objective: { metric, value: objective } },
      tuned,
      ...(metric === undefined ? {} : { objective }),
    };
  });
}

/** As SageMaker names them: `search-007-3f9a01bc`. */
export const childName = (tuning: string, index: number, seed: number): string =>
  `${tuning}-${String(index + 1).padStart(3, '0')}-${hash32(index, seed).toString(16).padStart(8, '0')}`;
