import { describe, expect, it } from 'vitest';
import { type CompilationAttempt, newAttempt } from '../../src/domain/compilations.ts';
import { failedBefore } from '../../src/domain/compile-again.ts';

const INPUT = {
  sources: {},
  framework: 'PYTORCH',
  frameworkVersion: '1.8',
  dataInputConfig: '{"input":[1,3,224,224]}',
};
const TIMEOUT = 'ClientError: TimeOut: The compilation job did not finish within MaxRuntimeInSeconds (900).';
const OPERATOR =
  'ClientError: CompilationError: Unable to compile the model: operator aten::foo is not implemented';

function ended(status: string, over: Partial<CompilationAttempt> = {}): CompilationAttempt {
  const asked = newAttempt({
    id: 'a1',
    useCase: 'line-3',
    job: 'train-resnet',
    target: 'jetson-xavier',
    compilationJob: 'c1',
    startedBy: { team: 'T1', user: 'U1' },
    why: 'manual',
    askedAt: 0,
    input: INPUT,
    limitSeconds: 900,
  });
  return { ...asked, statuses: [...asked.statuses, { status, at: 60_000 }], ...over };
}

const now = (changes: Partial<typeof INPUT> = {}, timeoutSeconds = 900) => ({
  input: { ...INPUT, ...changes },
  timeoutSeconds,
});

describe('[C3] a compilation that ended badly', () => {
  it('would fail again with the same model, input and limit', () => {
    const failed = ended('FAILED', { failureReason: OPERATOR });
    expect(failedBefore(failed, now())).toMatchObject({ lasting: true, was: {} });
  });

  it('may succeed with another input, and says which it had', () => {
    const failed = ended('FAILED', { failureReason: OPERATOR });
    const dataInputConfig = '{"input":[1,3,512,512]}';
    expect(failedBefore(failed, now({ dataInputConfig }))).toMatchObject({
      lasting: false,
      was: { dataInputConfig: INPUT.dataInputConfig },
    });
  });

  it('that ran out of time does so again, unless it gets more of it', () => {
    const failed = ended('FAILED', { failureReason: TIMEOUT });
    expect(failedBefore(failed, now())).toMatchObject({ lasting: true, was: {} });
    expect(failedBefore(failed, now({}, 600))).toMatchObject({ lasting: true });
    expect(failedBefore(failed, now({}, 3600))).toMatchObject({ lasting: false, was: { limitSeconds: 900 } });
  });

  it('that was stopped may be tried as it was', () => {
    expect(failedBefore(ended('STOPPED'), now())).toMatchObject({ lasting: false, was: {} });
  });

  it('is none that runs or succeeded', () => {
    for (const status of ['INPROGRESS', 'COMPLETED'])
      expect(failedBefore(ended(status), now())).toBeUndefined();
    expect(failedBefore(undefined, now())).toBeUndefined();
  });
});
