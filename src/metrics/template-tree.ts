/**
 * The programs of lines, merged where they begin alike: a line is read once, whichever of them it fits, and no end of it
 * has to be known before.
 */
import { NumberReader } from './numbers.ts';
import type { LineTokens } from './tokens.ts';

/**
 * In a program, above the bytes: digits as many as there are; a token's whole number, one without a sign, one that is no
 * whole number; a total; what fills a bar of `=>.` or of blocks.
 */
export const [DIGITS, WHOLE, PLAIN, FRACTION, TOTAL, FILL, BLOCKS] = [
  256, 257, 258, 259, 260, 261, 262,
] as const;
/** In the tree besides: a program's end and its number; a table of where to go on. From LITERAL on, so many bytes that follow. */
const [END, BRANCH, LITERAL] = [263, 264, 512] as const;
/** In a table, behind the bytes: no byte follows. */
const NOTHING = 256;
/** In a table, from here on: several places, which are tried one after the other. */
const SEVERAL = 0x8000;

/** What ends a line, or what is drawn of it. */
const ENDS = Buffer.from('\n\r\b');
const FIGURES = Buffer.from('0123456789');
/** Of which bytes what an operation takes can be. */
const TAKEN: Readonly<Record<number, Uint8Array>> = {
  [DIGITS]: FIGURES,
  [PLAIN]: FIGURES,
  [TOTAL]: FIGURES,
  [WHOLE]: Buffer.from('0123456789+-'),
  [FRACTION]: Buffer.from('0123456789+-.eEdDnNaAiIfFtTyY'),
  [FILL]: Buffer.from('=>.#'),
  [BLOCKS]: Uint8Array.from({ length: 0x81 }, (_, k) => (k === 0x80 ? 0x20 : 0x80 + k)),
};
/** With which bytes an operation can begin. */
const BEGINNINGS: Readonly<Record<number, Uint8Array>> = {
  ...TAKEN,
  [FRACTION]: Buffer.from('0123456789+-.nNiI'),
  [BLOCKS]: Uint8Array.of(0x20, 0xe2),
};

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

interface Branch {
  program: Uint16Array;
  /** Its number. */
  index: number;
}

export class TemplateTree {
  readonly #number = new NumberReader();
  readonly #code: Uint16Array;
  readonly #tables: readonly Uint16Array[];
  readonly #several: readonly (readonly number[])[];
  /** Where the line ended that fitted last. */
  end = 0;

  // The line at hand.
  #bytes: Uint8Array = new Uint8Array(0);
  #limit = 0;
  #isWhole = false;

  /** @param programs at most 32, all different; a line that fits several is taken for any of them */
  constructor(programs: readonly Uint16Array[]) {
    const builder = new Builder();
    if (programs.length > 0)
      builder.add(
        programs.map((program, index) => ({ program, index })),
        0,
      );
    this.#code = Uint16Array.from(builder.code);
    this.#tables = builder.tables;
    this.#several = builder.several;
  }

  /**
   * @param isWhole a line ends at `limit`, and not before; else one of `\n`, `\r` and `\b` must stand behind it
   * @returns the number of the program that the line at `start` fits, −1 when it fits none; `tokens` have its numbers
   */
  match(bytes: Uint8Array, start: number, limit: number, isWhole: boolean, tokens: LineTokens): number {
    if (this.#code.length === 0) return -1;
    this.#bytes = bytes;
    this.#limit = limit;
    this.#isWhole = isWhole;
    return this.#from(0, start, 0, tokens);
  }

  #from(at: number, place: number, numbers: number, tokens: LineTokens): number {
    const code = this.#code;
    const bytes = this.#bytes;
    const limit = this.#limit;
    const number = this.#number;
    let pc = at;
    let p = place;
    let token = numbers;
    for (;;) {
      const op = code[pc++]!;
      if (op >= LITERAL) {
        const to = pc + op - LITERAL;
        if (p + to - pc > limit) return -1;
        while (pc < to) if (bytes[p++] !== code[pc++]) return -1;
        continue;
      }
      if (op === END) {
        if (p < limit ? !isEnd(bytes[p]!) : !this.#isWhole) return -1;
        this.end = p;
        return code[pc]!;
      }
      if (op === BRANCH) {
        if (p >= limit && !this.#isWhole) return -1;
        const next = this.#tables[code[pc]!]![p < limit ? bytes[p]! : NOTHING]!;
        if (next === 0) return -1;
        if (next >= SEVERAL) return this.#tryAll(this.#several[next - SEVERAL]!, p, token, tokens);
        pc = next;
        continue;
      }
      if (p >= limit) return -1;
      const c = bytes[p]!;
      if (op === DIGITS) {
        if (!isDigit(c)) return -1;
        p++;
        while (p < limit && isDigit(bytes[p]!)) p++;
      } else if (op <= FRACTION) {
        if (op === PLAIN && !isDigit(c)) return -1;
        if (!number.read(bytes, p, limit) || number.fraction !== (op === FRACTION)) return -1;
        p = number.end;
        tokens.values[token] = number.value;
        tokens.totals[token] = Number.NaN;
        token++;
      } else if (op === TOTAL) {
        const from = p;
        let total = 0;
        while (p < limit && isDigit(bytes[p]!)) total = total * 10 + (bytes[p++]! - 0x30);
        if (p === from) return -1;
        tokens.totals[token - 1] = total;
      } else {
        const to = op === FILL ? fillEnd(bytes, p, limit) : blocksEnd(bytes, p, limit);
        if (to === p) return -1;
        p = to;
      }
    }
  }

  /** No more is done than if each program were tried by itself: each place leads to other ones. */
  #tryAll(places: readonly number[], p: number, token: number, tokens: LineTokens): number {
    for (const place of places) {
      const found = this.#from(place, p, token, tokens);
      if (found >= 0) return found;
    }
    return -1;
  }
}

const isEnd = (c: number): boolean => c === 0x0a || c === 0x0d || c === 0x08;

class Builder {
  readonly code: number[] = [];
  readonly tables: Uint16Array[] = [];
  readonly several: number[][] = [];

  /**
   * @param branches the same up to `from`
   * @returns where they go on
   */
  add(branches: readonly Branch[], from: number): number {
    const { code } = this;
    const at = code.length;
    const [first] = branches as [Branch];
    let literal = -1;
    for (let k = from; ; k++) {
      const op = first.program[k] ?? END;
      if (branches.some(({ program }) => (program[k] ?? END) !== op)) {
        this.#branch(branches, k);
        return at;
      }
      if (op === END) {
        code.push(END, first.index);
        return at;
      }
      if (op >= DIGITS) {
        literal = -1;
        code.push(op);
        continue;
      }
      if (literal < 0) literal = code.push(LITERAL) - 1;
      code[literal]!++;
      code.push(op);
    }
  }

  #branch(branches: readonly Branch[], k: number): void {
    const table = new Uint16Array(NOTHING + 1);
    this.code.push(BRANCH, this.tables.push(table) - 1);
    const groups = new Map<number, Branch[]>();
    for (const branch of branches) {
      const op = branch.program[k] ?? END;
      groups.set(op, [...(groups.get(op) ?? []), branch]);
    }
    for (const [op, group] of groups) {
      const place = this.add(group, k);
      const bytes = op === END ? ENDS : op < DIGITS ? [op] : BEGINNINGS[op]!;
      for (const byte of bytes) this.#lead(table, byte, place);
      if (op === END) this.#lead(table, NOTHING, place);
    }
  }

  #lead(table: Uint16Array, byte: number, place: number): void {
    const other = table[byte]!;
    if (other === 0) table[byte] = place;
    else if (other >= SEVERAL) this.several[other - SEVERAL]!.push(place);
    else table[byte] = SEVERAL + this.several.push([other, place]) - 1;
  }
}

/** Whether a line that fits the program can have the text in it; it says yes once too often rather than no. */
export function mayContain(program: Uint16Array, text: Uint8Array): boolean {
  // How much of the text's beginning can stand before the operation at hand.
  let read = new Set([0]);
  for (const op of program) {
    const taken = op < DIGITS ? undefined : TAKEN[op]!;
    const next = new Set([0]);
    for (const length of read) {
      if (length === text.length) return true;
      if (!taken) {
        if (text[length] === op) next.add(length + 1);
        continue;
      }
      for (let to = length; to < text.length && taken.includes(text[to]!); to++) next.add(to + 1);
    }
    read = next;
  }
  return read.has(text.length);
}

/** @returns behind `====>....` */
export function fillEnd(bytes: Uint8Array, at: number, limit: number): number {
  let p = at;
  while (p < limit) {
    const c = bytes[p]!;
    if (c !== 0x3d && c !== 0x3e && c !== 0x2e && c !== 0x23) break;
    p++;
  }
  return p;
}

/** @returns behind `███▌   ` */
export function blocksEnd(bytes: Uint8Array, at: number, limit: number): number {
  let p = at;
  while (p < limit) {
    if (bytes[p] === 0x20) p++;
    else if (p + 2 < limit && bytes[p] === 0xe2 && bytes[p + 1] === 0x96 && bytes[p + 2]! >= 0x80) p += 3;
    else break;
  }
  return p;
}
