/** A run's raw log as lines of text: by number, or the last ones. What was counted once is not counted again. */

import { gapMarker } from '../domain/run-log-gaps.ts';
import { grouped } from '../ground/numbers.ts';
import { keepRecent } from '../ground/recent.ts';
import type { LinesRead, RunLines } from '../ports/run-lines.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';

const PIECE = 256 * 1024;
/** Bytes of a line that are kept, half of them from its beginning: what only ever prints `\r` is one line. */
const LONGEST = 1024 * 1024;
/** Bytes in one answer, as soon as it has a line. */
const MOST = 4 * 1024 * 1024;
/** Logs whose lines are counted. */
const KEPT = 64;
const NEWLINE = 0x0a;

interface Mark {
  /** In the log. */
  at: number;
  /** Line ends before it, those of markers included. */
  lines: number;
}

interface Index {
  createdAt: number;
  gaps: string;
  /** Ascending; the first is the beginning. */
  marks: Mark[];
  /** How far it was looked through. */
  end: Mark & { midLine: boolean };
}

interface Piece {
  at: number;
  bytes: Uint8Array;
  /** Where the next one begins. */
  next: number;
}

export class LogLines implements RunLines {
  readonly #logs: Pick<RunLogStore, 'read'>;
  readonly #indexes = new Map<string, Index>();

  constructor(logs: Pick<RunLogStore, 'read'>) {
    this.#logs = logs;
  }

  forget(id: string): void {
    this.#indexes.delete(id);
  }

  async read(info: RunLogInfo, limit: number, offset?: number): Promise<LinesRead> {
    const { end, marks } = await this.#count(info);
    const unfinished = end.midLine;
    const total = end.lines + (unfinished ? 1 : 0);
    const first = Math.min(offset ?? Math.max(0, total - limit), total);
    const read = { lines: [] as string[], ends: [] as number[], offset: first, total, unfinished };
    const last = Math.min(total, first + limit);
    if (first >= last) return read;

    let held = 0;
    const take = (line: Line, at: number): boolean => {
      const text = line.text();
      read.lines.push(text);
      read.ends.push(at);
      held += text.length;
      if (offset !== undefined) return held < MOST && first + read.lines.length < last;
      // Of the last ones the very last.
      while (held > MOST && read.lines.length > 1) {
        held -= read.lines.shift()!.length;
        read.ends.shift();
        read.offset += 1;
      }
      return read.offset + read.lines.length < last;
    };
    // A line may begin long before a mark that counts no end more.
    const mark = marks.findLast(({ lines }) => lines < first) ?? marks[0]!;
    let number = mark.lines;
    let line = new Line();
    for await (const piece of this.#pieces(info, mark.at, end.at)) {
      let from = 0;
      for (;;) {
        const to = piece.bytes.indexOf(NEWLINE, from);
        const part = piece.bytes.subarray(from, to < 0 ? undefined : to);
        if (number >= first) line.add(part);
        if (to < 0) break;
        if (number >= first && !take(line, placeOf(piece, to + 1))) return read;
        line = new Line();
        number += 1;
        from = to + 1;
      }
    }
    if (unfinished && number >= first) take(line, end.at);
    return read;
  }

  async #count(info: RunLogInfo): Promise<Index> {
    const gaps = JSON.stringify(info.gaps);
    let index = this.#indexes.get(info.id);
    // Lines that are given up later do not count any more, so the others move.
    if (!index || index.createdAt !== info.createdAt || index.gaps !== gaps) {
      const start = { at: 0, lines: 0 };
      index = { createdAt: info.createdAt, gaps, marks: [start], end: { ...start, midLine: false } };
    }
    const { marks } = index;
    let { at, lines, midLine } = index.end;
    for await (const piece of this.#pieces(info, at, info.size)) {
      if (piece.at >= marks.at(-1)!.at + PIECE) marks.push({ at: piece.at, lines });
      for (let from = piece.bytes.indexOf(NEWLINE); from >= 0; from = piece.bytes.indexOf(NEWLINE, from + 1))
        lines += 1;
      if (piece.bytes.length > 0) midLine = piece.bytes.at(-1) !== NEWLINE;
      at = piece.next;
    }
    const counted = { ...index, end: { at, lines, midLine } };
    keepRecent(this.#indexes, info.id, counted, KEPT);
    return counted;
  }

  async *#pieces({ id }: RunLogInfo, from: number, to: number): AsyncGenerator<Piece> {
    for (let at = from; at < to; ) {
      const { bytes, gap } = await this.#logs.read(id, at, Math.min(PIECE, to - at));
      if (!gap && bytes.length === 0) return;
      const next = gap ? gap.to : at + bytes.length;
      yield { at, next, bytes: gap ? Buffer.from(gapMarker({ ...gap, from: at })) : bytes };
      at = next;
    }
  }
}

/** Of a marker all bytes stand where the gap ends. */
function placeOf({ at, bytes, next }: Piece, position: number): number {
  return next - at === bytes.length ? at + position : next;
}

class Line {
  #head: Uint8Array[] = [];
  #headBytes = 0;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #dropped = 0;

  add(part: Uint8Array): void {
    const room = LONGEST / 2 - this.#headBytes;
    if (room > 0) {
      this.#head.push(part.subarray(0, room));
      this.#headBytes += Math.min(room, part.length);
    }
    if (part.length <= room) return;
    const rest = part.subarray(Math.max(0, room));
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    while (this.#tailBytes - this.#tail[0]!.length >= LONGEST / 2) {
      const gone = this.#tail.shift()!.length;
      this.#tailBytes -= gone;
      this.#dropped += gone;
    }
  }

  text(): string {
    const cut = this.#dropped === 0 ? '' : ` … ${grouped(this.#dropped)} bytes of this line are left out … `;
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    const text = cut === '' ? Buffer.concat([head, tail]).toString() : `${head}${cut}${tail}`;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }
}
