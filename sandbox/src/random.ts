/** Randomness that is the same at every start: what the sandbox's logs say depends on their seed alone. */

/** 32 well-mixed bits of two numbers. */
export function hash32(value: number, seed: number): number {
  let h = (value ^ Math.imul(seed + 0x9e37, 0x85ebca6b)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

export type Random = () => number;

/** Numbers in [0, 1), one after the other. */
export function randomFrom(seed: number): Random {
  let count = 0;
  return () => hash32(count++, seed) / 4_294_967_296;
}
