/** What most seeded jobs have in common, so that a job's own file says only what is its own. */

import type { EpochMs } from '#sandbox';
import {
  type EventSeries,
  type LogScript,
  type LogStreamSeed,
  openContainer,
  scripted,
  type TrainingJobSeed,
  type TrainingTransition,
} from '#sandbox/seeds';
import { trainingRoleArn } from './roles.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export interface Place {
  account: string;
  region: string;
  /** Of the data. */
  bucket: string;
  /** Of trained and compiled models. */
  models: string;
  owner: string;
  project: string;
}

type Ending = 'Completed' | 'Failed' | 'Stopped' | 'MaxRuntimeExceeded';

export interface JobSketch {
  name: string;
  createdAt: EpochMs;
  /** When the script starts to print; left out: not yet. */
  trainingAt?: EpochMs;
  /** When the script ended and how; left out: it runs. */
  ended?: { at: EpochMs; as: Ending };
  /** In place of the usual way through the statuses. */
  transitions?: readonly TrainingTransition[];
  framework?: 'pytorch' | 'tensorflow' | 'xgboost';
  instance?: string;
  instances?: number;
  failureReason?: string;
  maxRuntimeSeconds?: number;
  spot?: boolean;
  hyperParameters?: Readonly<Record<string, string>>;
  /** Name → what finds its value in the log. SageMaker's own algorithms, XGBoost here, bring theirs. */
  metrics?: Readonly<Record<string, string>>;
  owner?: string;
  streams?: readonly LogStreamSeed[];
}

const IMAGES = {
  pytorch:
    '763104351884.dkr.ecr.REGION.amazonaws.com/pytorch-training:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker',
  tensorflow: '763104351884.dkr.ecr.REGION.amazonaws.com/tensorflow-training:2.16.2-gpu-py310',
  xgboost: '141502667606.dkr.ecr.REGION.amazonaws.com/sagemaker-xgboost:1.7-1',
};

export function makeJob(place: Place, sketch: JobSketch): TrainingJobSeed {
  const maxRuntimeSeconds = sketch.maxRuntimeSeconds ?? 86_400;
  return {
    name: sketch.name,
    transitions: sketch.transitions ?? usualWay(sketch),
    ...(sketch.failureReason === undefined ? {} : { failureReason: sketch.failureReason }),
    image: IMAGES[sketch.framework ?? 'pytorch'].replace('REGION', place.region),
    roleArn: trainingRoleArn(place.account),
    instanceType: sketch.instance ?? 'ml.g5.2xlarge',
    instanceCount: sketch.instances ?? 1,
    volumeGB: 100,
    maxRuntimeSeconds,
    ...(sketch.spot ? { spot: true, maxWaitSeconds: maxRuntimeSeconds * 2 } : {}),
    hyperParameters: sketch.hyperParameters ?? {},
    channels: {
      train: `s3://${place.bucket}/datasets/${place.project}/train/`,
      validation: `s3://${place.bucket}/datasets/${place.project}/validation/`,
    },
    outputPath: `s3://${place.models}/trained/`,
    tags: { project: place.project, owner: sketch.owner ?? place.owner, ...modelTags(sketch) },
    ...(sketch.metrics === undefined ? {} : { metricDefinitions: definitionsOf(sketch.metrics) }),
    streams: sketch.streams ?? [],
  };
}

const definitionsOf = (metrics: Readonly<Record<string, string>>) =>
  Object.entries(metrics).map(([Name, Regex]) => ({ Name, Regex }));

/** What a compilation has to know, as teams write it down for Signalbox. A tag's value has no brackets or commas. */
function modelTags({ framework = 'pytorch', hyperParameters = {} }: JobSketch): Record<string, string> {
  const yolo = hyperParameters.model?.startsWith('yolo') ?? false;
  const size = hyperParameters['image-size'] ?? hyperParameters.imgsz ?? (yolo ? '640' : '224');
  const [name, version, shape] = {
    pytorch: ['PYTORCH', '1.8', `${yolo ? 'images' : 'input'}=1x3x${size}x${size}`],
    tensorflow: ['KERAS', '2.2', 'input_1=1x3x256x256'],
    xgboost: ['XGBOOST', '1.3', 'data=1x18'],
  }[framework] as [string, string, string];
  return {
    'signalbox:framework': name,
    'signalbox:framework-version': version,
    'signalbox:input-shape': shape,
  };
}

function usualWay({ createdAt, trainingAt, ended }: JobSketch): TrainingTransition[] {
  const way: TrainingTransition[] = [{ at: createdAt, status: 'InProgress', secondary: 'Starting' }];
  if (trainingAt === undefined) return way;
  way.push({ at: trainingAt - 70 * SECOND, status: 'InProgress', secondary: 'Downloading' });
  way.push({ at: trainingAt - 2 * SECOND, status: 'InProgress', secondary: 'Training' });
  if (ended === undefined) return way;
  const { at, as } = ended;
  if (as === 'Failed') way.push({ at: at + 40 * SECOND, status: 'Failed', secondary: 'Failed' });
  else if (as === 'Completed') {
    way.push({ at: at + 3 * SECOND, status: 'InProgress', secondary: 'Uploading' });
    way.push({ at: at + 50 * SECOND, status: 'Completed', secondary: 'Completed' });
  } else {
    way.push({ at: at - 5 * SECOND, status: 'Stopping', secondary: 'Stopping' });
    way.push({ at: at + 30 * SECOND, status: 'Stopped', secondary: as });
  }
  return way;
}

/** The stream of one machine, named as SageMaker names it. */
export function machineStream(
  job: string,
  machine: number,
  start: EpochMs,
  series: EventSeries,
): LogStreamSeed {
  return { name: `${job}/algo-${machine}-${Math.floor(start / 1000)}`, createdAt: start - SECOND, series };
}

/** A job of one machine whose script prints what `write` says, with the container's words around it. */
export function oneMachine(
  place: Place,
  sketch: JobSketch & { trainingAt: EpochMs },
  seed: number,
  write: (script: LogScript) => void,
): TrainingJobSeed {
  const framework = sketch.framework ?? 'pytorch';
  const hyperParameters = sketch.hyperParameters ?? {};
  const flags = Object.entries(hyperParameters).map(([name, value]) => `--${name} ${value}`);
  const series = scripted(sketch.trainingAt, seed, (script) => {
    if (framework !== 'xgboost') {
      openContainer(script, {
        job: sketch.name,
        host: 0,
        hosts: 1,
        instance: sketch.instance ?? 'ml.g5.2xlarge',
        framework,
        command: `/opt/conda/bin/python3.11 train.py ${flags.join(' ')}`,
        hyperParameters,
        bucket: place.bucket,
      });
    }
    write(script);
  });
  return makeJob(place, { ...sketch, streams: [machineStream(sketch.name, 1, sketch.trainingAt, series)] });
}
