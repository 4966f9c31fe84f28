/** Where the log engine reads from. */
import type { EpochMs } from '../ground/time.ts';

/** The log streams of exactly one job or run, read in pages. The engine in `logs/` does all the rest. */
export interface LogSource extends LogLane {
  /** Stable identity of what is read, for resuming and for messages: `account/region/group/job`. */
  readonly id: string;
  /** Every stream of this job and of no other. Times are hints, never bounds. */
  listStreams(signal?: AbortSignal): Promise<LogStreamInfo[]>;
  /** Another way to read the same streams, forward only, with a request quota of its own. */
  readonly secondLane?: LogLane | undefined;
  /**
   * The same log for what goes on by itself: while others wait for requests of the same quota, those get three of four.
   * Left out: there is no quota to share.
   */
  inBackground?(): LogSource;
  /** The service cannot read backward, or not dependably: only forward pages are asked for. */
  readonly forwardOnly?: boolean | undefined;
  /** How far ahead of the clock an event's time may lie, ms; 0 when left out. */
  readonly aheadMs?: number | undefined;
}

/** One kind of page request and the quota it is counted against. */
export interface LogLane {
  /**
   * One page of one stream. Pages may be empty in mid-stream; only a repeated token is the end.
   * @throws AppError rate_limited, unavailable: worth asking again · anything else: final
   */
  readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage>;
  /** When the next request may be sent. Left out: at any time. */
  readonly pace?: RequestPace | undefined;
}

/** Turns to send one request each, given out at the rate that the service allows. */
export interface RequestPace {
  /** Resolves when a request may be sent now. An unused turn goes back by `handBack`. */
  turn(signal?: AbortSignal): Promise<void>;
  handBack(): void;
  /** Requests a second that are allowed now; Infinity when nothing limits them. */
  readonly rate: number;
  /** The service allows less than it should: it has refused requests of late. */
  readonly slowed: boolean;
}

export interface LogStreamInfo {
  name: string;
  /** What a line shows: `algo-1`. */
  shortName: string;
  firstEventAt?: EpochMs | undefined;
  lastEventAt?: EpochMs | undefined;
  /** Bytes of text, where the service knows them: for checking the disk before the work. */
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
   * Asks for lines instead of bare messages: so many free bytes, the message, and a newline unless the message
   * ends with one. The reader fills the free bytes in place, which saves a copy of every page. A source may
   * ignore it; `LogPage.lead` says what it did.
   */
  lead?: number | undefined;
}

/** A page as text with an index: message i is `text[ends[i-1] .. ends[i])`, UTF-8, as the job wrote it. */
export interface LogPage {
  count: number;
  text: Buffer;
  /** End offset of each message in `text`, length `count`. */
  ends: Uint32Array;
  /** Event time of each message, ms, length `count`, in the order the service gave. */
  times: Float64Array;
  /** Token for the next page in the request's direction; the same as the one sent: the end. */
  nextToken: string | undefined;
  /** Set when the entries are lines as `LogPageRequest.lead` asked for. */
  lead?: number | undefined;
  /** Gives the page's memory back for the next page. The reader calls it once, when done with text and index. */
  release?: (() => void) | undefined;
}
