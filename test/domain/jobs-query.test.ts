import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandWords } from '../../src/domain/command-words.ts';
import { parseJobsQuery } from '../../src/domain/jobs-query.ts';
import { AppError } from '../../src/errors.ts';

const parse = (text: string) => parseJobsQuery(commandWords(text), 'U0ADA');

describe('[C11] what /jobs is asked for', () => {
  it('reads names and filters in any order, with colon or equals sign', () => {
    expect(parse('')).toEqual({});
    expect(parse('resnet')).toEqual({ name: 'resnet' });
    expect(parse('state:partly-compiled resnet provider=SageMaker --owner=me')).toEqual({
      name: 'resnet',
      state: 'partly compiled',
      provider: 'sagemaker',
      owner: 'U0ADA',
    });
    expect(parse('"state:not compiled" owner:@U0BEN')).toEqual({ state: 'not compiled', owner: 'U0BEN' });
    expect(parse('state:training')).toEqual({ state: 'training' });
  });

  it.each([
    ['state:compild', /Did you mean compiled\?/],
    ['stat:failed', /Did you mean state:\?/],
    ['provider:sagmaker', /Did you mean sagemaker\?/],
    ['state:', /state:failed/],
    ['owner:ada', /owner:me/],
    ['x'.repeat(200), /any part of the name/],
  ])('says what was expected for %s', (text, hint) => {
    try {
      parse(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect((error as AppError).code).toBe('invalid_input');
      expect((error as AppError).hint).toMatch(hint);
    }
  });

  it('never fails in another way, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120 }), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
