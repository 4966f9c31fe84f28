/** Bodies that follow a log: as server-sent events for one viewer, or as the file of a download. */
import { gapMarker } from '../domain/run-log-gaps.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { begun } from '../ground/observed.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import { type FeedTimers, type RunFeed, sse } from './run-feed.ts';

export interface ViewerOptions {
  /** Where it begins; the log's size at most. */
  offset: number;
  /** Whether the viewer may go on. @throws AppError: it may not */
  recheck?: (() => Promise<unknown>) | undefined;
  /** Milliseconds between two checks. */
  recheckEvery: number;
  timers: FeedTimers;
}

/**
 * One viewer's events. Nothing is made before it is asked for, and never more than one event: a reader that paused
 * goes on from the store.
 * @param feed joined for this viewer
 * @returns `stop` ends the stream early, so that the client reconnects
 */
export function viewerStream(
  feed: RunFeed,
  options: ViewerOptions,
): { body: ReadableStream<Uint8Array>; stop(): void } {
  const viewer = new Viewer(feed, options);
  return { body: new ReadableStream<Uint8Array>(viewer, { highWaterMark: 0 }), stop: () => viewer.stop() };
}

class Viewer {
  readonly #feed: RunFeed;
  readonly #options: ViewerOptions;
  #offset: number;
  /** As it was sent last. */
  #note: string | undefined;
  /** If set, only these last words are still sent. */
  #lastWords: readonly Uint8Array[] | undefined;
  #hasLeft = false;
  #wake: ((beat: boolean) => void) | undefined;
  #stopWaiting = (): void => {};
  #cancelCheck = (): void => {};
  readonly #watching = begun({ kind: 'viewer', name: 'stream' });

  constructor(feed: RunFeed, options: ViewerOptions) {
    this.#feed = feed;
    this.#options = options;
    this.#offset = options.offset;
    this.#checkLater();
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      while (!this.#hasLeft) {
        const { size, end, note } = this.#feed.info;
        if (this.#feed.isOver) return this.#close(controller, []);
        if (this.#lastWords) return this.#close(controller, this.#lastWords);
        if (this.#offset < size) {
          const event = await this.#feed.event(this.#offset);
          if (this.#hasLeft) return;
          this.#offset = event.next;
          controller.enqueue(event.bytes);
          return;
        }
        if (end) {
          const { exitCode, signal, state } = end;
          const done = { exit_code: exitCode, final_size: size, signal, state };
          return this.#close(controller, [sse('done', size, done)]);
        }
        if (note !== this.#note) {
          this.#note = note;
          controller.enqueue(sse('note', this.#offset, { note: note ?? null }));
          return;
        }
        const beat = await new Promise<boolean>((resolve) => {
          this.#wake = resolve;
          this.#stopWaiting = this.#feed.wait(resolve);
        });
        if (beat && !this.#lastWords && !this.#hasLeft) {
          controller.enqueue(sse('heartbeat', this.#offset, {}));
          return;
        }
      }
    } catch (error) {
      // Removed while it was read: a client that reconnects is told so.
      if (toAppError(error).code === 'not_found') return this.#close(controller, []);
      this.#leave();
      throw error;
    }
  }

  cancel(): void {
    this.#leave();
  }

  stop(lastWords: readonly Uint8Array[] = []): void {
    this.#lastWords ??= lastWords;
    this.#stopWaiting();
    this.#wake?.(false);
  }

  #close(controller: ReadableStreamDefaultController<Uint8Array>, lastWords: readonly Uint8Array[]): void {
    for (const words of lastWords) controller.enqueue(words);
    controller.close();
    this.#leave();
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#watching();
    this.#stopWaiting();
    this.#cancelCheck();
    this.#feed.leave();
  }

  #checkLater(): void {
    const { recheck, recheckEvery, timers } = this.#options;
    if (!recheck) return;
    this.#cancelCheck = timers.after(recheckEvery, () => {
      recheck().then(
        () => this.#hasLeft || this.#checkLater(),
        (thrown: unknown) => {
          const { code, message } = toAppError(thrown);
          // If the right could not be checked, the client reconnects and is told so.
          const isRefused = code === 'permission_denied' || code === 'not_found';
          this.stop(isRefused ? [sse('denied', this.#offset, { error: code, message })] : []);
        },
      );
    });
  }
}

/** Turns a log's bytes into the text that a terminal shows; what it returns is final. */
export interface PlainText {
  write(bytes: Uint8Array): string;
  end(): string;
}

const PIECE = 64 * 1024;

/**
 * The log from an offset up to the size it has now, with a marker where bytes are missing.
 * @param plain the text that a terminal shows instead of the bytes
 */
export function logFile(
  logs: Pick<RunLogStore, 'read'>,
  { id, size }: RunLogInfo,
  from: number,
  plain?: PlainText,
): ReadableStream<Uint8Array> {
  let offset = from;
  const next = async (): Promise<Uint8Array> => {
    const { bytes, gap } = await logs.read(id, offset, Math.min(PIECE, size - offset));
    if (bytes.length === 0 && !gap)
      throw new AppError('internal', `The log ${id} has ${size} bytes, but none at ${offset}.`);
    const piece = gap ? Buffer.from(gapMarker({ ...gap, from: offset })) : bytes;
    offset = gap ? gap.to : offset + bytes.length;
    return plain ? Buffer.from(plain.write(piece)) : piece;
  };
  return new ReadableStream(
    {
      async pull(controller) {
        while (offset < size) {
          const piece = await next();
          // The text may still change.
          if (piece.length === 0) continue;
          controller.enqueue(piece);
          return;
        }
        const rest = Buffer.from(plain?.end() ?? '');
        if (rest.length > 0) controller.enqueue(rest);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
