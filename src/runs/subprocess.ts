/**
 * A command as a process of its own, with standard output and standard error in one stream in the order in which they were
 * written: in a pseudo-terminal, or through a pipe.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, createWriteStream, mkdtempSync, openSync, rmSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { type OutputReader, readerOf, readOutput } from './output-reader.ts';
import { openPseudoTerminal, resizePseudoTerminal, type TerminalSize } from './pseudo-terminal.ts';

export interface SubprocessRequest {
  command: readonly [string, ...string[]];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Left out: through a pipe. */
  terminal?: TerminalSize | undefined;
  /** `typed`: by `type`, in a pseudo-terminal · `own`: that of this process · `none`: it ends at once. */
  input: 'typed' | 'own' | 'none';
}

export interface ProcessEnd {
  exitCode: number | null;
  signal: string | null;
}

export interface Subprocess {
  readonly pid: number;
  /** Rejects where it could not be started: with the system's error, ENOENT and the like. */
  readonly exited: Promise<ProcessEnd>;
  /** All output was handed out: the last of those who could print has gone, or is not waited for any longer. */
  readonly drained: Promise<void>;
  pause(): void;
  resume(): void;
  /** Keys for a program in a terminal; elsewhere nothing. */
  type(keys: Uint8Array): void;
  resize(size: TerminalSize): void;
  /** To all of its process group. */
  signal(signal: NodeJS.Signals): void;
}

/** What is left running by a command that has ended may print on for so long, milliseconds, and be silent for so long. */
const LEFTOVERS = { most: 10_000, silent: 1_000 };

/** Becomes the terminal's foreground process (a session's first process does by opening it), then the command. */
const IN_TERMINAL = ': <"$0"; exec "$@"';
const MERGED = 'exec "$@" 2>&1';

/**
 * @param onOutput given blocks of their own, to keep
 * @throws AppError unavailable: there is no pseudo-terminal
 */
export function startSubprocess(
  { command, cwd, env, terminal, input }: SubprocessRequest,
  onOutput: (bytes: Uint8Array) => void,
): Subprocess {
  let lastOutputAt = performance.now();
  const heard = (bytes: Uint8Array): void => {
    lastOutputAt = performance.now();
    onOutput(bytes);
  };
  const started = terminal
    ? startInTerminal({ command, cwd, env, terminal, input }, heard)
    : startThroughPipe({ command, cwd, env, input }, heard);
  const { child, output, keys, group } = started;

  const exited = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const drained = exited
    .catch(() => undefined)
    .then(async () => {
      const exitedAt = performance.now();
      let waiting: NodeJS.Timeout | undefined;
      const given = new Promise<void>((resolve) => {
        waiting = setInterval(() => {
          const now = performance.now();
          // While nobody reads, it cannot be told whether it is silent.
          if (output.paused) lastOutputAt = now;
          const silent = now - Math.max(lastOutputAt, exitedAt) > LEFTOVERS.silent;
          if (silent || (now - exitedAt > LEFTOVERS.most && !output.paused)) resolve();
        }, 100);
      });
      await Promise.race([output.ended, given]);
      clearInterval(waiting);
      output.close();
      keys?.destroy();
    });
  drained.catch(() => undefined);

  const { pid } = child;
  return {
    pid: pid ?? 0,
    exited,
    drained,
    pause: () => output.pause(),
    resume: () => output.resume(),
    type: (bytes) => void keys?.write(bytes),
    resize: started.resize,
    signal(signal) {
      if (pid === undefined) return;
      try {
        process.kill(group ? -pid : pid, signal);
      } catch {
        // Gone already.
      }
    },
  };
}

interface Started {
  child: ChildProcess;
  output: OutputReader;
  keys?: Writable;
  /** It leads a process group. */
  group: boolean;
  resize(size: TerminalSize): void;
}

function startInTerminal(
  { command, cwd, env, terminal, input }: SubprocessRequest & { terminal: TerminalSize },
  onOutput: (bytes: Uint8Array) => void,
): Started {
  const { master, slave, path } = openPseudoTerminal(terminal);
  // The package does not open them close-on-exec. A child with the master would keep its own terminal open: it would
  // not be hung up when this process is killed, but fill the terminal and then hang. So it gets /dev/null in its place.
  const nothing = openSync('/dev/null', 'r+');
  const stdio = new Array<number | 'ignore' | 'inherit'>(Math.max(master, slave) + 1).fill('ignore');
  stdio[master] = stdio[slave] = nothing;
  stdio[0] = input === 'typed' ? slave : input === 'own' ? 'inherit' : 'ignore';
  stdio[1] = stdio[2] = slave;
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', IN_TERMINAL, path, ...command], {
      cwd,
      env: { TERM: 'xterm-256color', ...env },
      detached: true,
      stdio,
    });
  } catch (error) {
    closeSync(master);
    closeSync(slave);
    throw error;
  } finally {
    closeSync(nothing);
  }
  // Not before it has gone: coreutils close their outputs before they exit, and where the terminal was held by them alone it
  // would end for us with that, we would close our side, and hang up a program that is about to exit with 0.
  const release = (): void => {
    if (slaveIsOpen) closeSync(slave);
    slaveIsOpen = false;
  };
  let slaveIsOpen = true;
  child.once('exit', release);
  child.once('error', release);
  const output = readOutput(master, 'terminal', onOutput);
  const keys = input === 'typed' ? keysOf(master, output) : undefined;
  return {
    child,
    output,
    group: true,
    ...(keys ? { keys } : {}),
    resize(size) {
      if (!output.closed) resizePseudoTerminal(master, size);
    },
  };
}

/**
 * What is typed into a terminal. Its master is the reader's to close, once: the next file that is opened gets the same number,
 * and would be closed, or typed into, in its place. Destroyed streams close theirs, whatever `autoClose` says.
 */
function keysOf(master: number, output: OutputReader): Writable {
  const own = {
    write: ((fd, bytes, from, length, at, done) =>
      output.closed
        ? done?.(new Error('the terminal is closed'), 0, bytes)
        : write(fd, bytes, from, length, at, done)) as typeof write,
    close: (_: number, done: (error?: Error | null) => void) => done(),
  };
  const keys = createWriteStream('', { fd: master, autoClose: false, fs: own as { write: typeof write } });
  return keys.on('error', () => undefined);
}

function startThroughPipe(
  { command, cwd, env, input }: Omit<SubprocessRequest, 'terminal'>,
  onOutput: (bytes: Uint8Array) => void,
): Started {
  // Of a terminal that people type in only the foreground group may read.
  const detached = !(input === 'own' && process.stdin.isTTY);
  const stdin = input === 'own' ? 'inherit' : 'ignore';
  const options = { cwd, env, detached };
  const [program, ...args] = command;
  const pipe = openPipe();
  if (pipe) {
    let child: ChildProcess;
    try {
      child = spawn(program, args, { ...options, stdio: [stdin, pipe.write, pipe.write] });
    } finally {
      closeSync(pipe.write);
    }
    const output = readOutput(pipe.read, 'pipe', onOutput);
    return { child, output, group: detached, resize: () => undefined };
  }
  const child = spawn('/bin/sh', ['-c', MERGED, program, ...command], {
    ...options,
    stdio: [stdin, 'pipe', 'ignore'],
  });
  const stream = child.stdout!;
  stream.on('data', onOutput);
  return { child, output: readerOf(stream), group: detached, resize: () => undefined };
}

/**
 * A real pipe, by way of a named one. What Node itself gives a child is a socket, of which there is one for each of the two
 * streams, and a program that opens /dev/stdout or /dev/stderr fails on it.
 * @returns undefined where no file can be made, on a full disk for one
 */
function openPipe(): { read: number; write: number } | undefined {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-run-'));
    const path = join(folder, 'output');
    execFileSync('mkfifo', ['-m', '600', path], { stdio: 'ignore' });
    const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { read, write: openSync(path, constants.O_WRONLY) };
  } catch {
    return undefined;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
