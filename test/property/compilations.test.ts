import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilationJobName } from '../../src/domain/compilation-names.ts';
import { JOB_STATE_LABELS, overallState, targetStates } from '../../src/domain/compilation-states.ts';
import {
  addAttempt,
  applyObservation,
  type CompilationAttempt,
  type CompilationObservation,
  claimKey,
  currentStatus,
  isLive,
  isSuccessful,
  newAttempt,
} from '../../src/domain/compilations.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { AppError } from '../../src/ground/errors.ts';

const KNOWN = ['REQUESTED', 'STARTING', 'INPROGRESS', 'STOPPING', 'COMPLETED', 'FAILED', 'STOPPED'];
const RANK: Record<string, number> = Object.fromEntries(KNOWN.map((word, at) => [word, Math.min(at, 4)]));

const status = fc.oneof(
  { weight: 5, arbitrary: fc.mixedCase(fc.constantFrom(...KNOWN)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('Pending', 'in progress', 'In_Progress', 'Deleting', '', 'constructor'),
  },
);
const time = fc.integer({ min: 0, max: 50 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const observation: fc.Arbitrary<CompilationObservation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('status' as const),
      at: time,
      status,
      changedAt: maybe(time),
      failureReason: maybe(fc.constantFrom('ClientError: a', 'ClientError: b')),
      startedAt: maybe(time),
      endedAt: maybe(time),
      artifact: maybe(fc.constantFrom('s3://b/a', 's3://b/b')),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('refused' as const), at: time, message: fc.string() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('check-failed' as const), at: time, message: fc.string() }),
  },
);

const TARGETS = ['jetson-xavier', 'x86_64-cpu'];
type Step =
  | { do: 'start'; job: string; target: string; at: number }
  | { do: 'observe'; which: number; observation: CompilationObservation }
  | { do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      job: fc.constantFrom('job-1', 'job-2'),
      target: fc.constantFrom(...TARGETS),
      at: time,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('observe' as const), which: fc.nat(20), observation }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

const one = (id: string, job: string, target: string, at: number): CompilationAttempt =>
  newAttempt({
    id,
    useCase: 'line-3',
    job,
    target,
    compilationJob: `c-${id}`,
    startedBy: { team: 'T1', user: 'U1' },
    why: 'manual',
    askedAt: at,
  });

function run(attempts: CompilationAttempt[], next: Step, id: string): CompilationAttempt[] {
  switch (next.do) {
    case 'start':
      try {
        return addAttempt(attempts, one(id, next.job, next.target, next.at));
      } catch (error) {
        if (error instanceof AppError && error.code === 'conflict') return attempts;
        throw error;
      }
    case 'observe':
      return attempts.map((attempt, index) =>
        index === next.which % attempts.length ? applyObservation(attempt, next.observation) : attempt,
      );
    case 'restart':
      // What a store keeps is JSON.
      return JSON.parse(JSON.stringify(attempts)) as CompilationAttempt[];
  }
}

describe('[C5, C9] any sequence of starts, observations and restarts', () => {
  it('loses no attempt, moves no status back, overwrites no fact, and never gives a pair two live attempts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let attempts: CompilationAttempt[] = [];
        steps.forEach((next, index) => {
          const before = attempts;
          attempts = run(before, next, `a${index}`);

          before.forEach((old, at) => {
            const now = attempts[at]!;
            expect(now.id).toBe(old.id);
            expect(now.statuses.slice(0, old.statuses.length)).toEqual(old.statuses);
            for (const once of ['failureReason', 'artifact', 'startedAt', 'endedAt', 'askedAt'] as const)
              if (old[once] !== undefined) expect(now[once]).toBe(old[once]);
            expect(now.lastCheckedAt ?? 0).toBeGreaterThanOrEqual(old.lastCheckedAt ?? 0);
            if (!isLive(old)) expect(currentStatus(now)).toBe(currentStatus(old));
          });
          const holders = attempts
            .filter((attempt) => isLive(attempt) || isSuccessful(attempt))
            .map(claimKey);
          expect(new Set(holders).size).toBe(holders.length);
        });
        for (const { statuses } of attempts) {
          const ranks = statuses.flatMap((entry) => RANK[entry.status] ?? []);
          expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
          const times = statuses.map(({ at }) => at);
          expect(times).toEqual([...times].sort((a, b) => a - b));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says nothing new the second time', () => {
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 10 }), observation, (earlier, last) => {
        const once = [...earlier, last].reduce(applyObservation, one('a', 'j', 't', 0));
        expect(applyObservation(once, last)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  it('ends the same whatever the order in which one compilation’s answers come', () => {
    const answers = fc.constantFrom('STARTING', 'InProgress', 'Stopping').map((word) => ({ word }));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(['STARTING', 'InProgress', 'Stopping']),
        fc.constantFrom('Completed', 'FAILED', 'stopped'),
        fc.array(answers, { maxLength: 3 }),
        fc.nat(3),
        (words, end, repeated, place) => {
          const all = [...words, ...repeated.map(({ word }) => word)];
          all.splice(place, 0, end);
          const last = all.reduce(
            (attempt, word, at) => applyObservation(attempt, { kind: 'status', status: word, at }),
            one('a', 'j', 't', 0),
          );
          expect(currentStatus(last)).toBe(end.toUpperCase());
        },
      ),
    );
  });

  it('always has an overall state, a word and a symbol', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(step, { maxLength: 30 }),
        fc.uniqueArray(fc.constantFrom(...TARGETS, 'arm64-cpu')),
        (training, steps, wanted) => {
          const all = steps.reduce<CompilationAttempt[]>((list, next, at) => run(list, next, `a${at}`), []);
          const attempts = all.filter(({ job }) => job === 'job-1');
          const overall = overallState(sageMakerState(training).state, attempts, wanted);
          expect(overall.label).toBe(JOB_STATE_LABELS[overall.state]);
          expect(overall.done).toBeLessThanOrEqual(overall.total);
          expect(overall.count).toBe(`${overall.done}/${overall.total}`);
          expect(overall.state === 'compiled').toBe(
            overall.total > 0 && overall.done === overall.total && !attempts.some(isLive),
          );
          for (const { label } of targetStates(attempts, wanted)) expect(label.symbol).not.toBe('');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('[C5] compilation job names', () => {
  const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[A-Za-z0-9._-]{1,80}$/),
  );

  it('are valid for any input', () => {
    fc.assert(
      fc.property(text, text, text, (job, target, random) => {
        expect(compilationJobName(job, target, random)).toMatch(NAME);
      }),
      { numRuns: 1000 },
    );
  });

  it('differ for another random part, and for long names with one beginning', () => {
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{6,12}$/), { minLength: 2, maxLength: 2 }),
        (job, other, target, [a, b]) => {
          expect(compilationJobName(job, target, a!)).not.toBe(compilationJobName(job, target, b!));
          fc.pre(job !== other);
          const long = 'x'.repeat(80);
          expect(compilationJobName(long + job, target, a!)).not.toBe(
            compilationJobName(long + other, target, a!),
          );
        },
      ),
    );
  });

  it('are recognisable: job and target stand in them', () => {
    expect(compilationJobName('train-resnet-2026', 'x86_64-cpu', 'k3j9d2')).toBe(
      'train-resnet-2026-x86-64-cpu-k3j9d2',
    );
    expect(compilationJobName(`train-${'r'.repeat(57)}`, 'jetson-xavier', 'k3j9d2')).toMatch(
      /^train-r+-jetson-xavier-[0-9a-f]{8}-k3j9d2$/,
    );
  });
});
