/** Requests to the log engine and its answers. */
import type { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogChunk, LogPosition, LogSource, LogStreamInfo } from './log-source.ts';

/** `lines`: time, stream, message. `raw`: the messages as printed. `plain`: the terminal's final picture. */
export type LogForm = 'lines' | 'raw' | 'plain';

export interface LogDownloadRequest {
  source: LogSource;
  /** What `source.listStreams` answers, when it has been asked already. */
  listing?: Promise<readonly LogStreamInfo[]> | undefined;
  /** Lets a log library keep what is read; left out: nothing is kept, and nothing kept is used. */
  keep?: KeptLog | undefined;
  /** Whatever is kept, all is read from the source. A whole log replaces what is kept of it. */
  fresh?: boolean | undefined;
  /** Inclusive; left out: from the first event. */
  from?: EpochMs | undefined;
  /** Exclusive, fixed when the request arrived, so that a running job's download ends (L3). */
  to: EpochMs;
  /** Only streams whose name or short name is one of these, or starts with one that ends in `*`. */
  streams?: readonly string[] | undefined;
  /** Only the last so many matching events. */
  tail?: number | undefined;
  match?: { kind: 'text' | 'regex'; pattern: string } | undefined;
  form: LogForm;
  /**
   * Text that stands above the events. Called with the facts when everything is counted, and before that with the
   * widest facts there can be, to learn how much room it needs: it must depend on nothing else.
   */
  header?: ((facts: LogFacts) => string) | undefined;
  /** Safe base name, `training-logs-….log`; `.gz` and part numbers are added here. */
  fileName: string;
  /** Exact path for the finished file (CLI). Left out: a file in the engine's spool, until `dispose`. */
  out?: string | undefined;
  /** Bytes of text above which the file is gzipped; Infinity never. */
  gzipAbove?: number | undefined;
  /** No file is larger than this, bytes; more parts are made instead. */
  partLimit?: number | undefined;
}

/** Which log it is, besides its source's id, and whether it still grows. */
export interface KeptLog {
  /** Differs between logs of the same source: a job that was deleted and made again has another one. */
  edition: string;
  /** When the job ended, by the service's clock; undefined while it runs. */
  endedAt: EpochMs | undefined;
}

export interface LogFacts {
  /** Events in the text, after filters. */
  events: number;
  /** Bytes of the text of the events, uncompressed. */
  textBytes: number;
  firstEventAt?: EpochMs | undefined;
  lastEventAt?: EpochMs | undefined;
  streams: readonly { name: string; shortName: string; events: number }[];
}

export interface LogProgress {
  phase: 'listing' | 'fetching' | 'writing';
  events: number;
  textBytes: number;
  /** Of the time range, 0 to 1. */
  fraction: number;
  /** The service is slowing us down: tell the user "still fetching". */
  throttled: boolean;
}

export interface LogFile {
  path: string;
  name: string;
  bytes: number;
  gzipped: boolean;
}

export interface LogDownload {
  facts: LogFacts;
  /** One, or numbered parts in order. None when there is no event to show and no header. */
  files: readonly LogFile[];
  /** True when an interrupted download of the same request was continued. */
  resumed: boolean;
  /** What the reader should know: "stream algo-2 delivered 3 events late; they are sorted in". */
  notes: readonly string[];
  /** Removes the files (not `out`). Safe to call twice. */
  dispose(): Promise<void>;
}

export interface LogFollowRequest {
  source: LogSource;
  /** Lets a log library keep what was there before, and use what it has: see LogDownloadRequest. */
  keep?: KeptLog | undefined;
  /**
   * `raw`: the messages as printed · `lines`: each with its time, and with its stream where there are several. What is
   * followed on from a chunk stays in its form.
   */
  form: 'raw' | 'lines';
  from: LogPosition;
  /** When the job ended, undefined while it runs; asked before each round of reading, every second at most. */
  endedAt(signal: AbortSignal): Promise<EpochMs | undefined>;
  /** What keeps the text from going on; undefined: it does. The same may be said again. */
  onWait?: ((wait: FollowWait | undefined) => void) | undefined;
}

/** `history`: what was there already is fetched, and comes as a whole · `refused`: it is tried again. */
export type FollowWait =
  | { kind: 'history'; fraction: number; throttled: boolean }
  | { kind: 'refused'; error: AppError };

export interface LogDownloader {
  /**
   * @throws AppError invalid_input (regex, range), not_found (no stream at all: the job has no log yet),
   *   unavailable (disk too small, service down), permission_denied, rate_limited; CancelledError
   */
  download(
    request: LogDownloadRequest,
    options?: { signal?: AbortSignal; onProgress?: (progress: LogProgress) => void },
  ): Promise<LogDownload>;
  /**
   * The same log for whoever only looks at its end: where all of a log that has ended is kept, its last events come from
   * there, after one request that shows whether they may be read. Left out: nothing is kept.
   * @param edition see `KeptLog`
   */
  kept?(source: LogSource, edition: string): LogSource;
  /** Removes what downloads of processes that are gone left on disk, where nobody will come back for it. */
  sweep?(): Promise<void>;
}

export interface LogFollower {
  /**
   * The log's text as it is written, until the job has ended and nothing more comes. An event that arrives late is
   * given out when it comes, after newer ones; behind the last 4,096 of its stream (after a restart, the last 1,500
   * or so of all) it is in a download alone.
   * @throws as the source: after unavailable and rate_limited it can be followed on from the last chunk · invalid_input:
   *   a position without the cursor of its chunk, or more streams than can be followed
   */
  follow(request: LogFollowRequest, signal: AbortSignal): AsyncIterable<LogChunk>;
}

export interface LogEngine extends LogDownloader, LogFollower {}
