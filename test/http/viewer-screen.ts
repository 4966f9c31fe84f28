/** A screen for the viewer's window on a log that shows nothing and remembers what was written. */
import type { Mark, Screen, Sheet } from '../../src/http/viewer/screen.ts';

export class PaperSheet implements Sheet {
  readonly #parts: Buffer[] = [];
  lines = 0;

  async write(bytes: Uint8Array): Promise<void> {
    // As a terminal, which takes in what it was given later.
    await new Promise(setImmediate);
    this.#parts.push(Buffer.from(bytes));
    this.lines += bytes.filter((byte) => byte === 10).length;
  }

  mark(): Mark {
    return { line: this.lines };
  }

  /** What was written, as latin-1, with each gap's marker as so many zeros. */
  get text(): string {
    return Buffer.concat(this.#parts)
      .toString('latin1')
      .replace(MARKER, (_, count: string) => '\0'.repeat(Number(count.replaceAll(',', ''))));
  }
}

const ESC = '\\x1b';
const MARKER = new RegExp(
  `${ESC}\\[0m\\r\\n${ESC}\\[7m\\D+([\\d,]+) bytes? [^${ESC}]+${ESC}\\[0m\\r\\n`,
  'g',
);

export class PaperScreen implements Screen {
  readonly columns = 80;
  readonly lines = 400;
  readonly height = 20;
  sheet = new PaperSheet();
  #top: number | 'end' = 'end';

  get top(): number {
    return this.#top === 'end' ? Math.max(0, this.sheet.lines - this.height) : this.#top;
  }

  get isAtEnd(): boolean {
    return this.top >= this.sheet.lines - this.height;
  }

  scroll(to: number | 'end'): void {
    this.#top = to;
  }

  blank(): PaperSheet {
    return new PaperSheet();
  }

  async ready(): Promise<void> {}

  show(sheet: Sheet, top: number | 'end'): void {
    this.sheet = sheet as PaperSheet;
    this.#top = top;
  }
}
