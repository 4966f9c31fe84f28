/** `signalbox start`: runs the bot until it is asked to end. */
import { type StartOptions, startApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { untilAborted } from '../ground/pause.ts';
import { createLogger, logProcessWarnings } from '../logger.ts';
import type { StartFlags } from './flags.ts';
import type { CliIo } from './io.ts';

/** Milliseconds to wait for connections that outlive a stop. */
const LINGER_MS = 5_000;

export async function start({ only }: StartFlags, io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd, requireSlack: true });
  const logger = createLogger({ level: config.logLevel, secrets: config.secrets, destination: io.stderr });
  // An unhandled rejection is a bug, but no reason to drop what others are waiting for.
  const onRejection = (reason: unknown): void => logger.error({ err: reason }, 'unhandled rejection');
  process.on('unhandledRejection', onRejection);
  const giveBackWarnings = logProcessWarnings(logger);
  const { signal: ended, giveBack } = askedToEnd(io.signal);
  try {
    logger.info({ config: config.path, dataDir: config.dataDir }, 'starting');
    const app = await started({ config, logger, only, signal: ended });
    if (app) {
      await untilAborted(ended);
      await app.stop();
    } else logger.info('stopped before it was ready');
  } finally {
    giveBack();
    process.off('unhandledRejection', onRejection);
    giveBackWarnings();
  }
  setTimeout(() => {
    logger.warn(
      { open: process.getActiveResourcesInfo() },
      'something goes on after the stop, and is cut off',
    );
    process.exit();
  }, LINGER_MS).unref();
  return undefined;
}

/** @returns undefined if it was asked to end before it was ready */
async function started(
  options: StartOptions & { signal: AbortSignal },
): Promise<Awaited<ReturnType<typeof startApp>> | undefined> {
  try {
    return await startApp(options);
  } catch (error) {
    if (options.signal.aborted) return undefined;
    throw error;
  }
}

/** By a signal or, if a parent started it with a channel, by the parent's end. */
function askedToEnd(signal: AbortSignal): { signal: AbortSignal; giveBack: () => void } {
  const ended = new AbortController();
  const end = (): void => ended.abort(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  if (process.connected) process.once('disconnect', end);
  return {
    signal: ended.signal,
    giveBack: () => {
      signal.removeEventListener('abort', end);
      process.off('disconnect', end);
      // Listening to the parent's channel keeps the process alive.
      if (process.connected) process.disconnect();
    },
  };
}
