/**
 * Job cards: one message per training job in its use case's first channel, edited in place; milestones are told
 * once in its thread. All of it goes through the outbox under keys of its own, so that nothing is told twice.
 */
import { jobCard, jobCardSays, type Milestone, milestones } from '../blocks/job-card.ts';
import { factsOf } from '../blocks/job-facts.ts';
import { code, plain, section } from '../blocks/text.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { JobChange } from '../operations/job-changes.ts';
import { jobSnapshot } from '../operations/job-snapshots.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import type { Store } from '../ports/store.ts';
import { deliverText } from './attachments.ts';
import { NEWS_FOR, type Notifier, type NotifierDeps } from './notifier.ts';

const JOBS_LIMIT = 1_000;
/**
 * Milliseconds between two edits of a card that tell nothing but times: every 30 s while anything runs, and a little
 * for the edit's own turn.
 */
const REFRESH_EVERY = 27_000;
/** Cards of one job that were deleted in Slack until no new one is made. */
const CARDS = 20;

/** The outbox's key of a job's card; a card that was deleted in Slack is followed by another. */
export async function cardKey(store: Pick<Store, 'getPost'>, useCase: string, job: string): Promise<string> {
  for (let nth = 1; ; nth += 1) {
    const key = `card/${useCase}/${job}${nth === 1 ? '' : `/${nth}`}`;
    const post = await store.getPost(key);
    const gone = post?.failed !== undefined && !post.failed.code.startsWith('content:');
    if (!gone || nth === CARDS) return key;
  }
}

const toldKey = (thread: string, { key }: Milestone): string => `${thread.replace(/\/\d+$/, '')}/told/${key}`;

export function jobCardNotifier(
  deps: NotifierDeps & { files: Pick<FileDelivery, 'deliver'> },
): Notifier & { posted(record: OutboxRecord): Promise<void> } {
  const { store, clock, notices, files, onError } = deps;
  async function draw(useCase: UseCase, job: string, isNew: boolean): Promise<string | undefined> {
    const channel = useCase.channels[0];
    const snapshot = await jobSnapshot(deps, useCase, job);
    if (!snapshot || channel === undefined || (!snapshot.card && !isNew)) return undefined;
    const key = await cardKey(store, useCase.id, job);
    const facts = factsOf(snapshot, clock.now());
    const known = await store.getPost(key);
    const { card } = snapshot;
    // Of a version that posted cards by itself.
    if (card?.ts !== undefined && !known && !key.endsWith('/2'))
      await notices.adopt(key, card.channel, card.ts);
    // What is over when the card comes, the card itself says.
    const record = await store.changeJob(useCase.id, job, (now) =>
      now && !now.card ? { ...now, card: { channel, told: milestones(facts).map((one) => one.key) } } : now,
    );
    const at = record?.card?.channel ?? channel;
    await notices.show(key, at, jobCard(facts), {
      says: jobCardSays(facts),
      refreshEvery: snapshot.live ? REFRESH_EVERY : undefined,
    });
    for (const milestone of milestones(facts)) await tell(key, at, milestone, record);
    return key;
  }

  async function tell(
    thread: string,
    channel: string,
    milestone: Milestone,
    record: JobRecord | undefined,
  ): Promise<void> {
    if (record?.card?.told?.includes(milestone.key)) return;
    await notices.post(toldKey(thread, milestone), channel, milestone.message, { thread });
  }

  /** What did not fit into a milestone: told by the job as it is known, whoever posted it and whenever. */
  async function attachmentOf(key: string, thread: string): Promise<Milestone['attach']> {
    const [, useCaseId, job] = /^card\/([^/]+)\/([^/]+)/.exec(thread) ?? [];
    const useCase = deps.useCases.find(({ id }) => id === useCaseId);
    const snapshot = useCase && job !== undefined ? await jobSnapshot(deps, useCase, job) : undefined;
    if (!snapshot) return undefined;
    return milestones(factsOf(snapshot, clock.now())).find((one) => toldKey(thread, one) === key)?.attach;
  }

  async function tellAutoFailure(
    thread: string,
    useCase: UseCase,
    change: Extract<JobChange, { kind: 'auto-failed' }>,
  ): Promise<void> {
    const what = change.what === 'compile' ? 'compiled' : 'packaged';
    const target = change.target === undefined ? '' : ` for *${plain(change.target, 60)}*`;
    const line = `:warning: ${code(change.job)} was not ${what} by itself${target}`;
    const words = [line, plain(change.error.message, 1500), plain(change.error.hint ?? '', 800)];
    await notices.post(
      `${thread}/told/auto ${change.what} ${change.target ?? ''} ${change.error.ref}`,
      useCase.channels[0]!,
      { text: line, blocks: [section(words.filter((part) => part !== '').join('\n'))] },
      { thread },
    );
  }

  return {
    async onChange(change, useCase) {
      // Jobs from before Signalbox came are known, and get a card when something happens to them.
      if (change.kind === 'job-appeared' && !change.announce) return;
      // Of those a first look finds out more; that is no news.
      const isNew =
        change.kind === 'job-changed'
          ? (await store.getJob(useCase.id, change.job))?.news === true
          : change.kind !== 'checked' && change.kind !== 'run-again';
      const thread = await draw(useCase, change.job, isNew);
      if (thread !== undefined && change.kind === 'auto-failed')
        await tellAutoFailure(thread, useCase, change);
    },

    async recover(useCase) {
      for (const { job, card, news, seenAt } of await store.listJobs({
        useCase: useCase.id,
        limit: JOBS_LIMIT,
      }))
        if ((card || news) && clock.now() - Math.max(seenAt, job.endedAt ?? 0) < NEWS_FOR)
          await draw(useCase, job.name, news === true);
    },

    /** A failure's own words, whole, where the milestone had to cut them. */
    async posted({ key, thread, posted }) {
      if (!posted || thread === undefined || !key.includes('/told/')) return;
      try {
        const attach = await attachmentOf(key, thread);
        const parent = (await store.getPost(thread))?.posted;
        if (!attach || !parent) return;
        await deliverText(files, {
          name: attach.name,
          title: attach.name,
          text: maskSecrets(attach.text),
          comment: 'The whole message of the failure above.',
          channel: parent.channel,
          thread: parent.ts,
        });
      } catch (error) {
        onError(error, { doing: 'attaching the words of a failure' });
      }
    },
  };
}
