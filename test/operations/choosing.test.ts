import { describe, expect, it } from 'vitest';
import { chooseUseCase, findUseCase } from '../../src/operations/choose-use-case.ts';
import { JobSuggestions, nearestJobs } from '../../src/operations/find-jobs.ts';
import type { Directory } from '../../src/ports/directory.ts';
import type { JobCatalog } from '../../src/ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../../src/ports/use-case-session.ts';
import { HARBOR, job, LINE_3 } from '../slack/workspace.ts';

const people: Directory = {
  isInGroup: async (user, group) => user === 'U0BEN' && group === 'S0OPS',
  isInChannel: async (user, channel) => user === 'U0ADA' && channel === 'C0LINE3',
};
const ask = (user: string, where: { channel?: string; isDirect?: boolean; id?: string }) =>
  chooseUseCase({ user, permission: 'logs:read', isDirect: false, ...where }, [LINE_3, HARBOR], people);

describe('[L8] which use case is meant', () => {
  it('is the channel’s, its alerts channel included', async () => {
    expect(await ask('U0ADA', { channel: 'C0LINE3' })).toMatchObject({ candidates: [{ id: 'line-3' }] });
    expect(await ask('U0ADA', { channel: 'C0ALERTS' })).toMatchObject({ candidates: [{ id: 'line-3' }] });
    expect(await ask('U0ADA', { channel: 'C0HARBOR' })).toMatchObject({
      kind: 'refused',
      useCase: { id: 'harbor' },
    });
  });

  it('is what the flag says, wherever, and only with the right', async () => {
    expect(await ask('U0BEN', { channel: 'C0LINE3', id: 'HARBOR' })).toMatchObject({ kind: 'chosen' });
    expect(await ask('U0ADA', { channel: 'C0LINE3', id: 'harbor' })).toMatchObject({ kind: 'refused' });
    expect(await ask('U0ADA', { channel: 'C0LINE3', id: 'habor' })).toEqual({ kind: 'refused' });
    expect(() => findUseCase('habor', [LINE_3, HARBOR])).toThrow('no use case');
  });

  it('are all that are open to the person, in a direct message', async () => {
    expect(await ask('U0DEV', { channel: 'D1', isDirect: true })).toMatchObject({
      candidates: [{ id: 'line-3' }, { id: 'harbor' }],
    });
    expect(await ask('U0EVE', { channel: 'D1', isDirect: true })).toEqual({ kind: 'no_use_case', open: [] });
  });

  it('is asked for in a channel of none', async () => {
    expect(await ask('U0ADA', { channel: 'C0GENERAL' })).toMatchObject({
      kind: 'no_use_case',
      open: [{ id: 'line-3' }],
    });
  });
});

describe('[L7, L10] finding jobs by what one remembers', () => {
  const names = Array.from({ length: 150 }, (_, index) => `train-resnet-${index}`);
  const jobs = [...names, 'segment-welds-old'].map((name) => job(name, 'line-3'));
  let lists = 0;
  const catalog = {
    find: async (name: string) => jobs.find((one) => one.name === name),
    list: async ({ nameContains = '', limit }: { nameContains?: string; limit: number }) => {
      lists += 1;
      return jobs.filter((one) => one.name.includes(nameContains)).slice(0, limit);
    },
  } as JobCatalog;
  const session = {
    sessionName: 'x',
    providers: [{ name: 'sagemaker', jobs: catalog }],
  } as unknown as UseCaseSession;
  const gateway: UseCaseGateway = {
    trainsOn: () => ['sagemaker'],
    links: () => ({ site: 'AWS' }),
    open: async () => session,
  };
  const actor = { team: 'T', user: 'U0ADA' };

  it('finds the nearest name however old it is', async () => {
    expect((await nearestJobs(session, 'segment-weld-old', 3))[0]?.name).toBe('segment-welds-old');
    expect(await nearestJobs(session, 'zzzzzzzzzzzzzzzz', 3)).toEqual([]);
  });

  it('suggests at most so many, and asks the service once for the same letters', async () => {
    lists = 0;
    let now = 0;
    const suggestions = new JobSuggestions(gateway, { now: () => now });
    expect(await suggestions.suggest(actor, [LINE_3], '', 100)).toHaveLength(100);
    expect(await suggestions.suggest(actor, [LINE_3], 'WELDS'.toLowerCase(), 100)).toHaveLength(1);
    await suggestions.suggest(actor, [LINE_3], 'welds', 100);
    expect(lists).toBe(2);
    now = 60_000;
    await suggestions.suggest(actor, [LINE_3], '', 100);
    expect(lists).toBe(3);
  });

  it('leaves out a use case that cannot be asked now', async () => {
    const failing: UseCaseGateway = {
      links: gateway.links,
      trainsOn: gateway.trainsOn,
      open: (useCase, ...rest) =>
        useCase.id === 'harbor' ? Promise.reject(new Error('down')) : gateway.open(useCase, ...rest),
    };
    const suggestions = new JobSuggestions(failing, { now: () => 0 });
    const found = await suggestions.suggest(actor, [HARBOR, LINE_3], 'resnet-7', 100);
    expect(new Set(found.map(({ useCase }) => useCase.id))).toEqual(new Set(['line-3']));
  });
});
