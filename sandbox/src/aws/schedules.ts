/** When the events of a generated log happen. */

import { hash32, randomFrom } from '../random.ts';
import type { EpochMs } from '../time.ts';
import { type EventSchedule, firstIndex } from './event-series.ts';

/** One event in every `everyMs`, each somewhere in the first 60 % of its turn. */
export function steadySchedule(start: EpochMs, everyMs: number, length: number, seed: number): EventSchedule {
  const time = (index: number) =>
    start + index * everyMs + (hash32(index, seed) % Math.max(1, Math.floor(everyMs * 0.6)));
  return {
    length,
    time,
    lowerBound(at) {
      // The turn that holds `at`, give or take its own event.
      let index = Math.max(0, Math.min(length, Math.floor((at - start) / everyMs) - 1));
      while (index < length && time(index) < at) index++;
      return index;
    },
  };
}

export interface BurstyOptions {
  /** Events in all. */
  events: number;
  seed: number;
  /** When the first event happens. Give this or `end`. */
  start?: EpochMs;
  /** When the last event happens. */
  end?: EpochMs;
  /** Events that share one single millisecond, once, in mid-log; default 25,000, none in logs under 40,000 events. */
  oneMillisecond?: number;
  /** Long silences (2.2 to 9 hours each); default 4. */
  silences?: number;
}

/**
 * An uneven log, as training jobs write them: stretches of 1 to 50 events a second, bursts of thousands in
 * tens of milliseconds or in one, minutes with hardly anything, hours of silence. Some 1,500 events share
 * one segment, inside which times are arithmetic.
 */
export function burstySchedule(options: BurstyOptions): EventSchedule {
  const { events, seed } = options;
  const random = randomFrom(seed);
  const flash = options.oneMillisecond ?? (events >= 40_000 ? 25_000 : 0);
  const silences = options.silences ?? 4;
  const begins: number[] = [];
  const spans: number[] = [];
  const counts: number[] = [];
  const firsts: number[] = [];
  let offset = 0;
  let index = 0;
  let flashed = flash === 0;
  let silent = 0;
  while (index < events) {
    let [count, span] = stretch(random);
    if (!flashed && index >= events * 0.45) {
      [count, span] = [flash, 1];
      flashed = true;
    }
    count = Math.min(count, events - index);
    begins.push(offset);
    spans.push(span);
    counts.push(count);
    firsts.push(index);
    index += count;
    offset += span + Math.floor(random() * 4000);
    if (index >= ((silent + 1) * events) / (silences + 1)) {
      silent++;
      offset += Math.floor((2.2 + random() * 6.8) * 3_600_000);
    }
  }
  const lastSegment = begins.length - 1;
  const lastOffset =
    begins[lastSegment]! +
    Math.floor(((counts[lastSegment]! - 1) * spans[lastSegment]!) / counts[lastSegment]!);
  const zero = options.start ?? (options.end ?? 0) - lastOffset;

  const segmentOf = (at: number, keys: readonly number[]) =>
    Math.max(0, firstIndex(keys.length, (segment) => keys[segment]! > at) - 1);
  const timeIn = (segment: number, k: number) =>
    zero + begins[segment]! + Math.floor((k * spans[segment]!) / counts[segment]!);
  let recent = 0;
  return {
    length: events,
    time(at) {
      // Events are mostly read one after the other.
      if (!(firsts[recent]! <= at && at < firsts[recent]! + counts[recent]!)) recent = segmentOf(at, firsts);
      return timeIn(recent, at - firsts[recent]!);
    },
    lowerBound(at) {
      const segment = segmentOf(at - zero, begins);
      const count = counts[segment]!;
      return firsts[segment]! + firstIndex(count, (k) => timeIn(segment, k) >= at);
    },
  };
}

/** How many events a stretch has and how many milliseconds it takes. */
function stretch(random: () => number): [count: number, span: number] {
  const kind = random();
  if (kind < 0.62) {
    const count = 300 + Math.floor(random() * 2500);
    return [count, Math.ceil((count * 1000) / (2 + random() * 48))];
  }
  if (kind < 0.86) return [400 + Math.floor(random() * 4200), 1 + Math.floor(random() * 60)];
  if (kind < 0.96) return [80 + Math.floor(random() * 2600), 1];
  return [4 + Math.floor(random() * 14), 400_000 + Math.floor(random() * 2_400_000)];
}
