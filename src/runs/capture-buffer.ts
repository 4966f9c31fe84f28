/**
 * What a run prints on its way into the store. Taking it never waits and never fails: while the store does not take it
 * the newest bytes wait in memory, and those that are given up become a gap once it does again.
 */
import { backoff, type Waits } from '../ground/backoff.ts';
import { toAppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';
import { ByteQueue } from './byte-queue.ts';
import { Pace } from './pace.ts';

export interface CaptureBufferOptions {
  logs: Pick<RunLogStore, 'append' | 'skip' | 'info'>;
  id: string;
  /** The log's size. */
  offset: number;
  /** Bytes that wait at most. */
  mostHeld?: number;
  retryAfter?: Waits;
  /** Called when bytes left the queue, and when the store begins to fail or is well again. */
  onChange?: (() => void) | undefined;
  /** Once for each time that the store begins to fail. */
  onTrouble?: ((error: unknown) => void) | undefined;
}

const MOST_HELD = 16 * 1_048_576;
const RETRY_AFTER: Waits = [200, 5_000];
/** Less than this is appended once in so many milliseconds. */
const SMALL = 524_288;
const APPEND_GAP = 5;

export class CaptureBuffer {
  readonly #options: CaptureBufferOptions;
  readonly #mostHeld: number;
  readonly #queue: ByteQueue;
  /** What the store has, gaps included. */
  #stored: number;
  #inFlight = 0;
  #failures = 0;
  #closed = false;
  #refused = false;
  #working: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  readonly #pace = new Pace(APPEND_GAP);
  readonly #small: number;
  /** Somebody waits until all is stored. */
  #flushing = 0;

  constructor(options: CaptureBufferOptions) {
    this.#options = options;
    this.#mostHeld = options.mostHeld ?? MOST_HELD;
    // Never so much that bytes are given up meanwhile, or the source is held up.
    this.#small = Math.min(SMALL, this.#mostHeld / 4);
    this.#queue = new ByteQueue(options.offset);
    this.#stored = options.offset;
  }

  /** Bytes printed so far, with what the log had before. */
  get size(): number {
    return this.#queue.end;
  }

  /** The store said that nothing of this run will be taken any more: another writes it, or it has ended. */
  get refused(): boolean {
    return this.#refused;
  }

  /** The source had better wait: the store works, and is slower than it. */
  get crowded(): boolean {
    return this.#failures === 0 && this.#queue.held + this.#inFlight > this.#mostHeld / 2;
  }

  /** @param bytes kept, not copied */
  write(bytes: Uint8Array): void {
    this.#queue.add(bytes);
    this.#queue.shrinkTo(Math.max(0, this.#mostHeld - this.#inFlight));
    if (this.#queue.held >= this.#small) this.#pace.hurry();
    this.#work();
  }

  /**
   * Hands over what waits; a store that fails is asked again until the time is over.
   * @param ms milliseconds
   * @returns whether all of it arrived
   */
  async flush(ms: number): Promise<boolean> {
    this.#flushing += 1;
    this.#pace.hurry();
    this.#wake?.();
    this.#work();
    await inTime(ms, this.#working ?? Promise.resolve());
    this.#flushing -= 1;
    return this.#stored === this.#queue.end;
  }

  /** The store is not asked again. */
  close(): void {
    this.#closed = true;
    this.#pace.hurry();
    this.#wake?.();
  }

  #work(): void {
    if (this.#closed || this.#working || this.#stored === this.#queue.end) return;
    this.#working = this.#handOver().finally(() => {
      this.#working = undefined;
    });
  }

  async #handOver(): Promise<void> {
    const { retryAfter = RETRY_AFTER, onChange, onTrouble } = this.#options;
    while (!this.#closed && this.#stored < this.#queue.end) {
      if (this.#flushing === 0 && this.#queue.held < this.#small) {
        await this.#pace.wait();
        if (this.#closed) return;
      }
      try {
        await this.#step();
      } catch (error) {
        this.#failures += 1;
        if (toAppError(error).code === 'conflict') {
          this.#refused = true;
          this.#closed = true;
        }
        if (this.#failures === 1 || this.#refused) onTrouble?.(error);
        onChange?.();
        if (this.#closed) return;
        await this.#waitFor(backoff(retryAfter, this.#failures));
        continue;
      }
      onChange?.();
    }
  }

  async #step(): Promise<void> {
    const { logs, id } = this.#options;
    const to = this.#queue.start;
    if (this.#stored < to) {
      // On a full disk this works too, so it says nothing of what comes next.
      await logs.skip(id, this.#stored, to);
      this.#stored = to;
      return;
    }
    const bytes = this.#queue.take();
    this.#inFlight = bytes.length;
    try {
      await logs.append(id, this.#stored, bytes);
      this.#stored += bytes.length;
      this.#failures = 0;
    } catch (error) {
      // Kept after all, although it was said to have failed.
      const there = toAppError(error).code === 'conflict' ? (await logs.info(id))?.size : undefined;
      if (there === this.#stored + bytes.length) this.#stored = there;
      else {
        this.#queue.putBack(bytes);
        throw error;
      }
    } finally {
      this.#inFlight = 0;
      this.#pace.wrote();
    }
  }

  #waitFor(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const wake = done;
      this.#wake = wake;
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }
}
