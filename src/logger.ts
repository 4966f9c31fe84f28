/** The bot's own log: JSON lines by pino. Whatever is logged, secrets leave it masked. */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { MASK, maskSecrets } from './domain/mask-secrets.ts';
import { AppError } from './ground/errors.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  level: string;
  /** Values that are masked wherever they stand: the tokens in use. */
  secrets?: readonly string[];
  /** Default: standard error, so that standard output stays for results. */
  destination?: DestinationStream;
}

/** Each secret also as JSON and an address write it. Short values would blank half the log; a real secret is longer. */
function spellingsOf(secrets: readonly string[]): string[] {
  return secrets
    .filter((secret) => secret.length >= 8)
    .flatMap((secret) => [
      ...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]),
    ]);
}

/**
 * A line of the log without secrets.
 * @param line JSON, and JSON afterwards
 * @param spellings masked wherever they stand
 */
function maskLine(line: string, spellings: readonly string[]): string {
  let masked = line;
  for (const spelling of spellings) masked = masked.replaceAll(spelling, MASK);
  // Its members are named by us: the name alone is enough.
  return maskSecrets(masked, { trustNames: true });
}

export function createLogger(options: LoggerOptions): Logger {
  const spellings = spellingsOf(options.secrets ?? []);
  const destination = options.destination ?? process.stderr;
  return pino(
    {
      level: options.level,
      base: undefined, // One process: its id and host name say nothing.
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
    },
    { write: (line: string) => void destination.write(maskLine(line, spellings)) },
  );
}

/**
 * What the process warns of (deprecations, leaks it suspects) becomes a line of this log, in place of Node's own text
 * between the lines of JSON. @returns what gives the warnings back to Node
 */
export function logProcessWarnings(logger: Logger): () => void {
  const before = process.listeners('warning');
  const log = (warning: Error): void => logger.warn({ err: warning }, 'a warning of the process');
  process.removeAllListeners('warning').on('warning', log);
  return () => {
    process.off('warning', log);
    for (const listener of before) process.on('warning', listener);
  };
}

/** The reference stands with the cause and its stack: what a user quotes is found here. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    type: error.name,
    message: error.message,
    ...(error instanceof AppError
      ? { code: error.code, ref: error.ref, hint: error.hint, adminHint: error.adminHint }
      : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
