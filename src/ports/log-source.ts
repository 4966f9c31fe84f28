/** Where the log engine reads from. */
import type { LogKeeping } from '../domain/log-keeping.ts';
import type { EpochMs } from '../ground/time.ts';

/** The log streams of exactly one job or run, read in pages. The engine in `logs/` does all the rest. */
export interface LogSource extends LogLane {
  /** A stable identity, for resuming and for messages: `account/region/group/job`. */
  readonly id: string;
  /** Every stream of this job and of no other. Their times are hints, never bounds. */
  listStreams(signal?: AbortSignal): Promise<LogStreamInfo[]>;
  /** Another way to read the same streams, forward only, with a request quota of its own. */
  readonly secondLane?: LogLane | undefined;
  /**
   * The same log for background work: while others wait for the same request quota, they get three turns of four.
   * Left out: there is no quota to share.
   */
  inBackground?(): LogSource;
  /** The service cannot read backward reliably, so only forward pages are requested. */
  readonly forwardOnly?: boolean | undefined;
  /**
   * It answers at once and takes any number of requests, so that reading from both ends wins nothing. May change while
   * a log is read.
   */
  readonly isNear?: boolean | undefined;
  /**
   * How the place keeps its logs, asked of it now and then; undefined: there is no such place. Never needed for reading.
   * Left out: it gives out what was written, as long as it gives out anything.
   * @throws AppError as any request, of which nothing is to be made but that it is unknown
   */
  keeping?(): Promise<LogKeeping | undefined>;
  /** How far ahead of our clock an event's time may be, ms; 0 when left out. */
  readonly aheadMs?: number | undefined;
}

/** One kind of page request, with its quota. */
export interface LogLane {
  /**
   * One page of one stream. Pages may be empty in mid-stream; only a repeated token marks the end.
   * @throws AppError rate_limited, unavailable: worth asking again · anything else: final
   */
  readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage>;
  /** Says when the next request may be sent. Left out: any time. */
  readonly pace?: RequestPace | undefined;
}

/** Hands out turns to send one request each, at the rate that the service allows. */
export interface RequestPace {
  /** Resolves when a request may be sent. Return an unused turn with `handBack`. */
  turn(signal?: AbortSignal): Promise<void>;
  handBack(): void;
  /** Requests a second that are allowed now; Infinity without a limit. */
  readonly rate: number;
  /** The service has recently refused requests within its stated limit. */
  readonly slowed: boolean;
}

export interface LogStreamInfo {
  name: string;
  /** What a line shows: `algo-1`. */
  shortName: string;
  firstEventAt?: EpochMs | undefined;
  lastEventAt?: EpochMs | undefined;
  /** Bytes of text, if the service knows: for checking disk space beforehand. */
  bytes?: number | undefined;
}

export interface LogPageRequest {
  stream: string;
  /** Inclusive. */
  from?: EpochMs | undefined;
  /** Exclusive. */
  to?: EpochMs | undefined;
  direction: 'forward' | 'backward';
  /** From an earlier page of the same direction and window. */
  token?: string | undefined;
  limit?: number | undefined;
  /**
   * Asks for lines instead of bare messages: this many free bytes, the message, and a newline unless the message
   * ends with one. The reader fills the free bytes in place, which saves copying every page. A source may
   * ignore it; `LogPage.lead` says whether it did.
   */
  lead?: number | undefined;
  /** Called, once at most, when the token of the next page is known, which may be long before the page can be had. */
  onNext?: ((token: string) => void) | undefined;
}

/** A page as text with an index: message i is `text[ends[i-1] .. ends[i])`, UTF-8, as the job wrote it. */
export interface LogPage {
  count: number;
  text: Buffer;
  /** End offset of each message in `text`, length `count`. */
  ends: Uint32Array;
  /** Event time of each message, ms, length `count`, in the order the service gave. */
  times: Float64Array;
  /** Token for the next page in the request's direction; the same token again means the end. */
  nextToken: string | undefined;
  /** Set if the entries are lines as requested by `LogPageRequest.lead`. */
  lead?: number | undefined;
  /** Returns the page's memory for reuse. The reader calls it once, when done with text and index. */
  release?: (() => void) | undefined;
}

/** A place in a log that is followed as it is written. */
export interface LogPosition {
  /** In bytes of the whole log. */
  offset: number;
  /** Of the chunk that ended there, where it had one. */
  cursor?: string | undefined;
}

export interface LogChunk {
  /** Of its first byte in the whole log. */
  offset: number;
  bytes: Uint8Array;
  /** Kept with the bytes, for a source that needs more than an offset to resume. */
  cursor?: string | undefined;
  /** When the last of it was printed, where the source says. */
  at?: EpochMs | undefined;
  /** The same of parts of it, by where each ends in the whole log: of a backlog a chunk may have hours. */
  parts?: readonly (readonly [end: number, at: EpochMs])[] | undefined;
}
