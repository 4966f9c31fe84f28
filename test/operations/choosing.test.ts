import { describe, expect, it } from 'vitest';
import { chooseUseCase, findUseCase } from '../../src/operations/choose-use-case.ts';
import { nearestJobs } from '../../src/operations/find-jobs.ts';
import { nearestLogs } from '../../src/operations/locate-log.ts';
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
  let _lists = 0;
  const getStatus = async (name: string) => jobs.find((one) => one.name === name);
  const catalog = {
    list: async ({ nameContains = '', limit }: { nameContains?: string; limit: number }) => {
      _lists += 1;
      return jobs.filter((one) => one.name.includes(nameContains)).slice(0, limit);
    },
  } as Partial<JobCatalog> as JobCatalog;
  const session = {
    sessionName: 'x',
    providers: [{ name: 'sagemaker', jobs: catalog, getStatus }],
  } as unknown as UseCaseSession;
  const _gateway: UseCaseGateway = {
    trainsOn: () => ['sagemaker'],
    links: () => ({ site: 'AWS' }),
    open: async () => session,
  };

  it('finds the nearest name however old it is', async () => {
    expect((await nearestJobs(session, 'segment-weld-old', 3))[0]?.name).toBe('segment-welds-old');
    expect(await nearestJobs(session, 'zzzzzzzzzzzzzzzz', 3)).toEqual([]);
  });

  it('finds it where it is for who gave the wrong kind', async () => {
    const empty = { list: async () => [] } as Partial<JobCatalog> as JobCatalog;
    const kinds = [...session.providers, { name: 'tuning', jobs: empty, getStatus: async () => undefined }];
    const searched = [{ useCase: LINE_3, session: { ...session, providers: kinds } as UseCaseSession }];
    const near = (word: string) => nearestLogs(searched, word, undefined);
    // As `/jobs` shows it; and to be typed, as the kinds are called.
    expect(await near('tuning:segment-welds-old')).toEqual([
      {
        ...{ useCase: LINE_3, key: 'segment-welds-old' },
        ...{ label: 'segment-welds-old', word: 'training:segment-welds-old' },
      },
    ]);
    expect(await near('tuning:zzzzzzzzzzzzzzzz')).toEqual([]);
    expect((await near('training:segment-welds-odl'))[0]?.key).toBe('segment-welds-old');
  });
});
