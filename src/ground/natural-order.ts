/**
 * `algo-2` before `algo-10`: what is between numbers by its characters, numbers by their size. Loads no tables of
 * languages, as `localeCompare` does. 0 only for what is equal.
 */
export function compareNaturally(a: string, b: string): number {
  const [ofA, ofB] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.min(ofA.length, ofB.length); i++) {
    const order = i % 2 === 0 ? byCharacters(ofA[i]!, ofB[i]!) : bySize(ofA[i]!, ofB[i]!);
    if (order !== 0) return order;
  }
  return ofA.length - ofB.length || byCharacters(a, b);
}

/** Text, number, text, …; a number may have any length. */
function partsOf(text: string): string[] {
  return text.split(/(\d+)/);
}

function bySize(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return one.length - other.length || byCharacters(one, other);
}

function byCharacters(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
