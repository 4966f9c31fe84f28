/** Cuts what a program prints into text, control characters and escape sequences (the grammar of ECMA-48 and DEC's VT500). */

export interface EscapeHandler {
  /** Printable text: `text` from `from` to `to`, exclusive. A pair of surrogates may be cut between two calls. */
  print(text: string, from: number, to: number): void;
  /** One of C0: `\r`, `\n`, `\b`, … */
  control(code: number): void;
  /** `ESC`, perhaps intermediates such as `(`, one final character. */
  escape(intermediates: string, final: string): void;
  /** `ESC [`, perhaps `?` or another private prefix, numbers (0 where none is given), intermediates, final character. */
  csi(prefix: string, params: readonly number[], intermediates: string, final: string): void;
}

/** `string`: the body of a DCS (sixel), SOS, PM or APC; `osc`: a title or a link, which a bell may end as well. */
type State = 'ground' | 'escape' | 'csi' | 'ignored-csi' | 'osc' | 'string';

const ESC = 0x1b;
const CAN = 0x18;
const SUB = 0x1a;
const BEL = 0x07;
const ST = 0x9c;
const LARGEST_PARAM = 0xffff;
const MOST_PARAMS = 16;

/** Takes text in pieces cut anywhere, also within a sequence. Linear; remembers no more than one sequence's numbers. */
export class EscapeParser {
  readonly #handler: EscapeHandler;
  #state: State = 'ground';
  #prefix = '';
  #params: number[] = [];
  #intermediates = '';

  constructor(handler: EscapeHandler) {
    this.#handler = handler;
  }

  reset(): void {
    this.#state = 'ground';
  }

  write(text: string): void {
    const { length } = text;
    let at = 0;
    while (at < length) {
      if (this.#state === 'ground') at = this.#ground(text, at);
      else this.#next(text.charCodeAt(at), text, at++);
    }
  }

  /** Everything up to the next escape. @returns the place after it */
  #ground(text: string, start: number): number {
    const { length } = text;
    let from = start;
    for (let at = start; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x20 && (code < 0x7f || code > 0x9f)) continue;
      if (at > from) this.#handler.print(text, from, at);
      from = at + 1;
      if (code === ESC) {
        this.#begin();
        return from;
      }
      // C1 in one character is no control here, as in most terminals that speak UTF-8: it is mostly broken text.
      if (code < 0x20) this.#handler.control(code);
    }
    if (length > from) this.#handler.print(text, from, length);
    return length;
  }

  #begin(): void {
    this.#state = 'escape';
    this.#prefix = '';
    this.#params = [0];
    this.#intermediates = '';
  }

  #next(code: number, text: string, at: number): void {
    if (code === ESC) {
      this.#begin();
    } else if (code === CAN || code === SUB) {
      this.#state = 'ground';
    } else if (this.#state === 'osc' || this.#state === 'string') {
      if (code === ST || (code === BEL && this.#state === 'osc')) this.#state = 'ground';
    } else if (code < 0x20) {
      this.#handler.control(code);
    } else if (code > 0x7f) {
      // No sequence has such a character: it was a stray escape before text.
      this.#state = 'ground';
      this.#handler.print(text, at, at + 1);
    } else if (code !== 0x7f) {
      if (this.#state === 'escape') this.#inEscape(code);
      else this.#inCsi(code);
    }
  }

  #inEscape(code: number): void {
    const char = String.fromCharCode(code);
    if (code < 0x30) {
      if (this.#intermediates.length < 2) this.#intermediates += char;
      return;
    }
    const bare = this.#intermediates === '';
    if (bare && char === '[') this.#state = 'csi';
    else if (bare && char === ']') this.#state = 'osc';
    else if (bare && 'PX^_'.includes(char)) this.#state = 'string';
    else {
      this.#state = 'ground';
      this.#handler.escape(this.#intermediates, char);
    }
  }

  #inCsi(code: number): void {
    if (code >= 0x40) {
      const obey = this.#state === 'csi';
      this.#state = 'ground';
      if (obey) {
        this.#handler.csi(this.#prefix, this.#params, this.#intermediates, String.fromCharCode(code));
      }
      return;
    }
    if (this.#state === 'ignored-csi') return;
    if (code < 0x30) {
      if (this.#intermediates.length < 2) this.#intermediates += String.fromCharCode(code);
    } else if (this.#intermediates !== '') {
      this.#state = 'ignored-csi';
    } else if (code <= 0x39) {
      const last = this.#params.length - 1;
      this.#params[last] = Math.min(LARGEST_PARAM, this.#params[last]! * 10 + code - 0x30);
    } else if (code <= 0x3b) {
      if (this.#params.length < MOST_PARAMS) this.#params.push(0);
    } else if (this.#prefix === '' && this.#params.length === 1 && this.#params[0] === 0) {
      this.#prefix = String.fromCharCode(code);
    } else this.#state = 'ignored-csi';
  }
}
