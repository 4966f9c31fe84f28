/** `signalbox captured-run`: what a runner starts for each of its runs; nobody else has to. */
import { CancelledError } from '../ground/errors.ts';
import { runCaptured } from '../runs/captured-run.ts';
import type { CliIo } from './io.ts';

export async function capturedRun(
  folders: { folder: string; logsFolder: string },
  io: Pick<CliIo, 'env' | 'ownSignals'>,
): Promise<undefined> {
  const ended = new AbortController();
  // However often it is asked to end: the training has its grace, and its log an end.
  io.ownSignals?.();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => ended.abort(new CancelledError()));
  await runCaptured({ ...folders, env: io.env, signal: ended.signal });
  return undefined;
}
