/**
 * Reads what a process prints, from a pipe or a pseudo-terminal, into large blocks. Node's streams hand a terminal out in
 * pieces of 4 kB with a good deal of work for each; they are only asked when there is something, and the rest is read at once.
 */
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { ReadStream } from 'node:tty';

const BLOCK = 262_144;
/** Read at one go before anything else gets its turn. */
const LARGEST_TURN = 1_048_576;

export interface OutputReader {
  pause(): void;
  resume(): void;
  readonly paused: boolean;
  /** Resolves when nothing more can come; `close` ends it too. */
  readonly ended: Promise<void>;
  close(): void;
}

/**
 * @param fd of a pipe, or of a pseudo-terminal's master; closed at the end
 * @param onBytes given blocks of their own, to keep
 */
export function readOutput(
  fd: number,
  kind: 'terminal' | 'pipe',
  onBytes: (bytes: Uint8Array) => void,
): OutputReader {
  const stream: Socket = kind === 'terminal' ? new ReadStream(fd) : new Socket({ fd, readable: true });
  let block = Buffer.allocUnsafeSlow(BLOCK);
  let used = 0;
  let filled = 0;

  const handOut = (): void => {
    if (filled > used) onBytes(block.subarray(used, filled));
    used = filled;
    if (BLOCK - filled >= 8_192) return;
    block = Buffer.allocUnsafeSlow(BLOCK);
    used = filled = 0;
  };
  const readOn = (): void => {
    let turn = 0;
    while (turn < LARGEST_TURN && !stream.isPaused()) {
      let length: number;
      try {
        length = readSync(fd, block, filled, BLOCK - filled, null);
      } catch {
        // Nothing more for now, or for ever: the stream is told which.
        return;
      }
      if (length === 0) return;
      filled += length;
      turn += length;
      if (BLOCK - filled < 8_192) handOut();
    }
  };
  stream.on('data', (piece: Buffer) => {
    // A piece may be larger than what is left.
    if (piece.length > BLOCK - filled) {
      handOut();
      if (piece.length > BLOCK - filled) {
        block = Buffer.allocUnsafeSlow(BLOCK);
        used = filled = 0;
      }
    }
    filled += piece.copy(block, filled);
    // What the stream has read already comes first.
    if (stream.readableLength === 0) readOn();
    handOut();
  });
  const ended = new Promise<void>((resolve) => {
    // A terminal whose last program is gone answers EIO: that is its end.
    stream.on('error', () => undefined);
    stream.on('close', () => resolve());
    stream.on('end', () => stream.destroy());
  });
  return {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    get paused() {
      return stream.isPaused();
    },
    ended,
    close: () => void stream.destroy(),
  };
}
