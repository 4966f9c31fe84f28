/**
 * What the viewers of a run share: one watch of the store, and one reading and encoding of each piece. A viewer that
 * does not read costs no more than its position.
 */
import { gapMarker } from '../domain/run-log-gaps.ts';
import type { RunLogGap, RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';

/**
 * Bytes of a log in one event at most. Events end at multiples of it, so that viewers who began at different places
 * soon share them; and it is about as much as a viewer that stopped reading keeps in memory.
 */
export const EVENT_BYTES = 8 * 1024;
/** Events kept for each run, for viewers that are not far behind. */
const EVENTS_KEPT = 64;
/** Milliseconds between two rounds of updates to the viewers of one run: a minimum, and more for each of them. */
const ROUND = 20;
const ROUND_PER_VIEWER = 0.1;

export interface FeedEvent {
  /** As it is sent. */
  bytes: Uint8Array;
  /** Where a viewer continues after it. */
  next: number;
}

export interface FeedTimers {
  /** @returns takes it back */
  after(ms: number, run: () => void): () => void;
}

export const FEED_TIMERS: FeedTimers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface RunFeedsOptions {
  logs: Pick<RunLogStore, 'info' | 'read' | 'watch'>;
  /** Called when a run gets its first viewer; the function it returns is called after the last one. */
  followed?: ((id: string) => () => void) | undefined;
  /** Milliseconds between two heartbeats. */
  heartbeat: number;
  timers?: FeedTimers | undefined;
}

/** One for each run with viewers. */
export class RunFeeds {
  readonly #options: RunFeedsOptions;
  readonly #feeds = new Map<string, RunFeed>();

  constructor(options: RunFeedsOptions) {
    this.#options = options;
  }

  /** @param info as read just now. Everybody who joins must call `leave`. */
  join(info: RunLogInfo): RunFeed {
    const known = this.#feeds.get(info.id);
    known?.learn(info);
    const feed: RunFeed =
      known && !known.isOver
        ? known
        : new RunFeed(info, this.#options, () => {
            if (this.#feeds.get(info.id) === feed) this.#feeds.delete(info.id);
          });
    this.#feeds.set(info.id, feed);
    feed.viewers += 1;
    return feed;
  }
}

export class RunFeed {
  viewers = 0;
  /** The log was removed, and there may be another one by its name: nothing more comes from this one. */
  isOver = false;
  #info: RunLogInfo;
  readonly #logs: RunFeedsOptions['logs'];
  readonly #timers: FeedTimers;
  readonly #events = new Map<number, Promise<FeedEvent>>();
  readonly #waiting = new Set<(beat: boolean) => void>();
  readonly #end: () => void;
  /** Set while a round is held back because there was one a moment ago. */
  #holdingBack = false;
  #isDue = false;
  #cancelRound = (): void => {};
  #cancelBeat = (): void => {};

  constructor(info: RunLogInfo, options: RunFeedsOptions, onEmpty: () => void) {
    const { logs, followed, heartbeat, timers = FEED_TIMERS } = options;
    this.#info = info;
    this.#logs = logs;
    this.#timers = timers;
    const unwatch = logs.watch(info.id, (news) => this.learn(news));
    const unfollow = followed?.(info.id);
    const beat = (): void => {
      this.#cancelBeat = timers.after(heartbeat, () => {
        beat();
        this.#wake(true);
        // A watch reports changes, and a log that is gone has none.
        logs.info(info.id).then(
          (now) => (now ? this.learn(now) : this.#isGone()),
          () => undefined,
        );
      });
    };
    beat();
    this.#end = () => {
      this.#cancelBeat();
      this.#cancelRound();
      unwatch();
      unfollow?.();
      onEmpty();
    };
  }

  get info(): RunLogInfo {
    return this.#info;
  }

  /** Of two states the longer one, or the one with an end, is the newer. */
  learn(info: RunLogInfo): void {
    const known = this.#info;
    if (info.createdAt > known.createdAt) this.#isGone();
    if (this.isOver || info.size < known.size || (known.end && !info.end)) return;
    this.#info = info;
    if (info.size > known.size || info.end || info.note !== known.note) this.#round();
  }

  #isGone(): void {
    this.isOver = true;
    this.#wake(false);
  }

  leave(): void {
    this.viewers -= 1;
    if (this.viewers === 0) this.#end();
  }

  /**
   * For viewers that have everything so far: calls back once there is more, or it is time for a heartbeat.
   * @returns takes it back
   */
  wait(call: (beat: boolean) => void): () => void {
    this.#waiting.add(call);
    return () => this.#waiting.delete(call);
  }

  /**
   * The log from an offset on, which must be below its size. The same offset gives the same event.
   * @throws as the store's `read`
   */
  event(offset: number): Promise<FeedEvent> {
    const known = this.#events.get(offset);
    if (known) return known;
    const made = this.#make(offset);
    made.catch(() => this.#events.delete(offset));
    this.#events.set(offset, made);
    if (this.#events.size > EVENTS_KEPT) this.#events.delete(this.#events.keys().next().value!);
    return made;
  }

  async #make(offset: number): Promise<FeedEvent> {
    const { size } = this.#info;
    const { bytes, gap } = await this.#logs.read(
      this.#info.id,
      offset,
      Math.min(EVENT_BYTES - (offset % EVENT_BYTES), size - offset),
    );
    if (bytes.length > 0) return { bytes: logEvent(offset, bytes), next: offset + bytes.length };
    if (gap) return { bytes: gapEvent({ ...gap, from: offset }), next: gap.to };
    throw new Error(`The log ${this.#info.id} has ${size} bytes, but none at ${offset}.`);
  }

  /** All who wait are told together, and not again right away: a thousand of them take a while to serve. */
  #round(): void {
    if (this.#holdingBack) {
      this.#isDue = true;
      return;
    }
    this.#wake(false);
    this.#holdingBack = true;
    this.#cancelRound = this.#timers.after(ROUND + this.viewers * ROUND_PER_VIEWER, () => {
      this.#holdingBack = false;
      if (!this.#isDue) return;
      this.#isDue = false;
      this.#round();
    });
  }

  #wake(beat: boolean): void {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const call of woken) call(beat);
  }
}

const LOG_HEAD = Buffer.from('event: log\ndata: {"chunk":"');

/** Written once into a buffer of its size: there may be thousands of these a second. */
function logEvent(offset: number, bytes: Uint8Array): Uint8Array {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const tail = `"}\nid: ${offset + bytes.length}\n\n`;
  const whole = Buffer.allocUnsafeSlow(LOG_HEAD.length + base64.length + tail.length);
  LOG_HEAD.copy(whole);
  whole.write(base64, LOG_HEAD.length, 'latin1');
  whole.write(tail, LOG_HEAD.length + base64.length, 'latin1');
  return whole;
}

/** A marker to show in place of what is missing; it does not count in offsets. */
function gapEvent(gap: RunLogGap): Uint8Array {
  return sse('log', gap.to, { chunk: Buffer.from(gapMarker(gap)).toString('base64'), gap });
}

/** @param data in one line, as JSON is */
export function sse(event: string, id: number, data: unknown): Uint8Array {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\nid: ${id}\n\n`);
}
