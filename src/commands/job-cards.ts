/**
 * Job cards: one message per training job in its use case's first channel, edited in place; milestones are told
 * once in its thread. What a card has told is stored before it is posted, so that a restart tells nothing twice.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { jobCard, type Milestone, milestones } from '../blocks/job-card.ts';
import { code, plain, section } from '../blocks/text.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../errors.ts';
import type { JobChange } from '../operations/job-changes.ts';
import { type JobSnapshot, jobSnapshot } from '../operations/job-snapshots.ts';
import type { JobRecord } from '../ports.ts';
import type { LiveMessage } from './command.ts';
import { factsOf } from './job-access.ts';
import type { Services } from './services.ts';

type CardServices = Pick<Services, 'store' | 'clock' | 'useCases' | 'messages' | 'files' | 'changes'>;

/** Milliseconds for which a channel that took nothing is left alone. */
const CHANNEL_REST = 10 * 60_000;

export class JobCards {
  readonly #services: CardServices;
  readonly #log: Logger;
  readonly #handles = new Map<string, LiveMessage>();
  /** Channel → until when. */
  readonly #resting = new Map<string, number>();
  #unsubscribe: (() => void) | undefined;

  constructor(services: CardServices, log: Logger) {
    this.#services = services;
    this.#log = log;
  }

  start(): void {
    this.#unsubscribe ??= this.#services.changes.subscribe((change) => this.#onChange(change));
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** One job's changes come one after the other, so no card is posted twice. */
  async #onChange(change: JobChange): Promise<void> {
    const useCase = this.#services.useCases.find(({ id }) => id === change.useCase);
    const channel = useCase?.channels[0];
    if (!useCase || channel === undefined || this.#rests(channel)) return;
    const snapshot = await jobSnapshot(this.#services, useCase, change.job);
    if (!snapshot) return;
    if (!snapshot.card) {
      if (!isNews(change)) return;
      await this.#post(useCase, channel, snapshot);
    } else {
      await this.#edit(useCase, snapshot, snapshot.card);
    }
    if (change.kind === 'auto-failed') await this.#tellAutoFailure(useCase, change);
  }

  async #post(useCase: UseCase, channel: string, snapshot: JobSnapshot): Promise<void> {
    const facts = factsOf(snapshot, this.#services.clock.now());
    try {
      const message = await this.#services.messages.post(channel, jobCard(facts));
      // What is over by now, the card itself says.
      const told = milestones(facts).map(({ key }) => key);
      await this.#changeCard(useCase, snapshot.job.name, () => ({
        channel: message.channel,
        ts: message.ts,
        told,
      }));
      this.#handles.set(keyOf(useCase, snapshot.job.name), this.#follow(useCase, snapshot.job.name, message));
    } catch (error) {
      this.#unreachable(useCase, channel, error);
    }
  }

  async #edit(useCase: UseCase, snapshot: JobSnapshot, card: NonNullable<JobRecord['card']>): Promise<void> {
    const { name } = snapshot.job;
    const facts = factsOf(snapshot, this.#services.clock.now());
    const key = keyOf(useCase, name);
    const handle = this.#handles.get(key) ?? this.#follow(useCase, name, card);
    const picture = jobCard(facts);
    if (snapshot.live) {
      this.#handles.set(key, handle);
      handle.edit(picture);
    } else {
      // The last picture must not be skipped; the next one, if anything happens again, has a new handle.
      this.#handles.delete(key);
      await handle.finish(picture).catch((error: unknown) => this.#lost(useCase, name, card, error));
    }
    for (const milestone of milestones(facts)) await this.#tell(useCase, name, milestone);
  }

  #follow(useCase: UseCase, job: string, card: { channel: string; ts: string }): LiveMessage {
    return this.#services.messages.follow(card.channel, card.ts, (what) => {
      this.#handles.delete(keyOf(useCase, job));
      if (what === 'channel') this.#rest(useCase, card.channel, undefined);
      else
        this.#forget(useCase, job, card).catch((error: unknown) =>
          this.#log.warn({ err: error, job }, 'a card that was deleted could not be forgotten'),
        );
    });
  }

  /** In the thread, once. */
  async #tell(useCase: UseCase, job: string, milestone: Milestone): Promise<void> {
    let isNew = false;
    const record = await this.#changeCard(useCase, job, (card) => {
      // May run more than once: only the last run counts.
      isNew = card !== undefined && !(card.told ?? []).includes(milestone.key);
      return card && isNew ? { ...card, told: [...(card.told ?? []), milestone.key] } : card;
    });
    const card = record?.card;
    if (!isNew || !card) return;
    try {
      await this.#services.messages.post(card.channel, milestone.message, { thread: card.ts });
      if (milestone.attach) await this.#attach(card, milestone.attach);
    } catch (error) {
      this.#unreachable(useCase, card.channel, error);
      await this.#changeCard(
        useCase,
        job,
        (now) => now && { ...now, told: (now.told ?? []).filter((key) => key !== milestone.key) },
      );
    }
  }

  /** A failure's own words, whole, where the message had to cut them. */
  async #attach(
    card: { channel: string; ts: string },
    { name, text }: { name: string; text: string },
  ): Promise<void> {
    const dir = await mkdtemp(join(tmpdir(), 'signalbox-'));
    try {
      const path = join(dir, 'failure.txt');
      await writeFile(path, maskSecrets(text));
      const { size } = await stat(path);
      const { shared } = await this.#services.files.deliver(
        {
          files: [{ path, name: name.replace(/[^\w.-]+/g, '-'), title: name, bytes: size }],
          channel: card.channel,
          thread: card.ts,
          comment: 'The whole message of the failure above.',
        },
        {},
      );
      await shared;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  async #tellAutoFailure(
    useCase: UseCase,
    change: Extract<JobChange, { kind: 'auto-failed' }>,
  ): Promise<void> {
    const what = change.what === 'compile' ? 'compiled' : 'packaged';
    const target = change.target === undefined ? '' : ` for *${plain(change.target, 60)}*`;
    const line = `:warning: ${code(change.job)} was not ${what} by itself${target}`;
    await this.#tell(useCase, change.job, {
      key: `auto ${change.what} ${change.target ?? ''} ${change.error.ref}`,
      message: {
        text: line,
        blocks: [
          section(
            [line, plain(change.error.message, 1500), plain(change.error.hint ?? '', 800)]
              .filter((part) => part !== '')
              .join('\n'),
          ),
        ],
      },
    });
  }

  // --- What Slack no longer has ------------------------------------------------------------------------

  async #lost(
    useCase: UseCase,
    job: string,
    card: { channel: string; ts: string },
    error: unknown,
  ): Promise<void> {
    if (error instanceof AppError && error.code === 'not_found') return this.#forget(useCase, job, card);
    this.#unreachable(useCase, card.channel, error);
  }

  /** Somebody deleted it: the next thing that happens gets a new one. */
  async #forget(useCase: UseCase, job: string, card: { channel: string; ts: string }): Promise<void> {
    await this.#changeCard(useCase, job, (now) => (now?.ts === card.ts ? undefined : now));
  }

  #unreachable(useCase: UseCase, channel: string, error: unknown): void {
    const refused = error instanceof AppError && ['permission_denied', 'conflict'].includes(error.code);
    if (refused) this.#rest(useCase, channel, error);
    else this.#log.warn({ err: error, useCase: useCase.id, channel }, 'a job card could not be shown');
  }

  #rest(useCase: UseCase, channel: string, error: unknown): void {
    this.#resting.set(channel, this.#services.clock.now() + CHANNEL_REST);
    this.#log.warn(
      { err: error, useCase: useCase.id, channel },
      'no job cards in this channel for ten minutes: the bot cannot write there',
    );
  }

  #rests(channel: string): boolean {
    const until = this.#resting.get(channel);
    if (until === undefined) return false;
    if (this.#services.clock.now() < until) return true;
    this.#resting.delete(channel);
    return false;
  }

  async #changeCard(
    useCase: UseCase,
    job: string,
    change: (card: JobRecord['card']) => JobRecord['card'],
  ): Promise<JobRecord | undefined> {
    return this.#services.store.changeJob(useCase.id, job, (record) => {
      if (!record) return record;
      const card = change(record.card);
      return card === record.card ? record : { ...record, card };
    });
  }
}

/**
 * Whether it is worth a card of its own. Jobs from before Signalbox came are known, and get one when something
 * happens to them; that more became known of them is nothing that happened.
 */
function isNews(change: JobChange): boolean {
  switch (change.kind) {
    case 'job-appeared':
      return change.announce;
    case 'job-changed':
      return change.before.status.toLowerCase() !== change.training.status.toLowerCase();
    case 'checked':
      return false;
    default:
      return true;
  }
}

const keyOf = (useCase: UseCase, job: string): string => `${useCase.id} ${job}`;
