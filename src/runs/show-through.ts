/** Shows a run to the person who started it. A reader that does not keep up (a full pipe) is told how much it missed. */
import { grouped } from '../ground/numbers.ts';
import { ByteQueue } from './byte-queue.ts';
import { Pace } from './pace.ts';

/** Resolves once the bytes are written; rejects once nobody reads any more. */
export type Show = (bytes: Uint8Array) => Promise<void>;

const MOST_HELD = 8 * 1_048_576;
/** Less than this is shown once in so many milliseconds: a quarter of what a screen needs for a picture. */
const SMALL = 262_144;
const SHOW_GAP = 4;

export class Screening {
  readonly #show: Show;
  readonly #onChange: () => void;
  readonly #queue = new ByteQueue();
  #working: Promise<void> | undefined;
  #inFlight = 0;
  #missed = 0;
  #over = false;
  #flushing = false;
  readonly #pace = new Pace(SHOW_GAP);

  /** @param onChange called when bytes left the queue */
  constructor(show: Show, onChange: () => void) {
    this.#show = show;
    this.#onChange = onChange;
  }

  /** The source had better wait. */
  get crowded(): boolean {
    return this.#queue.held + this.#inFlight > MOST_HELD / 2;
  }

  /** @param bytes kept, not copied */
  write(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#queue.add(bytes);
    this.#missed += this.#queue.shrinkTo(MOST_HELD);
    if (this.#queue.held >= SMALL) this.#pace.hurry();
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when all is shown, or nobody reads any more. */
  async flush(): Promise<void> {
    this.#flushing = true;
    this.#pace.hurry();
    while (this.#working) await this.#working;
  }

  async #work(): Promise<void> {
    try {
      while (this.#queue.held > 0) {
        if (!this.#flushing && this.#queue.held < SMALL) await this.#pace.wait();
        const missed = this.#missed;
        this.#missed = 0;
        const bytes = missed > 0 ? missedWords(missed) : this.#queue.take();
        this.#inFlight = bytes.length;
        await this.#show(bytes);
        this.#inFlight = 0;
        this.#pace.wrote();
        this.#onChange();
      }
    } catch {
      this.#over = true;
      this.#inFlight = 0;
      this.#queue.shrinkTo(0);
      this.#onChange();
    }
  }
}

const missedWords = (bytes: number): Uint8Array =>
  Buffer.from(`\r\n[signalbox: ${grouped(bytes)} bytes are not shown here; the log has them]\r\n`);
