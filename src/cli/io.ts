/** A subcommand's outside world, so that tests can replace it. */
import type { Writable } from 'node:stream';
import type { Environment } from '../config.ts';

export interface CliIo {
  /** Only results, for scripts. */
  stdout: Writable;
  /** Progress, remarks and errors. */
  stderr: Writable & { isTTY?: boolean };
  env: Environment;
  cwd: string;
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal;
  /** From now on the subcommand hears this process's signals by itself; left out where there are none. */
  ownSignals?: (() => void) | undefined;
}

export function line(stream: Writable, text = ''): void {
  stream.write(`${text}\n`);
}
