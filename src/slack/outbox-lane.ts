/** Works on one thing at a time until there is nothing to do, and again when somebody or a timer wakes it. */
import type { Clock, EpochMs } from '../ground/time.ts';
import { Cooldown } from '../ground/token-bucket.ts';

export class Lane {
  /** What is to be sent, in order. */
  readonly keys = new Set<string>();
  /** Failures in a row. */
  failures = 0;
  /** After a failure. */
  readonly backoff = new Cooldown();
  readonly #clock: Clock;
  readonly #work: (lane: Lane) => Promise<void>;
  readonly #onError: (lane: Lane, error: unknown) => void;
  #running: Promise<void> | undefined;
  /** Something came in while it was looking for work. */
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt: EpochMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  /** @param work resolves when there is nothing to do now */
  constructor(
    clock: Clock,
    work: (lane: Lane) => Promise<void>,
    onError: (lane: Lane, error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#work = work;
    this.#onError = onError;
  }

  get running(): Promise<void> | undefined {
    return this.#running;
  }

  kick(): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#running = this.#run();
  }

  /** At the latest; the work itself checks what is due. */
  wakeAt(at: EpochMs): void {
    if (this.#stopped || at >= this.#wakeAt) return;
    this.#wakeAt = at;
    clearTimeout(this.#timer);
    // Longer waits overflow a timer, and a clock that jumps is noticed within a minute.
    const wait = Math.min(60_000, Math.max(0, Math.ceil(at - this.#clock.now())));
    this.#timer = setTimeout(() => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.kick();
    }, wait);
    this.#timer.unref();
  }

  /** Begins nothing more; resolves when what is running has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#work(this);
      } while (this.#again && !this.#stopped);
    } catch (error) {
      this.#onError(this, error);
    } finally {
      this.#running = undefined;
    }
  }
}
