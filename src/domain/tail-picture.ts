/** The end of a log as a terminal shows it: bars where they stand now, without colours. Memory is bounded. */
import { TerminalScreen } from '../terminal/screen.ts';
import { maskSecrets } from './mask-secrets.ts';

/** Characters kept of the lines that cannot change any more: enough that a key of several lines is seen as one. */
const KEPT = 16_384;
/** Characters of the lines that still can: a line of the screen may be 2,000 characters wide. */
const SEEN = 65_536;

export class TailPicture {
  readonly #screen = new TerminalScreen({ tabs: 'spaces' });
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #final = '';

  /** @param bytes may be cut anywhere, even within a character */
  write(bytes: Uint8Array): void {
    this.#screen.write(this.#decoder.decode(bytes, { stream: true }));
    const final = this.#screen.takeFinal();
    if (final !== '') this.#final = tailOf(this.#final + final, KEPT);
  }

  /**
   * Masked before anything is cut off, because a secret may have several lines.
   * @param count at most so many
   * @returns oldest first, without blank lines at the end
   */
  lines(count: number): string[] {
    const all = this.#final + tailOf(this.#screen.visible() ?? '', SEEN);
    const lines = maskSecrets(all)
      .split('\n')
      .map((line) => line.trimEnd());
    while (lines.length > 0 && lines.at(-1) === '') lines.pop();
    return lines.slice(-count);
  }
}

/** Not between the two halves of one character. */
function tailOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const first = text.charCodeAt(text.length - length);
  return text.slice(text.length - length + (first >= 0xdc00 && first <= 0xdfff ? 1 : 0));
}
