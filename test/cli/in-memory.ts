/** The program run inside the test, with its outputs in memory. */
import { Writable } from 'node:stream';
import { runProgram } from '../../src/cli/program.ts';

export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  signal?: AbortSignal;
  isTTY?: boolean;
}

export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = memory();
  const stderr = Object.assign(memory(), { isTTY: options.isTTY ?? false });
  const exitCode = await runProgram(args, {
    stdout,
    stderr,
    env: options.env ?? {},
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    signal: options.signal ?? new AbortController().signal,
  });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function memory(): Writable & { text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return Object.assign(stream, { text: () => Buffer.concat(chunks).toString('utf8') });
}
