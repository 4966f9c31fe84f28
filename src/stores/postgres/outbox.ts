/** Messages on their way to Slack, and channels that cannot be posted to. */
import type { DeadChannel, OutboxRecord, OutboxStore } from '../../ports/outbox-store.ts';
import type { Database } from './database.ts';
import { changeIn, column, type Kind, orderKey, read, statementsOf } from './records.ts';
import { records } from './table.ts';

export const POSTS: Kind<OutboxRecord> = {
  name: 'post',
  table: 'posts',
  key: ({ key }) => key,
  columns: {
    unsent: ({ failed, message }) => failed === undefined && message !== undefined,
    created_at: ({ createdAt }) => createdAt,
    changed_at: ({ changedAt }) => changedAt,
  },
};

export const DEAD_CHANNELS: Kind<DeadChannel> = {
  name: 'dead',
  table: 'dead_channels',
  key: ({ channel }) => channel,
  columns: {},
};

export function outbox(database: Database): OutboxStore {
  const posts = records(database, POSTS);
  const dead = records(database, DEAD_CHANNELS);
  const sql = statementsOf(DEAD_CHANNELS);
  return {
    getPost: (key) => posts.get(key),
    changePost: (key, change) => posts.change(key, change),
    listUnsent: () => posts.list('select record from posts where unsent order by created_at, seq'),
    listDeadChannels: () => dead.list('select record from dead_channels order by seq'),
    changeDeadChannel: (channel, change) =>
      database.write([orderKey(DEAD_CHANNELS, channel)], async (transaction) => {
        const [row] = await transaction.read<{ record: unknown }>(sql.lock, [column(channel)]);
        const before = row && read(DEAD_CHANNELS, row);
        const after = change(before);
        if (after !== undefined) return changeIn(transaction, DEAD_CHANNELS, channel, before, () => after);
        if (before) await transaction.write(sql.remove, [column(channel)]);
        return undefined;
      }),
  };
}
