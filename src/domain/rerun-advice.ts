/** What to change when a failed run is started again, if its failure tells: the advice, filled into the form. */
import type { Hyperparameters } from './hyperparameters.ts';

interface Machines {
  /** `ml.g5.2xlarge` */
  type: string;
  count: number;
}

export interface AdvisedRun {
  hyperparameters: Hyperparameters;
  machines?: Machines | undefined;
  /** What is different from the run that failed, and why; plain text, a sentence each. Empty: nothing is. */
  changed: readonly string[];
  /** What else would help, left to the reader. */
  besides: readonly string[];
}

/**
 * @param advice id of the row in the failure tables
 * @param setup of the run that failed
 */
export function advisedRun(
  advice: string | undefined,
  setup: { hyperparameters: Hyperparameters; machines?: Machines | undefined },
): AdvisedRun {
  const same: AdvisedRun = { ...setup, changed: [], besides: [] };
  if (advice === 'training-gpu-memory')
    return smallerBatch(same, 'since the GPU ran out of memory', largerGpu(setup.machines?.type));
  if (advice !== 'training-host-memory') return same;
  const next = nextSize(setup.machines?.type);
  if (next === undefined || !setup.machines)
    return smallerBatch(same, 'since the instance’s memory ran out', undefined);
  return {
    ...same,
    machines: { ...setup.machines, type: next },
    changed: [`Instance type ${setup.machines.type} → ${next}, since the instance’s memory ran out.`],
    besides: ['A smaller batch or fewer data loader workers may be enough instead.'],
  };
}

/** Halved where there is a batch to halve; else the larger machine. */
function smallerBatch(same: AdvisedRun, why: string, larger: LargerGpu | undefined): AdvisedRun {
  const halved = Object.entries(same.hyperparameters).flatMap(([name, value]) => {
    const half = BATCH.test(name) ? halfOf(value) : undefined;
    return half === undefined ? [] : [{ name, value, half }];
  });
  const gpu =
    larger && `${larger.type} has ${larger.gigabytes} GB of GPU memory instead of ${larger.instead}.`;
  if (halved.length > 0)
    return {
      ...same,
      hyperparameters: {
        ...same.hyperparameters,
        ...Object.fromEntries(halved.map(({ name, half }) => [name, half])),
      },
      changed: halved.map(({ name, value, half }) => `${name} ${value} → ${half}, ${why}.`),
      besides: gpu === undefined ? [] : [`Or keep the batch and take a larger GPU: ${gpu}`],
    };
  if (larger && same.machines)
    return {
      ...same,
      machines: { ...same.machines, type: larger.type },
      changed: [`Instance type ${same.machines.type} → ${larger.type}, ${why}: ${gpu}`],
      besides: [],
    };
  return same;
}

/** `batch-size`, `per_device_train_batch_size`, `mini_batch_size`, `bs`; not that of an evaluation. */
const BATCH = /^(?!.*(?:eval|valid|test))(?:(?:[a-z0-9]+[-_.])*(?:batch|batchsize|batch[-_.]?size)|bs)$/i;

/** In quotes where the SageMaker SDK wrote it so. @returns undefined for what cannot be halved */
function halfOf(value: string): string | undefined {
  const match = /^(["']?)(\d{1,9})\1$/.exec(value.trim());
  const number = Number(match?.[2] ?? 0);
  return number >= 2 ? `${match![1]}${Math.floor(number / 2)}${match![1]}` : undefined;
}

// --- Larger machines ---------------------------------------------------------------------------------
// Names: TrainingInstanceType of SageMaker's API, 2017-07-24. Memory: https://aws.amazon.com/ec2/instance-types/.

interface LargerGpu {
  type: string;
  gigabytes: number;
  instead: number;
}

/** Family → GB of each of its GPUs, and the family that has the same sizes, the same number of GPUs and more of it. */
const GPU: Readonly<Record<string, { gigabytes: number; larger?: string }>> = {
  g4dn: { gigabytes: 16, larger: 'g5' },
  g5: { gigabytes: 24, larger: 'g6e' },
  g6: { gigabytes: 24, larger: 'g6e' },
  g6e: { gigabytes: 48 },
  p3dn: { gigabytes: 32, larger: 'p4d' },
  p4d: { gigabytes: 40, larger: 'p4de' },
  p4de: { gigabytes: 80 },
  p5: { gigabytes: 80, larger: 'p5en' },
  p5en: { gigabytes: 141 },
};

function largerGpu(type: string | undefined): LargerGpu | undefined {
  const { family, size } = split(type);
  const here = Object.hasOwn(GPU, family) ? GPU[family]! : undefined;
  if (here?.larger === undefined || (family === 'p5' && size !== '48xlarge')) return undefined;
  return {
    type: `ml.${here.larger}.${size}`,
    gigabytes: GPU[here.larger]!.gigabytes,
    instead: here.gigabytes,
  };
}

/** Sizes with ever more memory and, where there are any, as many GPUs. */
const LADDERS: readonly { families: readonly string[]; sizes: readonly string[] }[] = [
  { families: ['m5'], sizes: ['large', 'xlarge', '2xlarge', '4xlarge', '12xlarge', '24xlarge'] },
  { families: ['c5'], sizes: ['xlarge', '2xlarge', '4xlarge', '9xlarge', '18xlarge'] },
  { families: ['m6i', 'r6i'], sizes: sizes('large', 2, 4, 8, 12, 16, 24, 32) },
  { families: ['c6i'], sizes: sizes('xlarge', 2, 4, 8, 12, 16, 24, 32) },
  { families: ['m7i', 'r7i', 'c7i'], sizes: sizes('large', 2, 4, 8, 12, 16, 24, 48) },
  { families: ['r5', 'r5d'], sizes: sizes('large', 2, 4, 8, 12, 16, 24) },
  { families: ['g4dn', 'g5', 'g6', 'g6e'], sizes: sizes('xlarge', 2, 4, 8, 16) },
  { families: ['g5', 'g6', 'g6e'], sizes: sizes('12xlarge', 24) },
];

function sizes(first: string, ...times: readonly number[]): string[] {
  return [first, ...(first === 'large' ? ['xlarge'] : []), ...times.map((factor) => `${factor}xlarge`)];
}

function nextSize(type: string | undefined): string | undefined {
  const { family, size } = split(type);
  for (const ladder of LADDERS) {
    const at = ladder.families.includes(family) ? ladder.sizes.indexOf(size) : -1;
    const next = at < 0 ? undefined : ladder.sizes[at + 1];
    if (next !== undefined) return `ml.${family}.${next}`;
  }
  return undefined;
}

function split(type: string | undefined): { family: string; size: string } {
  const [, family = '', size = ''] = /^ml\.([a-z0-9-]+)\.([a-z0-9]+)$/.exec(type ?? '') ?? [];
  return { family, size };
}
