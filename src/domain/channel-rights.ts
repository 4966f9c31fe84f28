/**
 * Who may change what of a channel's settings. Quiet hours and the digest's time apply to everything posted in the
 * channel, whichever use case it belongs to. Whether a use case is in the digest is up to that use case.
 */
import { createHash } from 'node:crypto';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { QuietHours } from './quiet-hours.ts';
import type { ChannelSettings, DigestSettings, Subscription } from './subscriptions.ts';
import { belongsTo, type UseCase } from './use-cases.ts';

export interface ChannelRights {
  /** Ids of the use cases whose subscriptions and place in the digest the person may change. */
  managed: readonly string[];
  quietHours: boolean;
  /** When the digest comes, and whether it comes at all. */
  digestTime: boolean;
  /** Use cases in the digest that other people manage; they stay, whatever is saved. */
  othersInDigest: readonly string[];
}

/**
 * A channel's own use cases decide over its quiet hours, those with a subscription or a place in its digest over a
 * channel of none. The digest's time can be changed only by somebody who manages every use case in it.
 * @param managed those of `useCases` that the person manages
 */
export function channelRights(
  channel: string,
  {
    settings,
    subscriptions,
  }: { settings: ChannelSettings | undefined; subscriptions: readonly Subscription[] },
  useCases: readonly UseCase[],
  managed: readonly UseCase[],
): ChannelRights {
  // A use case that is no longer configured belongs to nobody and blocks nobody.
  const isOthers = (id: string): boolean =>
    useCases.some((useCase) => useCase.id === id) && !managed.some((useCase) => useCase.id === id);
  const owners = useCases.filter((useCase) => belongsTo(channel, useCase));
  const inDigest = settings?.digest?.useCases ?? [];
  const heard = [
    ...subscriptions.filter((one) => one.channel === channel).map(({ useCase }) => useCase),
    ...inDigest,
  ];
  const othersInDigest = inDigest.filter(isOthers);
  return {
    managed: managed.map(({ id }) => id),
    quietHours:
      managed.length > 0 &&
      (owners.length > 0 ? owners.some(({ id }) => !isOthers(id)) : !heard.some(isOthers)),
    digestTime: managed.length > 0 && othersInDigest.length === 0,
    othersInDigest,
  };
}

/** What somebody asks for; the parts they may not change are ignored. */
export interface SettingsWish {
  quietHours: QuietHours | undefined;
  /** Left out: no digest. */
  digest: Omit<DigestSettings, 'useCases'> | undefined;
  /** Ids of the use cases in the digest. */
  digestUseCases: readonly string[];
}

/** The settings after a wish: what the person may not change is as it was. */
export function withWish(
  channel: string,
  before: ChannelSettings | undefined,
  wish: SettingsWish,
  rights: ChannelRights,
  change: { by: Actor; at: EpochMs },
): ChannelSettings {
  const own = wish.digestUseCases.filter((id) => rights.managed.includes(id));
  const time = rights.digestTime ? wish.digest : before?.digest;
  const useCases = [...new Set([...rights.othersInDigest, ...own])];
  return {
    channel,
    quietHours: rights.quietHours ? wish.quietHours : before?.quietHours,
    digest:
      time === undefined || useCases.length === 0
        ? undefined
        : { cron: time.cron, timeZone: time.timeZone, useCases },
    changedBy: change.by,
    changedAt: change.at,
  };
}

/** The same for settings that say the same, whoever saved them when. */
export function settingsVersion(settings: ChannelSettings | undefined): string {
  const { quietHours: quiet, digest } = settings ?? {};
  const said = JSON.stringify([
    quiet ? [quiet.from, quiet.to, quiet.timeZone, quiet.weekends ?? false] : null,
    digest ? [digest.cron, digest.timeZone, [...digest.useCases].sort()] : null,
  ]);
  return createHash('sha256').update(said).digest('hex').slice(0, 12);
}

export const changedMeanwhile = (): AppError =>
  new AppError('conflict', 'Somebody else has changed these settings in the meantime.', {
    hint: 'Nothing of yours was saved. Open the settings again to see what they are now.',
  });
