/**
 * Captures a run: starts its command, shows what it prints and keeps it in a store, byte by byte. The command comes first:
 * whatever happens to the store or to the viewer, it runs on, and at worst its log has a gap.
 */

import { constants } from 'node:os';
import type { RunEnd } from '../domain/runs.ts';
import { toAppError } from '../ground/errors.ts';
import { grouped } from '../ground/numbers.ts';
import { inTime, pause } from '../ground/pause.ts';
import { processesOfSession } from '../ground/processes.ts';
import type { Clock } from '../ground/time.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';
import { CaptureBuffer } from './capture-buffer.ts';
import { commandProblem } from './commands.ts';
import { checkPseudoTerminal, type TerminalSize } from './pseudo-terminal.ts';
import { Screening, type Show } from './show-through.ts';
import { type ProcessEnd, type Subprocess, startSubprocess } from './subprocess.ts';

export interface CaptureRequest {
  /** Only this process writes the run's log there. */
  store: Pick<RunLogStore, 'create' | 'append' | 'skip' | 'info' | 'finish'>;
  /** Of a log that has not ended; it is made if need be, and what is printed goes behind what it has. */
  id: string;
  command: readonly [string, ...string[]];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** `pty` becomes `pipe`, with a note, where there is no pseudo-terminal. */
  terminal: 'pty' | 'pipe';
  /** Of the pseudo-terminal; default 120 × 30. */
  size?: TerminalSize | undefined;
  /** `typed`: by `type`, in a pseudo-terminal · `own`: that of this process · `none` (default): it ends at once. */
  input?: 'typed' | 'own' | 'none' | undefined;
  clock: Clock;
  /** Also gets what is printed; left out: it is shown to nobody. */
  show?: Show | undefined;
  /** Called as soon as the process exists; not at all if it could not be started. */
  onStart?: ((run: CapturedProcess) => void) | undefined;
  /** Sentences for whoever started it: what went wrong with the log, and what was done instead. */
  onNote?: ((text: string) => void) | undefined;
}

/** The process that is captured, which leads a group of its own (not in a pipe while people type in this terminal). */
export interface CapturedProcess extends Pick<Subprocess, 'pid' | 'type' | 'resize'> {
  /** To all of its process group. After one that asks to end (INT, TERM, HUP, QUIT, KILL) the run counts as stopped. */
  signal(signal: NodeJS.Signals): void;
  /**
   * TERM to the whole group; KILL to all that is left of it, and of its session, after the grace.
   * @param grace milliseconds
   */
  stop(grace: number): Promise<void>;
}

const SIZE: TerminalSize = { columns: 120, rows: 30 };
/** How long a log or a viewer that cannot keep up holds the command up before bytes are given up instead, milliseconds. */
const PATIENCE = 2_000;
/** How long a store that fails is asked again after the command has ended. */
const LAST_TRIES = 5_000;
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGKILL'];
const STOPPED_BY: readonly (string | null)[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Resolves when the command has ended and its log is finished, or the store has been asked for long enough.
 * @returns how it ended: 127 and 126 for a command that is not found or may not be run, as a shell says
 * @throws whatever the store's `create` throws: nothing was started then
 */
export async function captureRun(request: CaptureRequest): Promise<RunEnd> {
  const { store, id, command, cwd, env, clock, onNote } = request;
  const { size } = await store.create(id);
  const log = new CaptureBuffer({
    logs: store,
    id,
    offset: size,
    onChange: () => flow.look(),
    onTrouble: (error) => onNote?.(troubleNote(error)),
  });
  const screen = request.show ? new Screening(request.show, () => flow.look()) : undefined;
  const flow = new Flow(() => log.crowded || screen?.crowded === true);
  const put = (bytes: Uint8Array): void => {
    log.write(bytes);
    screen?.write(bytes);
  };
  const say = (words: string): void => put(Buffer.from(`signalbox: ${words}\n`));

  let stopped = false;
  const problem = commandProblem(command, { cwd, path: env.PATH });
  let end: ProcessEnd;
  if (problem) {
    say(problem.message);
    end = { exitCode: problem.exitCode, signal: null };
  } else {
    const process = startSubprocess(
      { command, cwd, env, terminal: terminalOf(request), input: request.input ?? 'none' },
      (bytes) => {
        put(bytes);
        flow.look();
      },
    );
    flow.source = process;
    if (process.pid > 0)
      request.onStart?.(
        controls(process, () => {
          stopped = true;
        }),
      );
    end = await process.exited.catch((error: unknown) => {
      say(`${command[0]} could not be started: ${(error as Error).message}`);
      return { exitCode: 126, signal: null };
    });
    await process.drained;
  }
  flow.stop();
  const { exitCode, signal } = end;
  const state =
    exitCode === 0 && !stopped ? 'completed' : stopped || STOPPED_BY.includes(signal) ? 'stopped' : 'failed';
  const runEnd: RunEnd = { state, exitCode, signal, at: clock.now() };
  await finish(request, log, runEnd);
  await screen?.flush();
  return runEnd;
}

/** @returns what a shell would report: 128 + n after a signal, -1 never */
export function shellExitCode({ exitCode, signal }: Pick<RunEnd, 'exitCode' | 'signal'>): number {
  if (exitCode !== null) return exitCode;
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

function terminalOf({ terminal, size = SIZE, onNote }: CaptureRequest): TerminalSize | undefined {
  if (terminal === 'pipe') return undefined;
  try {
    checkPseudoTerminal();
    return size;
  } catch (error) {
    const { message, hint } = toAppError(error);
    onNote?.(`${message} The output is captured through a pipe instead. ${hint ?? ''}`.trimEnd());
    return undefined;
  }
}

async function finish({ store, id, onNote }: CaptureRequest, log: CaptureBuffer, end: RunEnd): Promise<void> {
  await log.flush(LAST_TRIES);
  log.close();
  if (log.refused) return;
  try {
    const { size } = (await store.info(id)) ?? { size: log.size };
    if (size < log.size) await store.skip(id, size, log.size);
    const { gaps } = await store.finish(id, end);
    const missing = gaps.reduce((sum, { from, to, reason }) => sum + (reason === 'lost' ? to - from : 0), 0);
    if (missing > 0) onNote?.(`${grouped(missing)} bytes are missing from the log; it shows where.`);
  } catch (error) {
    onNote?.(`The end of the log could not be recorded: ${toAppError(error).message}`);
  }
}

function troubleNote(error: unknown): string {
  const { code, message, hint } = toAppError(error);
  return code === 'conflict'
    ? `The log cannot be kept any more: ${message} The command runs on.`
    : `The log cannot be written: ${message} The command runs on; what does not fit in memory meanwhile will be a gap. ${hint ?? ''}`.trimEnd();
}

function controls(process: Subprocess, onStop: () => void): CapturedProcess {
  const signal = (name: NodeJS.Signals): void => {
    if (ENDING.includes(name)) onStop();
    process.signal(name);
  };
  return {
    pid: process.pid,
    type: (keys) => process.type(keys),
    resize: (size) => process.resize(size),
    signal,
    async stop(grace) {
      signal('SIGTERM');
      const gone = process.exited.catch(() => undefined).then(() => true);
      if (!(await inTime(grace, gone))) signal('SIGKILL');
      await gone;
      await pause(0);
      for (const pid of await processesOfSession(process.pid)) kill(pid);
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Holds the source up while a reader cannot keep up, but never for long. */
class Flow {
  source: Pick<Subprocess, 'pause' | 'resume'> | undefined;
  readonly #isCrowded: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #impatient = false;

  constructor(isCrowded: () => boolean) {
    this.#isCrowded = isCrowded;
  }

  look(): void {
    if (!this.#isCrowded()) {
      this.#impatient = false;
      if (this.#timer) this.#letGo();
      return;
    }
    if (this.#timer || this.#impatient || !this.source) return;
    this.source.pause();
    this.#timer = setTimeout(() => {
      this.#impatient = true;
      this.#letGo();
    }, PATIENCE);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #letGo(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.source?.resume();
  }
}
