/** A run's bytes, as they come, as the text that a terminal has shown in the end. */
import { TerminalScreen } from '../terminal/screen.ts';

export interface PlainTextWriter {
  /** @returns the text that can no longer change */
  write(bytes: Uint8Array): string;
  /** @returns the rest */
  end(): string;
}

/** Of whatever length the log is, it holds one screen. Bytes that are no UTF-8 become U+FFFD, as on a terminal. */
export function plainText(): PlainTextWriter {
  const screen = new TerminalScreen();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    write(bytes) {
      screen.write(decoder.decode(bytes, { stream: true }));
      return screen.takeFinal();
    },
    end() {
      screen.write(decoder.decode());
      return screen.takeFinal() + (screen.visible() ?? '');
    },
  };
}
