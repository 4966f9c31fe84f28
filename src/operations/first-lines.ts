/**
 * The end of a log for whoever waits for the whole of it, read while that is fetched: its last lines, or what explains
 * the failure of the run.
 */
import { setMaxListeners } from 'node:events';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { type LastLines, lastLines } from '../domain/last-lines.ts';
import { isAskedFor } from '../domain/log-order.ts';
import { inLines } from '../domain/stream-generations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { CancelledError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { LogProgress } from '../logs/index.ts';
import type { LogExcerpt } from './explain-failure.ts';
import type { LocatedLog } from './locate-log.ts';
import { readLogEnds } from './log-end.ts';

export interface FirstLines {
  useCase: UseCase;
  /** Left out: it is the log of a compilation. */
  job?: TrainingJob | undefined;
  excerpt: LogExcerpt;
  /** Why it failed, if it did. */
  advice?: FailureAdvice | undefined;
  /** When the last of them was written, where that is known. */
  at?: EpochMs | undefined;
}

/** Somebody who would like to see them. */
export interface FirstLinesReader {
  /** Asked just before they are shown. */
  mayRead(useCase: UseCase): Promise<boolean>;
  show(lines: FirstLines): void;
}

/** The reason of an abort: the first lines were enough, and nobody needs the rest. */
export class EnoughError extends CancelledError {}

/** What the audit trail calls the end of a download that somebody ended. */
export const endedAs = (signal: AbortSignal | undefined): 'logs.enough' | 'logs.cancelled' =>
  signal?.reason instanceof EnoughError ? 'logs.enough' : 'logs.cancelled';

export interface FirstLinesDeps {
  clock: Clock;
  /** Makes it part of the audit trail, durably, that they are about to be shown. */
  record: (lines: number) => Promise<void>;
}

interface Explanation {
  advice?: FailureAdvice | undefined;
  excerpt?: LogExcerpt | undefined;
}

export interface FirstLinesOf {
  useCase: UseCase;
  job?: TrainingJob | undefined;
  log: LocatedLog;
  /** Of the download: `to` is exclusive. */
  range: { from?: EpochMs | undefined; to: EpochMs };
  streams?: readonly string[] | undefined;
  /** The end would not be what was asked for: only some lines of it were, or few enough to be there at once. */
  narrowed?: boolean | undefined;
  /** Of a run that failed. Its log is read for it already, and this is shown instead of the last lines. */
  failure?: Promise<Explanation | undefined> | undefined;
  reader: FirstLinesReader | undefined;
  signal: AbortSignal | undefined;
}

/** Lines shown at most; a message in Slack shows as many. */
const LINES = 10;
/**
 * Events of each stream. Where a page has fewer, a private key of 51 lines that is cut off there still cannot reach into
 * the lines shown; to look for more would take another round trip, also where there is no more.
 */
const EVENTS = { most: 200, enough: 64 };
/** Bytes of text still to come, and milliseconds waited, from which on it is worth reading the end first. */
const MUCH_TEXT = 4_000_000;
const LONG_MS = 1_000;

export class FirstLinesAhead {
  readonly #deps: FirstLinesDeps;
  readonly #of: FirstLinesOf;
  readonly #beganAt: EpochMs;
  #begun: Promise<void> | undefined;
  readonly #over = new AbortController();
  /** Over, or given up by whoever waited. */
  readonly #ended: AbortSignal;

  constructor(deps: FirstLinesDeps, of: FirstLinesOf) {
    this.#deps = deps;
    this.#of = of;
    this.#ended = of.signal ? AbortSignal.any([of.signal, this.#over.signal]) : this.#over.signal;
    // A request for each of the streams listens to it.
    setMaxListeners(0, this.#ended);
    this.#beganAt = deps.clock.now();
  }

  /**
   * Fetches the whole with options that tell how far it is. The lines are read as soon as that says that it will take a
   * while, and shown until it is there or fails. They never make it fail.
   */
  async beside<T>(
    fetch: (options: { signal?: AbortSignal; onProgress: (progress: LogProgress) => void }) => Promise<T>,
    onProgress: ((progress: LogProgress) => void) | undefined,
  ): Promise<T> {
    const { signal } = this.#of;
    try {
      return await fetch({
        ...(signal ? { signal } : {}),
        onProgress: (progress) => {
          this.#watch(progress);
          onProgress?.(progress);
        },
      });
    } finally {
      this.#over.abort();
    }
  }

  #watch(progress: LogProgress): void {
    const { reader } = this.#of;
    if (reader && !this.#ended.aborted && this.#takesAWhile(progress))
      this.#begun ??= this.#readAndShow(reader).catch(() => undefined);
  }

  #takesAWhile({ phase, events, textBytes, fraction, throttled }: LogProgress): boolean {
    if (phase !== 'fetching' || fraction >= 1) return false;
    if (throttled || this.#deps.clock.now() - this.#beganAt >= LONG_MS) return true;
    return events > 0 && (textBytes * (1 - fraction)) / Math.max(fraction, 1e-9) >= MUCH_TEXT;
  }

  async #readAndShow(reader: FirstLinesReader): Promise<void> {
    const { useCase, job, failure } = this.#of;
    const lines = failure ? explaining(await failure) : await this.#readLast();
    if (!lines || this.#ended.aborted || !(await reader.mayRead(useCase))) return;
    await this.#deps.record(lines.excerpt.text.split('\n').length);
    // Aborted meanwhile: they are on record, and there is no message to show them in.
    if (!this.#ended.aborted) reader.show({ useCase, job, ...lines });
  }

  async #readLast(): Promise<Omit<FirstLines, 'useCase' | 'job'> | undefined> {
    const { log, range, streams, narrowed } = this.#of;
    // Without backward pages its end would have to be read from its beginning.
    if (narrowed || log.source.forwardOnly) return undefined;
    const signal = this.#ended;
    const listed = await (log.listing ?? log.source.listStreams(signal));
    const ends = await readLogEnds(log.source, {
      ...range,
      now: this.#deps.clock.now(),
      streams: inLines(listed).filter((stream) => isAskedFor(stream, streams)),
      events: EVENTS,
      signal,
    });
    const last = lastLines(ends, LINES);
    return last && shownAs(last);
  }
}

function explaining(failure: Explanation | undefined): Omit<FirstLines, 'useCase' | 'job'> | undefined {
  return failure?.excerpt && { excerpt: failure.excerpt, advice: failure.advice };
}

function shownAs({ stream, text, at }: LastLines): Omit<FirstLines, 'useCase' | 'job'> {
  return { excerpt: { stream, text, kind: 'last lines' }, at };
}
