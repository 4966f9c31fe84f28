/**
 * Messages that tell of work under way. If the process is killed, the work ends but the message remains; so what it has
 * to say then is on record, and the next start says it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import type { Clock } from '../ground/time.ts';
import type { ChannelMessages, LiveMessage } from '../ports/channel-messages.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

/** Milliseconds until a message that Slack did not take is tried again; the last one repeats. */
const AGAIN_AFTER = [5_000, 15_000, 60_000, 300_000];

export interface Unfinished {
  /** What the message says if the work is cut off from now on. */
  becomes(words: Message): Promise<void>;
  /**
   * The files are handed over, and may arrive whatever happens to this process.
   * @param becomes what the message says if it cannot be seen whether they did
   */
  sharing(files: readonly string[], becomes: Message): Promise<void>;
  /** The work is done, and the message only has to be removed. */
  onlyToRemove(): Promise<void>;
  /** The message says how the work ended. */
  over(): Promise<void>;
}

export interface UnfinishedWork extends Pick<UnfinishedMessage, 'id' | 'by' | 'download'> {
  message: LiveMessage;
  /** What the message says if the work is cut off. */
  becomes: Message;
}

/** Records the work. It goes on if that fails: only a kill would show the difference. */
export async function keepUnfinished(
  { store, clock }: { store: UnfinishedStore; clock: Clock },
  log: Logger,
  { id, by, download, message, becomes }: UnfinishedWork,
): Promise<Unfinished> {
  const { channel, ts } = message;
  const record = { id, channel, ts, since: clock.now(), ...(by === undefined ? {} : { by }) };
  // One after the other: whoever does not wait for one must not be overtaken.
  let written = Promise.resolve();
  const write = (change: () => Promise<void>): Promise<void> => {
    written = written.then(change).catch((error: unknown) => {
      log.warn({ err: error, channel, ts }, 'how far a message has come could not be recorded');
    });
    return written;
  };
  const outgoing = ({ text, blocks }: Message) => ({ text, ...(blocks ? { blocks } : {}) });
  const working = { ...record, ...(download ? { download } : {}) };
  const isWorking = (words: Message): Promise<void> =>
    write(() => store.putUnfinished({ ...working, becomes: outgoing(words) }));
  await isWorking(becomes);
  return {
    becomes: isWorking,
    sharing: (files, words) =>
      write(() => store.putUnfinished({ ...record, becomes: outgoing(words), files: [...files] })),
    onlyToRemove: () => write(() => store.putUnfinished(record)),
    over: () => write(() => store.removeUnfinished(id)),
  };
}

export interface Telling {
  store: UnfinishedStore;
  messages: Pick<ChannelMessages, 'follow'>;
  files: Pick<FileDelivery, 'hasArrived'>;
  log: Logger;
  signal: AbortSignal;
  /** Milliseconds before each further attempt. */
  againAfter?: readonly number[];
}

/**
 * Tries until Slack has taken every message or `signal` is aborted; the rest is left for the next start.
 * @param left what an earlier process left, listed before new work could begin
 */
export async function tellInterrupted(left: readonly UnfinishedMessage[], telling: Telling): Promise<void> {
  const { signal, againAfter = AGAIN_AFTER } = telling;
  let waiting = left;
  for (let round = 0; ; round += 1) {
    const refused: UnfinishedMessage[] = [];
    for (const one of waiting) if (!signal.aborted && !(await tell(one, telling))) refused.push(one);
    if (refused.length === 0) return;
    waiting = refused;
    try {
      await sleep(againAfter[Math.min(round, againAfter.length - 1)], undefined, { signal, ref: false });
    } catch {
      return;
    }
  }
}

/** @returns false if Slack has not taken it but may do so later */
async function tell(
  { id, channel, ts, since, becomes, files }: UnfinishedMessage,
  { store, messages, files: delivery, log }: Telling,
): Promise<boolean> {
  const message = messages.follow(channel, ts);
  try {
    const isThere = files !== undefined && (await delivery.hasArrived(files, channel, since)) === true;
    if (becomes && !isThere) await message.finish(becomes as Message);
    else await message.remove();
    log.info({ channel, ts, delivered: isThere }, 'what a message told of was interrupted');
  } catch (error) {
    log.warn({ err: error, channel, ts }, 'an unfinished message could not be changed');
    if (!isGone(error)) return false;
  }
  await store.removeUnfinished(id);
  return true;
}

/** The message no longer exists, or the bot may no longer write where it is. */
function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'not_found' || code === 'permission_denied' || code === 'conflict';
}
