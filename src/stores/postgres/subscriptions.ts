/** What channels want to hear. */
import type { ChannelSettings, Subscription } from '../../domain/subscriptions.ts';
import type { SubscriptionStore } from '../../ports/subscription-store.ts';
import type { Database } from './database.ts';
import { column, type Kind } from './records.ts';
import { records } from './table.ts';

export const SUBSCRIPTIONS: Kind<Subscription> = {
  name: 'subscription',
  table: 'subscriptions',
  key: ({ id }) => id,
  columns: {
    use_case: ({ useCase }) => column(useCase),
    channel: ({ channel }) => column(channel),
    created_at: ({ createdAt }) => createdAt,
  },
};

export const CHANNELS: Kind<ChannelSettings> = {
  name: 'channel',
  table: 'channels',
  key: ({ channel }) => channel,
  columns: {},
};

export function subscriptions(database: Database): SubscriptionStore {
  const all = records(database, SUBSCRIPTIONS);
  const channels = records(database, CHANNELS);
  return {
    putSubscription: (subscription) => all.put(subscription),
    removeSubscription: (id) => all.remove(id),
    listSubscriptions: ({ useCase, channel } = {}) =>
      all.list(
        `select record from subscriptions
         where ($1::text is null or use_case = $1) and ($2::text is null or channel = $2)
         order by created_at, seq`,
        [useCase === undefined ? null : column(useCase), channel === undefined ? null : column(channel)],
      ),
    changeChannelSettings: (channel, change) => channels.change(channel, change),
    listChannelSettings: () => channels.list('select record from channels order by seq'),
  };
}
