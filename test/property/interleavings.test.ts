import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompilationAttempt, currentStatus, isLive } from '../../src/domain/compilations.ts';
import { applyFailedCheck, applyJobObservation } from '../../src/domain/job-observations.ts';
import type { JobRecord } from '../../src/domain/job-records.ts';
import { isFinished, type TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { findTarget, targetTable } from '../../src/domain/targets.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { observeAttempt } from '../../src/operations/observe-jobs.ts';
import { publishComponents } from '../../src/operations/publish-component.ts';
import { retryCompilation, startCompilations } from '../../src/operations/start-compilations.ts';
import { stopCompilation } from '../../src/operations/stop-compilation.ts';
import { ADA, Background, BEN, LINE_3, SimulatedAccount } from '../operations/simulated-account.ts';

const AUTO: UseCase = {
  ...LINE_3,
  compile: { ...LINE_3.compile!, auto: true },
  components: { auto: true },
};
const TARGETS = ['jetson-xavier', 'x86_64-cpu', 'arm64-cpu'];
const JOBS = ['train-1', 'train-2'];

/** How compilations are called that somebody else starts. */
const ELSEWHERE = 'elsewhere-';

const FAULTS: Record<string, SimulatedAccount['fault']> = {
  none: () => undefined,
  throttled: (point) =>
    ['describe', 'find', 'list', 'compilations', 'component'].includes(point)
      ? new AppError('rate_limited', 'slow down')
      : undefined,
  'start refused': (point) => (point === 'start' ? new AppError('invalid_input', 'no such role') : undefined),
  'start lost': (point) => (point === 'start' ? new AppError('unavailable', 'no way through') : undefined),
  'answers lost': (point) =>
    point === 'started' || point === 'published' ? new AppError('timeout', 'no answer') : undefined,
  'name taken': (point) => (point === 'started' ? new AppError('conflict', 'taken') : undefined),
  'no way in': (point) => (point === 'open' ? new AppError('permission_denied', 'no') : undefined),
};

type Act =
  | { do: 'start'; by: number; job: string; targets: string[] }
  | { do: 'retry' | 'stop'; by: number; which: number }
  | { do: 'package'; by: number; job: string; target: string }
  | { do: 'advance'; which: number; status: string }
  | { do: 'late event'; which: number; status: string }
  | { do: 'hint'; job: string }
  | { do: 'train'; job: string; status: string }
  | { do: 'compile elsewhere'; job: string; target: string; status: string }
  | { do: 'pass'; ms: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      by: fc.nat(1),
      job: fc.constantFrom(...JOBS),
      targets: fc.subarray(TARGETS, { minLength: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('retry' as const, 'stop' as const),
      by: fc.nat(1),
      which: fc.nat(20),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('package' as const),
      by: fc.nat(1),
      job: fc.constantFrom(...JOBS),
      target: fc.constantFrom(...TARGETS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      which: fc.nat(20),
      status: fc.constantFrom('INPROGRESS', 'STOPPING', 'COMPLETED', 'FAILED', 'STOPPED'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('late event' as const),
      which: fc.nat(20),
      status: fc.mixedCase(fc.constantFrom('Starting', 'InProgress')),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hint' as const), job: fc.constantFrom(...JOBS) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('train' as const),
      job: fc.constantFrom(...JOBS),
      status: fc.constantFrom('InProgress', 'Completed', 'Failed'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('compile elsewhere' as const),
      job: fc.constantFrom(...JOBS),
      target: fc.constantFrom(...TARGETS),
      status: fc.constantFrom('INPROGRESS', 'COMPLETED', 'FAILED'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 60_000 }) }),
  },
);

interface Round {
  fault: string;
  /** All at the same time. */
  acts: Act[];
  /** The process is killed while they are under way. */
  killed: boolean;
  /** Milliseconds until the next round. */
  rest: number;
}

const round: fc.Arbitrary<Round> = fc.record({
  fault: fc.oneof(
    { weight: 3, arbitrary: fc.constant('none') },
    { weight: 2, arbitrary: fc.constantFrom(...Object.keys(FAULTS)) },
  ),
  acts: fc.array(act, { minLength: 1, maxLength: 6 }),
  killed: fc.boolean(),
  rest: fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.constant(400_000)),
});

function perform(bot: Background, one: Act, attempts: readonly CompilationAttempt[]): Promise<unknown> {
  const { deps, account, useCase } = bot;
  const actor = 'by' in one && one.by === 1 ? BEN : ADA;
  const attempt = 'which' in one ? attempts[one.which % attempts.length] : undefined;
  switch (one.do) {
    case 'start':
      return startCompilations(deps, { actor, useCase, job: one.job, targets: one.targets, why: 'manual' });
    case 'retry':
      return attempt ? retryCompilation(deps, { actor, useCase, attempt: attempt.id }) : Promise.resolve();
    case 'stop':
      return attempt ? stopCompilation(deps, { actor, useCase, attempt: attempt.id }) : Promise.resolve();
    case 'package':
      return publishComponents(deps, { actor, useCase, job: one.job, targets: [one.target], why: 'manual' });
    case 'advance':
      if (attempt) account.advance(one.status, attempt.compilationJob);
      return Promise.resolve();
    case 'late event': {
      // What an event tells has happened once: only of what SageMaker has.
      if (!attempt || !account.compilations.has(attempt.compilationJob)) return Promise.resolve();
      const seen = { kind: 'status' as const, at: account.now, status: one.status };
      return observeAttempt(deps, useCase, attempt.id, seen);
    }
    case 'hint':
      return bot.refresher.refreshNow('line-3', one.job);
    case 'train':
      account.train(one.job, { status: one.status, createdAt: account.now });
      return Promise.resolve();
    case 'compile elsewhere':
      account.compileElsewhere(
        {
          compilationJob: `${ELSEWHERE}${account.compilations.size}`,
          model: `s3://line-3-models/${one.job}/output/model.tar.gz`,
          framework: 'PYTORCH',
          target: findTarget(targetTable(), one.target),
          outputS3: 's3://line-3-models/pipeline/',
          roleArn: 'arn:aws:iam::123456789012:role/NeoExecution',
          timeoutSeconds: 900,
        },
        { status: one.status },
      );
      return Promise.resolve();
    case 'pass':
      return bot.pass(one.ms);
  }
}

const HOLDING = new Set(['REQUESTED', 'STARTING', 'INPROGRESS', 'STOPPING', 'COMPLETED']);
const RANK: Record<string, number> = {
  REQUESTED: 0,
  STARTING: 1,
  INPROGRESS: 2,
  STOPPING: 3,
  COMPLETED: 4,
  FAILED: 4,
  STOPPED: 4,
};

function check(
  bot: Background,
  before: readonly CompilationAttempt[],
  after: readonly CompilationAttempt[],
): void {
  // SageMaker's own truth: a pair has at most one of ours that lives or that has ended well.
  const started = [...bot.account.compilations].filter(([name]) => !name.startsWith(ELSEWHERE));
  const held = started
    .filter(([, { report }]) => !['FAILED', 'STOPPED'].includes(report.status))
    .map(([, { order }]) => `${order.model} ${order.target.name}`);
  expect(held).toEqual([...new Set(held)]);
  // Every compilation there is, is known.
  const known = new Set(after.map(({ compilationJob }) => compilationJob));
  expect(started.filter(([name]) => !known.has(name))).toEqual([]);
  expect(known.size, 'the same one twice').toBe(after.length);
  // What was known to be running or compiled elsewhere is not started besides.
  const earlier = new Set(before.map(({ id }) => id));
  for (const other of before.filter(({ why }) => why === 'elsewhere'))
    if (after.some(({ id, statuses }) => id === other.id && HOLDING.has(statuses.at(-1)!.status)))
      expect(
        after.filter(
          ({ id, job, target, why }) =>
            !earlier.has(id) && why !== 'elsewhere' && job === other.job && target === other.target,
        ),
      ).toEqual([]);

  const byId = new Map(after.map((attempt) => [attempt.id, attempt]));
  for (const old of before) {
    const now = byId.get(old.id)!;
    expect(now, 'a lost attempt').toBeDefined();
    expect(now.statuses.slice(0, old.statuses.length)).toEqual(old.statuses);
    if (!isLive(old)) expect(currentStatus(now)).toBe(currentStatus(old));
    if (old.failureReason !== undefined) expect(now.failureReason).toBe(old.failureReason);
  }
  for (const { statuses } of after) {
    const ranks = statuses.map(({ status }) => RANK[status]!);
    expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
  }
}

describe('[C5, C9] any interleaving of people, polls, events, faults and kills', () => {
  it('never gives a pair two compilations, moves a status back or loses an attempt, and comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 12 }), async (rounds) => {
        const account = new SimulatedAccount();
        for (const job of JOBS) account.train(job);
        const bot = new Background(account, AUTO);
        let before: CompilationAttempt[] = [];
        for (const { fault, acts, killed, rest } of rounds) {
          account.fault = FAULTS[fault]!;
          const work = acts.map((one) => perform(bot, one, before));
          const settled = Promise.allSettled(work);
          if (killed) await bot.restart();
          for (const result of await settled)
            if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(AppError);
          const after = await bot.store.listAttempts({});
          check(bot, before, after);
          before = after;
          await bot.pass(rest);
        }

        // When all goes well again, everything comes to an end that is known.
        account.fault = FAULTS.none!;
        account.now += 10 * 60_000;
        for (let beats = 0; beats < 12; beats += 1) {
          account.advance('COMPLETED');
          for (const component of account.components.values()) component.state = 'DEPLOYABLE';
          await bot.pass(30_000);
        }
        const end = await bot.store.listAttempts({});
        check(bot, before, end);
        expect(end.filter(isLive)).toEqual([]);
        const names = end.map(({ compilationJob }) => compilationJob);
        expect(new Set(names)).toEqual(new Set([...names, ...account.compilations.keys()]));
        for (const attempt of end) {
          const truth = account.compilations.get(attempt.compilationJob)?.report.status ?? 'FAILED';
          expect(currentStatus(attempt)).toBe(truth);
        }
        const components = await bot.store.listComponents({});
        expect(components.filter(({ state }) => state !== 'DEPLOYABLE' && state !== 'FAILED')).toEqual([]);
        // By itself or by hand: each successful attempt is packaged, and no more than once.
        const good = components
          .filter(({ state }) => state === 'DEPLOYABLE')
          .map(({ chain }) => chain.attempt);
        expect(good).toEqual([...new Set(good)]);
        await bot.refresher.stop();
      }),
      { numRuns: 200 },
    );
  });
});

describe('[C1] any order of looks at a training job', () => {
  const status = fc.mixedCase(
    fc.constantFrom('InProgress', 'Stopping', 'Completed', 'Failed', 'Stopped', 'Pending'),
  );
  const look = fc.record({
    at: fc.integer({ min: 0, max: 40 }),
    answered: fc.boolean(),
    status,
    failureReason: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
    modelArtifact: fc.option(fc.constant('s3://b/k'), { nil: undefined }),
  });
  const base: TrainingJob = {
    name: 'j',
    useCase: 'u',
    provider: 'sagemaker',
    ...sageMakerState('InProgress'),
    createdAt: 1,
  };

  it('never moves it back, forgets no fact, and says nothing new the second time', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20 }), (looks) => {
        let record: JobRecord = { job: base, seenAt: 0 };
        for (const { at, answered, ...facts } of looks) {
          const before = record;
          const apply = (known: JobRecord): JobRecord =>
            answered
              ? applyJobObservation(known, { ...base, ...facts, ...sageMakerState(facts.status) }, at)
              : applyFailedCheck(known, { at, message: 'slow down' });
          record = apply(before);
          expect(apply(record)).toBe(record);
          if (isFinished(before.job)) expect(record.job.status).toBe(before.job.status);
          expect(record.seenAt).toBeGreaterThanOrEqual(before.seenAt);
          for (const fact of ['failureReason', 'modelArtifact'] as const)
            if (before.job[fact] !== undefined) expect(record.job[fact]).toBeDefined();
          if (before.job.status.toLowerCase() === 'stopping')
            expect(record.job.status.toLowerCase()).not.toBe('inprogress');
        }
      }),
      { numRuns: 500 },
    );
  });
});
