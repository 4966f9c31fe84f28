/**
 * Messages that tell of work under way, and answers that somebody waits for. If the process is killed, the work ends but
 * the message remains; so what there is to say then is on record, and the next start says it, or another instance.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import { inTurn } from '../ground/in-turn.ts';
import type { Clock } from '../ground/time.ts';
import type { ChannelMessages, LiveMessage } from '../ports/channel-messages.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { LostAnswers } from '../ports/lost-answers.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

/** Milliseconds until a message that Slack did not take is tried again; the last one repeats. */
const AGAIN_AFTER = [5_000, 15_000, 60_000, 300_000];
/** Milliseconds in which somebody still waits for an answer: as long as Slack's response URLs live. */
const ANSWERABLE_FOR = 30 * 60_000;

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
  const write = inTurn((error) =>
    log.warn({ err: error, channel, ts }, 'how far a message has come could not be recorded'),
  );
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
  lost: LostAnswers;
  clock: Clock;
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
async function tell(one: UnfinishedMessage, telling: Telling): Promise<boolean> {
  const { id, channel, ts } = one;
  try {
    await (ts === undefined ? tellPerson(one, telling) : tellInMessage({ ...one, ts }, telling));
  } catch (error) {
    telling.log.warn({ err: error, channel, ts }, 'an unfinished message could not be changed');
    if (!isGone(error)) return false;
  }
  await telling.store.removeUnfinished(id);
  return true;
}

/** Whoever has waited for too long waits no more. */
async function tellPerson(
  { channel, since, answer }: UnfinishedMessage,
  { lost, clock, log }: Telling,
): Promise<void> {
  if (!answer || clock.now() - since > ANSWERABLE_FOR) return;
  await lost.tell(channel, answer);
  log.info({ channel, user: answer.user }, 'somebody was told that the answer was lost');
}

async function tellInMessage(
  { channel, ts, since, becomes, files }: UnfinishedMessage & { ts: string },
  { messages, files: delivery, log }: Telling,
): Promise<void> {
  const message = messages.follow(channel, ts);
  const isThere = files !== undefined && (await delivery.hasArrived(files, channel, since)) === true;
  if (becomes && !isThere) await message.finish(becomes as Message);
  else await message.remove();
  log.info({ channel, ts, delivered: isThere }, 'what a message told of was interrupted');
}

/** The message no longer exists, or the bot may no longer write where it is. */
function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'not_found' || code === 'permission_denied' || code === 'conflict';
}
