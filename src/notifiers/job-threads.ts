/** The thread below a job's card: each milestone, and each automatic step that failed, is told there once. */
import type { Milestone } from '../blocks/job-card.ts';
import { code, plain, section } from '../blocks/text.ts';
import type { JobChange } from '../operations/job-changes.ts';
import type { Notices } from '../ports/notices.ts';

export class JobThread {
  readonly #notices: Pick<Notices, 'post'>;
  /** The outbox's key of the card. */
  readonly #card: string;
  readonly #channel: string;

  constructor(notices: Pick<Notices, 'post'>, { card, channel }: { card: string; channel: string }) {
    this.#notices = notices;
    this.#card = card;
    this.#channel = channel;
  }

  /** @param told the keys of those that were over before there was a card */
  async tell(milestones: readonly Milestone[], told: readonly string[]): Promise<void> {
    for (const milestone of milestones)
      if (!told.includes(milestone.key))
        await this.#post(milestoneKey(this.#card, milestone), milestone.message);
  }

  async tellAutoFailure(change: Extract<JobChange, { kind: 'auto-failed' }>): Promise<void> {
    const what = change.what === 'compile' ? 'compiled' : 'packaged';
    const target = change.target === undefined ? '' : ` for *${plain(change.target, 60)}*`;
    const line = `:warning: ${code(change.job)} was not ${what} automatically${target}`;
    const words = [line, plain(change.error.message, 1500), plain(change.error.hint ?? '', 800)];
    await this.#post(`${this.#card}/told/auto ${change.what} ${change.target ?? ''} ${change.error.ref}`, {
      text: line,
      blocks: [section(words.filter((part) => part !== '').join('\n'))],
    });
  }

  async #post(key: string, message: Milestone['message']): Promise<void> {
    await this.#notices.post(key, this.#channel, message, { thread: this.#card });
  }
}

/** The outbox's key of a milestone. It is the same below a later card of the job, where it is not told again. */
export function milestoneKey(card: string, { key }: Pick<Milestone, 'key'>): string {
  return `${card.replace(/\/\d+$/, '')}/told/${key}`;
}

export const isMilestoneKey = (key: string): boolean => key.includes('/told/');
