import { TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advisedRun } from '../../src/domain/rerun-advice.ts';

const TYPES = Object.values(TrainingInstanceType);
const machines = { type: 'ml.g5.2xlarge', count: 1 };
const gpu = (hyperparameters: Record<string, string>, more = { machines }) =>
  advisedRun('training-gpu-memory', { hyperparameters, ...more });

describe('[N4] a run that is started again as its failure advises', () => {
  it('has half the batch when the GPU ran out of memory, and says so', () => {
    const { hyperparameters, changed, besides } = gpu({ 'batch-size': '16', epochs: '30' });
    expect(hyperparameters).toEqual({ 'batch-size': '8', epochs: '30' });
    expect(changed).toEqual(['batch-size 16 → 8, since the GPU ran out of memory.']);
    expect(besides.join()).toContain('ml.g6e.2xlarge has 48 GB of GPU memory instead of 24');
  });

  it.each([
    'batch_size',
    'per_device_train_batch_size',
    'train-batch-size',
    'mini_batch_size',
    'batch',
    'bs',
    'BatchSize',
  ])('knows %s as a batch, also in the quotes of the SageMaker SDK', (name) => {
    expect(gpu({ [name]: '7' }).hyperparameters[name]).toBe('3');
    expect(gpu({ [name]: '"64"' }).hyperparameters[name]).toBe('"32"');
  });

  it.each([
    'per_device_eval_batch_size',
    'val-batch-size-x',
    'batch-norm',
    'batches',
    'absolute',
    'test_batch_size',
  ])('leaves %s alone', (name) => {
    expect(gpu({ [name]: '64' }).hyperparameters[name]).toBe('64');
  });

  it('takes the larger GPU where no batch can be halved', () => {
    const advised = gpu({ 'batch-size': '1' });
    expect(advised.hyperparameters).toEqual({ 'batch-size': '1' });
    expect(advised.machines).toEqual({ type: 'ml.g6e.2xlarge', count: 1 });
    expect(advised.changed.join()).toContain('ml.g5.2xlarge → ml.g6e.2xlarge');
  });

  it('takes the next size with as many GPUs when the instance’s memory ran out', () => {
    const host = (type: string) =>
      advisedRun('training-host-memory', {
        hyperparameters: { 'batch-size': '16' },
        machines: { type, count: 2 },
      });
    expect(host('ml.m5.4xlarge').machines).toEqual({ type: 'ml.m5.12xlarge', count: 2 });
    expect(host('ml.g5.8xlarge').machines?.type).toBe('ml.g5.16xlarge');
    expect(host('ml.g5.12xlarge').machines?.type).toBe('ml.g5.24xlarge');
    expect(host('ml.m5.4xlarge').changed.join()).toContain('ml.m5.4xlarge → ml.m5.12xlarge');
    // The largest there is: then the batch.
    expect(host('ml.m5.24xlarge').machines?.type).toBe('ml.m5.24xlarge');
    expect(host('ml.m5.24xlarge').hyperparameters).toEqual({ 'batch-size': '8' });
  });

  it('only names types that SageMaker has, changes nothing without saying so, and nothing for other failures', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('training-gpu-memory', 'training-host-memory', 'training-script', undefined),
        fc.constantFrom(...TYPES),
        fc.dictionary(fc.constantFrom('batch-size', 'epochs', 'bs'), fc.string({ maxLength: 5 })),
        (advice, type, hyperparameters) => {
          const setup = { hyperparameters, machines: { type, count: 1 } };
          const advised = advisedRun(advice, setup);
          expect(TYPES).toContain(advised.machines?.type);
          for (const word of advised.besides.join(' ').match(/ml\.[a-z0-9.-]+[a-z0-9]/g) ?? [])
            expect(TYPES).toContain(word);
          const { hyperparameters: now, machines: on } = advised;
          const isSame = JSON.stringify([now, on]) === JSON.stringify([hyperparameters, setup.machines]);
          expect(isSame).toBe(advised.changed.length === 0);
          if (advice !== 'training-gpu-memory' && advice !== 'training-host-memory')
            expect(isSame).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
