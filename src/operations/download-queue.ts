/** The running downloads: limits how many run at once, joins identical requests, cancels. */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import { AppError, CancelledError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { UnfinishedDownload, UnfinishedMessage } from '../ports/unfinished-store.ts';
import type { DownloadsElsewhere, KnownDownload } from './downloads-elsewhere.ts';
import { EnoughError } from './first-lines.ts';

export interface Ticket {
  readonly id: string;
  readonly user: string;
  readonly userName: string | undefined;
  readonly useCases: readonly string[];
  readonly startedAt: number;
  readonly signal: AbortSignal;
}

interface Running extends Ticket {
  readonly key: string;
  readonly controller: AbortController;
}

export interface DownloadLimits {
  /** Downloads at once in this process; more wait in line. */
  perProcess: number;
  /** Downloads per person, waiting ones included; more are refused. */
  perUser: number;
}

/** Milliseconds for tidying up once it is closed. */
const TIDIES_FOR = 3_000;

export class DownloadQueue {
  /** Left out: there are no other instances. */
  readonly elsewhere: DownloadsElsewhere | undefined;
  readonly #running = new Map<string, Running>();
  readonly #queue: PQueue;
  readonly #limits: DownloadLimits;
  readonly #clock: Clock;
  readonly #enough = new AbortController();
  #closed = false;

  constructor(
    clock: Clock,
    limits: DownloadLimits = { perProcess: 4, perUser: 12 },
    elsewhere?: DownloadsElsewhere,
  ) {
    this.#clock = clock;
    this.elsewhere = elsewhere;
    this.#limits = limits;
    this.#queue = new PQueue({ concurrency: limits.perProcess });
    setMaxListeners(0, this.#enough.signal);
  }

  /** Aborted some seconds after it is closed: whoever still tidies up leaves it to the next start. */
  get tidyUntil(): AbortSignal {
    return this.#enough.signal;
  }

  /** The same request, if it is still running. */
  same(key: string): Ticket | undefined {
    return [...this.#running.values()].find((running) => running.key === key);
  }

  find(id: string): Ticket | undefined {
    return this.#running.get(id);
  }

  /** Stored with its message, for the other instances; and whether they have always heard of this one. */
  onRecord(
    request: UnfinishedDownload,
  ): Pick<UnfinishedMessage, 'by' | 'download'> & { continuity?: () => number | undefined } {
    const { key, user, userName, useCases } = request;
    const { elsewhere } = this;
    if (!elsewhere) return {};
    return {
      by: elsewhere.instance,
      download: { key, user, userName, useCases },
      continuity: () => elsewhere.continuity(),
    };
  }

  /** As `same`, across all instances. */
  async sameAnywhere(key: string): Promise<KnownDownload | undefined> {
    return this.same(key) ?? (await this.elsewhere?.find((download) => download.key === key));
  }

  /** As `find`, across all instances. */
  async findAnywhere(id: string): Promise<KnownDownload | undefined> {
    return this.find(id) ?? (await this.elsewhere?.find((_, known) => known === id));
  }

  /** As `cancel`; reaches whichever instance works on it. */
  async cancelAnywhere(id: string, why: string, enough = false): Promise<void> {
    if (!this.cancel(id, why, enough)) await this.elsewhere?.cancel(id, why, enough);
  }

  /** How many would be ahead of a new one. */
  get ahead(): number {
    return this.#queue.pending < this.#limits.perProcess ? 0 : this.#queue.size + 1;
  }

  /**
   * Registers the request at once and does the work when its turn comes.
   * @param key what makes two requests the same
   * @throws AppError rate_limited (too many of this person), conflict (the same runs already), unavailable (closing)
   */
  run<T>(
    request: { key: string; user: string; userName: string | undefined; useCases: readonly string[] },
    work: (ticket: Ticket) => Promise<T>,
    prepare: (ticket: Ticket) => Promise<void> = async () => {},
  ): Promise<T> {
    if (this.#closed)
      throw new AppError('unavailable', 'Signalbox is restarting.', { hint: 'Ask again in a minute.' });
    if (this.same(request.key)) throw new AppError('conflict', 'The same download runs already.');
    const own = [...this.#running.values()].filter((running) => running.user === request.user);
    if (own.length >= this.#limits.perUser)
      throw new AppError('rate_limited', `You have ${own.length} downloads running already.`, {
        hint: 'Wait until one has ended, or cancel one.',
      });
    const controller = new AbortController();
    // Dozens of a download's requests listen to it at a time, which is not a leak.
    setMaxListeners(0, controller.signal);
    const running: Running = {
      ...request,
      id: randomUUID(),
      startedAt: this.#clock.now(),
      controller,
      signal: controller.signal,
    };
    this.#running.set(running.id, running);
    const turn = async (): Promise<T> => {
      await prepare(running);
      // Whoever has fewer waiting goes first, so that one person's many do not hold up others.
      return this.#inTurn(running.signal, -own.length, () => work(running));
    };
    return turn()
      .catch((error: unknown) => {
        // Whatever error it ended with, it was cancelled, and the reason says by whom.
        throw running.signal.aborted ? running.signal.reason : error;
      })
      .finally(() => this.#running.delete(running.id));
  }

  /** Aborted while it waits, it leaves the line at once; aborted while it works, it ends when the work has. */
  #inTurn<T>(signal: AbortSignal, priority: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let started = false;
      const leave = (): void => {
        if (!started) reject(signal.reason);
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#queue
        .add(
          async () => {
            signal.throwIfAborted();
            started = true;
            return work();
          },
          { priority },
        )
        .then(resolve, reject);
    });
  }

  /**
   * @param enough what has been seen of it already was enough
   * @returns false when it is no longer running
   */
  cancel(id: string, why: string, enough = false): boolean {
    const running = this.#running.get(id);
    running?.controller.abort(enough ? new EnoughError(why) : new CancelledError(why));
    return running !== undefined;
  }

  /** The request is fulfilled, though its work is still tidying up: it can no longer be joined or cancelled. */
  release(id: string): void {
    this.#running.delete(id);
  }

  /**
   * Takes nothing new, ends what is running, and waits for it. The reason is `unavailable`, since nobody has cancelled,
   * so what was fetched is kept for whoever asks again.
   */
  async close(why: string, hint?: string): Promise<void> {
    this.#closed = true;
    setTimeout(() => this.#enough.abort(new AppError('unavailable', why)), TIDIES_FOR).unref();
    for (const { controller } of this.#running.values())
      controller.abort(new AppError('unavailable', why, hint === undefined ? {} : { hint }));
    await this.#queue.onIdle();
  }
}
