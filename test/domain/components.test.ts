import { describe, expect, it } from 'vitest';
import {
  applyComponentObservation,
  type Component,
  type ComponentObservation,
  clientToken,
  componentName,
  componentStateLabel,
  isSettled,
  modelName,
  nextVersion,
} from '../../src/domain/components.ts';

describe('[G1] component names', () => {
  it.each([
    ['train-resnet-2026-01-31-14-02-33-123', 'train-resnet'],
    ['train-resnet-2026-01-31', 'train-resnet'],
    ['train-resnet-260131-1402', 'train-resnet'],
    ['train-resnet-20260131-140233', 'train-resnet'],
    ['train-resnet-20260131', 'train-resnet'],
    ['train-resnet-1769868153', 'train-resnet'],
    ['train-resnet50-v2', 'train-resnet50-v2'],
    ['-20260131', '-20260131'],
  ])('takes the time off %s', (job, model) => {
    expect(modelName(job)).toBe(model);
  });

  it('puts prefix, model and target together', () => {
    expect(componentName({ prefix: 'model-', model: 'resnet', target: 'x86_64-cpu' })).toBe(
      'model-resnet-x86_64-cpu',
    );
  });

  it('never takes a name that belongs to AWS', () => {
    expect(componentName({ prefix: 'aws.greengrass.', model: 'Nucleus', target: 'a' })).toBe(
      'custom.aws.greengrass.Nucleus-a',
    );
  });

  it('keeps models apart whose names had to change', () => {
    const names = ['a/b', 'a b', 'a-b'].map((model) => componentName({ model, target: 't' }));
    expect(new Set(names).size).toBe(3);
  });
});

describe('[G1] component versions', () => {
  it('begins at 1.0.0 and goes on above the highest', () => {
    expect(nextVersion([])).toBe('1.0.0');
    expect(nextVersion(['1.0.0', '1.0.2', '1.0.10'])).toBe('1.0.11');
    expect(nextVersion(['1.0.9', '2.1.0', '1.9.9'])).toBe('2.1.1');
    expect(nextVersion(['2.0.0-rc.1', '1.0.0+build.7'])).toBe('2.0.1');
    expect(nextVersion(['latest', '01.0.0', ''])).toBe('1.0.0');
  });

  it('finds its way among 500 and after deleted ones', () => {
    const versions = Array.from({ length: 500 }, (_, index) => `1.0.${index}`);
    expect(nextVersion(versions.reverse())).toBe('1.0.500');
    expect(nextVersion(versions.filter((version) => version !== '1.0.250'))).toBe('1.0.500');
  });
});

describe('client tokens', () => {
  it('are the same for the same version of the same attempt only', () => {
    expect(clientToken('a1', '1.0.0')).toBe(clientToken('a1', '1.0.0'));
    expect(clientToken('a1', '1.0.0')).toMatch(/^[a-zA-Z0-9-]{1,64}$/);
    const tokens = [clientToken('a1', '1.0.0'), clientToken('a1', '1.0.1'), clientToken('a2', '1.0.0')];
    expect(new Set(tokens).size).toBe(3);
  });
});

describe('component states', () => {
  it('are known in any letter case, and shown as they are when unknown', () => {
    expect(componentStateLabel('deployable').word).toBe('deployable');
    expect(componentStateLabel('Quarantined')).toEqual({ symbol: '❔', word: 'Quarantined' });
    expect(isSettled({ state: 'Failed' })).toBe(true);
    expect(isSettled({ state: 'INITIATED' })).toBe(false);
    expect(isSettled({ state: 'Quarantined' })).toBe(false);
  });
});

describe('[G1] what is seen of a component', () => {
  const component: Component = {
    useCase: 'line-3',
    chain: {
      trainingJob: 'train-resnet',
      target: 'jetson-xavier',
      attempt: 'a1',
      compilationJob: 'c1',
      component: { name: 'model-resnet-jetson-xavier', version: '1.0.0' },
    },
    state: 'REQUESTED',
    createdAt: 1000,
  };
  const states = (...seen: string[]) =>
    seen.reduce((one, state, index) => applyComponentObservation(one, { at: 2000 + index, state }), component)
      .state;

  it('moves forward only, in any letter case', () => {
    expect(states('initiated', 'Deployable', 'INITIATED')).toBe('DEPLOYABLE');
    expect(states('DEPLOYABLE', 'deprecated', 'DEPLOYABLE')).toBe('DEPRECATED');
    expect(states('FAILED', 'DEPLOYABLE', 'DEPRECATED')).toBe('FAILED');
  });

  it('shows an unknown state until a known one comes', () => {
    expect(states('Scanning')).toBe('Scanning');
    expect(states('Scanning', 'DEPLOYABLE')).toBe('DEPLOYABLE');
    expect(states('DEPLOYABLE', 'Scanning')).toBe('DEPLOYABLE');
  });

  it('keeps the first words of a failure, also when they come late', () => {
    const seen: ComponentObservation[] = [
      { at: 2000, state: 'FAILED' },
      { at: 3000, state: 'FAILED', message: 'first', errors: { 's3://b/m': 'denied' } },
      { at: 4000, state: 'FAILED', message: 'second', errors: {} },
      { at: 3500, state: 'INITIATED', message: 'stale' },
    ];
    const failed = seen.reduce(applyComponentObservation, component);
    expect(failed).toMatchObject({ message: 'first', errors: { 's3://b/m': 'denied' }, lastCheckedAt: 4000 });
    expect(applyComponentObservation(failed, { at: 4000, state: 'FAILED', message: 'third' })).toBe(failed);
  });
});
