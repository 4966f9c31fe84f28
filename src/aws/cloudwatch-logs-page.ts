/**
 * Turns the bytes of a GetLogEvents or FilterLogEvents answer into text and an index, without making a string or an
 * object for any event. `parsePage` does the same through JSON and is the reference: both give the same bytes, and the
 * scanner leaves to it whatever it does not know (unusual numbers, invalid UTF-8, repeated keys).
 *
 * One file because it is one pass over the bytes: every method of the scanner moves the same cursor.
 */
import { isUtf8 } from 'node:buffer';
import type { ScannedRegion } from './page-scanner.ts';

export interface RawPage {
  count: number;
  text: Buffer;
  ends: Uint32Array;
  times: Float64Array;
  /** GetLogEvents. */
  forwardToken: string | undefined;
  backwardToken: string | undefined;
  /** FilterLogEvents. */
  nextToken: string | undefined;
}

/** Memory for one page, reused for later ones. */
export interface PageMemory {
  text: Buffer;
  ends: Uint32Array;
  times: Float64Array;
  /** Set when the memory belongs to the WebAssembly scanner. Then text and index cannot grow. */
  region?: ScannedRegion | undefined;
}

export interface PageLayout {
  /** Free bytes before each message, and a newline after each that has none. Undefined: bare messages. */
  lead: number | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const NEWLINE = 0x0a;
const MINUS = 0x2d;

/** The most events that the service puts into a page. */
const USUAL_EVENTS = 10_000;

export function newPageMemory(textBytes = 0): PageMemory {
  return {
    text: Buffer.allocUnsafeSlow(textBytes),
    ends: new Uint32Array(USUAL_EVENTS),
    times: new Float64Array(USUAL_EVENTS),
  };
}

/** @throws SyntaxError when the body is not JSON */
export function readPage(body: Buffer, layout: PageLayout, memory: PageMemory): RawPage {
  return (isUtf8(body) ? new Scanner(body, layout, memory).page() : undefined) ?? parsePage(body, layout);
}

/** The slow way, through JSON. @throws SyntaxError when the body is not JSON */
export function parsePage(body: Buffer, layout: PageLayout): RawPage {
  const answer = JSON.parse(body.toString('utf8')) as {
    events?: { message?: unknown; timestamp?: unknown }[] | null;
    nextForwardToken?: unknown;
    nextBackwardToken?: unknown;
    nextToken?: unknown;
  };
  const events = Array.isArray(answer?.events) ? answer.events : [];
  const lead = layout.lead ?? 0;
  const parts: Buffer[] = [];
  const ends = new Uint32Array(events.length);
  const times = new Float64Array(events.length);
  let end = 0;
  events.forEach((event, i) => {
    const message = Buffer.from(typeof event?.message === 'string' ? event.message : '', 'utf8');
    if (lead > 0) parts.push(Buffer.alloc(lead));
    parts.push(message);
    end += lead + message.length;
    if (layout.lead !== undefined && message[message.length - 1] !== NEWLINE) {
      parts.push(Buffer.from('\n'));
      end++;
    }
    ends[i] = end;
    times[i] = typeof event?.timestamp === 'number' ? event.timestamp : 0;
  });
  const token = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return {
    count: events.length,
    text: Buffer.concat(parts, end),
    ends,
    times,
    forwardToken: token(answer?.nextForwardToken),
    backwardToken: token(answer?.nextBackwardToken),
    nextToken: token(answer?.nextToken),
  };
}

/** Scans a body once. Any method may give up by setting `#odd`. The caller then takes the slow way. */
class Scanner {
  readonly #body: Buffer;
  readonly #lead: number;
  readonly #newline: boolean;
  #text: Buffer;
  #ends: Uint32Array;
  #times: Float64Array;
  readonly #memory: PageMemory;
  #at = 0;
  #odd = false;

  constructor(body: Buffer, layout: PageLayout, memory: PageMemory) {
    this.#body = body;
    this.#lead = layout.lead ?? 0;
    this.#newline = layout.lead !== undefined;
    // Unescaping only shrinks text, so this is enough for a usual page. For an unusual one it grows.
    const room = body.length + (USUAL_EVENTS >> 2) * (this.#lead + 1);
    if (memory.text.length < room && !memory.region) memory.text = Buffer.allocUnsafeSlow(room + (room >> 3));
    this.#memory = memory;
    this.#text = memory.text;
    this.#ends = memory.ends;
    this.#times = memory.times;
  }

  page(): RawPage | undefined {
    const body = this.#body;
    let forwardToken: string | undefined;
    let backwardToken: string | undefined;
    let nextToken: string | undefined;
    let count = -1;
    this.#space();
    if (body[this.#at++] !== OPEN_BRACE) return undefined;
    this.#space();
    if (body[this.#at] === CLOSE_BRACE) this.#at++;
    else {
      for (;;) {
        const key = this.#shortString();
        if (key === undefined || !this.#colon()) return undefined;
        if (key === 'events' && count < 0 && body[this.#at] === OPEN_BRACKET) {
          count = this.#events();
          if (count < 0) return undefined;
        } else if (key === 'nextForwardToken' || key === 'nextBackwardToken' || key === 'nextToken') {
          const value = this.#shortString();
          if (value === undefined) return undefined;
          if (key === 'nextForwardToken') forwardToken = value;
          else if (key === 'nextBackwardToken') backwardToken = value;
          else nextToken = value;
        } else if (key === 'events' || key === '__proto__') return undefined;
        else this.#skipValue(0);
        if (this.#odd) return undefined;
        this.#space();
        const c = body[this.#at++];
        if (c === CLOSE_BRACE) break;
        if (c !== COMMA) return undefined;
        this.#space();
      }
    }
    this.#space();
    if (this.#at !== body.length) return undefined;
    count = Math.max(0, count);
    return {
      count,
      text: this.#text.subarray(0, count === 0 ? 0 : this.#ends[count - 1]!),
      ends: this.#ends.subarray(0, count),
      times: this.#times.subarray(0, count),
      forwardToken,
      backwardToken,
      nextToken,
    };
  }

  /** @returns the number of events, -1 when something is unusual */
  #events(): number {
    const body = this.#body;
    const lead = this.#lead;
    let count = 0;
    let out = 0;
    this.#at++;
    this.#space();
    if (body[this.#at] === CLOSE_BRACKET) {
      this.#at++;
      return 0;
    }
    const { region } = this.#memory;
    if (region && region.arena.buffer === body.buffer) {
      const scanned = region.arena.scan(body, this.#at, region, lead, this.#newline);
      if (scanned) {
        this.#at = scanned.position;
        return scanned.count;
      }
    }
    for (;;) {
      if (body[this.#at] !== OPEN_BRACE) return -1;
      this.#at++;
      if (count === this.#ends.length) this.#moreEvents();
      // No message is longer than the rest of the body.
      if (out + lead + 1 + (body.length - this.#at) > this.#text.length) this.#moreText(out);
      out += lead;
      let messageSeen = false;
      let timeSeen = false;
      let time = 0;
      this.#space();
      if (body[this.#at] === CLOSE_BRACE) this.#at++;
      else {
        for (;;) {
          if (body[this.#at] !== QUOTE) return -1;
          const key = this.#at + 1;
          const k = body[key];
          // "message" or "timestamp": first letter, closing quote and colon are tested first, then the letters between.
          if (k === 0x6d && body[key + 7] === QUOTE && body[key + 8] === COLON && isMessage(body, key)) {
            if (messageSeen) return -1;
            messageSeen = true;
            this.#at = key + 9;
            if (body[this.#at] !== QUOTE) {
              this.#space();
              if (body[this.#at] !== QUOTE) return -1;
            }
            out = this.#message(out);
            if (out < 0) return -1;
          } else if (
            k === 0x74 &&
            body[key + 9] === QUOTE &&
            body[key + 10] === COLON &&
            isTimestamp(body, key)
          ) {
            if (timeSeen) return -1;
            timeSeen = true;
            this.#at = key + 11;
            time = this.#integer();
            if (time < 0) return -1;
          } else {
            if (!this.#otherKey() || !this.#colon()) return -1;
            this.#skipValue(0);
            if (this.#odd) return -1;
          }
          let c = body[this.#at++];
          if (c !== COMMA && c !== CLOSE_BRACE) {
            this.#at--;
            this.#space();
            c = body[this.#at++];
          }
          if (c === CLOSE_BRACE) break;
          if (c !== COMMA) return -1;
          if (body[this.#at] !== QUOTE) this.#space();
        }
      }
      if (this.#newline) {
        // Before an empty message there is only the lead, whose bytes mean nothing yet.
        const start = count === 0 ? lead : this.#ends[count - 1]! + lead;
        if (out === start || this.#text[out - 1] !== NEWLINE) this.#text[out++] = NEWLINE;
      }
      this.#ends[count] = out;
      this.#times[count] = time;
      count++;
      let c = body[this.#at++];
      if (c !== COMMA && c !== CLOSE_BRACKET) {
        this.#at--;
        this.#space();
        c = body[this.#at++];
      }
      if (c === CLOSE_BRACKET) return count;
      if (c !== COMMA) return -1;
      if (body[this.#at] !== OPEN_BRACE) this.#space();
    }
  }

  /** Copies a string's content to the text. @returns the new end of the text, -1 when unusual */
  #message(out: number): number {
    const body = this.#body;
    const text = this.#text;
    let at = this.#at + 1;
    let to = out;
    for (;;) {
      let c = body[at]!;
      while (c >= 32 && c !== QUOTE && c !== BACKSLASH) {
        text[to++] = c;
        c = body[++at]!;
      }
      if (c === QUOTE) {
        this.#at = at + 1;
        return to;
      }
      if (c !== BACKSLASH) return -1;
      const e = body[at + 1]!;
      at += 2;
      switch (e) {
        case 0x6e:
          text[to++] = 10;
          break;
        case QUOTE:
        case BACKSLASH:
        case 0x2f:
          text[to++] = e;
          break;
        case 0x74:
          text[to++] = 9;
          break;
        case 0x72:
          text[to++] = 13;
          break;
        case 0x62:
          text[to++] = 8;
          break;
        case 0x66:
          text[to++] = 12;
          break;
        case 0x75: {
          let unit = hex4(body, at);
          if (unit < 0) return -1;
          at += 4;
          if (unit >= 0xd800 && unit < 0xdc00 && body[at] === BACKSLASH && body[at + 1] === 0x75) {
            const low = hex4(body, at + 2);
            if (low < 0) return -1;
            if (low >= 0xdc00 && low < 0xe000) {
              at += 6;
              const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
              text[to++] = 0xf0 | (point >> 18);
              text[to++] = 0x80 | ((point >> 12) & 63);
              text[to++] = 0x80 | ((point >> 6) & 63);
              text[to++] = 0x80 | (point & 63);
              break;
            }
          }
          // A lone surrogate becomes U+FFFD, as in any conversion to UTF-8.
          if (unit >= 0xd800 && unit < 0xe000) unit = 0xfffd;
          if (unit < 0x80) text[to++] = unit;
          else if (unit < 0x800) {
            text[to++] = 0xc0 | (unit >> 6);
            text[to++] = 0x80 | (unit & 63);
          } else {
            text[to++] = 0xe0 | (unit >> 12);
            text[to++] = 0x80 | ((unit >> 6) & 63);
            text[to++] = 0x80 | (unit & 63);
          }
          break;
        }
        default:
          return -1;
      }
    }
  }

  /** A whole number from 0 to 2^53. @returns -1 when it is anything else */
  #integer(): number {
    const body = this.#body;
    let at = this.#at;
    while (body[at] === 32) at++;
    const start = at;
    let value = 0;
    let c = body[at]!;
    while (c >= 48 && c <= 57) {
      value = value * 10 + (c - 48);
      c = body[++at]!;
    }
    const digits = at - start;
    if (digits === 0 || digits > 15 || (digits > 1 && body[start] === 48)) return -1;
    // A fraction or an exponent.
    if (c === 0x2e || c === 0x65 || c === 0x45) return -1;
    this.#at = at;
    return value;
  }

  /** A string without escapes, as tokens and keys are. */
  #shortString(): string | undefined {
    const body = this.#body;
    if (body[this.#at] !== QUOTE) return undefined;
    const start = this.#at + 1;
    let at = start;
    let c = body[at]!;
    while (c >= 32 && c !== QUOTE && c !== BACKSLASH) c = body[++at]!;
    if (c !== QUOTE) return undefined;
    this.#at = at + 1;
    return body.toString('utf8', start, at);
  }

  /** Skips a key. @returns false for one that is known, perhaps in another spelling */
  #otherKey(): boolean {
    const body = this.#body;
    const start = this.#at + 1;
    let at = start;
    let c = body[at]!;
    while (c >= 32 && c !== QUOTE && c !== BACKSLASH) c = body[++at]!;
    if (c !== QUOTE) return false;
    this.#at = at + 1;
    const length = at - start;
    if (length !== 7 && length !== 9) return true;
    const name = body.toString('latin1', start, at);
    return name !== 'message' && name !== 'timestamp' && name !== '__proto__';
  }

  #colon(): boolean {
    this.#space();
    if (this.#body[this.#at++] !== COLON) return false;
    this.#space();
    return true;
  }

  #space(): void {
    const body = this.#body;
    let c = body[this.#at]!;
    while (c === 32 || c === 10 || c === 13 || c === 9) c = body[++this.#at]!;
  }

  /** Skips a value that nobody wants. Odd numbers and escaped strings are checked by JSON.parse. */
  #skipValue(depth: number): void {
    const body = this.#body;
    const c = body[this.#at]!;
    if ((c >= 48 && c <= 57) || c === MINUS) {
      // JSON.parse judges leading zeros and whatever else may be wrong with a number.
      const start = this.#at;
      const value = this.#integer();
      if (value < 0) {
        this.#at = start;
        this.#skipByJson(start, numberEnd(body, start));
      }
      return;
    }
    if (c === QUOTE) {
      const start = this.#at;
      let at = start + 1;
      let escaped = false;
      for (;;) {
        const d = body[at]!;
        if (d === QUOTE) break;
        if (d === BACKSLASH) {
          escaped = true;
          at++;
        } else if (!(d >= 32)) {
          this.#odd = true;
          return;
        }
        at++;
      }
      if (at >= body.length) this.#odd = true;
      else if (escaped) this.#skipByJson(start, at + 1);
      else this.#at = at + 1;
      return;
    }
    if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (depth > 20) {
        this.#odd = true;
        return;
      }
      const isObject = c === OPEN_BRACE;
      const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET;
      this.#at++;
      this.#space();
      if (body[this.#at] === close) {
        this.#at++;
        return;
      }
      for (;;) {
        if (isObject) {
          if (body[this.#at] !== QUOTE) this.#odd = true;
          else this.#skipValue(depth + 1);
          if (this.#odd || !this.#colon()) {
            this.#odd = true;
            return;
          }
        }
        this.#skipValue(depth + 1);
        if (this.#odd) return;
        this.#space();
        const d = body[this.#at++];
        if (d === close) return;
        if (d !== COMMA) {
          this.#odd = true;
          return;
        }
        this.#space();
      }
    }
    for (const word of ['true', 'false', 'null']) {
      if (body.toString('latin1', this.#at, this.#at + word.length) === word) {
        this.#at += word.length;
        return;
      }
    }
    this.#odd = true;
  }

  #skipByJson(start: number, end: number): void {
    try {
      JSON.parse(this.#body.toString('utf8', start, end));
      this.#at = end;
    } catch {
      // The slow way finds the same mistake and reports it.
      this.#odd = true;
    }
  }

  #moreEvents(): void {
    const ends = new Uint32Array(this.#ends.length * 2);
    const times = new Float64Array(this.#times.length * 2);
    ends.set(this.#ends);
    times.set(this.#times);
    this.#ends = ends;
    this.#times = times;
    if (this.#memory.region) return;
    this.#memory.ends = ends;
    this.#memory.times = times;
  }

  #moreText(used: number): void {
    const text = Buffer.allocUnsafeSlow(this.#text.length * 2 + this.#lead + this.#body.length);
    this.#text.copy(text, 0, 0, used);
    this.#text = text;
    if (!this.#memory.region) this.#memory.text = text;
  }
}

/** Whether `message` starts at `at`. The caller has tested the m and the closing quote. */
function isMessage(b: Buffer, at: number): boolean {
  return (
    b[at + 1] === 0x65 &&
    b[at + 2] === 0x73 &&
    b[at + 3] === 0x73 &&
    b[at + 4] === 0x61 &&
    b[at + 5] === 0x67 &&
    b[at + 6] === 0x65
  );
}

/** Whether `timestamp` starts at `at`. The caller has tested the t and the closing quote. */
function isTimestamp(b: Buffer, at: number): boolean {
  return (
    b[at + 1] === 0x69 &&
    b[at + 2] === 0x6d &&
    b[at + 3] === 0x65 &&
    b[at + 4] === 0x73 &&
    b[at + 5] === 0x74 &&
    b[at + 6] === 0x61 &&
    b[at + 7] === 0x6d &&
    b[at + 8] === 0x70
  );
}

function numberEnd(body: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const c = body[at]!;
    const inNumber =
      (c >= 48 && c <= 57) || c === MINUS || c === 0x2b || c === 0x2e || c === 0x65 || c === 0x45;
    if (!inNumber) return at;
    at++;
  }
}

/** Reads four hexadecimal digits. @returns -1 when there are none */
function hex4(body: Buffer, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const c = body[at + i]!;
    let digit: number;
    if (c >= 48 && c <= 57) digit = c - 48;
    else if (c >= 65 && c <= 70) digit = c - 55;
    else if (c >= 97 && c <= 102) digit = c - 87;
    else return -1;
    value = (value << 4) | digit;
  }
  return value;
}
