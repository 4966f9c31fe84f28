/** Calls the notifiers at every tick. */
import { SingleFlight } from '../ground/key-queue.ts';
import { steadyTicker, type Ticker } from '../operations/ticker.ts';
import type { NotifierDeps } from './notifier.ts';

type Work = (signal: AbortSignal) => Promise<void>;

export class Rounds {
  readonly #work: readonly Work[];
  readonly #signal: AbortSignal;
  readonly #onError: NotifierDeps['onError'];
  /** What is still running from earlier rounds. */
  readonly #underWay = new SingleFlight<Work>();
  #ticker: ReturnType<Ticker> | undefined;

  constructor(work: readonly Work[], signal: AbortSignal, onError: NotifierDeps['onError']) {
    this.#work = work;
    this.#signal = signal;
    this.#onError = onError;
  }

  /** @param ticker left out: every two seconds */
  start(ticker: Ticker = steadyTicker): void {
    this.#ticker ??= ticker(() => {
      this.tick().catch((error: unknown) => this.#onError(error, { doing: 'looking what is due' }));
    });
  }

  /** One round. All run independently: reading a slow log must not hold up an escalation. */
  async tick(): Promise<void> {
    if (this.#signal.aborted) return;
    await Promise.all(this.#work.map((work) => this.#once(work)));
  }

  /** Begins no new round; after the signal, resolves when what is running has ended. */
  async stop(): Promise<void> {
    await this.#ticker?.stop();
    await this.#underWay.idle();
  }

  /** Joins what is already running; does not reject. */
  #once(work: Work): Promise<void> {
    return this.#underWay.run(work, () =>
      work(this.#signal).catch((error: unknown) => {
        if (!this.#signal.aborted) this.#onError(error, { doing: 'looking what is due' });
      }),
    );
  }
}
