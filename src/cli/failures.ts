/** Failures on the command line. */
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

/** What shells report for a program ended by Ctrl-C. */
const EXIT_CANCELLED = 130;

/** Prints what failed, why, what to do and the reference. @returns the exit code */
export function reportFailure(thrown: unknown, io: Pick<CliIo, 'stderr'>, debug: boolean): number {
  if (thrown instanceof CancelledError) {
    line(io.stderr, 'cancelled');
    return EXIT_CANCELLED;
  }
  const error = toAppError(thrown);
  line(io.stderr, `error: ${maskSecrets(error.message)}`);
  const unexpected = error !== thrown;
  // `toAppError` refers to a log, which the command line does not have.
  const hint =
    unexpected && !debug ? 'Run it again with SIGNALBOX_DEBUG=1 to see where it came from.' : error.hint;
  if (hint) line(io.stderr, indent(hint));
  // Whoever runs the command line holds the credentials, so nothing is withheld.
  if (error.adminHint) line(io.stderr, indent(error.adminHint));
  line(io.stderr, `  reference: ${error.ref}`);
  if (debug) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      line(io.stderr, indent(cause.stack ?? String(cause)));
  }
  return EXIT_CODES[error.code];
}

const indent = (text: string): string => maskSecrets(text).replace(/^/gm, '  ');
