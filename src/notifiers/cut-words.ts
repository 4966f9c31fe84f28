/** Where a milestone had to cut a failure's own words, they follow as a file in its thread. */
import { type Milestone, milestones } from '../blocks/job-card.ts';
import { factsOf } from '../blocks/job-facts.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import { jobSnapshot } from '../operations/job-snapshots.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { deliverText } from './attachments.ts';
import { jobOfCard } from './job-cards.ts';
import { isMilestoneKey, milestoneKey } from './job-threads.ts';
import type { NotifierDeps } from './notifier.ts';

export class CutWords {
  readonly #deps: NotifierDeps & { files: Pick<FileDelivery, 'deliver'> };

  constructor(deps: NotifierDeps & { files: Pick<FileDelivery, 'deliver'> }) {
    this.#deps = deps;
  }

  /** For the outbox: a message has arrived, whichever process posted it and whenever. Does not throw. */
  async posted({ key, thread, posted }: Pick<OutboxRecord, 'key' | 'thread' | 'posted'>): Promise<void> {
    if (!posted || thread === undefined || !isMilestoneKey(key)) return;
    const { store, files, onError } = this.#deps;
    try {
      const attach = await this.#attachmentOf(key, thread);
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
  }

  async #attachmentOf(key: string, card: string): Promise<Milestone['attach']> {
    const { useCases, clock } = this.#deps;
    const of = jobOfCard(card);
    const useCase = of && useCases.find(({ id }) => id === of.useCase);
    const snapshot = useCase && (await jobSnapshot(this.#deps, useCase, of.job));
    if (!snapshot) return undefined;
    return milestones(factsOf(snapshot, clock.now())).find((one) => milestoneKey(card, one) === key)?.attach;
  }
}
