import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  channelRights,
  type SettingsWish,
  settingsVersion,
  withWish,
} from '../../src/domain/channel-rights.ts';
import type { ChannelSettings, Subscription } from '../../src/domain/subscriptions.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';

const useCase = (id: string, channels: string[]): UseCase => ({
  ...{ id, name: id, account: '123456789012', region: 'eu-west-1', channels, access: {} },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
});
const A = useCase('a', ['C0A', 'C0BOTH']);
const B = useCase('b', ['C0B', 'C0BOTH']);
const C = useCase('c', ['C0C']);
const ALL = [A, B, C];
const BY = { team: 'T', user: 'U0ADA' };
const NIGHT = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
const EVENING = { from: '18:00', to: '08:00', timeZone: 'UTC' };

const settings = (channel: string, useCases: string[] = []): ChannelSettings => ({
  channel,
  quietHours: NIGHT,
  digest: useCases.length === 0 ? undefined : { cron: '0 9 * * *', timeZone: 'Europe/Berlin', useCases },
  changedBy: { team: 'T', user: 'U0BEN' },
  changedAt: 1,
});
const subscription = (channel: string, of: string): Subscription => ({
  ...{ id: `${channel}/${of}`, useCase: of, channel, kinds: [], failuresOnly: false },
  ...{ createdBy: BY, createdAt: 1 },
});

describe('what a person may change of a channel’s settings', () => {
  it('in the channel of another use case: their own place in the digest, not its hours', () => {
    const before = settings('C0B', ['b']);
    const rights = channelRights('C0B', { settings: before, subscriptions: [] }, ALL, [A]);
    expect(rights).toEqual({ managed: ['a'], quietHours: false, digestTime: false, othersInDigest: ['b'] });
    // As if every field had been emptied.
    const nothing: SettingsWish = { quietHours: undefined, digest: undefined, digestUseCases: [] };
    expect(withWish('C0B', before, nothing, rights, { by: BY, at: 2 })).toMatchObject({
      quietHours: NIGHT,
      digest: before.digest,
    });
    const joined = withWish('C0B', before, { ...nothing, digestUseCases: ['a'] }, rights, { by: BY, at: 2 });
    expect(joined.digest?.useCases).toEqual(['b', 'a']);
  });

  it('in a channel that two share: its quiet hours, and never the other’s place in the digest', () => {
    const before = settings('C0BOTH', ['a', 'b']);
    const rights = channelRights('C0BOTH', { settings: before, subscriptions: [] }, ALL, [A]);
    const wish = { quietHours: EVENING, digest: undefined, digestUseCases: [] };
    expect(withWish('C0BOTH', before, wish, rights, { by: BY, at: 2 })).toMatchObject({
      quietHours: EVENING,
      digest: { ...before.digest, useCases: ['b'] },
    });
  });

  it('in a channel of none: its hours where nothing of others is heard there', () => {
    const none = { settings: undefined, subscriptions: [subscription('C0X', 'a')] };
    expect(channelRights('C0X', none, ALL, [A]).quietHours).toBe(true);
    const heard = { settings: undefined, subscriptions: [subscription('C0X', 'b')] };
    expect(channelRights('C0X', heard, ALL, [A]).quietHours).toBe(false);
    // One that is configured no more stands in nobody's way.
    const gone = { settings: settings('C0X', ['gone']), subscriptions: [] };
    expect(channelRights('C0X', gone, ALL, [A])).toMatchObject({ quietHours: true, digestTime: true });
  });

  it('is never what is somebody else’s, whatever is asked for', () => {
    const ids = fc.subarray(['a', 'b', 'c']);
    const channel = fc.constantFrom('C0A', 'C0B', 'C0BOTH', 'C0X');
    const hours = fc.option(fc.constantFrom(NIGHT, EVENING), { nil: undefined });
    fc.assert(
      fc.property(
        channel,
        hours,
        ids,
        ids,
        ids,
        hours,
        ids,
        fc.boolean(),
        (place, quiet, digest, heard, managed, wanted, chosen, off) => {
          const before: ChannelSettings = { ...settings(place, digest), quietHours: quiet };
          const mine = ALL.filter(({ id }) => managed.includes(id));
          const subscriptions = heard.map((id) => subscription(place, id));
          const rights = channelRights(place, { settings: before, subscriptions }, ALL, mine);
          const time = off ? undefined : { cron: '30 8 * * 1', timeZone: 'UTC' };
          const after = withWish(
            place,
            before,
            { quietHours: wanted, digest: time, digestUseCases: chosen },
            rights,
            { by: BY, at: 2 },
          );
          const others = digest.filter((id) => !managed.includes(id));
          const now = after.digest?.useCases ?? [];
          expect(others.every((id) => now.includes(id))).toBe(true);
          // Nobody brings in what is not theirs.
          expect(now.every((id) => managed.includes(id) || others.includes(id))).toBe(true);
          if (others.length > 0)
            expect(after.digest).toMatchObject({ cron: '0 9 * * *', timeZone: 'Europe/Berlin' });
          const owners = ALL.filter(({ channels }) => channels.includes(place));
          if (managed.length === 0 || (owners.length > 0 && !owners.some(({ id }) => managed.includes(id))))
            expect(after.quietHours).toEqual(quiet);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('has a version that says what is set, not who set it when', () => {
    const one = settings('C0A', ['a', 'b']);
    expect(settingsVersion({ ...one, changedAt: 9, changedBy: BY })).toBe(settingsVersion(one));
    expect(settingsVersion(settings('C0A', ['b', 'a']))).toBe(settingsVersion(one));
    const versions = [undefined, one, settings('C0A', ['a']), { ...one, quietHours: EVENING }].map(
      settingsVersion,
    );
    expect(new Set(versions).size).toBe(4);
  });
});
