/**
 * The part of the log that is on the screen. A log may have gigabytes: what is shown is a window on it that opens at the
 * end, follows what is printed, and is moved by scrolling.
 */
import { joinBytes } from './join-bytes.ts';
import {
  bytesOf,
  countNewlines,
  endsLine,
  fromALineOn,
  gapPiece,
  isExactly,
  joined,
  lineFrom,
  type Piece,
  piece,
  piecesOf,
  rowsOf,
  splitAt,
} from './log-pieces.ts';
import type { Gap, Slice } from './run-api.ts';
import type { Mark, Place, Screen, Sheet } from './screen.ts';

export interface LogWindowOptions {
  read(offset: number, limit: number): Promise<Slice>;
  screen: Screen;
  /** Called when what can be seen, or is known of the log, has changed. */
  changed?: () => void;
  /** It prints faster than it can be drawn; what waited was dropped, and the window must be opened at the end again. */
  behind?: () => void;
  /** What was printed could not be read. */
  failed?: (error: unknown) => void;
  /** So that tests can make them small. */
  limits?: Partial<typeof LIMITS>;
}

/** Numbers of bytes. */
const LIMITS = {
  /** Of a piece: the window ends at piece boundaries, and lines on the screen are known by piece. */
  piece: 32 * 1024,
  /** Read at a time. */
  step: 512 * 1024,
  /** The most that a window holds. */
  most: 2 * 1024 * 1024,
  /** Loaded before the place that a window is opened around. */
  around: 96 * 1024,
  /** How many may wait to be drawn before they are dropped. */
  behind: 4 * 1024 * 1024,
  /** Written at once. */
  write: 64 * 1024,
};

interface Shown {
  piece: Piece;
  mark: Mark | undefined;
}

export class LogWindow {
  readonly #options: LogWindowOptions;
  readonly #screen: Screen;
  readonly #limits: typeof LIMITS;
  #sheet: Sheet | undefined;
  #shown: Shown[] = [];
  /** Where the window is while nothing is shown. */
  #at = 0;
  /** Size of the whole log. */
  #size = 0;
  /** What is printed is added. */
  #follows = true;
  #incoming: Piece[] = [];
  #incomingBytes = 0;
  #isPumping = false;
  /** A line that is to be found on the sheet also where programs moved about, and the place in it that gets a mark. */
  #sought: { offset: number; at: number } | undefined;
  /** One change at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LogWindowOptions) {
    this.#options = options;
    this.#screen = options.screen;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Offset of the first byte that is shown. */
  get from(): number {
    return this.#shown[0]?.piece.from ?? this.#at;
  }

  /** Offset of the byte after the last one that is shown. */
  get to(): number {
    return this.#shown.at(-1)?.piece.to ?? this.#at;
  }

  get size(): number {
    return this.#size;
  }

  /** Nothing is missing between the window and the log's end, so new output is added to it. */
  get follows(): boolean {
    return this.#follows;
  }

  /** Resolves when everything that has come is on the screen. */
  async settled(): Promise<void> {
    for (let last: unknown; last !== this.#last; ) {
      last = this.#last;
      await this.#last;
    }
  }

  /** @returns what is now known of the log */
  openAtEnd(): Promise<Slice> {
    return this.#exclusively(() =>
      // What is printed from now on is kept until it is drawn.
      this.#following(true, async () => {
        const latest = await this.#options.read(0, 0);
        this.#size = Math.max(this.#size, latest.size);
        this.#at = latest.size;
        await this.#draw(await this.#before(latest.size, this.#limits.step), true, 'end');
        return latest;
      }),
    );
  }

  /** With the line at this offset on top, or near it where little follows. */
  openAt(offset: number): Promise<void> {
    return this.#exclusively(() => this.#openAround(offset));
  }

  /** What the run has just printed. */
  append(bytes: Uint8Array, next: number, gap: Gap | undefined): void {
    this.#size = Math.max(this.#size, next);
    if (this.#follows) {
      this.#incoming.push(gap ? gapPiece({ ...gap, to: next }) : piece(bytes, next - bytes.length));
      this.#incomingBytes += bytes.length;
      this.#pump();
    }
    this.#options.changed?.();
  }

  /** Moves towards the beginning; what was at the top stays where it was. */
  earlier(): Promise<void> {
    return this.#exclusively(async () => {
      const { from } = this;
      if (from === 0) return;
      const pieces = [...(await this.#before(from, this.#limits.step)), ...this.#pieces];
      const all = pieces.length;
      while (pieces.length > 1 && this.#isTooMuch(pieces)) pieces.pop();
      await this.#draw(pieces, this.#follows && pieces.length === all);
    });
  }

  /** Moves towards the end; what was at the top stays where it was. */
  later(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#follows) return;
      const { to } = this;
      const end = this.#size;
      // What is printed meanwhile is kept, and added afterwards.
      await this.#following(end - to <= this.#limits.step, async () => {
        const after = this.#few(await this.#load(to, Math.min(end, to + this.#limits.step)));
        const pieces = this.#withoutTooMuch([...this.#pieces, ...after]);
        await this.#draw(pieces, this.#follows && (pieces.at(-1)?.to ?? to) >= end);
      });
    });
  }

  /** Learns how far the log goes, without moving. */
  look(): Promise<Slice> {
    return this.#exclusively(async () => {
      const latest = await this.#options.read(0, 0);
      this.#size = Math.max(this.#size, latest.size);
      return latest;
    });
  }

  /**
   * Brings what is at an offset on the sheet.
   * @param begins where in the line that begins there what is wanted begins, or 0
   * @returns undefined: it is not there any more
   */
  reveal(offset: number, begins: (line: Uint8Array) => number = () => 0): Promise<Place | undefined> {
    return this.#exclusively(async () => {
      if (offset < this.from || offset >= this.to) await this.#openAround(offset);
      this.#sought = { offset, at: offset + begins(lineFrom(this.#pieces, offset)) };
      // Written again, with a mark at that place.
      if (this.place(offset)?.isExact === false) await this.#draw(this.#pieces, this.#follows);
      return this.place(offset);
    });
  }

  /** @returns undefined: it is not on the sheet */
  place(offset: number): Place | undefined {
    const at = this.#sought?.offset === offset ? this.#sought.at : offset;
    if (at < this.from || at >= this.to) return undefined;
    const index = this.#shown.findLastIndex(({ piece: { from } }) => from <= at);
    const found = this.#shown[index];
    if (!found?.mark || found.mark.line < 0) return undefined;
    const { bytes, from, isGap } = found.piece;
    const newlines = isGap ? 0 : countNewlines(bytes.subarray(0, at - from));
    const before = this.#shown[index - 1]?.piece;
    const isInLine = newlines === 0 && before !== undefined && !before.isGap && !endsLine(before);
    return {
      line: found.mark.line,
      newlines,
      isExact: isExactly(found.piece, at),
      lineFrom: isInLine ? from : undefined,
      column: at > offset && at === from ? found.mark.column : undefined,
    };
  }

  get #pieces(): Piece[] {
    return this.#shown.map((shown) => shown.piece);
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.then(
      () => this.#options.changed?.(),
      () => this.#options.changed?.(),
    );
    return done;
  }

  async #openAround(offset: number): Promise<void> {
    // It may be known before the log's size is.
    const after = this.#few(await this.#load(offset, offset + this.#limits.step, true));
    const from = after[0]?.from ?? offset;
    const before = from > 0 ? await this.#before(from, this.#limits.around) : [];
    const pieces = [...before, ...after];
    this.#at = from;
    await this.#draw(pieces, (pieces.at(-1)?.to ?? from) >= this.#size, offset);
  }

  /** What comes before an offset, beginning with a whole line, and no more than a part of a window. */
  async #before(to: number, bytes: number): Promise<Piece[]> {
    const start = Math.max(0, to - bytes);
    const loaded = await this.#load(start, to, true);
    let pieces = start > 0 && !loaded[0]?.isGap ? fromALineOn(loaded) : loaded;
    if (pieces.length === 0) pieces = loaded;
    const few = Math.max(1, this.#screen.lines / 3);
    while (pieces.length > 1 && rowsOf(pieces, this.#screen.columns) > few) pieces.shift();
    return pieces;
  }

  #few(pieces: Piece[]): Piece[] {
    const few = Math.max(1, this.#screen.lines / 3);
    while (pieces.length > 1 && rowsOf(pieces, this.#screen.columns) > few) pieces.pop();
    return pieces;
  }

  /** @param wholeGap a gap in which it begins is reported from the gap's own beginning */
  async #load(from: number, to: number, wholeGap = false): Promise<Piece[]> {
    const pieces: Piece[] = [];
    for (let offset = from; offset < to; ) {
      const { bytes, gap, size } = await this.#options.read(offset, Math.min(this.#limits.step, to - offset));
      this.#size = Math.max(this.#size, size);
      if (gap) pieces.push(gapPiece(wholeGap && offset === from ? gap : { ...gap, from: offset }));
      else if (bytes.length > 0) pieces.push(...piecesOf(bytes, offset, this.#limits.piece));
      else break;
      offset = pieces.at(-1)!.to;
    }
    return pieces;
  }

  #isTooMuch(pieces: readonly Piece[]): boolean {
    const { columns, lines } = this.#screen;
    return bytesOf(pieces) > this.#limits.most || rowsOf(pieces, columns) > lines;
  }

  #withoutTooMuch(pieces: Piece[]): Piece[] {
    let first = 0;
    while (first < pieces.length - 1 && this.#isTooMuch(pieces.slice(first))) first += 1;
    if (first === 0) return pieces;
    const rest = fromALineOn(pieces.slice(first));
    return rest.length > 0 ? rest : pieces.slice(first);
  }

  /** Goes where the log is followed, or not; if that fails, the window is where it was. */
  async #following<T>(follows: boolean, work: () => Promise<T>): Promise<T> {
    const followed = this.#follows;
    this.#follows = follows;
    try {
      return await work();
    } catch (error) {
      if (!followed) this.#letGo();
      throw error;
    }
  }

  /** What is printed is no longer added: the window is elsewhere. */
  #letGo(): void {
    this.#follows = false;
    this.#incoming = [];
    this.#incomingBytes = 0;
  }

  /**
   * Writes it on a new sheet and shows that.
   * @param follows it reaches up to the log's end, or to what waits to be drawn
   * @param at the offset at the top, or the end; left out, what is at the top stays there
   */
  async #draw(pieces: readonly Piece[], follows: boolean, at?: number | 'end'): Promise<void> {
    const sheet = this.#screen.blank();
    const shown: Shown[] = [];
    for (const piece of this.#sought ? splitAt(pieces, this.#sought.at) : pieces) {
      const mark = sheet.mark();
      await sheet.write(piece.bytes);
      shown.push({ piece, mark });
    }
    await this.#screen.ready(sheet);
    const stays = this.#screen.isAtEnd && this.to === shown.at(-1)?.piece.to;
    const top = at ?? (stays ? 'end' : this.#topOffset(pieces));
    this.#sheet = sheet;
    this.#shown = shown;
    if (follows) this.#follows = true;
    else this.#letGo();
    this.#screen.show(sheet, top === 'end' ? 'end' : lineOf(shown, top));
  }

  /** Where the reader is, as lines from the beginning of a piece that stays. */
  #topOffset(staying: readonly Piece[]): { offset: number; lines: number } {
    const { top } = this.#screen;
    const offsets = new Set(staying.map(({ from }) => from));
    const known = this.#shown.filter(({ piece, mark }) => mark && mark.line >= 0 && offsets.has(piece.from));
    const near = known.findLast(({ mark }) => mark!.line <= top) ?? known[0];
    return near ? { offset: near.piece.from, lines: top - near.mark!.line } : { offset: this.from, lines: 0 };
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#exclusively(async () => {
      this.#isPumping = false;
      await this.#takeIn();
    }).catch((error: unknown) => {
      this.#letGo();
      this.#options.failed?.(error);
    });
  }

  async #takeIn(): Promise<void> {
    while (this.#follows && this.#incoming.length > 0) {
      if (this.#incomingBytes > this.#limits.behind) {
        this.#letGo();
        if (this.#screen.isAtEnd) this.#options.behind?.();
        return;
      }
      const next = this.#nextIncoming();
      const { to } = this;
      if (next.to <= to) continue;
      if (next.from > to) await this.#add(await this.#load(to, next.from));
      await this.#add([
        next.from < to && !next.isGap ? piece(next.bytes.subarray(to - next.from), to) : next,
      ]);
    }
  }

  /** Small ones are taken together. */
  #nextIncoming(): Piece {
    const taken = [this.#incoming.shift()!];
    let bytes = taken[0]!.bytes.length;
    for (
      let next = this.#incoming[0];
      next && !next.isGap && !taken[0]!.isGap && next.from === taken.at(-1)!.to && bytes < this.#limits.write;
      next = this.#incoming[0]
    ) {
      taken.push(next);
      bytes += next.bytes.length;
      this.#incoming.shift();
    }
    this.#incomingBytes -= bytes;
    if (taken.length === 1) return taken[0]!;
    return piece(joinBytes(taken.map((one) => one.bytes)), taken[0]!.from);
  }

  async #add(pieces: readonly Piece[]): Promise<void> {
    for (const added of pieces) {
      if (!this.#sheet) {
        this.#sheet = this.#screen.blank();
        this.#screen.show(this.#sheet, 'end');
      }
      const last = this.#shown.at(-1);
      const both = last && joined(last.piece, added, this.#limits.piece);
      if (both) last.piece = both;
      else this.#shown.push({ piece: added, mark: this.#sheet.mark() });
      await this.#sheet.write(added.bytes);
      if (!this.#isTooMuch(this.#pieces)) continue;
      // A reader further up keeps what is there.
      if (!this.#screen.isAtEnd) return this.#letGo();
      while (this.#shown.length > 1 && this.#isTooMuch(this.#pieces)) this.#shown.shift();
    }
  }
}

function lineOf(shown: readonly Shown[], at: number | { offset: number; lines: number }): number {
  const { offset, lines } = typeof at === 'number' ? { offset: at, lines: 0 } : at;
  const found = shown.findLast(({ piece: { from } }) => from <= offset) ?? shown[0];
  return Math.max(0, (found?.mark?.line ?? 0) + lines);
}
