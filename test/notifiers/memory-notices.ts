/** What the outbox promises, without Slack: kept in the store, so that it is still known after a restart. */
import type { Message } from '../../src/blocks/message.ts';
import type { Notices } from '../../src/ports/notices.ts';
import type { OutboxRecord, OutboxStore } from '../../src/ports/outbox-store.ts';

export interface Posted {
  key: string;
  channel: string;
  message: Message;
  thread?: string | undefined;
  notBefore?: number | undefined;
}

export interface MemoryNotices extends Notices {
  /** In the order in which they came, of all times. */
  all(): Posted[];
  /** New messages since this was made. */
  posts: number;
  /** Nothing can be stored. */
  broken: boolean;
}

export function memoryNotices(store: OutboxStore, list: Posted[] = []): MemoryNotices {
  const notices: MemoryNotices = {
    posts: 0,
    broken: false,
    all: () => list,
    async post(key, channel, message: Message, options = {}) {
      if (notices.broken) throw new Error('the process is gone');
      let isNew = false;
      await store.changePost(key, (known) => {
        isNew = known === undefined;
        return known ?? record(key, channel, message);
      });
      const posted = { key, channel, message, thread: options.thread, notBefore: options.notBefore };
      if (isNew) {
        notices.posts += 1;
        list.push(posted);
      } else if (!list.some((one) => one.key === key)) list.push(posted);
      return isNew;
    },
    async show(key, channel, message: Message, options) {
      if (await notices.post(key, channel, message, options)) return;
      const shown = list.find((one) => one.key === key);
      if (shown) shown.message = message;
    },
    async adopt() {},
  };
  return notices;
}

const record = (key: string, channel: string, message: Message): OutboxRecord => ({
  key,
  id: key,
  channel,
  createdAt: 1,
  changedAt: Date.now(),
  message: { text: message.text },
  version: 1,
  shown: 0,
  posted: { channel, ts: `ts of ${key}`, at: 1 },
});
