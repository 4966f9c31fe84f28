/** The terminal that `signalbox run` was started in: its keys and its signals go to the run, its size to the run's terminal. */
import { execFileSync } from 'node:child_process';
import { write } from 'node:fs';
import type { Writable } from 'node:stream';
import { isatty, type ReadStream, type WriteStream } from 'node:tty';
import { promisify } from 'node:util';
import { systemCode } from '../ground/files.ts';
import { pause } from '../ground/pause.ts';
import { isInForeground } from '../ground/processes.ts';
import type { CapturedProcess } from '../runs/capture.ts';
import type { TerminalSize } from '../runs/pseudo-terminal.ts';
import type { Show } from '../runs/show-through.ts';

const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'];

export class OwnTerminal {
  readonly input: 'typed' | 'own' | 'none';
  readonly #kind: 'pty' | 'pipe';
  /** People can type, and close it. */
  readonly #isTyped = isatty(0);
  #raw = false;

  private constructor(kind: 'pty' | 'pipe', foreground: boolean) {
    this.#kind = kind;
    // Taking the terminal over, or reading from it, from the background stops a process.
    if (!this.#isTyped) this.input = 'own';
    else if (!foreground) this.input = 'none';
    else this.input = kind === 'pty' ? 'typed' : 'own';
  }

  static async look(kind: 'pty' | 'pipe'): Promise<OwnTerminal> {
    return new OwnTerminal(kind, isatty(0) && (await isInForeground()));
  }

  /** End of a line on standard error: while keys go through unchanged, nothing else brings the cursor back. */
  get newline(): string {
    return this.#raw ? '\r\n' : '\n';
  }

  size(): TerminalSize | undefined {
    const screen = screenOf();
    if (!screen) return undefined;
    const [columns, rows] = screen.getWindowSize();
    // A terminal that was never told its size says 0.
    return columns > 0 && rows > 0 ? { columns, rows } : undefined;
  }

  /** @returns a function that releases it */
  connect(run: CapturedProcess): () => void {
    const keys = this.input === 'typed' ? this.#takeKeys(run) : undefined;
    const listeners = new Map<NodeJS.Signals, () => void>();
    for (const name of FORWARDED) listeners.set(name, () => this.#forward(name, run));
    listeners.set('SIGWINCH', () => this.#resize(run));
    for (const [name, listener] of listeners) process.on(name, listener);
    return () => {
      for (const [name, listener] of listeners) process.off(name, listener);
      keys?.();
    };
  }

  #forward(name: NodeJS.Signals, run: CapturedProcess): void {
    // Node silently undoes nohup's ignoring of it; but nohup leaves no terminal to type in.
    if (name === 'SIGHUP' && !this.#isTyped) return;
    // The terminal has sent it to the whole foreground, including the run.
    const shared = this.#kind === 'pipe' && this.input === 'own' && this.#isTyped;
    if (shared && (name === 'SIGINT' || name === 'SIGQUIT')) return;
    run.signal(name);
  }

  #resize(run: CapturedProcess): void {
    const size = this.size();
    if (this.#kind === 'pipe') run.signal('SIGWINCH');
    else if (size) run.resize(size);
  }

  #takeKeys(run: CapturedProcess): () => void {
    const stdin = process.stdin as ReadStream;
    stdin.setRawMode(true);
    this.#raw = true;
    // Node's raw mode still turns \n into \r\n, which moves the cursor of programs that draw.
    stty('-opost');
    const type = (bytes: Buffer): void => run.type(bytes);
    stdin.on('data', type);
    return () => {
      stdin.off('data', type);
      stty('opost');
      stdin.setRawMode(false);
      this.#raw = false;
      stdin.pause();
      stdin.unref();
    };
  }
}

/** If it is missing, little is lost. */
function stty(mode: string): void {
  try {
    execFileSync('stty', [mode], { stdio: ['inherit', 'ignore', 'ignore'] });
  } catch {
    // See above.
  }
}

function screenOf(): WriteStream | undefined {
  return [process.stdout, process.stderr].find(({ isTTY }) => isTTY) as WriteStream | undefined;
}

const writeTo = promisify(write);

/**
 * Our own standard output is written to directly: Node blocks while it writes to a full pipe, so a reader that does not
 * read would hold up the log.
 */
export function showOn(stream: Writable): Show {
  if ((stream as unknown) !== process.stdout)
    return (bytes) =>
      new Promise((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve())));
  return async (bytes) => {
    for (let at = 0; at < bytes.length; )
      try {
        at += (await writeTo(1, bytes, at, bytes.length - at, null)).bytesWritten;
      } catch (error) {
        if (systemCode(error) !== 'EAGAIN') throw error;
        await pause(10);
      }
  };
}
