/** Pseudo-terminals: one native function, from a package that brings it built for each platform. */
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AppError } from '../ground/errors.ts';

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface PseudoTerminal {
  /** What is written on the other side is read here. */
  master: number;
  /** The program's side; closed by whoever opened it once the program has it. */
  slave: number;
  /** Of the program's side: `/dev/pts/3`. */
  path: string;
}

/** The part that is used of node-pty's binary; its own JavaScript loses what is not read when a program ends. */
interface NativePty {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
  resize(master: number, columns: number, rows: number): void;
}

let native: NativePty | undefined;

/** @throws AppError unavailable: there is none for this platform, or it was not installed */
function load(): NativePty {
  if (native) return native;
  const name = `@lydell/node-pty-${process.platform}-${process.arch}`;
  try {
    native = createRequire(import.meta.url)(`${name}/pty.node`) as NativePty;
    return native;
  } catch (error) {
    throw new AppError('unavailable', `Pseudo-terminals need the package ${name}, which cannot be loaded.`, {
      hint: `Install it (npm install ${name}), or capture through a pipe: --pipe, and terminal: false in runner.yaml.`,
      cause: error,
    });
  }
}

/** @throws AppError unavailable: see `load`, or the system has no more of them */
export function openPseudoTerminal({ columns, rows }: TerminalSize): PseudoTerminal {
  const { open } = load();
  try {
    const { master, slave, pty } = open(columns, rows);
    return { master, slave, path: pty };
  } catch (error) {
    throw new AppError('unavailable', `A pseudo-terminal cannot be opened: ${(error as Error).message}.`, {
      hint: 'Close programs that hold many terminals, or capture through a pipe: --pipe.',
      cause: error,
    });
  }
}

/** @throws AppError unavailable: runs in a terminal cannot be captured here */
export function checkPseudoTerminal(): void {
  const { master, slave } = openPseudoTerminal({ columns: 80, rows: 24 });
  closeSync(slave);
  closeSync(master);
}

export function resizePseudoTerminal(master: number, { columns, rows }: TerminalSize): void {
  load().resize(master, columns, rows);
}
