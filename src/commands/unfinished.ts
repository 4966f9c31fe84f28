/**
 * Messages that tell of work under way. The work dies with the process, the message stays: so it is on record what it
 * becomes then, and the next start says it.
 */
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import type { Clock } from '../ground/time.ts';
import type { ChannelMessages, LiveMessage } from '../ports/channel-messages.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

export interface Unfinished {
  /** The work is done: nothing is left but to take the message away. */
  onlyToRemove(): Promise<void>;
  /** The message says how it ended. */
  over(): Promise<void>;
}

/** What cannot be recorded is done all the same: only a kill would show it. */
export async function keepUnfinished(
  { store, clock }: { store: UnfinishedStore; clock: Clock },
  log: Logger,
  id: string,
  { channel, ts }: LiveMessage,
  becomes: Message,
): Promise<Unfinished> {
  const record = { id, channel, ts, since: clock.now() };
  const write = async (change: () => Promise<void>): Promise<void> => {
    try {
      await change();
    } catch (error) {
      log.warn({ err: error, channel, ts }, 'how far a message has come could not be recorded');
    }
  };
  const { text, blocks } = becomes;
  await write(() => store.putUnfinished({ ...record, becomes: { text, ...(blocks ? { blocks } : {}) } }));
  return {
    onlyToRemove: () => write(() => store.putUnfinished(record)),
    over: () => write(() => store.removeUnfinished(id)),
  };
}

/**
 * What Slack does not take now is left to the next start.
 * @param left what an earlier process left: listed before anything new can begin
 */
export async function tellInterrupted(
  left: readonly UnfinishedMessage[],
  store: UnfinishedStore,
  messages: Pick<ChannelMessages, 'follow'>,
  log: Logger,
): Promise<void> {
  for (const { id, channel, ts, becomes } of left) {
    const message = messages.follow(channel, ts);
    try {
      if (becomes) await message.finish(becomes as Message);
      else await message.remove();
      log.info({ channel, ts }, 'what a message told of was interrupted');
    } catch (error) {
      log.warn({ err: error, channel, ts }, 'an unfinished message could not be changed');
      if (!isGone(error)) continue;
    }
    await store.removeUnfinished(id);
  }
}

/** The message is not there any more, or the bot may no longer write where it is. */
function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'not_found' || code === 'permission_denied' || code === 'conflict';
}
