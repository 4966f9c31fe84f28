/** The `model.tar.gz` that a training job of the sandbox leaves behind, after what the job says of itself. */
import { cardFile, filler, type ModelCard, modelArchive } from './model-card.ts';
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

export function trainedCard(job: TrainingJobSeed, changes: Partial<ModelCard> = {}): ModelCard {
  return {
    name: job.name,
    inputs: taggedInputs(job) ?? { input: [1, 3, imageSize(job), imageSize(job)] },
    operators: OPERATORS,
    exported: 'traced',
    frameworkVersion: job.tags?.['signalbox:framework-version'] ?? '1.8',
    ...changes,
  };
}

/** `input=1x3x224x224`, several with spaces between. */
function taggedInputs(job: TrainingJobSeed): ModelCard['inputs'] | undefined {
  const tag = job.tags?.['signalbox:input-shape'];
  const inputs = [...(tag ?? '').matchAll(/([^\s=]+)=(\d+(?:x\d+)*)/g)].map(
    ([, name, shape]) => [name!, shape!.split('x').map(Number)] as const,
  );
  return inputs.length > 0 ? Object.fromEntries(inputs) : undefined;
}

function imageSize({ hyperParameters }: TrainingJobSeed): number {
  const size = Number(hyperParameters['image-size'] ?? hyperParameters.imgsz);
  return Number.isInteger(size) && size > 0 ? size : 224;
}
