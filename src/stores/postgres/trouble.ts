/** What PostgreSQL and its driver report: what can be done about each, and how it is told. */
import { AppError } from '../../ground/errors.ts';
import { systemCode } from '../../ground/files.ts';

/**
 * - `again`: two transactions were in each other's way, and this one was taken back: the same once more.
 * - `away`: it cannot be reached now; nobody knows what became of a commit that was under way.
 * - `crowded`: no connection is free, of the server's or of this instance's own.
 * - `refused`: it answers, and takes this from nobody, or not from us: somebody has to put something right.
 */
export type Trouble = 'again' | 'away' | 'crowded' | 'refused';

/** SQLSTATE, or its class (the first two characters). */
const STATES: Readonly<Record<string, Trouble>> = {
  '40001': 'again', // serialization_failure
  '40P01': 'again', // deadlock_detected
  '08': 'away', // connection exceptions
  '25P03': 'away', // idle_in_transaction_session_timeout
  '53300': 'crowded', // too_many_connections
  '57P01': 'away', // admin_shutdown
  '57P02': 'away', // crash_shutdown
  '57P03': 'away', // cannot_connect_now
  '57P04': 'refused', // database_dropped
  '57P05': 'away', // idle_session_timeout
  '57014': 'away', // query_canceled: the statement timeout
  '25006': 'refused', // read_only_sql_transaction
  '28': 'refused', // wrong password, no such user, not let in
  '3D000': 'refused', // no such database
  '42501': 'refused', // insufficient_privilege
  '42P01': 'refused', // undefined_table: of an older version
  '53': 'refused', // disk full, out of memory
  '58': 'refused', // the server's own files
};

const SYSTEM = [
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
];

/** Node's codes for a certificate that it does not accept: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /^(?:CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA$|ERR_TLS_CERT_)/;
/** The driver's words for one that speaks no TLS, or no longer. */
const NO_TLS = /SSL connection/;

/** The driver's own errors have no code. */
const DRIVER =
  /^(?:Connection terminated|timeout (?:expired|exceeded)|Query read timeout|Client (?:was closed|has encountered a connection error|is closed)|Cannot use a pool)/;

/** No connection of the pool became free in time. */
const isPoolBusy = (error: unknown): boolean =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect';

/** @returns undefined: no trouble of the database, but of the statement or of Signalbox */
export function troubleOf(error: unknown): Trouble | undefined {
  if (isPoolBusy(error)) return 'crowded';
  const code = sqlState(error);
  if (code !== undefined) return STATES[code] ?? STATES[code.slice(0, 2)];
  const system = systemCode(error) ?? systemCode((error as { errors?: unknown[] } | null)?.errors?.[0]);
  if (system !== undefined && SYSTEM.includes(system)) return 'away';
  if (isTls(error)) return 'refused';
  return error instanceof Error && DRIVER.test(error.message) ? 'away' : undefined;
}

/** There is no encrypted connection as DATABASE_URL asks for it. */
function isTls(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === 'string' && CERTIFICATE.test(code)) || NO_TLS.test(String(message));
}

/** The five characters of PostgreSQL's own errors. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object)
    ? code
    : undefined;
}

const isOfDatabase = (error: unknown): boolean =>
  !(error instanceof Error) || troubleOf(error) !== undefined || sqlState(error) !== undefined;

/**
 * For whoever runs Signalbox, at its start.
 * @param place of the database, in words, without its password: `db.example.com:5432/signalbox`
 * @returns the error itself if it is none of the database's
 */
export function storeError(error: unknown, place: string): Error {
  if (!isOfDatabase(error)) return error as Error;
  const [message, hint] = wordsFor(error, place);
  return new AppError(troubleOf(error) === undefined ? 'internal' : 'unavailable', message, {
    hint,
    cause: error,
  });
}

/**
 * For whoever asked for something of a Signalbox that runs: where its database is, and what it says, concerns admins
 * only.
 * @param place as of `storeError`
 * @returns the error itself if it is none of the database's
 */
export function requestError(error: unknown, place: string): Error {
  if (!isOfDatabase(error)) return error as Error;
  const trouble = troubleOf(error);
  const [message, hint] =
    trouble === undefined
      ? ['Signalbox’s database refused a statement.', 'Give the reference to whoever runs Signalbox.']
      : trouble === 'refused'
        ? ['Signalbox’s database stores nothing now.', 'If it stays so, tell whoever runs Signalbox.']
        : ['Signalbox’s database does not answer now.', 'Try again in a minute.'];
  const adminHint = wordsFor(error, place).join(' ');
  return new AppError(trouble === undefined ? 'internal' : 'unavailable', message, {
    ...{ hint, adminHint, cause: error },
  });
}

function wordsFor(error: unknown, place: string): [message: string, hint: string] {
  const said = error instanceof Error && error.message !== '' ? error.message : (systemCode(error) ?? '');
  const state = sqlState(error);
  switch (state) {
    case '28P01':
    case '28000':
      if (/no encryption$/.test(said))
        return [
          `The database ${place} does not let Signalbox in: ${said}.`,
          'It may take encrypted connections only: add ?sslmode=verify-full to DATABASE_URL, and sslrootcert=<file> where its certificate is not one that everybody knows. Otherwise see pg_hba.conf on the server.',
        ];
      return [
        `The database ${place} does not let Signalbox in: ${said}.`,
        'Check the user and the password in DATABASE_URL (characters such as @ and / are written %40 and %2F in it), and pg_hba.conf on the server.',
      ];
    case '3D000':
      return [
        `The database ${place} does not exist.`,
        'Make it with `createdb`, or correct the name at the end of DATABASE_URL.',
      ];
    case '25006':
      return [
        `The database ${place} is read-only: nothing can be stored.`,
        'It may be a standby, or just taking over. Signalbox goes on by itself once it can write; point DATABASE_URL to the primary if it never does.',
      ];
    case '53300':
      return [
        `The database ${place} has no connection free.`,
        'Signalbox goes on once it has. Raise max_connections on the server, or lower DATABASE_POOL_SIZE: each instance uses that many and one more.',
      ];
    case '53100':
      return [`The disk of the database ${place} is full.`, 'Make room there. Signalbox goes on by itself.'];
    case '42501':
      return [
        `The database ${place} does not allow it: ${said}.`,
        'Make the user in DATABASE_URL the owner of the database, or GRANT it CREATE there: Signalbox keeps its tables in a schema of its own, "signalbox". If another user has made that, start as that user, or make this one the owner of all in it (REASSIGN OWNED).',
      ];
    case '42P01':
      return [
        `The database ${place} has not all tables of this version: ${withoutStop(said)}.`,
        'Start the bot of this version once, or run `signalbox migrate`: both bring the tables up to date.',
      ];
    case '57014':
      return [
        `The database ${place} took too long.`,
        'See what holds it up (pg_stat_activity). Signalbox tries again with the next request.',
      ];
  }
  if (isPoolBusy(error))
    return [
      `All connections of this instance to the database ${place} are in use.`,
      'Signalbox goes on by itself. If it happens again, see what holds them up (pg_stat_activity), or raise DATABASE_POOL_SIZE.',
    ];
  if (isTls(error))
    return [
      `There is no encrypted connection to the database ${place} that can be trusted: ${withoutStop(said)}.`,
      'Check sslmode and sslrootcert in DATABASE_URL: the file must have the certificate of whoever signed the server’s, and the server’s must name the host.',
    ];
  if (troubleOf(error) !== undefined)
    return [
      `The database ${place} cannot be reached: ${withoutStop(said)}.`,
      'See that PostgreSQL runs, and that host and port in DATABASE_URL are right and can be reached from here. A running Signalbox goes on by itself once it answers.',
    ];
  return [
    `The database ${place} refused a statement: ${withoutStop(said)}.`,
    'Give the reference to whoever runs Signalbox: it is in its log.',
  ];
}

const withoutStop = (text: string): string => text.replace(/\.$/, '');
