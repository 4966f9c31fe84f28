/** The bot's own log: JSON lines by pino. Whatever is logged, secrets leave it masked. */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { AppError } from './errors.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  level: string;
  /** Values that are masked wherever they stand: the tokens in use. */
  secrets?: readonly string[];
  /** Default: standard error, so that standard output stays for results. */
  destination?: DestinationStream;
}

const MASK = '[masked]';

/** Secrets by their look, for those that nobody configured: a token in a Slack error, a key in a job's words. */
const SECRET_SHAPES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\bxox[a-z](?:\.xox[a-z])?-[\w-]{8,}/g, MASK],
  [/\bxapp-[\w-]{8,}/g, MASK],
  [/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g, MASK],
  [/(Bearer\s+)[\w.~+/=-]{8,}/gi, `$1${MASK}`],
  [/(https:\/\/hooks\.slack\.com\/)[\w/-]+/g, `$1${MASK}`],
  [/(X-Amz-(?:Signature|Credential|Security-Token)=)[^&"\\\s]+/gi, `$1${MASK}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs, MASK],
  // JSON members whose name says it, however deep they are.
  [
    /("(?:[\w-]*(?:token|secret|password|authorization|api[_-]?key|private[_-]?key)|secretAccessKey|sessionToken|externalId)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
    `$1"${MASK}"`,
  ],
];

/** A line of the log without secrets. */
export function maskSecrets(line: string, secrets: readonly string[] = []): string {
  let masked = line;
  // Short values would blank half the log; a real secret is longer.
  for (const secret of secrets) if (secret.length >= 8) masked = masked.replaceAll(secret, MASK);
  for (const [pattern, replacement] of SECRET_SHAPES) masked = masked.replace(pattern, replacement);
  return masked;
}

export function createLogger(options: LoggerOptions): Logger {
  const secrets = options.secrets ?? [];
  const destination = options.destination ?? process.stderr;
  return pino(
    {
      level: options.level,
      base: undefined, // One process: its id and host name say nothing.
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
    },
    { write: (line: string) => void destination.write(maskSecrets(line, secrets)) },
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
