/** Patterns for names: `*` any characters, `?` one. Letter case makes no difference. */

export const GLOB_LIMIT = 128;

/** Time is bounded by the product of both lengths, whatever the pattern: no regular expression is made of it. */
export function globMatches(pattern: string, name: string): boolean {
  const p = [...pattern.toLowerCase()];
  const n = [...name.toLowerCase()];
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < n.length; ) {
    if (p[at] === '*') {
      star = at;
      at += 1;
      resume = index;
    } else if (at < p.length && (p[at] === '?' || p[at] === n[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  while (p[at] === '*') at += 1;
  return at === p.length;
}
