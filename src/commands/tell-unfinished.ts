/**
 * Says what instances that have ended left unsaid: people wait for an answer that nobody works on, and messages tell of
 * work that has stopped. Each look is one try: what Slack does not take now is told at a later one.
 */
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import { unlessAborted } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import type { DownloadsElsewhere } from '../operations/downloads-elsewhere.ts';
import type { ChannelMessages } from '../ports/channel-messages.ts';
import type { Coordination, Lease } from '../ports/coordination.ts';
import type { FencedStore } from '../ports/fences.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { LostAnswers } from '../ports/lost-answers.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';

/** Milliseconds between looks, and until another instance may tell what one has died at. */
const LOOK_EVERY = 10_000;
const TELLS_FOR = 20_000;
/** Milliseconds in which somebody still waits for an answer: as long as Slack's response URLs live. */
const ANSWERABLE_FOR = 30 * 60_000;

type Kind = 'answers' | 'messages' | 'removals';

/**
 * Each kind has a lease of its own, for people must not wait for edits of messages, of which Slack allows few, and those
 * not for removals, of which it allows as few and for which nobody waits. So many are told at once: one that Slack is slow
 * to take holds up no other.
 */
const AT_ONCE: Readonly<Record<Kind, number>> = { answers: 8, messages: 4, removals: 4 };

function kindOf({ ts, becomes }: UnfinishedMessage): Kind {
  if (ts === undefined) return 'answers';
  return becomes ? 'messages' : 'removals';
}

export interface TellerOptions {
  store: UnfinishedStore & FencedStore<UnfinishedStore>;
  coordination: Pick<Coordination, 'tryLease'>;
  elsewhere: Pick<DownloadsElsewhere, 'isLeft' | 'hasEnded'>;
  /** No other process has this store: whoever is not this instance has ended. */
  isAlone: boolean;
  messages: Pick<ChannelMessages, 'follow'>;
  files: Pick<FileDelivery, 'hasArrived'>;
  lost: LostAnswers;
  clock: Clock;
  log: Logger;
}

export class UnfinishedTeller {
  readonly #options: TellerOptions;
  readonly #ending = new AbortController();
  readonly #looks = new Set<Promise<void>>();
  #looking: NodeJS.Timeout | undefined;
  /** Ids of what was left by instances that had ended when this one last looked. */
  #seenLeft: ReadonlySet<string> = new Set();

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** The first look is at once. */
  begin(): void {
    const look = (): void => {
      const looking = this.look().finally(() => this.#looks.delete(looking));
      this.#looks.add(looking);
    };
    look();
    this.#looking = setInterval(look, LOOK_EVERY).unref();
  }

  /** No look begins any more, and nothing more is told by those under way. */
  stop(): void {
    clearInterval(this.#looking);
    this.#ending.abort();
  }

  /** Resolves when all looks have ended; after `stop`, once everybody is told whom only this instance knows of. */
  async idle(): Promise<void> {
    await Promise.all(this.#looks);
  }

  /** Tells once what is left. Never rejects. */
  async look(): Promise<void> {
    try {
      const left = await this.#left();
      const due = new Set(left.filter((one) => this.#isSure(one)).map(({ id }) => id));
      this.#seenLeft = new Set(left.map(({ id }) => id));
      const kinds = new Set(left.filter(({ id }) => due.has(id)).map(kindOf));
      await Promise.all([...kinds].map((kind) => this.#tell(kind, due)));
    } catch (error) {
      this.#options.log.warn({ err: error }, 'what is left unsaid could not be looked up');
    }
  }

  /** An instance that only reached nobody for a while is back by the second look. */
  #isSure(one: UnfinishedMessage): boolean {
    const { isAlone, elsewhere } = this.#options;
    return isAlone || elsewhere.hasEnded(one) || this.#seenLeft.has(one.id);
  }

  async #left(): Promise<UnfinishedMessage[]> {
    const { store, elsewhere } = this.#options;
    const all = await store.listUnfinished();
    const asked = new Map<string | undefined, Promise<boolean>>();
    for (const one of all) if (!asked.has(one.by)) asked.set(one.by, elsewhere.isLeft(one));
    const left = await Promise.all(all.map(({ by }) => asked.get(by)));
    return all.filter((_, index) => left[index]);
  }

  /** One instance at a time tells what is of a kind. */
  async #tell(kind: Kind, due: ReadonlySet<string>): Promise<void> {
    const { store, coordination, log } = this.#options;
    const ending = this.#ending.signal;
    let lease: Lease | undefined;
    try {
      lease = await coordination.tryLease(`unfinished/${kind}`, TELLS_FOR);
      if (!lease) return;
      const held = lease;
      const fenced = await store.under({ lease: held.name, fence: held.fence });
      // Whoever had the lease before may have told some of them.
      const still = (await fenced.listUnfinished()).filter((one) => due.has(one.id) && kindOf(one) === kind);
      const told = tellInterrupted(still, {
        ...this.#options,
        ...{ fenced, atOnce: AT_ONCE[kind] },
        mayTell: () => !ending.aborted && held.isHeld(),
      });
      // Of people only we know; messages are still on record, and may wait for Slack for minutes.
      await (kind === 'answers' ? told : unlessAborted(ending, told));
    } catch (error) {
      if (!ending.aborted) log.warn({ err: error, kind }, 'what was left unsaid could not be told');
    } finally {
      await lease?.release();
    }
  }
}

interface Telling extends Pick<TellerOptions, 'messages' | 'files' | 'lost' | 'clock' | 'log'> {
  store: Pick<UnfinishedStore, 'putUnfinished'>;
  /** Refuses what comes from somebody in whose place another tells by now. */
  fenced: Pick<UnfinishedStore, 'removeUnfinished'>;
  /** Whether it is still for us to tell. */
  mayTell: () => boolean;
  atOnce: number;
}

/** One try for each. What Slack does not take stays on record. */
async function tellInterrupted(left: readonly UnfinishedMessage[], telling: Telling): Promise<void> {
  const queue = new PQueue({ concurrency: telling.atOnce });
  await queue.addAll(
    left.map((one) => async () => {
      if (!telling.mayTell()) return;
      try {
        await (one.ts === undefined
          ? tellPerson(one, telling)
          : tellInMessage({ ...one, ts: one.ts }, telling));
      } catch (error) {
        const { channel, ts } = one;
        telling.log.warn({ err: error, channel, ts }, 'what was left unsaid could not be told');
      }
    }),
  );
}

/** Whoever has waited for too long waits no more. */
async function tellPerson(one: UnfinishedMessage, telling: Telling): Promise<void> {
  const { id, channel, since, answer } = one;
  const { store, fenced, lost, clock, log } = telling;
  // Another message cannot be taken back, so whoever comes after us must not find it still to be told. A window only
  // says once more what it says.
  const isRepeatable = answer?.view !== undefined;
  if (!isRepeatable) await fenced.removeUnfinished(id);
  if (answer && clock.now() - since <= ANSWERABLE_FOR)
    try {
      await lost.tell(channel, answer);
      log.info({ channel, user: answer.user }, 'somebody was told that the answer was lost');
    } catch (error) {
      if (!isGone(error)) {
        if (!isRepeatable) await store.putUnfinished(one);
        throw error;
      }
      log.warn({ err: error, channel }, 'somebody cannot be told that the answer was lost');
    }
  if (isRepeatable) await fenced.removeUnfinished(id);
}

/** Safe to do twice: the message says once more what it says. */
async function tellInMessage(
  { id, channel, ts, since, becomes, files }: UnfinishedMessage & { ts: string },
  { fenced, messages, files: delivery, log }: Telling,
): Promise<void> {
  try {
    const message = messages.follow(channel, ts);
    const isThere = files !== undefined && (await delivery.hasArrived(files, channel, since)) === true;
    if (becomes && !isThere) await message.finish(becomes as Message);
    else await message.remove();
    log.info({ channel, ts, delivered: isThere }, 'what a message told of was interrupted');
  } catch (error) {
    if (!isGone(error)) throw error;
    log.warn({ err: error, channel, ts }, 'an unfinished message is out of reach');
  }
  await fenced.removeUnfinished(id);
}

/** The message no longer exists, or the bot may no longer write where it is. */
function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'not_found' || code === 'permission_denied' || code === 'conflict';
}
