/**
 * The numbers of a line and the names that they belong to, straight from the bytes. It looks at what stands around each
 * `=`, `:` and number, and makes no string of a line.
 *
 * One file because all of it is one pass, whose parts hand positions to each other.
 */
import { BATCH, DENIED, EPOCH, type NameTable, STEP, UNKNOWN } from './names.ts';
import { NumberReader } from './numbers.ts';
import { BAR, BRACKET, COLON, EQUALS, LEAD, type LineTokens, QUOTED, SPACE } from './tokens.ts';
import { PHASES, QUALIFIERS } from './vocabulary.ts';

/** What of a line is read. */
export const LONGEST_LINE = 4096;
const LONGEST_NAME = 64;
/** A number and its name, or its separator, have at most so many spaces between them. */
const MOST_SPACES = 16;
const LONGEST_WORD = 12;

/** What a byte may begin: 1 `=` or `:`, 2 a digit, 3 nan or inf. */
const TRIGGER = new Uint8Array(256);
/** Bytes of a bare name. */
const NAME = new Uint8Array(256);
/** What may stand behind a number. */
const BEHIND = new Uint8Array(256);
for (const c of Buffer.from('=:')) TRIGGER[c] = 1;
for (let c = 0x30; c <= 0x39; c++) TRIGGER[c] = 2;
for (const c of Buffer.from('nNiI')) TRIGGER[c] = 3;
for (const c of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@-+'&"))
  NAME[c] = 1;
// Of UTF-8, letters; 0xE2 leads punctuation, arrows and what draws boxes and bars.
for (let c = 0x80; c < 0x100; c++) NAME[c] = 1;
for (const c of Buffer.from(' \t,;|)]}\'"%#(<>\\')) BEHIND[c] = 1;
BEHIND[0xe2] = 1;

/** Lengths and first letters of words that belong to a name. */
const QUALIFIER_SHAPES = new Uint8Array((LONGEST_WORD + 1) * 32);
for (const word of QUALIFIERS) QUALIFIER_SHAPES[word.length * 32 + (word.charCodeAt(0) & 31)] = 1;

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isBlank = (c: number): boolean => c === 0x20 || c === 0x09;
const isLetter = (c: number): boolean =>
  ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a) || c === 0x5f || c >= 0x80;

const LONGEST_CALL = 'np.float64('.length;
const CALLS = ['tensor(', 'np.float64(', 'np.float32(', 'np.float16('].map((call) => Buffer.from(call));

export class Scanner {
  readonly #names: NameTable;
  readonly #number = new NumberReader();
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** Of the last number: `/10` behind it. */
  #total = Number.NaN;
  #totalFrom = 0;
  #totalTo = 0;

  constructor(names: NameTable) {
    this.#names = names;
  }

  /**
   * Reads one line without its end and without escape sequences, at most LONGEST_LINE bytes, into `tokens`.
   */
  scan(bytes: Uint8Array, start: number, end: number, tokens: LineTokens): void {
    tokens.clear();
    this.#names.makeRoom(LONGEST_LINE / 2);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    let i = start;
    while (i < end) {
      const kind = TRIGGER[bytes[i]!]!;
      if (kind === 0) {
        i++;
        continue;
      }
      if (kind === 1) {
        i = this.#separator(i, tokens);
        continue;
      }
      // It begins something of its own only behind a blank, a bracket or nothing.
      const before = i > start ? bytes[i - 1]! : 0x20;
      if (kind === 3) {
        if (before === 0x20 || before === 0x09) i = this.#bare(i, i, tokens);
        else if ((before === 0x2d || before === 0x2b) && i - 1 > start && isBlank(bytes[i - 2]!))
          i = this.#bare(i - 1, i, tokens);
        else i++;
        continue;
      }
      if (before === 0x20 || before === 0x5b || before === 0x09) i = this.#bare(i, i, tokens);
      else {
        let from = i;
        if (before === 0x2e) from--;
        if (from > start && (bytes[from - 1] === 0x2d || bytes[from - 1] === 0x2b)) from--;
        if (from < i && from > start && isBlank(bytes[from - 1]!)) i = this.#bare(from, i, tokens);
        else i++;
      }
      while (i < end && isDigit(bytes[i]!)) i++;
    }
  }

  /** `name=1`, `name: 1`, `"name": 1`. @returns where to go on */
  #separator(at: number, tokens: LineTokens): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let q = at;
    while (q > this.#start && isDigit(bytes[q - 1]!)) q--;
    // `12:30`: no name ends here.
    if (q < at && (q === this.#start || NAME[bytes[q - 1]!] === 0)) return at + 1;
    let p = at + 1;
    const most = Math.min(end, p + MOST_SPACES);
    while (p < most && isBlank(bytes[p]!)) p++;
    if (p >= end) return at + 1;
    let c = bytes[p]!;
    const quote = c === 0x22 || c === 0x27;
    if (quote) c = ++p < end ? bytes[p]! : 0;
    let call = 0;
    if (c === 0x74 || c === 0x6e) {
      call = this.#call(p);
      tokens.look(p, p + LONGEST_CALL);
      p += call;
    }
    if (!this.#number.read(bytes, p, end)) return at + 1;
    const value = this.#number.value;
    const fraction = this.#number.fraction;
    const next = this.#behind(this.#number.end, fraction);
    if (next < 0) return at + 1;
    if (quote && (bytes[next] !== bytes[p - call - 1] || next >= end)) return at + 1;
    const total = this.#total;
    const numberEnd = this.#number.end;
    // The name.
    let e = at;
    const least = Math.max(this.#start, e - 2);
    while (e > least && isBlank(bytes[e - 1]!)) e--;
    if (e === this.#start) return at + 1;
    const last = bytes[e - 1]!;
    if (last === 0x22 || last === 0x27) {
      const id = this.#quoted(e - 1, last, tokens);
      if (id >= 0) this.#add(tokens, id, QUOTED, value, total, fraction, p, numberEnd);
      return next;
    }
    if (quote) return at + 1;
    const s = this.#nameStart(e, tokens);
    if (s < 0) return at + 1;
    const id = this.#intern(s, e, tokens);
    const form = bytes[at] === 0x3d ? EQUALS : COLON;
    const before = s > this.#start ? bytes[s - 1]! : 0;
    // Part of a value: `host=localhost:80`, `device:GPU:0`.
    if (before === 0x3d || (before === 0x3a && form === COLON && this.#names.kind(id) >= UNKNOWN))
      return next;
    if (this.#names.kind(id) === DENIED) return next;
    if (tokens.count === 0) this.#phase(s, tokens);
    this.#add(tokens, id, form, value, total, fraction, p, numberEnd);
    return next;
  }

  #add(
    tokens: LineTokens,
    id: number,
    form: number,
    value: number,
    total: number,
    fraction: boolean,
    from: number,
    to: number,
  ): void {
    const at = tokens.count;
    tokens.add(id, form, value, total, fraction);
    if (tokens.count === at) return;
    tokens.from[at] = from;
    tokens.to[at] = to;
    tokens.totalFrom[at] = this.#totalFrom;
    tokens.totalTo[at] = this.#totalTo;
  }

  #intern(from: number, to: number, tokens: LineTokens): number {
    tokens.look(from, to);
    return this.#names.intern(this.#bytes, from, to);
  }

  /**
   * `loss 0.5`, `epoch 3/10`, `Epoch [3]`, `| loss | 0.5`, `[12]⇥`, `12:⇥`, `12/938 [`.
   * @param from of the number's sign or point
   * @param digit where its first digit is
   */
  #bare(from: number, digit: number, tokens: LineTokens): number {
    const bytes = this.#bytes;
    const start = this.#start;
    const end = this.#end;
    if (!this.#number.read(bytes, from, end)) return digit + 1;
    const value = this.#number.value;
    const fraction = this.#number.fraction;
    const numberEnd = this.#number.end;
    const next = this.#behind(numberEnd, fraction);
    let r = from;
    const least = Math.max(start, from - MOST_SPACES);
    while (r > least && isBlank(bytes[r - 1]!)) r--;
    const c = r > start ? bytes[r - 1]! : 0;
    if (next < 0) {
      // CatBoost's `12:⇥learn: …`, at the line's beginning or behind a prefix's blank.
      if (
        !fraction &&
        from === digit &&
        numberEnd + 1 < end &&
        bytes[numberEnd] === 0x3a &&
        bytes[numberEnd + 1] === 0x09
      )
        this.#add(tokens, LEAD, SPACE, value, Number.NaN, false, from, numberEnd);
      return digit + 1;
    }
    const total = this.#total;
    if (c === 0x5b) return this.#bracket(r - 1, from, numberEnd, next, value, total, fraction, tokens);
    const piped = c === 0x7c ? 1 : c === 0x82 || c === 0x83 ? this.#boxed(r) : 0;
    let e = r - piped;
    if (piped > 0) while (e > start && isBlank(bytes[e - 1]!)) e--;
    if (e > start && (NAME[bytes[e - 1]!] === 1 || bytes[e - 1] === 0x29 || bytes[e - 1] === 0x5d)) {
      const s = this.#nameStart(e, tokens);
      if (s >= 0) {
        const id = this.#intern(s, e, tokens);
        const kind = this.#names.kind(id);
        const before = s > start ? bytes[s - 1]! : 0x20;
        if (kind !== UNKNOWN && kind !== DENIED && before !== 0x3d) {
          if (tokens.count === 0) this.#phase(s, tokens);
          this.#add(tokens, id, SPACE, value, total, fraction, from, numberEnd);
          return next;
        }
      }
    }
    if (!Number.isNaN(total) && this.#isBar(next))
      this.#add(tokens, BAR, SPACE, value, total, false, from, numberEnd);
    return next;
  }

  /** `Epoch [3]`, `Epoch: [3][10/100]`, `[12]⇥`. @param open where `[` is */
  #bracket(
    open: number,
    from: number,
    numberEnd: number,
    next: number,
    value: number,
    total: number,
    fraction: boolean,
    tokens: LineTokens,
  ): number {
    const bytes = this.#bytes;
    const start = this.#start;
    if (fraction) return next;
    let e = open;
    while (e > start && isBlank(bytes[e - 1]!)) e--;
    if (e > start && (bytes[e - 1] === 0x3a || bytes[e - 1] === 0x3d)) {
      e--;
      while (e > start && isBlank(bytes[e - 1]!)) e--;
    }
    if (e > start && NAME[bytes[e - 1]!] === 1) {
      const s = this.#nameStart(e, tokens);
      if (s >= 0) {
        const id = this.#intern(s, e, tokens);
        const kind = this.#names.kind(id);
        if (kind === STEP || kind === EPOCH || (kind === BATCH && !Number.isNaN(total))) {
          this.#add(tokens, id, SPACE, value, total, false, from, numberEnd);
          return next;
        }
      }
    }
    const close = next < this.#end ? bytes[next]! : 0;
    if (!Number.isNaN(total)) {
      this.#add(tokens, BRACKET, SPACE, value, total, false, from, numberEnd);
      return next;
    }
    if (close !== 0x5d || next + 1 >= this.#end) return next;
    const behind = bytes[next + 1]!;
    // SageMaker's XGBoost writes its tabs as `#011`.
    if (behind === 0x09 || (behind === 0x23 && this.#isTab(next + 1)))
      this.#add(tokens, BRACKET, SPACE, value, total, false, from, numberEnd);
    return next;
  }

  /**
   * Reads on behind a number: `/10`, ` of 10`, into `#total`.
   * @returns where the number with all of it ends; −1 when it is part of something else (`12:30`, `1.2.3`, `5ms`)
   */
  #behind(at: number, fraction: boolean): number {
    const bytes = this.#bytes;
    const end = this.#end;
    this.#total = Number.NaN;
    this.#totalTo = 0;
    if (at >= end) return at;
    let p = at;
    let c = bytes[p]!;
    if (!fraction) {
      // Behind spaces too: `10/    1000`, `3 of 10`.
      let q = p;
      const most = Math.min(end, q + 2);
      while (q < most && bytes[q] === 0x20) q++;
      if (q < end && bytes[q] === 0x2f) {
        q++;
        const limit = Math.min(end, q + MOST_SPACES);
        while (q < limit && bytes[q] === 0x20) q++;
        p = this.#readTotal(q, p);
      } else if (
        q === p + 1 &&
        q + 3 < end &&
        bytes[q] === 0x6f &&
        bytes[q + 1] === 0x66 &&
        bytes[q + 2] === 0x20
      )
        p = this.#readTotal(q + 3, p);
      if (p >= end) return p;
      c = bytes[p]!;
    }
    const next = p + 1 < end ? bytes[p + 1]! : 0x20;
    if (c === 0x2c) return isDigit(next) ? -1 : p;
    if (BEHIND[c] === 1) return p;
    if (c === 0x3a) return isDigit(next) || next === 0x09 ? -1 : p;
    if (c === 0x2e) return isBlank(next) ? p : -1;
    return -1;
  }

  /** @returns behind the total, or `otherwise` when none stands there */
  #readTotal(at: number, otherwise: number): number {
    let p = at;
    let total = 0;
    while (p < this.#end && isDigit(this.#bytes[p]!)) total = total * 10 + (this.#bytes[p++]! - 0x30);
    if (p === at) return otherwise;
    this.#total = total;
    this.#totalFrom = at;
    this.#totalTo = p;
    return p;
  }

  /** @returns where the bare name that ends at `end` begins, with the words that belong to it; −1 when it is none */
  #nameStart(end: number, tokens: LineTokens): number {
    const bytes = this.#bytes;
    const least = Math.max(this.#start, end - LONGEST_NAME - 1);
    let s = end;
    const last = bytes[end - 1]!;
    if (last === 0x29 || last === 0x5d) {
      const open = last === 0x29 ? 0x28 : 0x5b;
      s--;
      while (s > least && bytes[s - 1] !== open && bytes[s - 1] !== last && !isBlank(bytes[s - 1]!)) s--;
      if (s <= least || bytes[s - 1] !== open) {
        tokens.look(s, end);
        return -1;
      }
      s--;
    }
    while (s > least && NAME[bytes[s - 1]!] === 1) {
      if (bytes[s - 1]! >= 0x80) {
        const lead = this.#leadOf(s - 1);
        if (lead < 0) break;
        s = lead;
      } else s--;
    }
    if (s === end) return -1;
    if (s <= least && least > this.#start) {
      tokens.look(s, end);
      return -1;
    }
    // A quote that only opens here.
    if (bytes[s] === 0x27) s++;
    if (s > this.#start && bytes[s - 1] === 0x23 && this.#isTab(s - 1)) s += 3;
    if (s >= end || !isLetter(bytes[s]!)) return -1;
    return this.#qualified(this.#qualified(s, tokens), tokens);
  }

  /** @returns where the word before begins if it belongs to the name at `s`: `val loss` */
  #qualified(s: number, tokens: LineTokens): number {
    const bytes = this.#bytes;
    if (s - 2 < this.#start || bytes[s - 1] !== 0x20) return s;
    let w = s - 1;
    const least = Math.max(this.#start, w - LONGEST_WORD - 2);
    while (
      w > least &&
      (isLetter(bytes[w - 1]!) || bytes[w - 1] === 0x2e || bytes[w - 1] === 0x27 || isDigit(bytes[w - 1]!))
    )
      w--;
    if (w === s - 1) return s;
    tokens.look(w, s);
    if (!isLetter(bytes[w]!)) return s;
    const before = w > this.#start ? bytes[w - 1]! : 0x20;
    if (!isBlank(before) && before !== 0x5b && before !== 0x7c && before !== 0x28 && before !== 0x3a)
      return s;
    if (bytes[s - 2] === 0x73 && bytes[s - 3] === 0x27) return w;
    const long = s - 1 - w;
    if (long > LONGEST_WORD || QUALIFIER_SHAPES[long * 32 + (bytes[w]! & 31)] === 0) return s;
    return QUALIFIERS.has(this.#word(w, s - 1)) ? w : s;
  }

  /** Words of phases before the first name, which begins at `to`. */
  #phase(to: number, tokens: LineTokens): void {
    const bytes = this.#bytes;
    let p = this.#start;
    while (p < to) {
      const first = bytes[p]! | 0x20;
      // `d`ev, `e`val, `t`est, `v`al
      if (first !== 0x64 && first !== 0x65 && first !== 0x74 && first !== 0x76) {
        while (p < to && isLetter(bytes[p]!)) p++;
        p++;
        continue;
      }
      let w = p;
      while (w < to && isLetter(bytes[w]!)) w++;
      const before = p > this.#start ? bytes[p - 1]! : 0x20;
      const behind = bytes[w]!;
      if (
        w - p >= 3 &&
        (isBlank(before) || before === 0x5b) &&
        (isBlank(behind) || behind === 0x3a || behind === 0x5d) &&
        PHASES.has(this.#word(p, w))
      ) {
        tokens.phase = Buffer.from(bytes.subarray(p, w)).toString('latin1');
        return;
      }
      p = w + 1;
    }
  }

  #word(from: number, to: number): string {
    let word = '';
    if (to - from > LONGEST_WORD) return word;
    for (let i = from; i < to; i++) {
      const c = this.#bytes[i]!;
      word += String.fromCharCode(c >= 0x41 && c <= 0x5a ? c | 0x20 : c);
    }
    return word;
  }

  /** @param close where the quote behind a name is. @returns the name's number, −1 when it is none */
  #quoted(close: number, quote: number, tokens: LineTokens): number {
    const bytes = this.#bytes;
    let e = close;
    // In a string in JSON: `{\"loss\": 0.5}`.
    if (e > this.#start && bytes[e - 1] === 0x5c) e--;
    let s = e;
    const least = Math.max(this.#start, e - LONGEST_NAME);
    while (s > least && bytes[s - 1] !== quote) s--;
    if (s === e || s === this.#start || bytes[s - 1] !== quote) {
      tokens.look(s, e);
      return -1;
    }
    return this.#intern(s, e, tokens);
  }

  /** @returns the length of a call around a number: `tensor(`, `np.float64(` */
  #call(at: number): number {
    for (const call of CALLS) {
      if (at + call.length > this.#end) continue;
      let same = 0;
      while (same < call.length && this.#bytes[at + same] === call[same]) same++;
      if (same === call.length) return same;
    }
    return 0;
  }

  /** Whether a progress bar's bracket or first cell follows the count. */
  #isBar(at: number): boolean {
    const bytes = this.#bytes;
    if (at + 1 >= this.#end || bytes[at] !== 0x20) return false;
    return bytes[at + 1] === 0x5b || bytes[at + 1] === 0xe2;
  }

  #isTab(at: number): boolean {
    const bytes = this.#bytes;
    return at + 3 < this.#end && bytes[at + 1] === 0x30 && bytes[at + 2] === 0x31 && bytes[at + 3] === 0x31;
  }

  /** @returns length of `│` or `┃`, which ends at `at`; 0 when it is another character */
  #boxed(at: number): number {
    return at - 3 >= this.#start && this.#bytes[at - 3] === 0xe2 && this.#bytes[at - 2] === 0x94 ? 3 : 0;
  }

  /** @returns where the character of more bytes begins that ends at `at`; −1 when it is no letter */
  #leadOf(at: number): number {
    let p = at;
    while (p > this.#start && p > at - 3 && (this.#bytes[p]! & 0xc0) === 0x80) p--;
    const lead = this.#bytes[p]!;
    return lead < 0xc0 || lead === 0xe2 || lead >= 0xf0 ? -1 : p;
  }
}
