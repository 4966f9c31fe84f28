/**
 * The process that captures one run of a runner. It lives by itself: the runner may be stopped, killed or replaced
 * meanwhile, and finds what became of the run in its folder.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, toAppError } from '../ground/errors.ts';
import { type CapturedProcess, captureRun } from './capture.ts';
import { openFileRunLogs } from './file-run-logs.ts';
import { NOTES, processIdOf, readRunFile, TIMES, writeRunFile } from './run-records.ts';
import { RunTimes } from './run-times.ts';

export interface CapturedRunOptions {
  /** The run's own, with its request in it. */
  folder: string;
  /** Of all logs. */
  logsFolder: string;
  /** The training's environment. */
  env: NodeJS.ProcessEnv;
  /** Aborted: the run is to end. */
  signal: AbortSignal;
}

/** @throws AppError not_found: no request there · conflict: another process captures it, or it was given up */
export async function runCaptured({ folder, logsFolder, env, signal }: CapturedRunOptions): Promise<void> {
  const request = await readRunFile(folder, 'request');
  if (!request) throw new AppError('not_found', `There is no run in ${folder}.`);
  if (!(await writeRunFile(folder, 'capture', await processIdOf(process.pid))))
    throw new AppError('conflict', `The run ${request.id} is captured by another process, or was given up.`);
  const note = (text: string): void => {
    try {
      appendFileSync(join(folder, NOTES), `${text}\n`, { mode: 0o600 });
    } catch {
      // A full disk: then that is the reason.
    }
  };
  const clock = { now: Date.now };
  const logs = await openFileRunLogs({ folder: logsFolder, clock, cap: request.cap, tidies: false });
  // Written before the runner looks for the process to tell, so that one of the two sees the other.
  if (await readRunFile(folder, 'cancel')) {
    await logs.create(request.id);
    await logs.finish(request.id, { state: 'stopped', exitCode: null, signal: null, at: clock.now() });
    await logs.close();
    return;
  }
  const times = await RunTimes.open(join(folder, TIMES), request.createdAt).catch(() => undefined);
  let training: CapturedProcess | undefined;
  let stopping: Promise<void> | undefined;
  /** Its process is recorded before any of its output, so that anybody who sees output can cancel it. */
  let recorded: Promise<unknown> = Promise.resolve();
  const stop = (): void => {
    if (training) stopping ??= training.stop(request.graceMs);
  };
  signal.addEventListener('abort', stop);
  try {
    const { id, command, cwd, terminal } = request;
    const end = await captureRun({
      ...{ id, command, cwd, env, terminal, clock, onNote: note },
      store: {
        create: (run) => logs.create(run),
        info: (run) => logs.info(run),
        finish: async (run, how) => {
          // Before the log says so: then nothing of it changes any more.
          await recorded;
          await times?.close();
          return await logs.finish(run, how);
        },
        skip: (run, from, to) => logs.skip(run, from, to),
        async append(run, offset, bytes) {
          await recorded;
          const info = await logs.append(run, offset, bytes);
          times?.note(clock.now(), info.size);
          return info;
        },
      },
      onStart(process) {
        training = process;
        recorded = processIdOf(process.pid)
          .then((who) => writeRunFile(folder, 'training', { ...who, at: clock.now() }))
          .catch((error: unknown) => note(toAppError(error).message));
        if (signal.aborted) stop();
      },
    });
    await stopping;
    await writeRunFile(folder, 'end', end).catch((error: unknown) => note(toAppError(error).message));
  } finally {
    signal.removeEventListener('abort', stop);
    await logs.close();
  }
}
