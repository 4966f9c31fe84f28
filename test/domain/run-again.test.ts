/** Names of runs that repeat a job, and hyperparameters as text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelName } from '../../src/domain/components.ts';
import {
  editableHyperparameters,
  editedHyperparameters,
  hyperparameterChanges,
  readHyperparameters,
} from '../../src/domain/hyperparameters.ts';
import { podCalled, podJobName } from '../../src/domain/pod-names.ts';
import { checkRunName, isTrainingName, rerunName } from '../../src/domain/training-names.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 18, 14, 123);
const RUNS = { numRuns: 300 };
const valid = fc.stringMatching(/^[a-zA-Z0-9](-{0,2}[a-zA-Z0-9]){0,31}$/).filter(isTrainingName);
const anything = fc.oneof(valid, fc.string({ maxLength: 200, unit: 'grapheme' }));

describe('the name of a run that repeats a job', () => {
  it('is what the job trains, and the time as the SageMaker SDK writes it', () => {
    expect(rerunName('defects-deeplab-hires', NOW)).toBe('defects-deeplab-hires-2026-11-21-12-18-14-123');
    expect(rerunName('resnet-2026-11-20-08-00-00-001', NOW)).toBe('resnet-2026-11-21-12-18-14-123');
    expect(rerunName('resnet-20261120', NOW)).toBe('resnet-2026-11-21-12-18-14-123');
    expect(rerunName('pipelines-d8l8w3bxlyqk-AbaloneTrain-9tJk', NOW)).toBe(
      'AbaloneTrain-9tJk-2026-11-21-12-18-14-123',
    );
  });

  it('is valid for any old name, and another one than that', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 1.6e12, max: 4e12 }), (old, now) => {
        const name = rerunName(old, now);
        expect(isTrainingName(name)).toBe(true);
        expect(() => checkRunName('sagemaker', name)).not.toThrow();
        expect(rerunName(name, now + 1)).not.toBe(name);
      }),
      RUNS,
    );
  });

  it('is on RunPod one that is found again in the name of its pod', () => {
    for (const name of ['press.1', 'press-', 'press.', '_press', ''])
      expect(() => checkRunName('runpod', name), name).toThrow('cannot be called');
    for (const name of ['press_1', 'press-1', 'P', 'p'.repeat(63)])
      expect(podCalled(podJobName(name, '8t1hif70q426k9')), name).toBe(name);
    expect(() => checkRunName('local', 'press.1')).not.toThrow();
    fc.assert(
      fc.property(anything, fc.integer({ min: 1.6e12, max: 4e12 }), (old, now) => {
        expect(() => checkRunName('runpod', rerunName(old, now))).not.toThrow();
      }),
      RUNS,
    );
  });

  it('differs for different models, and for one model by the millisecond', () => {
    fc.assert(
      fc.property(anything, anything, fc.nat(10_000), (a, b, later) => {
        fc.pre(modelName(a) !== modelName(b));
        expect(rerunName(a, NOW)).not.toBe(rerunName(b, NOW));
        if (later > 0) expect(rerunName(a, NOW + later)).not.toBe(rerunName(a, NOW));
      }),
      RUNS,
    );
  });

  it('counts as the same model, so that its success makes the failure good', () => {
    const named = fc.stringMatching(/^[a-z]{1,8}(-[a-z]{1,8}){0,2}$/);
    fc.assert(
      fc.property(named, fc.constantFrom('', '-20261120', '-2026-11-20-08-00-00-001'), (model, time) => {
        expect(modelName(rerunName(`${model}${time}`, NOW))).toBe(modelName(`${model}${time}`));
      }),
      RUNS,
    );
  });

  it('keeps its length in any case: dashes alone do not make a name longer than it may be', () => {
    expect(isTrainingName(`a${'-'.repeat(70)}b`)).toBe(false);
    expect(isTrainingName('a'.repeat(63))).toBe(true);
    expect(isTrainingName('a'.repeat(64))).toBe(false);
    for (const bad of ['', '-a', 'a-', 'a_b', 'a b']) expect(isTrainingName(bad)).toBe(false);
  });
});

const ROOM = 3000;
const key = fc.oneof(fc.stringMatching(/^[a-z_-]{1,12}$/), fc.string({ maxLength: 30, unit: 'grapheme' }));
const value = fc.oneof(
  fc.constantFrom('4', '"adam"', '[1, 2]', ' padded ', 'two\nlines', 'a=b', '', 's3://bucket/path'),
  fc.string({ maxLength: 2500 }),
);
const hyperparameters = fc
  .array(fc.tuple(key, value), { maxLength: 100 })
  .map((pairs) => Object.fromEntries(pairs));

describe('hyperparameters as text', () => {
  it('come back as they were, whatever they are', () => {
    fc.assert(
      fc.property(hyperparameters, fc.constantFrom(ROOM, 200), (all, room) => {
        const { text, kept } = editableHyperparameters(all, room);
        expect(text.length).toBeLessThanOrEqual(room);
        const { values, problems } = readHyperparameters(text);
        expect(problems).toEqual([]);
        expect(Object.keys(values).length + kept.length).toBe(Object.keys(all).length);
        expect(editedHyperparameters(all, room, values)).toEqual(all);
        expect(hyperparameterChanges(all, editedHyperparameters(all, room, values))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('keep aside what the SDK needs, what is secret, what fits on no line, and what is too long', () => {
    const { text, kept } = editableHyperparameters(
      {
        'batch-size': '8',
        sagemaker_program: '"train.py"',
        api_key: 'AKIAIOSFODNN7EXAMPLE',
        'a=b': '1',
        note: ' spaces ',
        prompt: 'x'.repeat(80),
        tail: 'y'.repeat(40),
      },
      60,
    );
    expect(text).toBe(`batch-size=8\ntail=${'y'.repeat(40)}`);
    expect(kept).toEqual([
      { name: 'sagemaker_program', why: 'sdk' },
      { name: 'api_key', why: 'secret' },
      { name: 'a=b', why: 'form' },
      { name: 'note', why: 'form' },
      { name: 'prompt', why: 'room' },
    ]);
  });

  it('leave out what was taken out, and let a line replace what is not shown', () => {
    const all = { lr: '0.1', epochs: '3', sagemaker_program: '"train.py"' };
    const { values } = readHyperparameters('epochs = 4\n\n sagemaker_program="other.py"\r\nseed=7');
    const edited = editedHyperparameters(all, ROOM, values);
    expect(edited).toEqual({ epochs: '4', sagemaker_program: '"other.py"', seed: '7' });
    expect(hyperparameterChanges(all, edited)).toEqual([
      'lr: 0.1 (left out)',
      'epochs: 3 → 4',
      'sagemaker_program: "train.py" → "other.py"',
      'seed: 7 (new)',
    ]);
  });

  it('say each problem with its line', () => {
    const text = ['ok=1', 'no sign', '=2', 'ok=3', `${'k'.repeat(257)}=1`, `long=${'v'.repeat(2501)}`].join(
      '\n',
    );
    expect(readHyperparameters(text).problems).toEqual([
      { line: 2, problem: 'expected name=value, but got “no sign”' },
      { line: 3, problem: 'a name before = is missing' },
      { line: 4, problem: '“ok” stands here a second time' },
      { line: 5, problem: 'the name has 257 characters, at most 256' },
      { line: 6, problem: 'the value of “long” has 2501 characters, at most 2500' },
    ]);
  });

  it('tell no secret among what changed', () => {
    const told = hyperparameterChanges({ token: 'x' }, { token: 'AKIAIOSFODNN7EXAMPLE' }).join();
    expect(told).not.toContain('AKIAIOSFODNN7EXAMPLE');
  });
});
