/**
 * The end of one run's log as it grows. What is new is added to the picture; whoever takes over begins a little before
 * the log's end, so that nothing has to be handed on.
 */
import { gapMarker } from '../domain/run-log-gaps.ts';
import { TailPicture } from '../domain/tail-picture.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';

/** Bytes before the log's end that make the picture; more than that at once is not worth reading. */
const WINDOW = 256 * 1024;
const PIECE = 64 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export class TailReader {
  readonly #logs: Pick<RunLogStore, 'read'>;
  readonly #window: number;
  #picture = new TailPicture();
  /** Of the log that it reads: one that was removed and came again is another one. */
  #createdAt: number | undefined;
  #at = 0;

  /** @param window bytes before the log's end that are read; less in tests */
  constructor(logs: Pick<RunLogStore, 'read'>, window = WINDOW) {
    this.#logs = logs;
    this.#window = window;
  }

  /** @throws AppError as the store does: it goes on from there the next time */
  async read({ id, size, createdAt }: Pick<RunLogInfo, 'id' | 'size' | 'createdAt'>): Promise<void> {
    let skipping = false;
    if (createdAt !== this.#createdAt || size < this.#at || size - this.#at > this.#window) {
      this.#picture = new TailPicture();
      this.#createdAt = createdAt;
      this.#at = Math.max(0, size - this.#window);
      // The first line is not whole.
      skipping = this.#at > 0;
    }
    while (this.#at < size) {
      const { bytes, gap } = await this.#logs.read(id, this.#at, Math.min(PIECE, size - this.#at));
      if (gap) {
        this.#picture.write(Buffer.from(gapMarker({ ...gap, from: this.#at })));
        this.#at = gap.to;
      } else if (bytes.length === 0) return;
      else {
        this.#picture.write(skipping ? bytes.subarray(lineStart(bytes)) : bytes);
        this.#at += bytes.length;
      }
      skipping = false;
    }
  }

  /** See TailPicture.lines. */
  lines(count: number): string[] {
    return this.#picture.lines(count);
  }
}

/** Where the first whole line begins, or the first one that is drawn anew; 0 if there is none. */
function lineStart(bytes: Uint8Array): number {
  const newline = bytes.indexOf(NEWLINE);
  return (newline < 0 ? bytes.indexOf(RETURN) : newline) + 1;
}
