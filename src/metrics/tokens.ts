/** What one line says in numbers, before it is decided what of it is a metric. */

/** How a number belongs to its name. */
export const [SPACE, EQUALS, COLON, QUOTED] = [0, 1, 2, 3] as const;
/** Instead of a name's number. */
export const [BRACKET, LEAD, BAR] = [-1, -2, -3] as const;

/** More on one line are left out. */
export const MOST_TOKENS = 256;

export class LineTokens {
  count = 0;
  /** A name's number in the table; or BRACKET `[12]⇥`, LEAD `12:⇥`, BAR `12/938 [`. */
  readonly names = new Int32Array(MOST_TOKENS);
  readonly forms = new Uint8Array(MOST_TOKENS);
  readonly values = new Float64Array(MOST_TOKENS);
  /** Of `3/10`; NaN where there is none. */
  readonly totals = new Float64Array(MOST_TOKENS);
  /** Whether it was written with a point or an exponent, or is no number. */
  readonly fractions = new Uint8Array(MOST_TOKENS);
  /** Where the number stands, and its total. */
  readonly from = new Int32Array(MOST_TOKENS);
  readonly to = new Int32Array(MOST_TOKENS);
  readonly totalFrom = new Int32Array(MOST_TOKENS);
  readonly totalTo = new Int32Array(MOST_TOKENS);
  /** A phase's word before the first metric: `valid`. */
  phase: string | undefined;
  /** Where names were looked for, whether they became tokens or not: pairs of beginning and end. */
  readonly looked = new Int32Array(2 * MOST_TOKENS);
  lookedCount = 0;

  clear(): void {
    this.count = 0;
    this.lookedCount = 0;
    this.phase = undefined;
  }

  look(from: number, to: number): void {
    const at = this.lookedCount++;
    if (at >= MOST_TOKENS) return;
    this.looked[2 * at] = from;
    this.looked[2 * at + 1] = to;
  }

  add(name: number, form: number, value: number, total: number, fraction: boolean): void {
    const at = this.count;
    if (at === MOST_TOKENS) return;
    this.names[at] = name;
    this.forms[at] = form;
    this.values[at] = value;
    this.totals[at] = total;
    this.fractions[at] = fraction ? 1 : 0;
    this.count = at + 1;
  }
}
