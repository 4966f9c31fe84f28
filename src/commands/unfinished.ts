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
  /**
   * Whether another instance has told it as cut off, because this one hung for so long. Then nothing is recorded any
   * more, and the work is not to be handed over: who waited for it may have asked again.
   */
  isTold(): Promise<boolean>;
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
  /** Differs once other instances can have taken this one for ended; left out: there are none. */
  continuity?: (() => number | undefined) | undefined;
}

/** Records the work. It goes on if that fails: only a kill would show the difference. */
export async function keepUnfinished(
  { store, clock }: { store: UnfinishedStore; clock: Clock },
  log: Logger,
  { id, by, download, message, becomes, continuity = () => undefined }: UnfinishedWork,
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
  let isRecorded = false;
  let isTold = false;
  let heard = continuity();
  const look = async (): Promise<boolean> => {
    const now = continuity();
    if (isTold || !isRecorded || now === heard) return isTold;
    isTold = !(await store.listUnfinished()).some((one) => one.id === id);
    // Until it is heard of again, it may be told at any time.
    heard = now ?? heard;
    return isTold;
  };
  const say = (of: UnfinishedMessage, next: typeof toSay): Promise<void> => {
    toSay = next;
    return write(async () => {
      if (await look()) return;
      await store.putUnfinished({ ...of, ...next });
      isRecorded = true;
    });
  };
  const isWorking = (words: Message): Promise<void> => say(working, { becomes: outgoing(words) });
  await isWorking(becomes);
  return {
    becomes: isWorking,
    sharing: (files, words) => say(record, { becomes: outgoing(words), files: [...files] }),
    onlyToRemove: () => say(record, {}),
    isTold: async () => {
      await write(async () => void (await look()));
      return isTold;
    },
    over: () => write(() => store.removeUnfinished(id)),
    leave: (words) => {
      if (words) toSay = { becomes: outgoing(words) };
      return write(() => store.putUnfinished({ ...left, ...toSay }));
    },
  };
}
