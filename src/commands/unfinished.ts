/**
 * Messages that tell of work under way. If the process is killed, the work ends but the message remains; so what there is
 * to say then is on record, and the next start says it, or another instance (tell-unfinished.ts).
 */
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import { inTurn } from '../ground/in-turn.ts';
import type { Clock } from '../ground/time.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

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
  /**
   * Nobody works on it any more, and Slack has not taken what is to be said: whoever looks for such says it.
   * @param becomes what that is; left out: what it would be after a kill
   */
  leave(becomes?: Message): Promise<void>;
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
  const left: UnfinishedMessage = { id, channel, ts, since: clock.now() };
  const record = { ...left, ...(by === undefined ? {} : { by }) };
  // One after the other: whoever does not wait for one must not be overtaken.
  const write = inTurn((error) =>
    log.warn({ err: error, channel, ts }, 'how far a message has come could not be recorded'),
  );
  const outgoing = ({ text, blocks }: Message) => ({ text, ...(blocks ? { blocks } : {}) });
  const working = { ...record, ...(download ? { download } : {}) };
  let toSay: Pick<UnfinishedMessage, 'becomes' | 'files'> = {};
  const say = (of: UnfinishedMessage, next: typeof toSay): Promise<void> => {
    toSay = next;
    return write(() => store.putUnfinished({ ...of, ...next }));
  };
  const isWorking = (words: Message): Promise<void> => say(working, { becomes: outgoing(words) });
  await isWorking(becomes);
  return {
    becomes: isWorking,
    sharing: (files, words) => say(record, { becomes: outgoing(words), files: [...files] }),
    onlyToRemove: () => say(record, {}),
    over: () => write(() => store.removeUnfinished(id)),
    leave: (words) => say(left, words ? { becomes: outgoing(words) } : toSay),
  };
}
