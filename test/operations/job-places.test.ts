/** Whom a question about jobs goes to, and what is said when not everybody answers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobKey, readJobWord } from '../../src/domain/job-keys.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import {
  findJob,
  jobsMeant,
  listJobs,
  providerNamed,
  refuseUnasked,
  severalMeant,
} from '../../src/operations/job-places.ts';
import { JobSuggestions } from '../../src/operations/suggest-jobs.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';

const NAMES = ['sagemaker', 'local', 'runpod'] as const;
const down = (name: string) => new AppError('unavailable', `${name} does not answer.`);

/** @param jobs of each provider: name → when it was created */
function session(jobs: readonly Readonly<Record<string, number>>[], silent: readonly boolean[] = []) {
  const providers = jobs.map((made, index) => {
    const runner = new MemoryRunner('lab', NAMES[index]);
    for (const [name, createdAt] of Object.entries(made)) runner.put(name, 'EXECUTING', { createdAt });
    if (silent[index]) runner.outage = down(NAMES[index]!);
    return runner.open();
  });
  return { providers };
}

const made = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 50 }), {
  noNullPrototype: true,
});

describe('questions about jobs of several providers', () => {
  it('a list is everybody’s who answers, newest first, and an error only where nobody does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(made, fc.boolean()), { minLength: 1, maxLength: 3 }),
        async (places) => {
          const silent = places.map(([, one]) => one);
          const asked = listJobs(
            session(
              places.map(([jobs]) => jobs),
              silent,
            ),
            { limit: 100 },
          );
          if (silent.every(Boolean)) {
            await expect(asked).rejects.toThrow(`${NAMES[0]} does not answer.`);
            return;
          }
          const { jobs, unasked } = await asked;
          const expected = places.flatMap(([names, mute], index) =>
            mute ? [] : Object.keys(names).map((name) => jobKey({ provider: NAMES[index], name })),
          );
          expect(jobs.map(jobKey).sort()).toEqual(expected.sort());
          const times = jobs.map(({ createdAt }) => createdAt);
          expect(times).toEqual([...times].sort((a, b) => b - a));
          expect(unasked.map(({ provider }) => provider)).toEqual(NAMES.filter((_, index) => silent[index]));
        },
      ),
    );
  });

  it('a key leads to its provider alone, also while the others are silent', async () => {
    const two = session([{ a: 1 }, { a: 2 }], [true, false]);
    expect(await findJob(two, 'local:a')).toMatchObject({ provider: 'local', createdAt: 2 });
    await expect(findJob(two, 'a')).rejects.toThrow('sagemaker does not answer.');
  });

  it('a name that people gave to several is the newest’s, and asked about where other providers have it', async () => {
    const pods = {
      'press-7.abcdef1': 3,
      'press-7.abcdef2': 9,
      'press-70.abcdef3': 10,
      'my-press-7.abcdef4': 11,
    };
    const meant = async (jobs: readonly Readonly<Record<string, number>>[], word: string) => {
      const { jobs: found, older } = await jobsMeant(session(jobs), readJobWord(word));
      return [found.map(jobKey), older.map(jobKey)];
    };
    const newest = [['runpod:press-7.abcdef2'], ['runpod:press-7.abcdef1']];
    for (const word of ['press-7', 'runpod:press-7'])
      expect(await meant([{}, {}, pods], word)).toEqual(newest);
    expect(await meant([{}, {}, pods], 'press-7.abcdef1')).toEqual([['runpod:press-7.abcdef1'], []]);
    expect(await meant([{ 'press-7': 1 }, {}, pods], 'press-7')).toEqual([
      ['press-7', 'runpod:press-7.abcdef2'],
      ['runpod:press-7.abcdef1'],
    ]);
    // A part of what they were called is a name of none.
    expect(await meant([{}, {}, pods], 'press')).toEqual([[], []]);
    // Where names say it all, a part of one means nothing either.
    expect(await meant([{}, { 'press-7.abcdef1': 1 }, {}], 'press-7')).toEqual([[], []]);
  });

  it('a word without a provider means every job of that name, and says who could not be asked', async () => {
    const { jobs } = await jobsMeant(session([{ a: 1 }, { a: 2 }]), { name: 'a' });
    expect(jobs.map(jobKey)).toEqual(['a', 'local:a']);
    const half = await jobsMeant(session([{ a: 1 }, {}], [false, true]), { name: 'a' });
    expect(half.jobs.map(jobKey)).toEqual(['a']);
    expect(half.unasked.map(({ provider }) => provider)).toEqual(['local']);
  });

  it('all who could not be asked are told of where nobody has it', async () => {
    const { jobs, unasked } = await jobsMeant(session([{}, {}, {}], [false, true, true]), { name: 'a' });
    expect(jobs).toEqual([]);
    expect(() => refuseUnasked(unasked)).toThrow('local does not answer. runpod does not answer.');
  });

  it('a provider where the use case does not train is refused with what to do', () => {
    const two = session([{}, {}]);
    expect(() => providerNamed(two, 'runpod')).toThrow('does not train on RunPod');
  });

  it('several jobs of one name are told with the words that mean each alone', () => {
    const error = severalMeant('a', [
      { provider: 'sagemaker', name: 'a' },
      { provider: 'local', name: 'a' },
    ]);
    expect(error.message).toBe('2 jobs are called a, on different providers.');
    expect(error.hint).toBe('Say which one you mean: sagemaker:a or local:a.');
  });
});

describe('a provider that never answers', () => {
  function hanging() {
    const places = [new MemoryRunner('lab', 'sagemaker'), new MemoryRunner('lab')];
    places[0]!.put('press-1', 'EXECUTING', { createdAt: 1 });
    places[1]!.hangs = true;
    return { providers: places.map((place) => place.open()) };
  }

  it('is not waited for longer than it may take, and is named as one that was not heard', async () => {
    const listed = await listJobs(hanging(), { limit: 9 }, { within: 1 });
    expect(listed.jobs.map(({ name }) => name)).toEqual(['press-1']);
    expect(listed.unasked).toMatchObject([
      { provider: 'local', error: { code: 'timeout', message: 'The local runner did not answer in time.' } },
    ]);
    const meant = await jobsMeant(hanging(), { name: 'press-1' }, { within: 1 });
    expect(meant.jobs).toHaveLength(1);
    const nowhere = await jobsMeant(hanging(), { name: 'drill-1' }, { within: 1 });
    expect(() => refuseUnasked(nowhere.unasked)).toThrow('The local runner did not answer in time.');
  });

  it('takes no suggestion of another away', async () => {
    const gateway = {
      trainsOn: () => ['sagemaker', 'local'],
      open: async () => hanging(),
    } as unknown as UseCaseGateway;
    const suggestions = new JobSuggestions({
      ...{ gateway, clock: { now: () => 0 }, store: { listJobs: async () => [] } },
      ...{ keep: 0, within: 1 },
    });
    const useCase = { id: 'lab' } as UseCase;
    const found = await suggestions.suggest({ team: 'T', user: 'U' }, [useCase], 'press', 9);
    expect(found.map(({ job }) => job.name)).toEqual(['press-1']);
  });
});
