/**
 * Lines as trainers repeat them: the same but for their numbers. A line that fits one that was scanned before needs no
 * look at its names; what it says is what the scanner would have found, only faster.
 */
import type { NameTable } from './names.ts';
import type { LinePlan } from './reports.ts';
import {
  BLOCKS,
  blocksEnd,
  DIGITS,
  FILL,
  FRACTION,
  fillEnd,
  PLAIN,
  TemplateTree,
  TOTAL,
  WHOLE,
} from './template-tree.ts';
import { BRACKET, LEAD, type LineTokens, MOST_TOKENS } from './tokens.ts';

/** How many are kept; the one that no line fitted for the longest time makes room. */
const MOST = 32;
const LONGEST = 512;
/** What making a template costs, in lines that fit; where hardly any does, few are made. */
const PRICE = 3;
const MOST_CREDIT = 64;
/** Of the lines that none fits, one in so many is made one all the same. */
const CHANCE = 64;
/** Templates that are remembered by their sums alone: one that comes a second time is worth its place. */
const SEEN = 1024;

export interface Template {
  /** What was decided of its tokens. */
  readonly plan: LinePlan;
  /** A team's own patterns may find something on such a line. */
  readonly hasOwn: boolean;
  readonly program: Uint16Array;
  /** When a line fitted last, counted in such lines. */
  fitted: number;
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

export class Templates {
  readonly #names: NameTable;
  #templates: Template[] = [];
  #tree = new TemplateTree([]);
  /** Of the names that the templates know. */
  #generation = 0;
  readonly #seen = new Uint32Array(SEEN);
  #fitted = 0;
  #credit = MOST_CREDIT;
  #misses = 0;

  readonly #mayFind: (program: Uint16Array) => boolean;

  /** @param mayFind whether a team's own patterns may find something on a line that fits the program */
  constructor(names: NameTable, mayFind: (program: Uint16Array) => boolean) {
    this.#names = names;
    this.#mayFind = mayFind;
  }

  /** Where the line ended that fitted last. */
  get end(): number {
    return this.#tree.end;
  }

  /**
   * @param isWhole the line ends at `limit`; else at the first `\n`, `\r` or `\b`, which must stand before it
   * @returns what is known of lines like this one, whose numbers `tokens` have
   */
  fitting(
    bytes: Uint8Array,
    start: number,
    limit: number,
    isWhole: boolean,
    tokens: LineTokens,
  ): Template | undefined {
    const found = this.#tree.match(bytes, start, limit, isWhole, tokens);
    if (found < 0) return undefined;
    if (this.#generation !== this.#names.generation) {
      this.#forget();
      return undefined;
    }
    const template = this.#templates[found]!;
    template.fitted = ++this.#fitted;
    if (this.#credit < MOST_CREDIT) this.#credit++;
    return template;
  }

  /** Learns a line that the scanner has just read. */
  learn(bytes: Uint8Array, start: number, end: number, tokens: LineTokens, plan: LinePlan): void {
    if (end - start > LONGEST || tokens.count >= MOST_TOKENS || tokens.lookedCount > MOST_TOKENS) return;
    if (this.#credit < PRICE && ++this.#misses % CHANCE !== 0) return;
    this.#credit = Math.max(0, this.#credit - PRICE);
    if (this.#generation !== this.#names.generation) this.#forget();
    const program = programOf(bytes, start, end, tokens);
    const isNew = !this.#wasSeen(program);
    const templates = this.#templates;
    // Text that never comes again takes no other's place.
    if (templates.length === MOST && isNew) return;
    const template = { plan, program, fitted: this.#fitted, hasOwn: this.#mayFind(program) };
    if (templates.length < MOST) templates.push(template);
    else {
      const oldest = templates.reduce((old, one) => (one.fitted < old.fitted ? one : old));
      templates[templates.indexOf(oldest)] = template;
    }
    this.#tree = new TemplateTree(templates.map((template) => template.program));
  }

  #forget(): void {
    this.#templates = [];
    this.#tree = new TemplateTree([]);
    this.#generation = this.#names.generation;
  }

  #wasSeen(program: Uint16Array): boolean {
    let sum = 0x811c9dc5 | 0;
    for (const op of program) sum = Math.imul(sum ^ op, 0x01000193);
    const place = (sum ^ (sum >>> 15)) & (SEEN - 1);
    const was = this.#seen[place] === sum >>> 0;
    this.#seen[place] = sum;
    return was;
  }
}

/** Bytes and what may stand in their place. Numbers that are part of a name stay as they are. */
function programOf(bytes: Uint8Array, start: number, end: number, tokens: LineTokens): Uint16Array {
  const program = new Uint16Array(end - start);
  let length = 0;
  const op = (code: number): void => {
    program[length++] = code;
  };
  let token = 0;
  let i = start;
  while (i < end) {
    if (token < tokens.count && i === tokens.from[token]) {
      const name = tokens.names[token]!;
      const isPlain = name === BRACKET || name === LEAD || bytes[i - 1] === 0x5b;
      op(isPlain ? PLAIN : tokens.fractions[token] === 1 ? FRACTION : WHOLE);
      i = tokens.to[token]!;
      if (!Number.isNaN(tokens.totals[token]!)) {
        while (i < tokens.totalFrom[token]!) op(bytes[i++]!);
        op(TOTAL);
        i = tokens.totalTo[token]!;
      }
      token++;
      continue;
    }
    if (i > start && !isDigit(bytes[i]!)) {
      const before = bytes[i - 1]!;
      const to = before === 0x5b ? fillEnd(bytes, i, end) : before === 0x7c ? blocksEnd(bytes, i, end) : i;
      // Nothing but the bar's other edge behind it, and so no part of a name.
      if (to > i && to < end && bytes[to] === (before === 0x5b ? 0x5d : 0x7c)) {
        op(before === 0x5b ? FILL : BLOCKS);
        i = to;
        continue;
      }
    }
    if (!isDigit(bytes[i]!)) {
      op(bytes[i++]!);
      continue;
    }
    let to = i;
    while (to < end && isDigit(bytes[to]!)) to++;
    if (isFree(bytes, start, i, to, tokens)) {
      op(DIGITS);
      i = to;
    } else while (i < to) op(bytes[i++]!);
  }
  return program.slice(0, length);
}

/** Whether other digits in their place, more or fewer, make no difference: the scanner looked for no name there. */
function isFree(bytes: Uint8Array, start: number, from: number, to: number, tokens: LineTokens): boolean {
  // A tab, as SageMaker's XGBoost writes it.
  if (from > start && bytes[from - 1] === 0x23) return false;
  for (let k = 0; k < tokens.lookedCount; k++)
    if (from < tokens.looked[2 * k + 1]! && to > tokens.looked[2 * k]!) return false;
  return true;
}
