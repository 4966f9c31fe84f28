/** What every match of an expression contains. */

const SPECIAL = '.^$*+?()[]{}|\\';

/**
 * @param pattern a valid RE2 expression
 * @returns the longest text that certainly is in whatever the expression matches; empty when none is certain
 */
export function requiredText(pattern: string): string {
  // Flags change what a letter means.
  if (/\(\?(?!P?<|:)/.test(pattern)) return '';
  let best = '';
  let run = '';
  let i = 0;
  const close = (): void => {
    if (run.length > best.length) best = run;
    run = '';
  };
  while (i < pattern.length) {
    let c = pattern[i]!;
    if (c === '|') return '';
    if (c === '(') {
      close();
      i = behindGroup(pattern, i);
      continue;
    }
    if (c === '[') {
      close();
      i = behindClass(pattern, i);
      continue;
    }
    if (c === '*' || c === '?' || c === '{') {
      // What is before may be missing, or be there more than once.
      run = [...run].slice(0, -1).join('');
      close();
      if (c === '{') i = pattern.indexOf('}', i);
      if (i < 0) return '';
      i++;
      continue;
    }
    if (c === '+') {
      close();
      i++;
      continue;
    }
    if (c === '\\') {
      const next = pattern[i + 1] ?? '';
      if (next === 'Q') return '';
      if (/[a-zA-Z0-9]/.test(next)) {
        close();
        // `\pN`, `\p{Greek}`, `\x{10FFFF}`, `\x7F`
        const long = /^\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[^}]*\}|..)|[0-7]{1,3}|.)/.exec(pattern.slice(i));
        i += long?.[0].length ?? 2;
        continue;
      }
      c = next;
      i++;
    } else if (SPECIAL.includes(c)) {
      close();
      i++;
      continue;
    }
    const whole = String.fromCodePoint(pattern.codePointAt(i) ?? 0);
    run += whole;
    i += whole.length;
  }
  close();
  return best;
}

function behindGroup(pattern: string, open: number): number {
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === '\\') i++;
    else if (c === '[') i = behindClass(pattern, i) - 1;
    else if (c === '(') depth++;
    else if (c === ')' && --depth === 0) return i + 1;
  }
  return pattern.length;
}

function behindClass(pattern: string, open: number): number {
  let i = open + 1;
  if (pattern[i] === '^') i++;
  // The first `]` is one of the class.
  if (pattern[i] === ']') i++;
  for (; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern.startsWith('[:', i)) i = Math.max(i, pattern.indexOf(':]', i) + 1);
    else if (pattern[i] === ']') return i + 1;
  }
  return pattern.length;
}
