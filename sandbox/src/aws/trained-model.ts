/** The `model.tar.gz` that a training job of the sandbox leaves behind, after what the job says of itself. */

import type { Iam } from './iam.ts';
import { cardFile, filler, type ModelCard, modelArchive } from './model-card.ts';
import { type ObjectStore, parseS3Uri } from './object-store.ts';
import { roleMay } from './service-roles.ts';
import { type TarFile, writeTarGz } from './tar.ts';
import type { TrainingJobSeed } from './training.ts';

const OPERATORS = [
  'aten::_convolution',
  'aten::batch_norm',
  'aten::relu_',
  'aten::max_pool2d',
  'aten::add_',
  'aten::adaptive_avg_pool2d',
  'aten::flatten',
  'aten::linear',
];

export function trainedArchive(job: TrainingJobSeed): Buffer {
  if (/xgboost/.test(job.image)) {
    return writeTarGz([{ name: 'xgboost-model', content: filler(job.name, 16 * 1024) }]);
  }
  const card = trainedCard(job);
  if (/tensorflow/.test(job.image)) {
    const model: TarFile = { name: 'model.h5', content: cardFile({ ...card, frameworkVersion: '2.16' }) };
    return writeTarGz([model]);
  }
  return modelArchive(card);
}

/**
 * Why SageMaker cannot write a job's model where it shall be.
 * @returns a failure reason, of the form that is seen for a refused upload: `Error 7: AccessDenied (403): …`
 */
export function uploadProblem(
  job: TrainingJobSeed,
  account: string,
  objects: ObjectStore,
  iam: Iam,
): string | undefined {
  const failed = (what: string) => `ClientError: Artifact upload failed:Error 7: ${what}`;
  const location = parseS3Uri(job.outputPath);
  const bucket = location && objects.findBucket(location.bucket);
  if (!location || !bucket) return failed('NoSuchBucket (404): The specified bucket does not exist');
  const key = `${location.key.replace(/\/$/, '')}/${job.name}/output/model.tar.gz`.replace(/^\//, '');
  const arn = `arn:aws:s3:::${location.bucket}/${key}`;
  if (bucket.account !== account || !roleMay(iam, job.roleArn, 's3:PutObject', [arn]))
    return failed('AccessDenied (403): Access Denied');
  return undefined;
}

export function trainedCard(job: TrainingJobSeed, changes: Partial<ModelCard> = {}): ModelCard {
  return {
    name: job.name,
    inputs: taggedInputs(job) ?? { input: [1, 3, imageSize(job), imageSize(job)] },
    operators: OPERATORS,
    exported: 'traced',
    frameworkVersion: tagOf(job, 'framework-version') ?? '1.8',
    ...changes,
  };
}

/** A job may say of its model what no log does, in tags of these names behind any prefix (`team:input-shape`). */
const tagOf = (
  { tags = {} }: TrainingJobSeed,
  name: 'framework-version' | 'input-shape',
): string | undefined => Object.entries(tags).find(([key]) => key === name || key.endsWith(`:${name}`))?.[1];

/** `input=1x3x224x224`, several with spaces between. */
function taggedInputs(job: TrainingJobSeed): ModelCard['inputs'] | undefined {
  const tag = tagOf(job, 'input-shape');
  const inputs = [...(tag ?? '').matchAll(/([^\s=]+)=(\d+(?:x\d+)*)/g)].map(
    ([, name, shape]) => [name!, shape!.split('x').map(Number)] as const,
  );
  return inputs.length > 0 ? Object.fromEntries(inputs) : undefined;
}

function imageSize({ hyperParameters }: TrainingJobSeed): number {
  const size = Number(hyperParameters['image-size'] ?? hyperParameters.imgsz);
  return Number.isInteger(size) && size > 0 ? size : 224;
}
