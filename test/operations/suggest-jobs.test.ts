import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobKey } from '../../src/domain/job-keys.ts';
import type { JobRecord } from '../../src/domain/job-records.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { ProviderName } from '../../src/domain/providers.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { JobSuggestions, type SuggestionOptions } from '../../src/operations/suggest-jobs.ts';
import type { JobCatalog } from '../../src/ports/training-provider.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { HARBOR, job, LINE_3 } from '../slack/workspace.ts';

type Query = Parameters<JobCatalog['list']>[0];

const actor = { team: 'T', user: 'U0ADA' };
const names = Array.from({ length: 150 }, (_, index) => `train-resnet-${index}`).concat('segment-welds-old');
const of = (provider: ProviderName, list: readonly string[]): TrainingJob[] =>
  list.map((name, index) => ({ ...job(name, 'line-3'), provider, createdAt: 1_000_000 - index }));

/** A use case with these jobs, and what was asked of each provider: `cluster welds`. */
function place(
  jobs: Partial<Record<ProviderName, readonly TrainingJob[]>>,
  answers: (provider: ProviderName, query: Query) => Promise<unknown> = async () => undefined,
) {
  const asked: string[] = [];
  const records: JobRecord[] = [];
  let now = 0;
  const providers = Object.entries(jobs).map(([key, list]) => {
    const name = key as ProviderName;
    return {
      ...{ name, getStatus: async () => undefined },
      jobs: {
        list: async (query: Query) => {
          asked.push(`${name} ${query.limit > 100 ? 'all' : (query.nameContains ?? '')}`.trim());
          await answers(name, query);
          const { nameContains = '', limit } = query;
          return list.filter((one) => one.name.toLowerCase().includes(nameContains)).slice(0, limit);
        },
      },
    };
  });
  const gateway = {
    ...{ links: () => ({ site: 'AWS' }), trainsOn: () => Object.keys(jobs) },
    open: async ({ id }: UseCase) => {
      if (id === 'harbor') throw new Error('down');
      return { sessionName: 'x', providers };
    },
  } as unknown as UseCaseGateway;
  const store: SuggestionOptions['store'] = {
    listJobs: async ({ useCase, provider }) =>
      records.filter((one) => one.job.useCase === useCase && one.job.provider === provider),
  };
  const suggestions = (options: Partial<SuggestionOptions> = {}) =>
    new JobSuggestions({ gateway, store, clock: { now: () => now }, every: 0, ...options });
  return {
    asked,
    suggestions,
    pass: (ms: number) => {
      now += ms;
    },
    onRecord: (known: TrainingJob) => records.push({ job: known, seenAt: 0 }),
  };
}

const found = async (suggestions: JobSuggestions, typed: string, useCases = [LINE_3]) =>
  (await suggestions.suggest(actor, useCases, typed, 100)).map(({ job: one }) => jobKey(one));

function opening() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('[L7, L10] suggestions while somebody types', () => {
  it('are at most so many, and the service is asked once for the same letters', async () => {
    const { asked, pass, suggestions } = place({ sagemaker: of('sagemaker', names) });
    const all = suggestions();
    expect(await found(all, '')).toHaveLength(100);
    expect(await found(all, 'WELDS')).toHaveLength(1);
    await found(all, 'welds');
    expect(asked).toEqual(['sagemaker', 'sagemaker welds']);
    pass(60_000);
    await found(all, '');
    expect(asked).toHaveLength(3);
  });

  it('ask nobody about letters that an answer has told all about', async () => {
    const { asked, suggestions } = place({
      sagemaker: of('sagemaker', names),
      processing: of('processing', ['prepare-welds', 'prepare-seams']),
    });
    const all = suggestions();
    for (const typed of ['', 'w', 'we', 'welds-o', 'prepare', 'elds'])
      expect(await found(all, typed), typed).toEqual(expect.any(Array));
    // Of trainings there are more than come: `w` brings all that have it, and so all that have `we`.
    expect(asked).toEqual(['sagemaker', 'processing', 'sagemaker w', 'sagemaker prepare', 'sagemaker elds']);
    expect(await found(all, 'welds')).toEqual(['processing:prepare-welds', 'segment-welds-old']);
  });

  it('of few jobs keep to one list, whose next letter finds what is new', async () => {
    const trainings = of('sagemaker', ['welds-1']);
    const { asked, pass, suggestions } = place({ sagemaker: trainings });
    const all = suggestions();
    expect(await found(all, 'welds')).toEqual(['welds-1']);
    trainings.push(...of('sagemaker', ['welds-2']));
    pass(20_001);
    expect(await found(all, 'welds-')).toEqual(['welds-1', 'welds-2']);
    expect(asked).toEqual(['sagemaker', 'sagemaker']);
  });

  it('wait for no slow kind, ask it once, and have its jobs at the next letter', async () => {
    const { opened, open } = opening();
    const { asked, suggestions } = place(
      {
        processing: of('processing', ['welds-1']),
        pipeline: of('pipeline', ['welds-1']),
        sagemaker: of('sagemaker', names),
      },
      (provider) => (provider === 'pipeline' ? opened : Promise.resolve()),
    );
    const all = suggestions({ within: 1 });
    expect(await found(all, 'welds')).toEqual(['processing:welds-1', 'segment-welds-old']);
    open();
    expect(await found(all, 'welds-1')).toEqual(['processing:welds-1', 'pipeline:welds-1']);
    // Only where there are more than came: the others' lists were whole.
    expect(asked.toSorted()).toEqual(['pipeline', 'processing', 'sagemaker', 'sagemaker welds']);
    expect(await found(all, 'processing:w')).toEqual(['processing:welds-1']);
    expect(asked).toHaveLength(4);
  });

  it('are what is on record of a kind that does not answer, or answers with an error', async () => {
    const { opened } = opening();
    const { onRecord, suggestions } = place({ pipeline: [], tuning: [], endpoint: [] }, (provider) => {
      if (provider === 'pipeline') return opened;
      const code = provider === 'tuning' ? 'unavailable' : 'permission_denied';
      return Promise.reject(new AppError(code, 'no'));
    });
    for (const provider of ['pipeline', 'tuning', 'endpoint'] as const)
      onRecord({ ...job('welds-1', 'line-3'), provider });
    // Nothing is told from memory of a kind that the role may not list.
    expect(await found(suggestions({ within: 1 }), 'welds')).toEqual(['pipeline:welds-1', 'tuning:welds-1']);
  });

  it('leave out a use case that cannot be asked now and of which nothing is known', async () => {
    const { suggestions } = place({ sagemaker: of('sagemaker', names) });
    const some = await suggestions().suggest(actor, [HARBOR, LINE_3], 'resnet-7', 100);
    expect(new Set(some.map(({ useCase }) => useCase.id))).toEqual(new Set(['line-3']));
  });

  it('look through all clusters here, whose service would go through all pages for every text', async () => {
    const { asked, pass, suggestions } = place({ cluster: of('cluster', names) });
    const all = suggestions();
    for (const typed of ['', 'w', 'seg', 'resnet-14']) await found(all, typed);
    expect(await found(all, 'welds')).toEqual(['cluster:segment-welds-old']);
    expect(asked).toEqual(['cluster', 'cluster all']);
    pass(60_000);
    expect(await found(all, 'welds')).toEqual(['cluster:segment-welds-old']);
    expect(asked).toEqual(['cluster', 'cluster all', 'cluster']);
  });

  it('ask for one text at a time, and not for one that somebody has gone on from', async () => {
    const { asked, pass, suggestions } = place({ sagemaker: of('sagemaker', names) });
    const all = suggestions({ every: 5, within: 10_000 });
    await found(all, '');
    const typed = ['1', '12', '123'].map((text) => found(all, text));
    await new Promise(setImmediate);
    pass(10);
    const [, , last] = await Promise.all(typed);
    expect(last).toEqual(['train-resnet-123']);
    expect(asked).toEqual(['sagemaker', 'sagemaker 1', 'sagemaker 123']);
  });

  it('are those of the newest hundred and of the service’s own search, whatever was typed before', async () => {
    const letters = fc.constantFrom('', 'a', 'b', 'ab', 'ba', 'aab', '1', 'a1');
    const jobNames = fc.uniqueArray(fc.stringMatching(/^[ab]{1,4}-[0-9]{1,2}$/), { maxLength: 130 });
    await fc.assert(
      fc.asyncProperty(
        jobNames,
        fc.array(fc.tuple(letters, fc.nat({ max: 30_000 })), { maxLength: 8 }),
        async (list, typing) => {
          const clusters = of('cluster', list);
          const { pass, suggestions } = place({ sagemaker: of('sagemaker', list), cluster: clusters });
          const all = suggestions();
          for (const [text, ms] of typing) {
            pass(ms);
            const each = list.filter((name) => name.includes(text)).slice(0, 100);
            expect((await all.suggest(actor, [LINE_3], `training:${text}`, 200)).length).toBe(each.length);
            const ofClusters = await all.suggest(actor, [LINE_3], `cluster:${text}`, 200);
            if (text === '') expect(ofClusters.length).toBe(each.length);
            else
              expect(ofClusters.map((one) => one.job.name)).toEqual(
                list.filter((name) => name.includes(text)),
              );
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
