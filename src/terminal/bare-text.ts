/** Printed text without what was only meant for the terminal: for reading and comparing, not for display. */
import { type EscapeHandler, EscapeParser } from './escape-parser.ts';

class Bare implements EscapeHandler {
  text = '';

  print(text: string, from: number, to: number): void {
    this.text += text.slice(from, to);
  }

  control(code: number): void {
    if (code === 0x09 || code === 0x0a || code === 0x0d) this.text += String.fromCharCode(code);
  }

  // Colours, moves, character sets, titles, links: nothing that is read.
  escape(): void {}
  csi(): void {}
}

/** The text with its line ends and tabs; escape sequences and other control characters are left out. */
export function bareText(text: string): string {
  const bare = new Bare();
  new EscapeParser(bare).write(text);
  return bare.text;
}
