/**
 * Runs that are watched in Slack: each tail's message shows the end of the log, and in the end how the run ended. The
 * messages are the outbox's, so cards and alerts come first, and what Slack refuses is sent later. Of a log that goes on
 * only the newest picture is ever sent. Whoever takes over goes on with what the store has.
 */
import { TAIL_LINES, type TailFacts, tailMessage, tailSays } from '../blocks/tail.ts';
import { type Memberships, may } from '../domain/access.ts';
import { backgroundActor } from '../domain/background-actor.ts';
import { nameOfJob } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { endedTail, isDirectTail, isLiveTail, runOfTail, type Tail, type TailEnd } from '../domain/tails.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { SingleFlight } from '../ground/key-queue.ts';
import type { EpochMs } from '../ground/time.ts';
import { TailReader } from '../operations/read-tail.ts';
import { isPostGone } from '../ports/outbox-store.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import { canOpen, type Notifier, type NotifierDeps } from './notifier.ts';

export interface WatchedRuns {
  logs: Pick<RunLogStore, 'info' | 'read'>;
  /** What the run prints comes into the store from now on. @returns ends it */
  follow(run: string): () => void;
  /** Its log is not removed. @returns ends it */
  reading(run: string): () => void;
  directory: Memberships;
}

/** Milliseconds between two pictures of a run, and for each run that is watched: Slack's edits are few. */
const PICTURE_EVERY = 4_000;
const EACH = 2_000;
/** Milliseconds between two checks of whether those who watch still may. */
const CHECK_EVERY = 60_000;
/** Milliseconds after a job's end for the rest of its log to arrive. */
const LOG_COMES_WITHIN = 10 * 60_000;

/** A tail that is shown by this process. */
interface Held {
  reader: TailReader;
  lookedAt: EpochMs;
  /** When somebody who watches was last known to have the right. */
  checkedAt: EpochMs;
  release(): void;
}

/** What a look at a tail has found. */
interface Look {
  tail: Tail;
  useCase: UseCase;
  held: Held;
  info: RunLogInfo | undefined;
  training: TrainingJob | undefined;
}

export function tailNotifier(deps: NotifierDeps & { watched: WatchedRuns }): Notifier {
  const { store, clock, notices, useCases, onError } = deps;
  const { logs, follow, reading, directory } = deps.watched;
  const shown = new Map<string, Held>();
  const looks = new SingleFlight<string>();

  function hold(tail: Tail): Held {
    const known = shown.get(tail.id);
    if (known) return known;
    const run = runOfTail(tail);
    const ends = [follow(run), reading(run)];
    const held: Held = {
      reader: new TailReader(logs),
      lookedAt: Number.NEGATIVE_INFINITY,
      checkedAt: Number.NEGATIVE_INFINITY,
      release: () => {
        for (const end of ends) end();
      },
    };
    shown.set(tail.id, held);
    return held;
  }

  function letGo(id: string): void {
    shown.get(id)?.release();
    shown.delete(id);
  }

  async function look(tail: Tail, every: number): Promise<void> {
    const now = clock.now();
    const useCase = useCases.find(({ id }) => id === tail.useCase);
    // Nothing in it can be shown any more, not even its name.
    if (!useCase) return close(tail, { at: now, why: 'gone' });
    const held = hold(tail);
    held.lookedAt = now;
    const training = (await store.getJob(useCase.id, tail.job))?.job;
    const unread: Look = { tail, useCase, held, info: undefined, training };
    if (isLiveTail(tail)) {
      if (await isGone(tail)) return void (await end(unread, { at: now, why: 'gone' }));
      const right = await mayGoOn(tail, useCase, held);
      if (right === false) return withdraw(unread, now);
      // Slack does not say: nothing new is shown until it does.
      if (right === undefined) return;
    }
    const info = await logs.info(runOfTail(tail));
    if (info && tail.ended?.why !== 'rights') await held.reader.read(info);
    const found: Look = { ...unread, info };
    const ended = tail.ended ?? endOf(found, now);
    if (ended) await end(found, ended);
    else await show(found, every);
  }

  /** @returns undefined: it goes on */
  function endOf({ tail, info, training }: Look, now: EpochMs): TailEnd | undefined {
    if (info?.end) return { at: now, why: 'run' };
    // What is left of its log may never come.
    const over = training && isFinished(training) ? (training.endedAt ?? tail.since) : undefined;
    if (over !== undefined && now - Math.max(over, tail.since) >= LOG_COMES_WITHIN)
      return { at: now, why: 'run' };
    return now >= tail.until ? { at: now, why: 'time' } : undefined;
  }

  async function show(found: Look, every: number): Promise<void> {
    const { tail } = found;
    const facts = await factsOf(found);
    await notices.show(tail.id, tail.channel, tailMessage(facts), {
      thread: tail.thread,
      says: tailSays(facts),
      refreshEvery: every,
    });
  }

  /** @returns false: somebody has asked for it again meanwhile */
  async function end(found: Look, ended: TailEnd): Promise<boolean> {
    const { id } = found.tail;
    // Somebody may have asked again, or stopped it, in the meantime.
    const tail = await store.changeTail(
      id,
      (now) => now && (isStill(now, found.tail) ? endedTail(now, ended) : now),
    );
    if (!tail?.ended || tail.told) return false;
    const facts = await factsOf({ ...found, tail });
    await notices.show(id, tail.channel, tailMessage(facts), { thread: tail.thread });
    await close(tail, tail.ended);
    return true;
  }

  /** It is over, and nothing more is shown of it. */
  async function close(tail: Tail, ended: TailEnd): Promise<void> {
    await store.changeTail(tail.id, (now) =>
      now && isStill(now, tail) ? { ...endedTail(now, ended), told: true } : now,
    );
    letGo(tail.id);
  }

  async function withdraw(found: Look, at: EpochMs): Promise<void> {
    const { tail, useCase } = found;
    if (!(await end(found, { at, why: 'rights' }))) return;
    await store.appendAudit({
      at,
      actor: backgroundActor(deps.team),
      action: 'logs.watch_withdrawn',
      useCase: useCase.id,
      subject: tail.job,
      detail: { channel: tail.channel },
    });
  }

  async function factsOf({ tail, useCase, held, info, training }: Look): Promise<TailFacts> {
    return {
      tail,
      useCase,
      training,
      lines: tail.ended?.why === 'rights' ? [] : held.reader.lines(TAIL_LINES),
      at: info?.updatedAt,
      note: info?.note,
      end: info?.end,
      canOpen: await canOpen(deps, useCase, tail.job),
    };
  }

  /** Its message was deleted, or nothing can be written in its channel. */
  async function isGone({ id, channel }: Tail): Promise<boolean> {
    const post = await store.getPost(id);
    if (post && isPostGone(post)) return true;
    const at = post?.posted?.channel ?? channel;
    return (await store.listDeadChannels()).some((dead) => dead.channel === at || dead.channel === channel);
  }

  /** @returns undefined: it cannot be found out */
  async function mayGoOn(tail: Tail, useCase: UseCase, held: Held): Promise<boolean | undefined> {
    const now = clock.now();
    if (now - held.checkedAt < CHECK_EVERY && now >= held.checkedAt) return true;
    const inPlace =
      isDirectTail(tail) || (belongsTo(tail.channel, useCase) && useCase.logs.delivery !== 'dm');
    if (!inPlace) return false;
    let isUnknown = false;
    for (const { user } of tail.watchers)
      try {
        if (!(await may(user, 'logs:read', useCase, directory))) continue;
        held.checkedAt = now;
        return true;
      } catch (error) {
        isUnknown = true;
        onError(error, {
          useCase: useCase.id,
          subject: nameOfJob(tail.job),
          doing: 'checking who may watch a run',
        });
      }
    return isUnknown ? undefined : false;
  }

  return {
    async tick(signal) {
      const tails = await store.listTails();
      const now = clock.now();
      const every = Math.max(PICTURE_EVERY, tails.filter(isLiveTail).length * EACH);
      for (const id of shown.keys()) if (!tails.some((tail) => tail.id === id)) letGo(id);
      const due = tails.filter(({ id, ended }) => {
        const last = shown.get(id)?.lookedAt ?? Number.NEGATIVE_INFINITY;
        return ended !== undefined || now - last >= every || now < last;
      });
      await Promise.all(
        due.map((tail) =>
          looks
            .run(tail.id, () => look(tail, every))
            .catch((error: unknown) => {
              if (!signal.aborted)
                onError(error, { useCase: tail.useCase, subject: tail.job, doing: 'showing a watched run' });
            }),
        ),
      );
    },

    stop() {
      for (const id of [...shown.keys()]) letGo(id);
    },
  };
}

/** Nobody has asked for it since. */
const isStill = (now: Tail, then: Tail): boolean => now.turn === then.turn;
