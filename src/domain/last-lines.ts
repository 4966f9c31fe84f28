/** The last lines of a log over all of its streams, for whoever waits for the whole of it. */
import { compareNaturally } from '../ground/natural-order.ts';
import type { EpochMs } from '../ground/time.ts';
import { isSeen, linesOf } from './failure-log.ts';
import { maskSecrets } from './mask-secrets.ts';
import { clipped } from './traceback.ts';

/** The end of one stream. */
export interface StreamTail {
  /** Short name: `algo-1`. */
  stream: string;
  text: string;
  /** When each line of the text was written: as many as it has lines. */
  times: readonly EpochMs[];
}

export interface LastLines {
  /** `algo-1`, or how many of them there are. */
  stream: string;
  /** Oldest first, secrets masked, colours removed; with several streams each begins with its stream's name. */
  text: string;
  /** When the last of them was written. */
  at: EpochMs;
}

interface Line {
  stream: string;
  text: string;
  at: EpochMs;
}

/**
 * @param count at most so many lines
 * @returns undefined where no line shows anything
 */
export function lastLines(tails: readonly StreamTail[], count: number): LastLines | undefined {
  // Of lines of the same moment the log's file too has the first stream's first.
  const sorted = [...tails].sort((a, b) => compareNaturally(a.stream, b.stream));
  const all = sorted.map((tail) => seenIn(tail, count)).filter((lines) => lines.length > 0);
  const lines = inOrder(all).slice(-count);
  const last = lines.at(-1);
  if (!last) return undefined;
  const streams = [...new Set(lines.map(({ stream }) => stream))];
  // Named also where the others' last lines are older: otherwise it would seem to be the only one.
  const named = tails.length > 1;
  return {
    stream: streams.length === 1 ? streams[0]! : `${streams.length} streams`,
    text: lines.map(({ stream, text }) => (named ? `${stream}  ${text}` : text)).join('\n'),
    at: last.at,
  };
}

/** A stream's last lines, oldest first. All of its end is masked before anything is cut off: secrets have several lines. */
function seenIn({ stream, text, times }: StreamTail, count: number): Line[] {
  const read = linesOf(text);
  const seen = read.lines.map((_, index) => index).filter((index) => isSeen(read, index));
  const masked = maskSecrets(seen.map((index) => read.lines[index]!).join('\n'));
  if (masked === '') return [];
  // Masking makes one line of a key's many, so lines and times are matched from their ends.
  const lines = masked.split('\n').slice(-count);
  return lines.map((line, index) => {
    const from = seen.at(index - lines.length) ?? seen[0]!;
    return { stream, text: clipped(line), at: times[Math.min(read.whole[from]!, times.length - 1)] ?? 0 };
  });
}

/** By time; each stream's own order stays, whatever its times say. */
function inOrder(streams: readonly (readonly Line[])[]): Line[] {
  const left = streams.map((lines) => [...lines]);
  const lines: Line[] = [];
  for (;;) {
    let next: Line[] | undefined;
    for (const one of left) if (one.length > 0 && (!next || one[0]!.at < next[0]!.at)) next = one;
    if (!next) return lines;
    lines.push(next.shift()!);
  }
}
