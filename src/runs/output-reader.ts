/**
 * Reads what a process prints, from a pipe or a pseudo-terminal, into large blocks. Node's streams hand a terminal out in
 * pieces of 4 kB with a good deal of work for each; they are only asked when there is something, and the rest is read at once.
 */
import { readSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';
import { ReadStream } from 'node:tty';

const BLOCK = 1_048_576;
/** A terminal gives 4 kB at a time. */
const LEAST_ROOM = 8_192;
/**
 * Read at one go before anything else gets its turn. Storing 1 MiB takes some ten turns: with long ones the store falls behind, and
 * the source is held up.
 */
const LARGEST_TURN = 65_536;

export interface OutputReader {
  pause(): void;
  resume(): void;
  readonly paused: boolean;
  /** Resolves when nothing more can come; `close` ends it too. */
  readonly ended: Promise<void>;
  close(): void;
  /** What it reads from is closed, or about to be. */
  readonly closed: boolean;
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
  let block = Buffer.allocUnsafeSlow(BLOCK);
  let used = 0;
  let filled = 0;

  const handOut = (): void => {
    if (filled > used) onBytes(block.subarray(used, filled));
    used = filled;
    makeRoom();
  };
  const makeRoom = (): void => {
    if (BLOCK - filled >= LEAST_ROOM) return;
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
      if (BLOCK - filled < LEAST_ROOM) handOut();
    }
  };
  // The stream reads into the block too: no piece is allocated or copied. It asks for the next place before each of its reads.
  const onread = {
    buffer: () => block.subarray(filled),
    callback: (length: number) => {
      filled += length;
      if (BLOCK - filled < LEAST_ROOM) handOut();
      readOn();
      handOut();
      return !stream.isPaused();
    },
  };
  const stream: Socket =
    kind === 'terminal'
      ? new ReadStream(fd, { onread } as SocketConstructorOpts)
      : new Socket({ fd, readable: true, onread } as SocketConstructorOpts);
  stream.resume();
  stream.on('end', () => stream.destroy());
  return readerOf(stream);
}

/** Of a stream that hands out by itself what it reads. */
export function readerOf(stream: Readable): OutputReader {
  const ended = new Promise<void>((resolve) => {
    // A terminal whose last program is gone answers EIO: that is its end.
    stream.on('error', () => undefined);
    stream.on('close', () => resolve());
  });
  return {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    get paused() {
      return stream.isPaused();
    },
    ended,
    close: () => void stream.destroy(),
    get closed() {
      return stream.destroyed;
    },
  };
}
