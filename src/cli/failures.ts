/** How the command line says that something failed. */
import { maskSecrets } from '../domain/mask-secrets.ts';
import { CancelledError, type ErrorCode, toAppError } from '../ground/errors.ts';
import { type CliIo, line } from './io.ts';

/** Scripts rely on these. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  internal: 1,
  invalid_input: 2,
  conflict: 2,
  not_found: 3,
  permission_denied: 4,
  rate_limited: 5,
  unavailable: 5,
  timeout: 5,
};

/** What a shell reports of a program that Ctrl-C ended. */
const EXIT_CANCELLED = 130;

/** Says what failed, why, what to do and the reference; @returns the exit code */
export function reportFailure(thrown: unknown, io: Pick<CliIo, 'stderr'>, debug: boolean): number {
  if (thrown instanceof CancelledError) {
    line(io.stderr, 'cancelled');
    return EXIT_CANCELLED;
  }
  const error = toAppError(thrown);
  line(io.stderr, `error: ${maskSecrets(error.message)}`);
  const unexpected = error !== thrown;
  // What `toAppError` advises is about a log, and the command line has none.
  const hint =
    unexpected && !debug ? 'Run it again with SIGNALBOX_DEBUG=1 to see where it came from.' : error.hint;
  if (hint) line(io.stderr, indent(hint));
  // Whoever runs the command line holds the credentials: details are not kept from them.
  if (error.adminHint) line(io.stderr, indent(error.adminHint));
  line(io.stderr, `  reference: ${error.ref}`);
  if (debug) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      line(io.stderr, indent(cause.stack ?? String(cause)));
  }
  return EXIT_CODES[error.code];
}

const indent = (text: string): string => maskSecrets(text).replace(/^/gm, '  ');
