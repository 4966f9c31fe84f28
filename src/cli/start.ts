/** `signalbox start`: the bot, until it is asked to end. */
import { startApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { createLogger, logProcessWarnings } from '../logger.ts';
import type { CliIo } from './io.ts';

/** Connections that outlive a stop are not waited for longer than this, milliseconds. */
const LINGER_MS = 5_000;

export async function start(io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd, requireSlack: true });
  const logger = createLogger({ level: config.logLevel, secrets: config.secrets, destination: io.stderr });
  // A rejection that nobody awaited is a bug, but no reason to drop what others are waiting for.
  const onRejection = (reason: unknown): void => logger.error({ err: reason }, 'unhandled rejection');
  process.on('unhandledRejection', onRejection);
  const giveBackWarnings = logProcessWarnings(logger);
  try {
    logger.info({ config: config.path, dataDir: config.dataDir }, 'starting');
    const app = await startApp({ config, logger });
    await askedToEnd(io.signal);
    await app.stop();
    // Listened to, the channel to a parent keeps the process alive.
    if (process.connected) process.disconnect();
  } finally {
    process.off('unhandledRejection', onRejection);
    giveBackWarnings();
  }
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return undefined;
}

/** By a signal; or, when a parent started it with a channel, by the parent's end. */
function askedToEnd(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (process.connected) process.once('disconnect', () => resolve());
  });
}
