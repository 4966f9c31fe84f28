import { describe, expect, it } from 'vitest';
import {
  addAttempt,
  applyObservation,
  type CompilationAttempt,
  type CompilationObservation,
  claimHolder,
  currentStatus,
  isLive,
  newAttempt,
} from '../../src/domain/compilations.ts';

const pair = { useCase: 'line-3', job: 'train-resnet', target: 'jetson-xavier' };

function attempt(over: Partial<CompilationAttempt> = {}): CompilationAttempt {
  return {
    ...newAttempt({
      ...pair,
      id: 'a1',
      compilationJob: 'train-resnet-jetson-xavier-k3j9d2',
      startedBy: { team: 'T1', user: 'U1' },
      why: 'manual',
      askedAt: 1000,
    }),
    ...over,
  };
}

const seen = (status: string, at: number, more: Partial<CompilationObservation> = {}) =>
  ({ kind: 'status', status, at, ...more }) as CompilationObservation;

const observed = (...observations: CompilationObservation[]) =>
  observations.reduce(applyObservation, attempt());

describe('[C9] what is seen of a compilation', () => {
  it('keeps every status with its time, whatever its letter case', () => {
    const done = observed(
      seen('STARTING', 2000),
      seen('InProgress', 3000),
      seen('IN_PROGRESS', 4000),
      seen('Completed', 9000, {
        changedAt: 8000,
        artifact: 's3://out/m.tar.gz',
        startedAt: 2500,
        endedAt: 8000,
      }),
    );
    expect(done.statuses).toEqual([
      { status: 'REQUESTED', at: 1000 },
      { status: 'STARTING', at: 2000 },
      { status: 'INPROGRESS', at: 3000 },
      { status: 'COMPLETED', at: 8000 },
    ]);
    expect(done).toMatchObject({
      artifact: 's3://out/m.tar.gz',
      startedAt: 2500,
      endedAt: 8000,
      lastCheckedAt: 9000,
    });
    expect(isLive(done)).toBe(false);
  });

  it('never moves back, and never leaves a terminal status', () => {
    const failed = observed(seen('FAILED', 5000), seen('STARTING', 6000), seen('COMPLETED', 7000));
    expect(failed.statuses.map(({ status }) => status)).toEqual(['REQUESTED', 'FAILED']);
    expect(currentStatus(observed(seen('STOPPING', 3000), seen('INPROGRESS', 3500)))).toBe('STOPPING');
  });

  it('lets a compilation end that was asked to stop too late', () => {
    expect(currentStatus(observed(seen('STOPPING', 3000), seen('COMPLETED', 3500)))).toBe('COMPLETED');
  });

  it('shows an unknown status as it is, counts it as live, and goes on from it', () => {
    const odd = observed(seen('InProgress', 2000), seen('Optimizing', 3000), seen('OPTIMIZING', 3100));
    expect(currentStatus(odd)).toBe('Optimizing');
    expect(isLive(odd)).toBe(true);
    expect(applyObservation(odd, seen('INPROGRESS', 3200)).statuses).toHaveLength(3);
    expect(currentStatus(applyObservation(odd, seen('COMPLETED', 4000)))).toBe('COMPLETED');
  });

  it('writes the reason once, also when it comes after the status', () => {
    const late = observed(
      seen('failed', 5000),
      seen('FAILED', 6000, { failureReason: 'ClientError: first' }),
    );
    expect(late.failureReason).toBe('ClientError: first');
    const again = applyObservation(late, seen('FAILED', 7000, { failureReason: 'another' }));
    expect(again.failureReason).toBe('ClientError: first');
  });

  it('takes neither artifact nor reason from a status that does not hold', () => {
    const running = observed(seen('INPROGRESS', 2000, { artifact: 's3://out/none', failureReason: 'no' }));
    expect(running).not.toHaveProperty('artifact');
    expect(running).not.toHaveProperty('failureReason');
    const failed = observed(
      seen('FAILED', 2000, { artifact: 's3://out/none' }),
      seen('COMPLETED', 3000, { artifact: 's3://out/m' }),
    );
    expect(failed).not.toHaveProperty('artifact');
  });

  it('records of a failed check only the check', () => {
    const failed = observed(seen('FAILED', 5000, { failureReason: 'ClientError: real' }), {
      kind: 'check-failed',
      at: 6000,
      message: 'ThrottlingException: Rate exceeded',
    });
    expect(failed).toMatchObject({ failureReason: 'ClientError: real', lastCheckedAt: 5000 });
    expect(failed.failedCheck).toEqual({ at: 6000, message: 'ThrottlingException: Rate exceeded' });
    expect(applyObservation(failed, seen('FAILED', 7000))).toMatchObject({
      failedCheck: undefined,
      lastCheckedAt: 7000,
    });
    expect(applyObservation(failed, { kind: 'check-failed', at: 5500, message: 'older' })).toBe(failed);
  });

  it('fails what SageMaker refused to start, but nothing that was seen since', () => {
    const refusal = { kind: 'refused', at: 2000, message: 'ResourceLimitExceeded: …' } as const;
    expect(observed(refusal)).toMatchObject({ failureReason: 'ResourceLimitExceeded: …', endedAt: 2000 });
    expect(currentStatus(observed(seen('STARTING', 1500), refusal))).toBe('STARTING');
  });

  it('is the same object when nothing is new', () => {
    const once = observed(seen('INPROGRESS', 2000, { startedAt: 1900 }));
    expect(applyObservation(once, seen('INPROGRESS', 2000, { startedAt: 1900 }))).toBe(once);
  });
});

describe('[C5] claims', () => {
  const started = addAttempt([], attempt());
  const ended = (status: string) => started.map((one) => applyObservation(one, seen(status, 5000)));

  it('blocks a second attempt while one lives or has succeeded', () => {
    expect(() => addAttempt(started, attempt({ id: 'a2' }))).toThrow('already being compiled');
    expect(() => addAttempt(ended('COMPLETED'), attempt({ id: 'a2' }))).toThrow('already compiled');
  });

  it.each(['FAILED', 'STOPPED'])('lets a %s one be tried again, and keeps it', (status) => {
    const two = addAttempt(ended(status), attempt({ id: 'a2', why: 'retry' }));
    expect(two.map(({ id }) => id)).toEqual(['a1', 'a2']);
    expect(claimHolder(two, pair)?.id).toBe('a2');
  });

  it('keeps pairs apart: other targets, jobs and use cases', () => {
    let attempts = started;
    for (const [id, other] of Object.entries({
      a2: { target: 'x86_64-cpu' },
      a3: { job: 'train-bert' },
      a4: { useCase: 'line-4' },
    }))
      attempts = addAttempt(attempts, attempt({ id, ...other }));
    expect(attempts).toHaveLength(4);
  });

  it('refuses an id that is taken', () => {
    expect(() => addAttempt(ended('FAILED'), attempt())).toThrow('already a compilation attempt a1');
  });
});
