import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allows,
  may,
  mayKnowOf,
  type Permission,
  permittedUseCases,
  refusal,
  rolesOf,
  whoCanGrant,
} from '../../src/domain/access.ts';
import type { Role, UseCase } from '../../src/domain/use-cases.ts';
import type { Directory } from '../../src/ports/directory.ts';

const PERMISSIONS: Permission[] = [
  'jobs:read',
  'logs:read',
  'compile:start',
  'train:start',
  'train:stop',
  'artifacts:read',
  'components:publish',
  'alerts:handle',
  'subscriptions:manage',
];
const ROLES: Role[] = ['viewer', 'dataScientist', 'operator', 'admin'];

const useCase = (access: UseCase['access'], channels = ['C0LINE3']): UseCase => ({
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels,
  access,
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
});

const directory = (groups: Record<string, string[]>, channels: Record<string, string[]>): Directory => ({
  isInGroup: async (user, group) => groups[group]?.includes(user) ?? false,
  isInChannel: async (user, channel) => channels[channel]?.includes(user) ?? false,
});

const NOBODY = directory({}, {});

describe('[L8] access, default deny', () => {
  it('lets nobody in whom the configuration does not name, whatever they belong to', async () => {
    const id = fc.constantFrom('U0A', 'U0B', 'S0A', 'S0B', 'C0A', 'channel-members', '', 'U0a', 'everyone');
    const lists = fc.array(id, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          { viewer: lists, dataScientist: lists, operator: lists, admin: lists },
          { requiredKeys: [] },
        ),
        fc.dictionary(fc.constantFrom('S0A', 'S0B'), fc.array(fc.constantFrom('U0A', 'U0B'))),
        fc.dictionary(fc.constantFrom('C0A', 'C0OTHER'), fc.array(fc.constantFrom('U0A', 'U0B'))),
        fc.constantFrom('U0A', 'U0B', 'U0STRANGER'),
        fc.constantFrom(...PERMISSIONS),
        async (access, groups, channels, user, permission) => {
          const named = Object.values(access)
            .flat()
            .some(
              (grantee) =>
                grantee === user ||
                (Object.hasOwn(groups, grantee) && (groups[grantee] as string[]).includes(user)) ||
                (grantee === 'channel-members' && ((channels.C0A ?? []) as string[]).includes(user)),
            );
          const allowed = await may(user, permission, useCase(access, ['C0A']), directory(groups, channels));
          if (!named) expect(allowed).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes users, user groups, and members of the use case’s channels', async () => {
    const people = directory({ S0OPS: ['U0BEN'] }, { C0LINE3: ['U0CHLOE'], C0GENERAL: ['U0EVE'] });
    const line3 = useCase({ viewer: ['channel-members'], operator: ['S0OPS'], admin: ['U0DEV'] });
    for (const user of ['U0BEN', 'U0CHLOE', 'U0DEV'])
      expect(await may(user, 'logs:read', line3, people)).toBe(true);
    expect(await may('U0EVE', 'logs:read', line3, people)).toBe(false);
    expect(await may('U0CHLOE', 'train:stop', line3, people)).toBe(false);
  });

  const failing: Directory = {
    isInGroup: () => Promise.reject(new Error('no such method')),
    isInChannel: () => Promise.reject(new Error('Slack is away')),
  };

  it('keeps people out while the directory fails', async () => {
    await expect(may('U0BEN', 'logs:read', useCase({ operator: ['S0OPS'] }), failing)).rejects.toThrow(
      'no such method',
    );
    await expect(
      permittedUseCases('U0BEN', 'logs:read', [useCase({ operator: ['S0OPS'] })], failing),
    ).rejects.toThrow('no such method');
  });

  it('decides without Slack, in whatever order they are listed, what a person’s own name decides', async () => {
    const listed = useCase({
      viewer: ['S0ALL', 'channel-members'],
      operator: ['S0OPS', 'U0BEN'],
      admin: ['S0LEADS'],
    });
    expect(await may('U0BEN', 'logs:read', listed, failing)).toBe(true);
    expect(await may('U0BEN', 'train:stop', listed, failing)).toBe(true);
    // Only the group of leads could give it, and it does not answer.
    await expect(may('U0BEN', 'subscriptions:manage', listed, failing)).rejects.toThrow('no such method');
    expect([...(await rolesOf('U0BEN', listed, failing))]).toEqual(['operator']);
    await expect(rolesOf('U0EVE', listed, failing)).rejects.toThrow();
    const grouped = useCase({ viewer: ['S0ALL'] });
    expect(await permittedUseCases('U0BEN', 'logs:read', [grouped, listed], failing)).toEqual([listed]);
  });

  it('asks on where one question fails and another may let in', async () => {
    const half: Directory = { ...failing, isInChannel: async (_, channel) => channel === 'C0TWO' };
    const two = useCase({ viewer: ['S0ALL', 'channel-members'] }, ['C0ONE', 'C0TWO']);
    expect(await may('U0BEN', 'logs:read', two, half)).toBe(true);
    const noChannels: Directory = { ...failing, isInGroup: async () => true };
    expect(await may('U0BEN', 'logs:read', two, noChannels)).toBe(true);
  });

  it('never lets in by a failure whom every answer would keep out, nor keeps out whom a name lets in', async () => {
    const id = fc.constantFrom('U0A', 'U0B', 'S0A', 'S0B', 'channel-members');
    const lists = fc.array(id, { maxLength: 4 });
    const answers = fc.constantFrom('yes', 'no', 'fails');
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          { viewer: lists, dataScientist: lists, operator: lists, admin: lists },
          { requiredKeys: [] },
        ),
        fc.constantFrom('U0A', 'U0B', 'U0C'),
        fc.constantFrom(...PERMISSIONS),
        answers,
        answers,
        async (access, user, permission, group, channel) => {
          const answer = (what: string) => async (): Promise<boolean> => {
            if (what === 'fails') throw new Error('away');
            return what === 'yes';
          };
          const one = useCase(access);
          const people: Directory = { isInGroup: answer(group), isInChannel: answer(channel) };
          const sure = (directory: Directory): Promise<boolean> => may(user, permission, one, directory);
          const generous = await sure({ isInGroup: async () => true, isInChannel: async () => true });
          const stern = await sure({ isInGroup: async () => false, isInChannel: async () => false });
          const got = await sure(people).catch(() => 'unknown');
          if (!generous) expect(got).toBe(false);
          if (stern) expect(got).toBe(true);
          if (group !== 'fails' && channel !== 'fails') expect(got).not.toBe('unknown');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has sets, not ranks', () => {
    expect(allows(['operator'], 'train:stop')).toBe(true);
    expect(allows(['operator'], 'compile:start')).toBe(false);
    expect(allows(['operator'], 'train:start')).toBe(false);
    expect(allows(['dataScientist'], 'compile:start')).toBe(true);
    expect(allows(['dataScientist'], 'alerts:handle')).toBe(false);
    expect(allows(['viewer'], 'artifacts:read')).toBe(false);
    for (const permission of PERMISSIONS) expect(allows(['admin'], permission)).toBe(true);
    for (const role of ROLES) expect(allows([role], 'logs:read')).toBe(true);
    for (const permission of PERMISSIONS) expect(allows([], permission)).toBe(false);
  });

  it('names the use case in a refusal, and who can grant the right', () => {
    const line3 = useCase({ admin: ['U0DEV', 'S0LEADS'] });
    const error = refusal(line3, 'logs:read');
    expect(error.code).toBe('permission_denied');
    expect(error.message).toContain('Line 3 defects (line-3)');
    expect(whoCanGrant(line3, ['U0BOSS'])).toEqual(['U0DEV', 'S0LEADS']);
    expect(whoCanGrant(useCase({}), ['U0BOSS'])).toEqual(['U0BOSS']);
  });

  it('is known of to who has a role there, and to members of others where it says so; never by a failure', async () => {
    const mine = useCase({ viewer: ['U0ADA'] });
    const other = { ...useCase({ viewer: ['U0BEN'] }), id: 'harbor' };
    const open = { ...other, discoverable: true };
    expect(await mayKnowOf('U0ADA', mine, [mine, other], NOBODY)).toBe(true);
    expect(await mayKnowOf('U0ADA', other, [mine, other], NOBODY)).toBe(false);
    expect(await mayKnowOf('U0ADA', open, [mine, open], NOBODY)).toBe(true);
    expect(await mayKnowOf('U0EVE', open, [mine, open], NOBODY)).toBe(false);
    const grouped = { ...open, access: { viewer: ['S0ALL'] } };
    expect(await mayKnowOf('U0EVE', grouped, [mine, grouped], failing)).toBe(false);
  });

  it('finds the use cases that are open to somebody', async () => {
    const open = useCase({ viewer: ['U0ADA'] });
    expect(await permittedUseCases('U0ADA', 'logs:read', [useCase({}), open], NOBODY)).toEqual([open]);
  });
});
