/**
 * The curves of runs that have ended, by themselves: on the card, and with charts in its thread. Which use cases and
 * providers, `metrics.auto` says; a log is read for them once, after whoever waits for the same request quota.
 */
import { curvesMessage } from '../blocks/curves.ts';
import { backgroundActor } from '../domain/background-actor.ts';
import { type KeptCurves, summarise } from '../domain/curve-summary.ts';
import { isToldWithAnother } from '../domain/job-families.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS, type ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import { AppError, CancelledError } from '../ground/errors.ts';
import { cardKey } from '../operations/card-key.ts';
import { runPicture } from '../operations/curve-pictures.ts';
import { BACKGROUND_LIMITS, type CurveReader, type Curves } from '../operations/read-curves.ts';
import type { CurvePictures } from '../ports/curve-pictures.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { deliverBytes } from './attachments.ts';
import { jobOfCard } from './job-cards.ts';
import { NEWS_FOR, type Notifier, type NotifierDeps } from './notifier.ts';

const JOBS_LIMIT = 1_000;
/** Milliseconds after the end of a SageMaker job until its log's last lines have mostly arrived. */
const LATE_LINES = 30_000;
/** On the card, and in the message in its thread. */
const ON_CARD = { values: 5, charts: 1 };
const IN_THREAD = { values: 14, charts: 2 };
const KEY = '/told/curves';

export interface CurveTellerDeps extends NotifierDeps {
  files: Pick<FileDelivery, 'deliver'>;
  curves: { reader: Pick<CurveReader, 'read'>; pictures: CurvePictures };
}

/** Whether curves of runs there are shown without being asked for. */
const showsCurves = ({ metrics }: Pick<UseCase, 'metrics'>, provider: ProviderName): boolean =>
  PROVIDERS[provider].isKind !== true && (metrics?.auto ?? provider !== 'sagemaker');

export class CurveTeller implements Notifier {
  readonly #deps: CurveTellerDeps;
  readonly #signal: AbortSignal;
  /** By use case and job. */
  readonly #due = new Map<string, { useCase: UseCase; job: string; at: number }>();
  #reading: Promise<void> | undefined;
  /** The pictures that follow messages, one after the other. */
  #following: Promise<void> = Promise.resolve();

  constructor(deps: CurveTellerDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  async onChange(change: Parameters<NonNullable<Notifier['onChange']>>[0], useCase: UseCase): Promise<void> {
    if (change.kind !== 'job-changed' && change.kind !== 'job-appeared') return;
    const { training } = change;
    const isNews = change.kind === 'job-changed' ? !isFinished(change.before) : change.announce;
    if (isNews && isFinished(training) && !isToldWithAnother(useCase, training))
      this.#wait(useCase, training);
  }

  async recover(useCase: UseCase): Promise<void> {
    const { store, clock } = this.#deps;
    for (const { job, news, curves } of await store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT }))
      if (news && !curves && isFinished(job) && clock.now() - (job.endedAt ?? 0) < NEWS_FOR)
        this.#wait(useCase, job);
  }

  /** Begins with the next one; resolves at once. */
  async tick(): Promise<void> {
    const now = elapsed(this.#deps.clock);
    const next = [...this.#due].find(([, { at }]) => at <= now);
    if (!next || this.#reading || this.#signal.aborted) return;
    const [key, { useCase, job }] = next;
    this.#due.delete(key);
    this.#reading = this.#tell(useCase, job)
      .catch((error: unknown) => {
        if (error instanceof CancelledError || this.#signal.aborted) return;
        this.#deps.onError(error, { useCase: useCase.id, subject: job, doing: 'reading curves' });
      })
      .finally(() => {
        this.#reading = undefined;
      });
  }

  /** Resolves when none is being read, and no picture is to follow. */
  async idle(): Promise<void> {
    await this.#reading;
    await this.#following;
  }

  /**
   * For the outbox: a message has arrived. Where Slack took no chart, or none could say it all, a picture follows.
   * Resolves at once: the channel's next messages do not wait for it.
   */
  async posted({ key, thread, posted }: Pick<OutboxRecord, 'key' | 'thread' | 'posted'>): Promise<void> {
    if (!posted || thread === undefined || !key.endsWith(KEY)) return;
    const of = jobOfCard(thread);
    const useCase = of && this.#deps.useCases.find(({ id }) => id === of.useCase);
    if (!useCase) return;
    const { plainer = false } = posted;
    this.#following = this.#following.then(() => this.#follow(useCase, of.job, { card: thread, plainer }));
  }

  async #follow(useCase: UseCase, job: string, told: { card: string; plainer: boolean }): Promise<void> {
    const { store, curves, files, onError } = this.#deps;
    try {
      const parent = (await store.getPost(told.card))?.posted;
      const kept = (await store.getJob(useCase.id, job))?.curves;
      if (!parent || !(told.plainer || kept?.needsPicture)) return;
      const found = await this.#read(useCase, job);
      const drawing = runPicture({ title: found.job.name, subtitle: useCase.name }, found.series, 'auto');
      if (!drawing) return;
      await deliverBytes(files, {
        name: `curves-${found.job.name}.png`,
        title: `Curves of ${found.job.name}`,
        content: await curves.pictures.draw(drawing, this.#signal),
        comment: 'The curves as a picture.',
        channel: parent.channel,
        thread: parent.ts,
      });
    } catch (error) {
      if (!this.#signal.aborted)
        onError(error, { useCase: useCase.id, subject: job, doing: 'drawing curves' });
    }
  }

  #wait(useCase: UseCase, training: TrainingJob): void {
    if (!showsCurves(useCase, training.provider)) return;
    const job = jobKey(training);
    const late = training.provider === 'sagemaker' ? LATE_LINES : 0;
    this.#due.set(`${useCase.id} ${job}`, { useCase, job, at: elapsed(this.#deps.clock) + late });
  }

  #read(useCase: UseCase, job: string): Promise<Curves> {
    return this.#deps.curves.reader.read(
      { actor: backgroundActor(this.#deps.team), useCase, job },
      { signal: this.#signal, limits: BACKGROUND_LIMITS, background: true },
    );
  }

  async #tell(useCase: UseCase, job: string): Promise<void> {
    const { store, clock, changes, notices } = this.#deps;
    let found: Curves;
    try {
      found = await this.#read(useCase, job);
    } catch (error) {
      // Removed meanwhile: there is nothing to show, now or later.
      if (error instanceof AppError && error.code === 'not_found') return;
      throw error;
    }
    const { cut, series, reported } = found;
    const kept: KeptCurves = {
      ...summarise(series, reported, ON_CARD),
      readAt: clock.now(),
      ...(cut ? { cut } : {}),
    };
    const record = await store.changeJob(useCase.id, job, (now) => now && { ...now, curves: kept });
    if (!record || series.length === 0) return;
    changes.emit({ kind: 'checked', useCase: useCase.id, job });
    if (!record.card) return;
    const card = await cardKey(store, useCase.id, job);
    const summary = summarise(series, reported, IN_THREAD);
    await notices.post(
      `${card.replace(/\/\d+$/, '')}${KEY}`,
      record.card.channel,
      curvesMessage({ ...found, summary, reported: [...reported], by: undefined }),
      { thread: card },
    );
  }
}
