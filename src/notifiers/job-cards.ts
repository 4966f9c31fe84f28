/**
 * Job cards: one message per training job in its use case's first channel, edited in place. It goes through the outbox
 * under a key of its own, so that no job gets two.
 */
import { jobCard, jobCardSays, milestones } from '../blocks/job-card.ts';
import { factsOf } from '../blocks/job-facts.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { cardKey } from '../operations/card-key.ts';
import { jobSnapshot } from '../operations/job-snapshots.ts';
import { JobThread } from './job-threads.ts';
import { canOpen, NEWS_FOR, type Notifier, type NotifierDeps } from './notifier.ts';

const JOBS_LIMIT = 1_000;
/**
 * Milliseconds between two edits of a card in which only times change: every 30 s while anything runs, with some room
 * for the edit's own turn.
 */
const REFRESH_EVERY = 27_000;

/** The job whose card has this key. */
export function jobOfCard(key: string): { useCase: string; job: string } | undefined {
  const [, useCase, job] = /^card\/([^/]+)\/([^/]+)/.exec(key) ?? [];
  return useCase !== undefined && job !== undefined ? { useCase, job } : undefined;
}

export function jobCardNotifier(deps: NotifierDeps): Notifier {
  const { store, clock, notices } = deps;

  /** @returns the job's thread; undefined if it has no card and gets none */
  async function draw(useCase: UseCase, job: string, isNew: boolean): Promise<JobThread | undefined> {
    const channel = useCase.channels[0];
    const snapshot = await jobSnapshot(deps, useCase, job);
    if (!snapshot || channel === undefined || (!snapshot.card && !isNew)) return undefined;
    const key = await cardKey(store, useCase.id, job);
    const opens = await canOpen(deps, useCase, job);
    const facts = { ...factsOf(snapshot, clock.now()), canOpen: opens };
    const known = await store.getPost(key);
    const { card } = snapshot;
    // An older version posted this card without the outbox.
    if (card?.ts !== undefined && !known && !key.endsWith('/2'))
      await notices.adopt(key, card.channel, card.ts);
    // What is over before there is a card is said by the card itself, and not told again below it.
    const record = await store.changeJob(useCase.id, job, (now) =>
      now && !now.card ? { ...now, card: { channel, told: milestones(facts).map((one) => one.key) } } : now,
    );
    const at = record?.card?.channel ?? channel;
    await notices.show(key, at, jobCard(facts), {
      says: jobCardSays(facts),
      refreshEvery: snapshot.live ? REFRESH_EVERY : undefined,
    });
    const thread = new JobThread(notices, { card: key, channel: at });
    await thread.tell(milestones(facts), record?.card?.told ?? []);
    return thread;
  }

  return {
    async onChange(change, useCase) {
      // Jobs from before Signalbox was installed are known, and get a card when something happens to them.
      if (change.kind === 'job-appeared' && !change.announce) return;
      // The first look at such a job finds out more about it, which is not worth reporting.
      const isNew =
        change.kind === 'job-changed'
          ? (await store.getJob(useCase.id, change.job))?.news === true
          : change.kind !== 'checked' && change.kind !== 'run-again';
      const thread = await draw(useCase, change.job, isNew);
      if (change.kind === 'auto-failed') await thread?.tellAutoFailure(change);
    },

    async recover(useCase) {
      for (const { job, card, news, seenAt } of await store.listJobs({
        useCase: useCase.id,
        limit: JOBS_LIMIT,
      }))
        if ((card || news) && clock.now() - Math.max(seenAt, job.endedAt ?? 0) < NEWS_FOR)
          await draw(useCase, jobKey(job), news === true);
    },
  };
}
