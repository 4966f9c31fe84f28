/**
 * Expressions that lead straight through the bytes: what comes next always says whether a repetition goes on, so nothing
 * is tried twice. `step (?P<step>\d+): (?P<value>[\d.]+) ms` is one. They find what RE2 finds, without its engine.
 */
import { Needle } from './needle.ts';

interface Item {
  /** 1 for the bytes that it takes. */
  set: Uint8Array;
  /** One at least. */
  needed: boolean;
  many: boolean;
}

/** Items before which a group begins and ends. */
export interface Group {
  from: number;
  to: number;
}

/** Bytes that may be looked at, for each byte of the line. */
const MOST_LOOKS = 8;

const GROUP = /^\((?:\?(?:P?<(\w+)>|:))?/;
const REPEATED = /^[*+?]/;
/** What RE2 reads in its own way, or what leads nowhere by itself. */
const OTHER = '|{}]*+?\ufffd';
const SETS: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\t\n\f\r ' };

export class Straight {
  readonly #items: readonly Item[];
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #fromStart: boolean;
  readonly #toEnd: boolean;
  /** The text that it begins with; empty where that is none. */
  readonly lead: Needle;
  /** Where each item began in what was found, and behind the last one where all of it ended. */
  readonly #at: Int32Array;
  #looks = 0;
  /** The last search took too long, and what it found is not all. */
  gaveUp = false;

  private constructor(parsed: Parsed) {
    this.#items = parsed.items;
    this.#groups = parsed.groups;
    this.#fromStart = parsed.fromStart;
    this.#toEnd = parsed.toEnd;
    const text = parsed.items.findIndex(({ set, needed, many }) => many || !needed || only(set) < 0);
    const lead = text < 0 ? parsed.items : parsed.items.slice(0, text);
    this.lead = new Needle(Buffer.from(lead.map(({ set }) => only(set))));
    this.#at = new Int32Array(parsed.items.length + 1);
  }

  /**
   * @param pattern a valid RE2 expression
   * @returns undefined for one that does not lead straight on
   */
  static of(pattern: string): Straight | undefined {
    const parsed = new Parser(pattern).all();
    return parsed && leadsOn(parsed.items) ? new Straight(parsed) : undefined;
  }

  /** Before the first search in a line. */
  begin(start: number, end: number): void {
    this.gaveUp = false;
    this.#looks = MOST_LOOKS * (end - start) + 256;
  }

  /**
   * @param from where the line begins, or the last find ended
   * @returns where what was found ends; −1 when there is nothing, or it `gaveUp`
   */
  find(bytes: Uint8Array, start: number, from: number, end: number): number {
    let at = from;
    const { lead } = this;
    const known = lead.bytes.length;
    while (at <= end) {
      if (this.#fromStart && at !== start) return -1;
      if (known > 0) {
        const next = lead.find(bytes, at, end);
        if (next < 0 || (this.#fromStart && next !== start)) return -1;
        at = next;
      }
      const behind = this.#run(bytes, at, end, known);
      if (behind >= 0) return behind;
      if (this.#looks < 0) {
        this.gaveUp = true;
        return -1;
      }
      // A repetition at the beginning ends at the same place wherever in it one begins.
      const [first] = this.#items as [Item];
      if (first.many) while (at < end && first.set[bytes[at]!] === 1) at++;
      at++;
    }
    return -1;
  }

  /** @returns undefined when there is no such group; else what `from` and `to` take */
  group(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  /** Where a group begins in what was found last. */
  from(group: Group): number {
    return this.#at[group.from]!;
  }

  to(group: Group): number {
    return this.#at[group.to]!;
  }

  /** @param known items that are there for certain, a byte each. @returns behind the last item, −1 when one is missing */
  #run(bytes: Uint8Array, from: number, end: number, known: number): number {
    const items = this.#items;
    const places = this.#at;
    let p = from;
    let k = 0;
    while (k < known) places[k++] = p++;
    for (; k < items.length; k++) {
      const { set, needed, many } = items[k]!;
      places[k] = p;
      if (p < end && set[bytes[p]!] === 1) {
        p++;
        if (many) while (p < end && set[bytes[p]!] === 1) p++;
      } else if (needed) break;
    }
    this.#looks -= p - from + 1;
    if (k < items.length || (this.#toEnd && p !== end)) return -1;
    places[k] = p;
    return p;
  }
}

/** @returns the byte, if there is only one; else −1 */
function only(set: Uint8Array): number {
  const at = set.indexOf(1);
  return at >= 0 && set.indexOf(1, at + 1) < 0 ? at : -1;
}

/** Whether a repetition never takes what can come behind it, and something is taken in any case. */
function leadsOn(items: readonly Item[]): boolean {
  return (
    items.some(({ needed }) => needed) &&
    items.every(({ set, needed, many }, at) => {
      if (needed && !many) return true;
      const behind = items.slice(at + 1);
      const next = behind.findIndex((item) => item.needed);
      const following = next < 0 ? behind : behind.slice(0, next + 1);
      return following.every((item) => item.set.every((takes, byte) => takes === 0 || set[byte] === 0));
    })
  );
}

interface Parsed {
  items: Item[];
  groups: Map<string, Group>;
  fromStart: boolean;
  toEnd: boolean;
}

class Parser {
  readonly #pattern: string;
  #at = 0;
  readonly #items: Item[] = [];
  readonly #groups = new Map<string, Group>();

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  all(): Parsed | undefined {
    const fromStart = this.#pattern.startsWith('^');
    if (fromStart) this.#at = 1;
    const isRead = this.#sequence();
    const toEnd = this.#pattern.slice(this.#at) === '$';
    if (!isRead || (!toEnd && this.#at < this.#pattern.length)) return undefined;
    return { items: this.#items, groups: this.#groups, fromStart, toEnd };
  }

  /** Up to a bracket that closes, a `$` or the end. @returns false for what does not lead straight on */
  #sequence(): boolean {
    while (this.#at < this.#pattern.length) {
      const c = this.#pattern[this.#at]!;
      if (c === ')' || c === '$') return true;
      const isRead = c === '(' ? this.#group() : this.#item(c);
      if (!isRead) return false;
    }
    return true;
  }

  #group(): boolean {
    const [opening, name] = GROUP.exec(this.#rest())!;
    this.#at += opening.length;
    const from = this.#items.length;
    if (!this.#sequence() || this.#pattern[this.#at] !== ')') return false;
    this.#at++;
    if (name !== undefined) this.#groups.set(name, { from, to: this.#items.length });
    return !/^[*+?{]/.test(this.#rest());
  }

  #item(c: string): boolean {
    if (OTHER.includes(c) || c === '^') return false;
    if (c.charCodeAt(0) >= 0x80) return this.#letter();
    const set = new Uint8Array(256);
    if (c === '[') {
      if (!this.#class(set)) return false;
    } else if (c === '.') {
      set.fill(1);
      set[0x0a] = 0;
      this.#at++;
    } else if (c === '\\') {
      if (!this.#escape(set)) return false;
    } else {
      set[c.charCodeAt(0)] = 1;
      this.#at++;
    }
    const sign = REPEATED.exec(this.#rest())?.[0] ?? '';
    this.#at += sign.length;
    // `+?` and `++`, and `{2}`.
    if (/^[*+?{]/.test(this.#rest())) return false;
    const many = sign === '*' || sign === '+';
    // Letters beyond ASCII are several bytes, of which one alone is none.
    if (set[0x80] === 1 && !many) return false;
    this.#items.push({ set, needed: sign === '' || sign === '+', many });
    return true;
  }

  /** One beyond ASCII. */
  #letter(): boolean {
    const letter = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    this.#at += letter.length;
    if (/^[*+?{]/.test(this.#rest()) || /\p{Surrogate}/u.test(letter)) return false;
    for (const byte of Buffer.from(letter)) {
      const set = new Uint8Array(256);
      set[byte] = 1;
      this.#items.push({ set, needed: true, many: false });
    }
    return true;
  }

  /** `\d`, `\S`, `\.`, `\t`. */
  #escape(set: Uint8Array): boolean {
    const c = this.#pattern[this.#at + 1] ?? '';
    this.#at += 2;
    const known = SETS[c.toLowerCase()];
    if (known !== undefined) {
      const own = new Uint8Array(256);
      for (const [, from, to] of known.matchAll(/(.)-(.)/g)) addRange(own, from!, to!);
      for (const one of known.replace(/.-./g, '')) own[one.charCodeAt(0)] = 1;
      const isOthers = c !== c.toLowerCase();
      for (let byte = 0; byte < 256; byte++) if ((own[byte] === 1) !== isOthers) set[byte] = 1;
      return true;
    }
    if (c === 't') set[0x09] = 1;
    else if (/^[!-/:-@[-`{-~]$/.test(c)) set[c.charCodeAt(0)] = 1;
    else return false;
    return true;
  }

  /** `[\d.]`, `[^,]`, `[a-z_-]`. */
  #class(set: Uint8Array): boolean {
    this.#at++;
    const isOthers = this.#pattern[this.#at] === '^';
    if (isOthers) this.#at++;
    const begin = this.#at;
    for (;;) {
      const c = this.#pattern[this.#at];
      if (c === undefined || c === '[' || c.charCodeAt(0) >= 0x80) return false;
      if (this.#pattern.startsWith('--', this.#at)) return false;
      if (c === ']') {
        if (this.#at === begin) return false;
        break;
      }
      const next = this.#pattern[this.#at + 1];
      const end = this.#pattern[this.#at + 2];
      if (c === '\\') {
        if (!this.#escape(set)) return false;
        // `\.-z`
        if (this.#pattern[this.#at] === '-' && this.#pattern[this.#at + 1] !== ']') return false;
      } else if (next === '-' && end !== ']' && end !== undefined) {
        if (!/^[!-Z^-~]$/.test(end) || c > end) return false;
        addRange(set, c, end);
        this.#at += 3;
        if (this.#pattern[this.#at] === '-' && this.#pattern[this.#at + 1] !== ']') return false;
      } else {
        set[c.charCodeAt(0)] = 1;
        this.#at++;
      }
    }
    this.#at++;
    if (isOthers) for (let byte = 0; byte < 256; byte++) set[byte] = set[byte] === 1 ? 0 : 1;
    return true;
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }
}

function addRange(set: Uint8Array, from: string, to: string): void {
  for (let c = from.charCodeAt(0); c <= to.charCodeAt(0); c++) set[c] = 1;
}
