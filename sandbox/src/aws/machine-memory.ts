/**
 * Whether a training script's images and data loaders fit into its machine: what memory a GPU and a host have, and
 * what `batch-size`, `image-size` and `workers` take of it.
 */

/** GiB of one GPU as its driver tells them; types that are not here have none. */
const GPU_GIB: readonly [RegExp, number][] = [
  [/^ml\.g4dn\./, 14.58],
  [/^ml\.p3\./, 15.77],
  [/^ml\.g5\./, 22.06],
  [/^ml\.g6\./, 22.05],
  [/^ml\.g6e\./, 44.4],
];
/** GiB that a process can use, by the size of the instance. */
const HOST_GIB: Readonly<Record<string, number>> = { large: 7.5, xlarge: 15.6, '2xlarge': 31.2 };

/** Of an image of 1024 × 1024 in the batch, with its activations. */
const GIB_PER_MEGAPIXEL = 0.75;
const MODEL_GIB = 3.2;
/** Of a data loader worker with images of that size. */
const WORKER_GIB_PER_MEGAPIXEL = 0.052;
const SCRIPT_GIB = 4.5;

export interface Shortage {
  failureReason: string;
  /** What the log ends with. */
  lastWords: readonly string[];
}

/** @returns undefined when everything fits */
export function shortageOf(request: {
  instanceType: string;
  hyperParameters: Readonly<Record<string, string>>;
}): Shortage | undefined {
  const { instanceType, hyperParameters } = request;
  const size = positive(hyperParameters['image-size'] ?? hyperParameters.imgsz, 224);
  const megapixels = (size / 1024) ** 2;
  const perImage = megapixels * GIB_PER_MEGAPIXEL;
  const gpu = GPU_GIB.find(([types]) => types.test(instanceType))?.[1];
  const wanted = MODEL_GIB + positive(hyperParameters['batch-size'], 1) * perImage;
  if (gpu !== undefined && wanted > gpu) return outOfGpuMemory(gpu, perImage);

  const host = HOST_GIB[instanceType.split('.').at(-1) ?? ''];
  const workers = positive(hyperParameters.workers, 2);
  const held = workers * megapixels * WORKER_GIB_PER_MEGAPIXEL;
  return host !== undefined && SCRIPT_GIB + held > host ? outOfHostMemory(host, workers, held) : undefined;
}

function outOfGpuMemory(gpu: number, next: number): Shortage {
  const words = `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${next.toFixed(2)} GiB. GPU 0 has a total capacity of ${gpu.toFixed(2)} GiB of which ${(next * 0.6).toFixed(2)} GiB is free.`;
  return {
    failureReason:
      'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "torch.OutOfMemoryError: CUDA out of memory."\nCommand "/opt/conda/bin/python3.11 train.py", exit code: 1',
    lastWords: [
      'Traceback (most recent call last):',
      '  File "/opt/ml/code/train.py", line 171, in main',
      '    loss = criterion(model(images), masks)',
      words,
    ],
  };
}

function outOfHostMemory(host: number, workers: number, held: number): Shortage {
  return {
    failureReason: 'AlgorithmError: , exit code: 137',
    lastWords: [
      `host memory ${(host - 0.1).toFixed(1)} of ${host.toFixed(1)} GiB used, ${workers} loader workers hold ${held.toFixed(1)} GiB`,
      'RuntimeError: DataLoader worker (pid 412) is killed by signal: Killed.',
    ],
  };
}

function positive(text: string | undefined, otherwise: number): number {
  // The SageMaker SDK writes numbers as JSON too, some in quotes.
  const value = Number(text?.replace(/^"(.*)"$/, '$1'));
  return text !== undefined && Number.isFinite(value) && value > 0 ? value : otherwise;
}
