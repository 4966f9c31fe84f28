/** Numbers in bytes and in text, as trainers write them: signs, exponents (Fortran's D too), nan and inf. */

/** 10⁰ to 10²², exact as doubles. */
const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

export class NumberReader {
  /** Behind the number. */
  end = 0;
  readonly #value = new Float64Array(1);
  fraction = false;

  get value(): number {
    return this.#value[0]!;
  }

  /**
   * @param at where sign, digit, point or `nan`/`inf` may stand
   * @returns whether a number stands there
   */
  read(bytes: Uint8Array, at: number, limit: number): boolean {
    let p = at;
    let c = p < limit ? bytes[p]! : 0;
    const negative = c === 0x2d;
    if (negative || c === 0x2b) c = ++p < limit ? bytes[p]! : 0;
    const digitsFrom = p;
    let mantissa = 0;
    let digits = 0;
    while (c >= 0x30 && c <= 0x39) {
      mantissa = mantissa * 10 + (c - 0x30);
      digits++;
      c = ++p < limit ? bytes[p]! : 0;
    }
    let scale = 0;
    this.fraction = false;
    if (c === 0x2e) {
      const next = p + 1 < limit ? bytes[p + 1]! : 0;
      if (next >= 0x30 && next <= 0x39) {
        this.fraction = true;
        c = next;
        p++;
        while (c >= 0x30 && c <= 0x39) {
          mantissa = mantissa * 10 + (c - 0x30);
          digits++;
          scale++;
          c = ++p < limit ? bytes[p]! : 0;
        }
        // `0.` as NumPy writes it; at a sentence's end it makes no difference.
      } else if (digits > 0 && next !== 0x2e) {
        this.fraction = true;
        c = ++p < limit ? bytes[p]! : 0;
      }
    }
    if (digits === 0) return this.#word(bytes, p, limit, negative);
    const plainEnd = p;
    let exponent = 0;
    if ((c | 0x20) === 0x65 || (c | 0x20) === 0x64) {
      let q = p + 1;
      let e = q < limit ? bytes[q]! : 0;
      const minus = e === 0x2d;
      if (minus || e === 0x2b) e = ++q < limit ? bytes[q]! : 0;
      if (e >= 0x30 && e <= 0x39) {
        while (e >= 0x30 && e <= 0x39) {
          if (exponent < 10_000) exponent = exponent * 10 + (e - 0x30);
          e = ++q < limit ? bytes[q]! : 0;
        }
        if (minus) exponent = -exponent;
        this.fraction = true;
        p = q;
      }
    }
    this.end = p;
    const power = exponent - scale;
    let value: number;
    // Below 2⁵³ and with a power that is exact, one rounding: the same as JavaScript's own.
    if (digits <= 15 && power >= -22 && power <= 22)
      value = power < 0 ? mantissa / POWERS[-power]! : mantissa * POWERS[power]!;
    else value = slow(bytes, digitsFrom, plainEnd, exponent);
    this.#value[0] = negative ? -value : value;
    return true;
  }

  #word(bytes: Uint8Array, at: number, limit: number, negative: boolean): boolean {
    if (limit - at < 3) return false;
    const [a, b, c] = [bytes[at]! | 0x20, bytes[at + 1]! | 0x20, bytes[at + 2]! | 0x20];
    let end = at + 3;
    if (a === 0x6e && b === 0x61 && c === 0x6e) this.#value[0] = Number.NaN;
    else if (a === 0x69 && b === 0x6e && c === 0x66) {
      this.#value[0] = negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      if (
        limit - end >= 5 &&
        Buffer.from(bytes.subarray(end, end + 5))
          .toString('latin1')
          .toLowerCase() === 'inity'
      )
        end += 5;
    } else return false;
    this.end = end;
    this.fraction = true;
    return true;
  }
}

function slow(bytes: Uint8Array, from: number, to: number, exponent: number): number {
  return Number(`${Buffer.from(bytes.subarray(from, to)).toString('latin1')}e${exponent}`);
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$/;
const WORD = /^([+-]?)(nan|inf(?:inity)?)$/i;

/** @returns undefined when the text is no number */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return Number(trimmed.replace(/[dD]/, 'e'));
  const word = WORD.exec(trimmed);
  if (!word) return undefined;
  if (word[2]!.toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
