import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guidanceForTraining } from '../../src/domain/failure-guidance.ts';
import {
  isPartOfAnother,
  isToldWithAnother,
  mayBeTuned,
  tuningParent,
} from '../../src/domain/job-families.ts';
import { applyJobObservation } from '../../src/domain/job-observations.ts';
import { causesOf } from '../../src/domain/job-parts.ts';
import type { JobRecord } from '../../src/domain/job-records.ts';
import { isOnItsWay, type TrainingJob } from '../../src/domain/jobs.ts';
import { executionName, executionOfArn, readExecutionName } from '../../src/domain/pipeline-names.ts';
import { labelAmong, PROVIDERS, SAGEMAKER_NAMES, type SageMakerName } from '../../src/domain/providers.ts';
import { KIND_NAMES, kindState, SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import { sageMakerNames, type UseCase } from '../../src/domain/use-cases.ts';

const useCase = (kinds: readonly SageMakerName[], more: Partial<UseCase> = {}): UseCase => ({
  ...{ id: 'line-3', name: 'Line 3', channels: ['C0LINE3'], access: {} },
  aws: { account: '123456789012', region: 'eu-west-1' },
  providers: { sagemaker: { kinds } },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  ...more,
});

describe('[K2] the table of SageMaker’s kinds', () => {
  it('knows words in any letter case, and none that is not in it', () => {
    for (const name of SAGEMAKER_NAMES) {
      for (const word of Object.keys(SAGEMAKER_KINDS[name].states))
        for (const written of [word, word.toUpperCase()])
          expect(kindState(name, written)).toMatchObject({ status: written });
      fc.assert(
        fc.property(
          fc.string().filter((word) => !Object.hasOwn(SAGEMAKER_KINDS[name].states, word.toLowerCase())),
          (word) => {
            expect(kindState(name, word).state).toBe('unknown');
          },
        ),
      );
    }
    expect(kindState('endpoint', 'constructor').state).toBe('unknown');
  });

  it('is left out but for training where a use case does not name kinds', () => {
    expect(sageMakerNames(useCase([], { providers: undefined }))).toEqual(['sagemaker']);
    expect(sageMakerNames(useCase(SAGEMAKER_NAMES))).toEqual(SAGEMAKER_NAMES);
    expect(sageMakerNames(useCase(SAGEMAKER_NAMES, { aws: undefined }))).toEqual([]);
    expect(labelAmong('sagemaker', ['sagemaker', 'local'])).toBe('SageMaker');
    expect(labelAmong('sagemaker', ['sagemaker', 'tuning'])).toBe('Training');
  });
});

describe('the name of a pipeline’s execution', () => {
  it('leads back to both its parts, whatever the pipeline is called', () => {
    const pipeline = fc.stringMatching(/^[a-zA-Z0-9](-?[a-zA-Z0-9]){0,60}$/);
    const id = fc.stringMatching(/^[a-z0-9]{12}$/);
    fc.assert(
      fc.property(pipeline, id, (name, execution) => {
        const whole = { pipeline: name, id: execution };
        expect(readExecutionName(executionName(whole))).toEqual(whole);
        const arn = `arn:aws:sagemaker:eu-west-1:123456789012:pipeline/${name}/execution/${execution}`;
        expect(executionOfArn(arn)).toEqual(whole);
      }),
      { numRuns: 200 },
    );
    for (const name of ['weld', 'abc123def456', 'weld-ABC123DEF456', '-abc123def456', ''])
      expect(readExecutionName(name)).toBeUndefined();
  });
});

describe('[K1] what another job tells of', () => {
  const job = (name: string, more: Partial<TrainingJob> = {}) => ({
    name,
    provider: 'sagemaker' as const,
    ...more,
  });
  const child = job('search-3-001-0a1b2c3d', { parent: 'tuning:search-3' });
  const step = job('pipelines-abc123def456-Train-kX93jdk2Lm');

  it('is told of by it, where the use case shows that', () => {
    const all = useCase(SAGEMAKER_NAMES);
    const training = useCase(['sagemaker']);
    expect(isToldWithAnother(all, child)).toBe(true);
    expect(isToldWithAnother(all, step)).toBe(true);
    expect(isToldWithAnother(all, { ...step, provider: 'processing' })).toBe(true);
    for (const one of [child, step]) expect(isToldWithAnother(training, one)).toBe(false);
    // Only its description tells for certain: a name alone decides nothing.
    expect(isToldWithAnother(all, job('search-3-001-0a1b2c3d'))).toBe(false);
    expect(mayBeTuned(all, job('search-3-001-0a1b2c3d'))).toBe(true);
    expect(mayBeTuned(training, job('search-3-001-0a1b2c3d'))).toBe(false);
    expect(isToldWithAnother(all, { ...job('pipelines-x'), provider: 'local' })).toBe(false);
    const compiles = { roleArn: 'r', outputS3: 's3://b/p', targets: [], auto: false, timeoutSeconds: 900 };
    expect(isToldWithAnother(all, { ...job('c'), provider: 'compilation' })).toBe(false);
    expect(isToldWithAnother({ ...all, compile: compiles }, { ...job('c'), provider: 'compilation' })).toBe(
      true,
    );
  });

  it('is left out of lists, also where only its name says so, unless somebody asks for it', () => {
    const all = useCase(SAGEMAKER_NAMES);
    const tunings = new Set(['search-3']);
    expect(isPartOfAnother(all, job('search-3-002-0a1b2c3e'), tunings)).toBe(true);
    expect(isPartOfAnother(all, job('search-4-002-0a1b2c3e'), tunings)).toBe(false);
    expect(isPartOfAnother(all, step, tunings)).toBe(true);
    expect(isPartOfAnother(useCase(['sagemaker']), job('search-3-002-0a1b2c3e'), tunings)).toBe(false);
  });

  it('names its tuning job as it is written, though ARNs are in lower case', () => {
    const arn = (name: string) =>
      `arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/${name}`;
    expect(tuningParent('Search-3-001-0a1b2c3d', arn('search-3'))).toBe('tuning:Search-3');
    expect(tuningParent('of-another-name', arn('search-3'))).toBe('tuning:search-3');
    expect(tuningParent('train-1', undefined)).toBeUndefined();
  });

  it('has one cause for many failures', () => {
    const failures = Array.from({ length: 40 }, (_, at) => ({
      name: `job-${at}`,
      cause: at < 38 ? 'A.' : 'B.',
    }));
    expect(causesOf(failures)).toEqual([
      { cause: 'A.', count: 38, example: 'job-0' },
      { cause: 'B.', count: 2, example: 'job-38' },
    ]);
  });
});

describe('a service that stays', () => {
  const seen = (status: string, provider: SageMakerName = 'endpoint'): TrainingJob => ({
    ...{ name: 'weld', useCase: 'line-3', provider, createdAt: 1_000 },
    ...kindState(provider, status),
  });
  const record = (job: TrainingJob): JobRecord => ({ job, seenAt: 2_000, described: true });

  it('may begin again after an end, and a job may not', () => {
    const failed = { ...seen('Failed'), endedAt: 1_500, failureReason: 'no ping' };
    const again = applyJobObservation(record(failed), seen('InService'), 3_000, true);
    expect(again.job).toMatchObject({ state: 'running', status: 'InService' });
    expect(again.job.failureReason).toBeUndefined();
    // It is to be described again when it ends.
    expect(again.described).toBeUndefined();
    expect(applyJobObservation(record(failed), seen('InService'), 1_000, true).job.state).toBe('failed');
    const job = seen('Failed', 'processing');
    expect(applyJobObservation(record(job), seen('InProgress', 'processing'), 3_000, true).job.state).toBe(
      'failed',
    );
  });

  it('is on its way only until it is up', () => {
    expect(isOnItsWay(seen('Creating'))).toBe(true);
    expect(isOnItsWay(seen('InService'))).toBe(false);
    expect(isOnItsWay(seen('Failed'))).toBe(false);
    expect(isOnItsWay(seen('InProgress', 'processing'))).toBe(true);
    for (const name of KIND_NAMES) expect(PROVIDERS[name].startsAgain).toBe(false);
  });
});

describe('[K1] why a pipeline failed', () => {
  it('is why its step did, without what SageMaker Pipelines puts before it', () => {
    const ended = (cause: string) =>
      guidanceForTraining({
        ...{
          state: 'failed',
          provider: 'pipeline',
          failureReason: 'Step failure: One or multiple steps failed.',
        },
        parts: { causes: [{ cause, count: 1, example: 'Train' }] },
      });
    expect(ended('ClientError: ClientError: AlgorithmError: , exit code: 137')?.exitCode).toBe(137);
    expect(ended('ClientError: Data download failed: AccessDenied')?.id).toBe(
      guidanceForTraining({
        state: 'failed',
        failureReason: 'ClientError: Data download failed: AccessDenied',
      })?.id,
    );
    // Pages about training jobs are not about it.
    expect(ended('ClientError: AlgorithmError: , exit code: 1')?.link).toBeUndefined();
  });
});

describe('[K1] why a job failed that is no training', () => {
  it('is said without calling its script or image a training’s', () => {
    const said = (provider: SageMakerName) =>
      guidanceForTraining({ state: 'failed', provider, failureReason: 'AlgorithmError: , exit code: 1' })
        ?.cause;
    expect(said('sagemaker')).toBe('The training program ended with an error.');
    for (const kind of KIND_NAMES) expect(said(kind), kind).toBe('The program ended with an error.');
  });
});
