import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  exactWord,
  type JobPlace,
  jobKey,
  nameOfJob,
  pipelineOf,
  readJobKey,
  readJobWord,
  shortWord,
  wordOfJob,
} from '../../src/domain/job-keys.ts';
import { jobNameCandidates, parseJobName } from '../../src/domain/job-names.ts';
import { PROVIDER_NAMES } from '../../src/domain/providers.ts';

const provider = fc.constantFrom(...PROVIDER_NAMES);
/** Whatever a service may call a job, and what looks like a key of another one. */
const name = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.tuple(provider, fc.string()).map(([first, rest]) => `${first}:${rest}`),
);
const place: fc.Arbitrary<JobPlace> = fc.record({ provider, name });
const legal = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,40}[A-Za-z0-9]$/);
const RUNS = { numRuns: 500 };

describe('the key of a job', () => {
  it('is its name on SageMaker, as in every record of earlier versions, and says the provider elsewhere', () => {
    expect(jobKey({ provider: 'sagemaker', name: 'press-1' })).toBe('press-1');
    expect(jobKey({ name: 'press-1' })).toBe('press-1');
    expect(jobKey({ provider: 'local', name: 'press-1' })).toBe('local:press-1');
  });

  it('leads back to the job, so that no two jobs share one, whatever they are called', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        expect(readJobKey(jobKey(one))).toEqual(one);
        expect(nameOfJob(jobKey(one))).toBe(one.name);
        const same = one.provider === other.provider && one.name === other.name;
        expect(jobKey(one) === jobKey(other)).toBe(same);
      }),
      RUNS,
    );
  });

  it('has a word that means this job in any use case, and the short one where there is one provider', () => {
    fc.assert(
      fc.property(place, (job) => {
        const word = exactWord(jobKey(job));
        expect(readJobWord(word)).toEqual(job);
        const short = wordOfJob(jobKey(job), [job.provider]);
        expect({ provider: job.provider, ...readJobWord(short) }).toEqual(job);
        expect(wordOfJob(jobKey(job), ['sagemaker', 'local'])).toBe(word);
        const amongKinds = wordOfJob(jobKey(job), PROVIDER_NAMES);
        expect(readJobWord(amongKinds)).toEqual(job);
        expect(amongKinds).not.toMatch(/^sagemaker:/);
        expect(shortWord(word, PROVIDER_NAMES)).toBe(word);
      }),
      RUNS,
    );
  });

  it('can be typed, pasted and found in a message', () => {
    fc.assert(
      fc.property(provider, legal, (where, called) => {
        const word = exactWord(jobKey({ provider: where, name: called }));
        expect(parseJobName(` \`${word}\` `)).toBe(word);
        expect(jobNameCandidates(`look at ${word}, please`)[0]).toBe(word);
      }),
      RUNS,
    );
    // A pod's, with its id, which another of its name has not.
    for (const text of [
      '`press-7.8t1hif70q426k9`',
      'Of press-7.8t1hif70q426k9.',
      'runpod:press-7.8t1hif70q426k9',
    ])
      expect(jobNameCandidates(text)[0]).toMatch(/^(runpod:)?press-7\.8t1hif70q426k9$/);
    expect(readJobWord('Local:press-1')).toEqual({ provider: 'local', name: 'press-1' });
    expect(readJobWord('elsewhere:press-1')).toEqual({ name: 'elsewhere:press-1' });
  });

  it('tells what it trains, on its own provider', () => {
    expect(pipelineOf('press-20260131')).toBe('press');
    expect(pipelineOf('local:press-20260131')).toBe('local:press');
  });
});
