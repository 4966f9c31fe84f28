import { describe, expect, it } from 'vitest';
import {
  elapsedMs,
  JOB_STATE_LABELS,
  jobCompilations,
  overallState,
  statusLabel,
  targetStates,
  usualDurationMs,
} from '../../src/domain/compilation-states.ts';
import { type CompilationAttempt, newAttempt } from '../../src/domain/compilations.ts';
import { PROVIDER_NAMES } from '../../src/domain/providers.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';

let count = 0;
function attempt(target: string, status: string, over: Partial<CompilationAttempt> = {}): CompilationAttempt {
  count += 1;
  const asked = newAttempt({
    id: `a${count}`,
    useCase: 'line-3',
    job: 'train-resnet',
    target,
    compilationJob: `c${count}`,
    startedBy: { team: 'T1', user: 'U1' },
    why: 'manual',
    askedAt: 0,
  });
  return { ...asked, statuses: [...asked.statuses, { status, at: 60_000 }], ...over };
}

describe('[C11] a job’s overall state', () => {
  const wanted = ['jetson-xavier', 'x86_64-cpu'];
  const state = (training: string, attempts: CompilationAttempt[], targets = wanted) => {
    const { state, count } = overallState(sageMakerState(training).state, attempts, targets);
    return `${state} ${count}`;
  };

  it('follows from the facts', () => {
    expect(state('Completed', [])).toBe('not compiled 0/2');
    expect(state('InProgress', [])).toBe('not compiled 0/2');
    expect(state('Completed', [attempt('x86_64-cpu', 'STARTING')])).toBe('compiling 0/2');
    expect(state('Completed', [attempt('x86_64-cpu', 'Optimizing')])).toBe('compiling 0/2');
    expect(state('Completed', [attempt('x86_64-cpu', 'COMPLETED')])).toBe('partly compiled 1/2');
    expect(
      state(
        'Completed',
        wanted.map((target) => attempt(target, 'COMPLETED')),
      ),
    ).toBe('compiled 2/2');
    expect(state('Completed', [attempt('x86_64-cpu', 'COMPLETED'), attempt('jetson-xavier', 'FAILED')])).toBe(
      'partly compiled 1/2',
    );
    expect(state('Completed', [attempt('x86_64-cpu', 'FAILED'), attempt('jetson-xavier', 'STOPPED')])).toBe(
      'failed 0/2',
    );
    expect(state('Completed', [attempt('x86_64-cpu', 'STOPPED')])).toBe('stopped 0/2');
  });

  it('is of compilations alone: a training that failed or was stopped is no failed compilation', () => {
    for (const training of ['FAILED', 'stopped', 'InProgress', 'Deleting']) {
      expect(state(training, [])).toBe('not compiled 0/2');
      expect(overallState(sageMakerState(training).state, [], wanted).applies).toBe(false);
      expect(
        overallState(sageMakerState(training).state, [attempt('x86_64-cpu', 'FAILED')], wanted),
      ).toMatchObject({
        applies: true,
        state: 'failed',
      });
    }
    expect(overallState('completed', [], wanted).applies).toBe(true);
  });

  it('is none of a job whose model is not in S3, where Neo would take it from', () => {
    for (const provider of PROVIDER_NAMES.filter((one) => one !== 'sagemaker'))
      expect(jobCompilations({ state: 'completed', provider }, [], wanted)).toMatchObject({
        ...{ applies: false, total: 0 },
      });
    expect(jobCompilations({ state: 'completed', provider: 'sagemaker' }, [], wanted)).toMatchObject({
      ...{ applies: true, total: 2 },
    });
  });

  it('counts targets that were tried besides, and a job without wanted targets', () => {
    expect(state('Completed', [attempt('arm64-cpu', 'COMPLETED')])).toBe('partly compiled 1/3');
    expect(state('Completed', [attempt('arm64-cpu', 'COMPLETED')], [])).toBe('compiled 1/1');
    expect(state('Completed', [], [])).toBe('not compiled 0/0');
  });

  it('judges a retried target by its latest attempt', () => {
    const attempts = [attempt('x86_64-cpu', 'FAILED'), attempt('x86_64-cpu', 'COMPLETED')];
    expect(state('Completed', attempts, ['x86_64-cpu'])).toBe('compiled 1/1');
    const [target] = targetStates(attempts, ['x86_64-cpu']);
    expect(target).toMatchObject({ attempts: 2, label: { symbol: '✅', word: 'compiled' } });
  });

  it('judges a target that was compiled elsewhere before by its newest success', () => {
    const before = attempt('x86_64-cpu', 'COMPLETED', { why: 'elsewhere' });
    const ours = attempt('x86_64-cpu', 'COMPLETED', { why: 'auto' });
    const after = attempt('x86_64-cpu', 'FAILED', { why: 'elsewhere' });
    expect(targetStates([before, ours, after], [])[0]!.attempt).toBe(ours);
    const running = attempt('x86_64-cpu', 'INPROGRESS', { why: 'auto' });
    expect(targetStates([before, running], [])[0]!.attempt).toBe(before);
  });

  it('is distinct by word and by symbol', () => {
    const labels = Object.values(JOB_STATE_LABELS);
    expect(new Set(labels.map(({ word }) => word)).size).toBe(labels.length);
    expect(new Set(labels.map(({ symbol }) => symbol)).size).toBe(labels.length);
  });

  it('shows unknown statuses as they are', () => {
    expect(statusLabel('inProgress').word).toBe('compiling');
    expect(statusLabel('Optimizing')).toEqual({ symbol: '❔', word: 'Optimizing' });
    expect(statusLabel('constructor').word).toBe('constructor');
  });
});

describe('[C2] honest progress', () => {
  it('measures from SageMaker’s start, or from when it was asked for', () => {
    const running = attempt('arm64-cpu', 'INPROGRESS', { askedAt: 1000, startedAt: 3000 });
    expect(elapsedMs(running, 10_000)).toBe(7000);
    expect(elapsedMs({ ...running, startedAt: undefined }, 10_000)).toBe(9000);
    expect(elapsedMs(attempt('arm64-cpu', 'FAILED', { startedAt: 3000, endedAt: 8000 }), 99_000)).toBe(5000);
    expect(elapsedMs(attempt('arm64-cpu', 'FAILED'), 99_000)).toBe(60_000);
  });

  it('gives the median time of completed attempts of the target', () => {
    const took = (target: string, status: string, ms: number) =>
      attempt(target, status, { startedAt: 1000, endedAt: 1000 + ms });
    const history = [
      took('arm64-cpu', 'COMPLETED', 900),
      took('arm64-cpu', 'COMPLETED', 100),
      took('arm64-cpu', 'FAILED', 5),
      took('x86_64-cpu', 'COMPLETED', 7),
    ];
    expect(usualDurationMs(history, 'arm64-cpu')).toBe(500);
    expect(usualDurationMs([...history, took('arm64-cpu', 'COMPLETED', 120)], 'arm64-cpu')).toBe(120);
    expect(usualDurationMs(history, 'jetson-xavier')).toBeUndefined();
  });
});
