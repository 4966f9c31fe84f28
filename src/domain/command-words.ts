/** What a person typed after a command, as words. */

/** Opening quote → what closes it. Phones and word processors put typographic quotes; people paste them. */
const CLOSING: Readonly<Record<string, string>> = {
  '"': '"”“',
  "'": "'’‘",
  '“': '”"“',
  '”': '”"',
  '„': '“”"',
  '‘': "’'‘",
  '’': "’'",
  '«': '»',
};

/** Em dash, en dash, minus and their relatives: what editors make of `--` at the start of a word. */
const LONG_DASHES = /^[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D-]+(?=[A-Za-z])/;

/**
 * Splits at white space outside quotes. A quote opens only at the start of a word or after `=`, so that
 * `can't` stays one word; a quote that is never closed is an ordinary character. Inside double quotes `\"`
 * and `\\` stand for `"` and `\`; every other backslash is kept, because patterns are full of them.
 * Typographic dashes before a letter at the start of a word become `--`.
 */
export function commandWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let inWord = false;
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    if (/\s/.test(char)) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
      at += 1;
      continue;
    }
    const closing = !inWord || word.endsWith('=') ? CLOSING[char] : undefined;
    const quoted = closing === undefined ? undefined : readQuoted(text, at + 1, closing, char !== "'");
    if (quoted) {
      // A quoted word is meant literally: its dashes are left alone.
      word += quoted.value;
      at = quoted.next;
    } else {
      const dashes = inWord ? undefined : LONG_DASHES.exec(text.slice(at, at + 8))?.[0];
      if (dashes !== undefined && /[^-]/.test(dashes)) {
        word = '--';
        at += dashes.length;
      } else {
        word += char;
        at += 1;
      }
    }
    inWord = true;
  }
  if (inWord) words.push(word);
  return words;
}

function readQuoted(
  text: string,
  start: number,
  closing: string,
  escapes: boolean,
): { value: string; next: number } | undefined {
  let value = '';
  for (let at = start; at < text.length; at += 1) {
    const char = text[at]!;
    const following = text[at + 1];
    if (escapes && char === '\\' && (following === '\\' || following === '"')) {
      value += following;
      at += 1;
    } else if (closing.includes(char) && (following === undefined || /\s/.test(following))) {
      return { value, next: at + 1 };
    } else {
      value += char;
    }
  }
  return undefined;
}

/** A value inside an error message: quoted, on one line, and shortened visibly. */
export function cite(value: string, limit = 60): string {
  const line = value.replace(/\s+/g, ' ').trim();
  const characters = [...line];
  if (characters.length <= limit) return `“${line}”`;
  return `“${characters.slice(0, limit).join('')}…” (${characters.length} characters)`;
}
