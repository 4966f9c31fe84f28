import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROVIDER_NAMES } from '../../src/domain/providers.ts';
import { readRunId, runId } from '../../src/domain/runs.ts';
import { AppError } from '../../src/ground/errors.ts';

describe('the id of a run', () => {
  it('says which training job it is', () => {
    const id = runId({ useCase: 'line-3', provider: 'sagemaker', job: 'press-1' });
    expect(id).toBe('line-3~sagemaker~press-1');
    expect(readRunId(id)).toEqual({ useCase: 'line-3', provider: 'sagemaker', job: 'press-1' });
  });

  it('is read as it was made, and needs no escaping in a URL', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/),
        fc.constantFrom(...PROVIDER_NAMES),
        fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
        (useCase, provider, job) => {
          const id = runId({ useCase, provider, job });
          expect(encodeURIComponent(id)).toBe(id);
          expect(readRunId(id)).toEqual({ useCase, provider, job });
        },
      ),
    );
  });

  it.each([
    '',
    'press-1',
    'line-3~sagemaker',
    'line-3~sagemaker~',
    '~sagemaker~x',
    'line-3~aws~x',
    'a~local~b~c',
  ])('%j is no run, and that is all that is said', (id) => {
    expect(() => readRunId(id)).toThrow(AppError);
    expect(() => readRunId(id)).toThrow('There is no such run.');
  });
});
