/** What a pod has printed and will print: the container's lines and those of the host about it, in order of time. */
import { hash32 } from '../random.ts';
import type { EpochMs } from '../time.ts';

export type LogSource = 'container' | 'system';

export interface PodLine {
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  readonly source: LogSource;
  readonly line: string;
}

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

export class PodLog {
  readonly #lines: PodLine[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #times: () => 'nanoseconds' | 'seconds';

  /** @param times of the container's lines; system lines have whole seconds, as at RunPod */
  constructor(times: () => 'nanoseconds' | 'seconds') {
    this.#times = times;
  }

  get lines(): readonly PodLine[] {
    return this.#lines;
  }

  /** Adds lines that were or will be printed then; those of one millisecond have one timestamp, as printed at once. */
  write(source: LogSource, events: readonly { at: EpochMs; message: string }[]): void {
    let before = this.#lines.at(-1)?.time ?? 0n;
    for (const { at, message } of events) {
      // Times do not go back in a log.
      const time = this.#timeOf(source, at, before);
      before = time;
      for (const line of message.split('\n')) this.#lines.push({ time, source, line });
    }
    for (const listener of this.#listeners) listener();
  }

  /** Adds lines behind those that are visible now, all of one time. */
  insert(source: LogSource, lines: readonly string[], now: EpochMs, wholeSecond = false): void {
    const least = this.#lines[this.visible(now) - 1]?.time ?? 0n;
    const time = wholeSecond ? wholeSecondFrom(now, least) : this.#timeOf(source, now, least);
    this.#lines.splice(this.index(time, false), 0, ...lines.map((line) => ({ time, source, line })));
    for (const listener of this.#listeners) listener();
  }

  /** Takes back what was to be printed later than this. */
  clip(at: EpochMs): void {
    this.#lines.length = this.visible(at);
  }

  /** How many lines there are by now. */
  visible(now: EpochMs): number {
    return this.#firstFrom(BigInt(now) * NS_PER_MS + NS_PER_MS);
  }

  /** The first line later than this time, or with `from` not earlier. */
  index(time: bigint, from: boolean): number {
    return this.#firstFrom(from ? time : time + 1n);
  }

  /** @returns what ends it */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #firstFrom(time: bigint): number {
    let low = 0;
    let high = this.#lines.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lines[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #timeOf(source: LogSource, at: EpochMs, least: bigint): bigint {
    if (source === 'system' || this.#times() === 'seconds') return wholeSecondFrom(at, least);
    const time =
      BigInt(Math.floor(at)) * NS_PER_MS + BigInt(hash32(Math.floor(at) % 1_000_000_007, 7) % 1_000_000);
    return time > least ? time : least;
  }
}

/** The second of that time, or the first one that is not before `least`. */
function wholeSecondFrom(at: EpochMs, least: bigint): bigint {
  const time = BigInt(Math.floor(at / 1000)) * NS_PER_SECOND;
  return time >= least ? time : ((least + NS_PER_SECOND - 1n) / NS_PER_SECOND) * NS_PER_SECOND;
}

/** RFC 3339 as Go writes it: no zeros at the end of a fraction, no fraction of a whole second. */
export function formatTime(time: bigint): string {
  const seconds = new Date(Number(time / NS_PER_MS)).toISOString().slice(0, 19);
  const fraction = (time % NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/** @returns nanoseconds since the Unix epoch; undefined for what is not RFC 3339 */
export function parseTime(text: string): bigint | undefined {
  const parts = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  const at = parts ? Date.parse(`${parts[1]!.replace(' ', 'T')}${parts[3]!.toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(at)) return undefined;
  return BigInt(at) * NS_PER_MS + BigInt((parts![2] ?? '').padEnd(9, '0'));
}
