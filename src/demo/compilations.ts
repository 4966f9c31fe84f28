/** Compilations of the seeded world, in every state, and the models that make them end as they do. */

import type { EpochMs } from '#sandbox';
import {
  type CompilationSeed,
  type ModelCard,
  modelArchive,
  type TrainingJobSeed,
  trainedCard,
} from '#sandbox/seeds';
import { HOUR, MINUTE, SECOND } from './job-maker.ts';
import { neoRoleArn } from './roles.ts';

type Target = 'jetson-xavier' | 'x86_64-cpu' | 'x86_64-cuda' | 'arm64-cpu';

const NVIDIA = {
  'max-workspace-size': '2147483648',
  'precision-mode': 'fp16',
  'trt-ver': '8.2.1',
  'cuda-ver': '10.2',
};
const OUTPUTS: Readonly<Record<Target, Pick<CompilationSeed, 'targetPlatform' | 'compilerOptions'>>> = {
  'jetson-xavier': {
    targetPlatform: { Os: 'LINUX', Arch: 'ARM64', Accelerator: 'NVIDIA' },
    compilerOptions: JSON.stringify({ ...NVIDIA, 'gpu-code': 'sm_72', 'jetson-platform': 'xavier' }),
  },
  'x86_64-cpu': { targetPlatform: { Os: 'LINUX', Arch: 'X86_64' } },
  'x86_64-cuda': {
    targetPlatform: { Os: 'LINUX', Arch: 'X86_64', Accelerator: 'NVIDIA' },
    compilerOptions: JSON.stringify({ ...NVIDIA, 'gpu-code': 'sm_75' }),
  },
  'arm64-cpu': { targetPlatform: { Os: 'LINUX', Arch: 'ARM64' } },
};

interface Sketch {
  job: string;
  target: Target;
  suffix: string;
  createdAt: EpochMs;
  /** Neo takes 10 to 30 minutes. */
  durationMs: number;
  shape?: string;
  more?: Partial<CompilationSeed>;
}

/** Where the compiled model of a seeded compilation is. */
export function compiledUri(bucket: string, job: string, target: Target): string {
  const { Os, Arch, Accelerator } = OUTPUTS[target].targetPlatform!;
  const platform = [Os, Arch, Accelerator].filter((part) => part !== undefined).join('_');
  return `s3://${bucket}/compiled/${job}/${target}/model-${platform}.tar.gz`;
}

function compilation(account: string, bucket: string, sketch: Sketch): CompilationSeed {
  const { job, target, suffix, createdAt, durationMs, shape, more } = sketch;
  return {
    name: `${job}-${target.replaceAll('_', '-')}-${suffix}`,
    createdAt,
    durationMs,
    roleArn: neoRoleArn(account),
    s3Uri: `s3://${bucket}/trained/${job}/output/model.tar.gz`,
    framework: 'PYTORCH',
    frameworkVersion: '1.8',
    dataInputConfig: shape ?? '{"input":[1,3,224,224]}',
    outputLocation: `s3://${bucket}/compiled/${job}/${target}`,
    maxRuntimeSeconds: 3600,
    ...OUTPUTS[target],
    ...more,
  };
}

const YOLO_SHAPE = '{"images":[1,3,640,640]}';

export function line3Compilations(now: EpochMs, account: string): CompilationSeed[] {
  const make = (sketch: Sketch) => compilation(account, 'line-3-models', sketch);
  return [
    make({
      job: 'defects-resnet101-ddp',
      target: 'jetson-xavier',
      suffix: 'k3v8qa',
      createdAt: now - 14 * HOUR,
      durationMs: 19 * MINUTE,
    }),
    make({
      job: 'defects-resnet101-ddp',
      target: 'x86_64-cpu',
      suffix: 'm70dbe',
      createdAt: now - 14 * HOUR,
      durationMs: 11 * MINUTE,
    }),
    make({
      job: 'yolo-bolts-2',
      target: 'x86_64-cpu',
      suffix: 'p9c2xt',
      createdAt: now - 27 * HOUR,
      durationMs: 16 * MINUTE,
      shape: YOLO_SHAPE,
    }),
    // Fails with all of the 1,024 characters that a reason may have: somebody gave the shape of another model.
    make({
      job: 'defects-resnet50',
      target: 'jetson-xavier',
      suffix: 'a1h6zr',
      createdAt: now - 23 * HOUR,
      durationMs: 20 * MINUTE,
      shape: '{"input":[1,3,512,512]}',
    }),
    // Its exported graph holds an operator that TensorRT's part lacks.
    make({
      job: 'yolo-bolts-2',
      target: 'jetson-xavier',
      suffix: 'w4n8ug',
      createdAt: now - 27 * HOUR,
      durationMs: 24 * MINUTE,
      shape: YOLO_SHAPE,
    }),
    // For a device, not a platform; non-maximum suppression is inside the model.
    make({
      job: 'yolo-bolts',
      target: 'jetson-xavier',
      suffix: 'e5s0jf',
      createdAt: now - 38 * HOUR,
      durationMs: 22 * MINUTE,
      shape: YOLO_SHAPE,
      more: {
        name: 'yolo-bolts-jetson-nano-e5s0jf',
        outputLocation: 's3://line-3-models/compiled/yolo-bolts/jetson-nano',
        targetDevice: 'jetson_nano',
        targetPlatform: undefined,
        compilerOptions: undefined,
        frameworkVersion: undefined,
      },
    }),
    make({
      job: 'glare-segmenter-keras',
      target: 'x86_64-cpu',
      suffix: 't2y7mw',
      createdAt: now - 19 * HOUR,
      durationMs: 26 * MINUTE,
      shape: '{"input_1":[1,3,256,256]}',
      more: { framework: 'KERAS', frameworkVersion: '2.2', maxRuntimeSeconds: 900 },
    }),
    make({
      job: 'defects-resnet50',
      target: 'arm64-cpu',
      suffix: 'c8g4ld',
      createdAt: now - 22 * HOUR,
      durationMs: 14 * MINUTE,
      more: { stoppedAfterMs: 6 * MINUTE },
    }),
    // Has been running for a while when the sandbox starts, and completes two minutes later.
    make({
      job: 'defects-resnet50',
      target: 'x86_64-cpu',
      suffix: 'q6b1ny',
      createdAt: now - 9 * MINUTE,
      durationMs: 11 * MINUTE - 4 * SECOND,
    }),
  ];
}

export function harborCompilations(now: EpochMs, account: string): CompilationSeed[] {
  const make = (sketch: Sketch) => compilation(account, 'harbor-models', { ...sketch, shape: YOLO_SHAPE });
  return [
    make({
      job: 'yolo-crane',
      target: 'x86_64-cuda',
      suffix: 'd3r9vk',
      createdAt: now - 28 * HOUR,
      durationMs: 21 * MINUTE,
    }),
    // From the wrong bucket: another account's, in another region.
    make({
      job: 'yolo-crane-2',
      target: 'x86_64-cuda',
      suffix: 'h7f2xs',
      createdAt: now - 18 * HOUR,
      durationMs: 21 * MINUTE,
      more: { s3Uri: 's3://line-3-models/trained/yolo-bolts/output/model.tar.gz' },
    }),
  ];
}

/** Models that are not like the others. */
const ODD_MODELS: Readonly<Record<string, (card: ModelCard) => ModelCard>> = {
  'yolo-bolts': (card) => ({ ...card, operators: [...card.operators, 'aten::sigmoid', 'torchvision::nms'] }),
  'yolo-bolts-2': (card) => ({
    ...card,
    operators: [...card.operators, 'aten::sigmoid', 'aten::grid_sampler'],
  }),
  'line3-pretrain-2m': (card) => ({ ...card, exported: 'weights' }),
};

export function oddModels(jobs: readonly TrainingJobSeed[]): Record<string, () => Buffer> {
  const odd: Record<string, () => Buffer> = {};
  for (const job of jobs) {
    const change = ODD_MODELS[job.name];
    if (change) odd[job.name] = () => modelArchive(change(trainedCard(job)));
  }
  return odd;
}
