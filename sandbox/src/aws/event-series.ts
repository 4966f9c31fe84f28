/**
 * The content of one log stream as arithmetic: from an index to an event and from a time to an index.
 * A series can be far larger than memory (its events are made when they are read) and can reach into
 * the future: what the clock has not reached yet is not visible. So a running job writes without a timer.
 */
import type { EpochMs } from '../time.ts';

export interface EventSeries {
  /** Identity of the content for caches of rendered events; another number when content changed. */
  readonly cacheKey: number;
  /** How many events are rendered at a time; small where single events may be large. */
  readonly blockEvents: number;
  /** Events readable at `now`. */
  visible(now: EpochMs): number;
  /** Never decreasing with the index. */
  time(index: number): EpochMs;
  ingestedAt(index: number): EpochMs;
  message(index: number): string;
  /** All of one event at once, for whoever renders many. */
  event(index: number): { at: EpochMs; ingestedAt: EpochMs; message: string };
  /** The same number for the same event always; unique in the stream. */
  id(index: number): number;
  /** First index with `time(index) >= at`; the series' length when there is none. */
  lowerBound(at: EpochMs): number;
  /** The position between events `index - 1` and `index`, in a form that survives later insertions. */
  mark(index: number): string;
  /** @returns undefined for what `mark` cannot have given */
  find(mark: string): number | undefined;
}

/** When events happen. Index and time are converted in O(1) or O(log n). */
export interface EventSchedule {
  readonly length: number;
  time(index: number): EpochMs;
  lowerBound(at: EpochMs): number;
}

/** Milliseconds between an event and its being readable, as the agent on the machine batches. */
const INGESTION_DELAY_MS = 800;

let seriesCount = 0;
const nextCacheKey = (): number => ++seriesCount;

/**
 * A series made by a function. `message` must be deterministic: a page may be rendered more than once.
 */
export function lazySeries(
  schedule: EventSchedule,
  message: (index: number, at: EpochMs) => string,
): EventSeries {
  return {
    cacheKey: nextCacheKey(),
    blockEvents: 512,
    visible: (now) => schedule.lowerBound(now - INGESTION_DELAY_MS + 1),
    time: (index) => schedule.time(index),
    ingestedAt: (index) => schedule.time(index) + INGESTION_DELAY_MS,
    message: (index) => message(index, schedule.time(index)),
    event(index) {
      const at = schedule.time(index);
      return { at, ingestedAt: at + INGESTION_DELAY_MS, message: message(index, at) };
    },
    id: (index) => index,
    lowerBound: (at) => schedule.lowerBound(at),
    mark: String,
    find: (mark) => {
      const index = /^\d+$/.test(mark) ? Number(mark) : Number.NaN;
      return index <= schedule.length ? index : undefined;
    },
  };
}

/** The same events, ending before `until`: what a job that was stopped then has written. */
export function clipSeries(series: EventSeries, until: EpochMs): EventSeries {
  return { ...series, visible: (now) => Math.min(series.visible(now), series.lowerBound(until)) };
}

/** Events written out, oldest first. `build` runs at the first read. */
export function writtenSeries(build: () => readonly { at: EpochMs; message: string }[]): EventSeries {
  let built: readonly { at: EpochMs; message: string }[] | undefined;
  const events = () => {
    built ??= build();
    return built;
  };
  const schedule: EventSchedule = {
    get length() {
      return events().length;
    },
    time: (index) => events()[index]!.at,
    lowerBound: (at) => firstIndex(events().length, (index) => events()[index]!.at >= at),
  };
  return lazySeries(schedule, (index) => events()[index]!.message);
}

interface StoredEvent {
  at: EpochMs;
  ingestedAt: EpochMs;
  /** Order of arrival; breaks ties between equal times. */
  order: number;
  message: string;
}

/** A stream that is written to by PutLogEvents. Events may arrive late; they are kept by time. */
export class StoredSeries implements EventSeries {
  readonly #events: StoredEvent[] = [];
  #order = 0;
  cacheKey = nextCacheKey();
  readonly blockEvents = 16;

  add(events: readonly { at: EpochMs; message: string }[], now: EpochMs): void {
    for (const { at, message } of events) {
      const event = { at, message, ingestedAt: now, order: this.#order++ };
      const last = this.#events.at(-1);
      if (last === undefined || last.at <= at) this.#events.push(event);
      else this.#events.splice(this.#after(at, event.order), 0, event);
    }
    this.cacheKey = nextCacheKey();
  }

  visible(): number {
    return this.#events.length;
  }
  time(index: number): EpochMs {
    return this.#events[index]!.at;
  }
  ingestedAt(index: number): EpochMs {
    return this.#events[index]!.ingestedAt;
  }
  message(index: number): string {
    return this.#events[index]!.message;
  }
  event(index: number): { at: EpochMs; ingestedAt: EpochMs; message: string } {
    return this.#events[index]!;
  }
  id(index: number): number {
    return this.#events[index]!.order;
  }
  lowerBound(at: EpochMs): number {
    return firstIndex(this.#events.length, (index) => this.#events[index]!.at >= at);
  }
  mark(index: number): string {
    const before = this.#events[index - 1];
    return before === undefined ? '^' : `${before.at}.${before.order}`;
  }
  find(mark: string): number | undefined {
    if (mark === '^') return 0;
    const [, at, order] = /^(\d+)\.(\d+)$/.exec(mark) ?? [];
    return at === undefined ? undefined : this.#after(Number(at), Number(order));
  }
  #after(at: EpochMs, order: number): number {
    return firstIndex(this.#events.length, (index) => {
      const event = this.#events[index]!;
      return event.at > at || (event.at === at && event.order > order);
    });
  }
}

/** Binary search: the first index in `[0, length)` for which `holds`, else `length`. */
export function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
