/** Beginning and stopping to watch a run in Slack. The message itself is the background watch's work. */
import {
  endedTail,
  isLiveTail,
  MOST_TAILS,
  type Tail,
  type TailPlace,
  tailId,
  type Watcher,
  watchedBy,
} from '../domain/tails.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import type { OutboxStore } from '../ports/outbox-store.ts';
import type { TailStore } from '../ports/tail-store.ts';
import { messageKey } from './message-key.ts';

export interface TailDeps {
  store: TailStore & Pick<OutboxStore, 'getPost'> & Pick<AuditTrail, 'appendAudit'>;
  clock: Clock;
  /** Word to whoever shows them; it looks by itself every few seconds. */
  changed(): void;
}

/**
 * The same for the first and every further click: one message for each run and place.
 * @returns begun: false if it was going on already
 * @throws AppError rate_limited: so many are watched that each would stand still
 */
export async function startTail(
  deps: TailDeps,
  { place, by, actor }: { place: TailPlace; by: Watcher; actor: Actor },
): Promise<{ tail: Tail; begun: boolean }> {
  const { store, clock } = deps;
  const id = await messageKey(store, (nth) => tailId(place, nth));
  const known = await store.getTail(id);
  if (!known || !isLiveTail(known)) {
    const live = (await store.listTails()).filter(isLiveTail);
    if (live.length >= MOST_TAILS)
      throw new AppError('rate_limited', `${live.length} runs are watched in Slack already.`, {
        hint: 'Slack allows few edits, and all share them. Stop watching one of them, or open this one in the browser.',
      });
  }
  let begun = false;
  const now = clock.now();
  const tail = (await store.changeTail(id, (before) => {
    begun = !before || !isLiveTail(before);
    return watchedBy(before, id, place, by, now);
  }))!;
  await record(deps, tail, actor, 'logs.watched');
  deps.changed();
  return { tail, begun };
}

/** Whoever may read the log may stop it. @returns false if it had ended already */
export async function stopTail(deps: TailDeps, tail: Tail, by: Watcher, actor: Actor): Promise<boolean> {
  const { store, clock } = deps;
  let stopped = false;
  await store.changeTail(tail.id, (before) => {
    stopped = before !== undefined && isLiveTail(before);
    return before && endedTail(before, { at: clock.now(), why: 'stopped', by });
  });
  if (stopped) await record(deps, tail, actor, 'logs.watch_stopped');
  deps.changed();
  return stopped;
}

async function record(
  { store, clock }: TailDeps,
  { useCase, job, channel }: Tail,
  actor: Actor,
  action: string,
): Promise<void> {
  await store.appendAudit({ at: clock.now(), actor, action, useCase, subject: job, detail: { channel } });
}
