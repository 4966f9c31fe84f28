import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandWords } from '../../src/domain/command-words.ts';
import { parseJobsQuery } from '../../src/domain/jobs-query.ts';
import { AppError } from '../../src/ground/errors.ts';

const parse = (text: string) => parseJobsQuery(commandWords(text), 'U0ADA');

describe('[C11] what /jobs is asked for', () => {
  it('reads names and filters in any order, with colon or equals sign', () => {
    expect(parse('')).toEqual({});
    expect(parse('resnet')).toEqual({ name: 'resnet' });
    expect(parse('state:partly-compiled resnet provider=SageMaker --by=me')).toEqual({
      name: 'resnet',
      compilation: 'partly compiled',
      provider: 'sagemaker',
      by: 'U0ADA',
    });
    expect(parse('"state:not compiled" by:@U0BEN')).toEqual({ compilation: 'not compiled', by: 'U0BEN' });
  });

  it('takes a state for the training or the compilation, whichever has it, and for both where both have', () => {
    expect(parse('state:running')).toEqual({ training: 'running' });
    expect(parse('state:completed')).toEqual({ training: 'completed' });
    expect(parse('state:compiling')).toEqual({ compilation: 'compiling' });
    expect(parse('state:failed')).toEqual({ ended: 'failed' });
    expect(parse('training:failed compilation:stopped')).toEqual({
      training: 'failed',
      compilation: 'stopped',
    });
  });

  it('still reads how it was written before', () => {
    expect(parse('state:training owner:me')).toEqual({ training: 'running', by: 'U0ADA' });
  });

  it.each([
    ['state:compild', /Did you mean compiled\?/],
    ['stat:failed', /Did you mean state:\?/],
    ['provider:sagmaker', /Did you mean sagemaker\?/],
    ['state:', /state:failed/],
    ['by:ada', /by:me/],
    ['training:compiled', /running, completed/],
    ['compilation:running', /partly compiled/],
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
