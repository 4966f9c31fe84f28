/**
 * How processes ended, as texts tell it: exit codes, signals, and the reports of what launches training processes
 * (torchrun, mpirun, accelerate, SageMaker's toolkit), each of which ends with a code of its own, nearly always 1.
 */

import type { TrainingJob } from './jobs.ts';

/** One process's end. */
export interface ProcessEnd {
  /** As a shell has it: 128 + signal for a signal. */
  code: number;
  rank?: number | undefined;
  /** Index of the line that tells it. */
  line: number;
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Signals that are also known as 256 - signal (-9 in a byte is 247): no program ends with such a code on purpose. */
const CRASHES: readonly number[] = [4, 6, 7, 9, 11];

const CODE =
  /\b(?:exit(?:ed with|s with return)?[ _]?(?:code|status)|return code)\s{0,4}[:=]?\s{0,4}(-?\d{1,3})\b/gi;
/** `died with <Signals.SIGKILL: 9>`, `terminated with signal SIGKILL`, `exited on signal 9`, `Signal 9 (SIGKILL) received`, Open MPI's `Signal: Segmentation fault (11)`. */
const SIGNAL =
  /(?:\bdied with <Signals\.|\b(?:exited on|terminated (?:with|by)|killed by) signal:?\s{0,3}|\bsignal (?=\d{1,2} \(SIG)|\bSignal: [A-Z][a-z ]{2,30}\((?=\d{1,2}\))|\{(?=SIG))(?:(SIG[A-Z]{2,5})|(\d{1,2}))(?![\w.])/gi;

/** @returns 128 + signal for a signal; undefined where nobody knows */
export function exitCodeOf(exit: TrainingJob['exit']): number | undefined {
  if (exit === undefined || exit === 'lost') return undefined;
  if (exit.code !== null) return exit.code;
  const signal = SIGNALS[exit.signal ?? ''];
  return signal === undefined ? undefined : 128 + signal;
}

/**
 * The exit code that counts in SageMaker's reason: the inner one. What ran the script appends a code of its own,
 * `ExitCode -9 … , exit code: 1`.
 * @returns 128 + signal for a signal; undefined without any
 */
export function exitCodeOfReason(reason: string): number | undefined {
  const codes = codesIn(reason);
  return codes.find((code) => code > 1) ?? codes.at(-1);
}

/** All codes that a text tells, in its order; signals as 128 + signal. */
export function codesIn(text: string): number[] {
  const found: { at: number; code: number }[] = [];
  for (const match of text.matchAll(CODE)) found.push({ at: match.index, code: asShell(Number(match[1])) });
  for (const match of text.matchAll(SIGNAL)) {
    const signal = match[1] === undefined ? Number(match[2]) : SIGNALS[match[1].toUpperCase()];
    if (signal !== undefined && signal > 0) found.push({ at: match.index, code: 128 + signal });
  }
  return found.sort((a, b) => a.at - b.at).map(({ code }) => code);
}

/** The same for a signal in all the forms that it takes: -9 (Python), 247 (-9 in a byte), 137 (a shell). */
function asShell(code: number): number {
  if (code < 0) return 128 - code;
  return CRASHES.includes(256 - code) ? 384 - code : code;
}

/** A signal that ends a process by itself; SIGTERM and SIGINT come from whoever stops it. */
export function isCrash(code: number | undefined): boolean {
  return code !== undefined && code > 128 && code < 160 && code !== 143 && code !== 130;
}

const TABLE_RANK = /^\s{1,8}rank\s{1,8}:\s(\d{1,7})\b/;
const TABLE_CODE = /^\s{1,8}exitcode\s{1,8}:\s(-?\d{1,4})\b/;
const TORCHRUN = /\bfailed \(exitcode: (-?\d{1,4})\) local_rank: (\d{1,7})/;
const MPI_SIGNAL = /\bprocess rank (\d{1,7}) with PID \d+ on node \S{1,255} exited on signal (\d{1,2})/;
const MPI_CODE = /^\s{1,8}Exit code:\s{1,8}(\d{1,3})\s*$/;
const MPI_NAME = /^\s{1,8}Process name: \[\[\d+,\d+\],(\d{1,7})\]/;
const KILLED =
  /^(?:\S{0,60}(?:ba)?sh: (?:line \d+: )?)?(?:\s{0,4}\d{1,8} )?(Killed|Segmentation fault|Illegal instruction|Bus error|Aborted)(?: +\(core dumped\))?(?:\s{2,}\S.{0,400})?$/;
const KILLED_CODES: Readonly<Record<string, number>> = {
  Killed: 137,
  'Segmentation fault': 139,
  'Illegal instruction': 132,
  'Bus error': 135,
  Aborted: 134,
};
const KERNEL_OOM = /\b(?:Out of memory: Kill(?:ed)? process \d+|oom-kill:)/;

/**
 * The ends of processes that a log reports, in its order. torchrun lists all failures and calls the one with the
 * earliest second the root cause, which may be one that only lost its peer: all of them are given here.
 */
export function processEnds(lines: readonly string[]): ProcessEnd[] {
  const ends: ProcessEnd[] = [];
  let rank: number | undefined;
  for (const [line, text] of lines.entries()) {
    const named = TABLE_RANK.exec(text) ?? MPI_NAME.exec(text);
    if (named) {
      rank = Number(named[1]);
      continue;
    }
    const signal = MPI_SIGNAL.exec(text);
    if (signal) {
      ends.push({ code: 128 + Number(signal[2]), rank: Number(signal[1]), line });
      continue;
    }
    const launched = TORCHRUN.exec(text);
    if (launched) {
      // The local rank is the rank only on the first machine: the table below has the true one.
      ends.push({ code: asShell(Number(launched[1])), line });
      continue;
    }
    const listed = TABLE_CODE.exec(text) ?? MPI_CODE.exec(text);
    if (listed) {
      ends.push({ code: asShell(Number(listed[1])), rank, line });
      continue;
    }
    const word = KILLED.exec(text)?.[1];
    if (word !== undefined) {
      ends.push({ code: KILLED_CODES[word]!, line });
      continue;
    }
    if (KERNEL_OOM.test(text)) {
      ends.push({ code: 137, line });
      continue;
    }
    // Most lines tell nothing of the kind: a quick look before the long one.
    if (!/exit|signal|return code/i.test(text)) continue;
    for (const code of codesIn(text)) ends.push({ code, line });
  }
  return ends;
}
