/** "Did you mean": which known names are close to one that is not known. */
import { distance } from 'fastest-levenshtein';

/**
 * The nearest first; letter case, `_` and `-` make no difference. A name that is part of the other counts as
 * near however long the rest is; otherwise a third of the letters may differ.
 */
export function nearestNames(wanted: string, known: Iterable<string>, limit = 3): string[] {
  const plain = (name: string): string =>
    name
      .toLowerCase()
      .replace(/[_\s-]+/g, '-')
      .slice(0, 200);
  const asked = plain(wanted);
  if (asked === '') return [];
  const scored: { name: string; score: number }[] = [];
  for (const name of known) {
    const candidate = plain(name);
    const contained = asked.length >= 3 && (candidate.includes(asked) || asked.includes(candidate));
    const edits = distance(asked, candidate);
    const longest = Math.max(asked.length, candidate.length);
    // Of short names something has to be the same: `k0` is not near `lr`.
    if (contained || edits <= Math.min(longest - 1, Math.max(2, Math.floor(longest / 3))))
      scored.push({ name, score: contained ? Math.min(edits, 1) : edits });
  }
  return scored
    .sort((a, b) => a.score - b.score || a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}
