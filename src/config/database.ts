/** The database that several instances share; without one, the state is in the data folder. */
import { type Environment, set, variable } from './environment.ts';
import type { ConfigProblem } from './problems.ts';

export interface DatabaseConfig {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Connections at most for the store of one instance. */
  poolSize: number;
}

const DATABASE_URL = 'DATABASE_URL';
const POOL_SIZE = 'DATABASE_POOL_SIZE';
const DEFAULT_POOL_SIZE = 10;
const LARGEST_POOL = 200;

export function readDatabase(env: Environment, problems: ConfigProblem[]): DatabaseConfig | undefined {
  const url = set(env, DATABASE_URL);
  const given = set(env, POOL_SIZE);
  const poolSize = given === undefined ? DEFAULT_POOL_SIZE : Number(given);
  if (given !== undefined && (!/^\d+$/.test(given) || poolSize < 1 || poolSize > LARGEST_POOL))
    problems.push(
      variable(POOL_SIZE, `a number from 1 to ${LARGEST_POOL}`, given, String(DEFAULT_POOL_SIZE)),
    );
  if (url === undefined) return undefined;
  const wrong = problemOf(url);
  if (wrong)
    // Never the value itself: there is a password in it.
    problems.push({
      key: DATABASE_URL,
      message: `${DATABASE_URL} (environment): expected the URL of a PostgreSQL database, but ${wrong}. Example: ${DATABASE_URL}=postgres://signalbox:…@db.example.com:5432/signalbox`,
    });
  return { url, poolSize };
}

function problemOf(url: string): string | undefined {
  const written = 'in a password, @ is written %40, / is %2F and # is %23';
  if (!URL.canParse(url)) return `got ${url.length} characters that are no URL (${written})`;
  const { protocol, pathname, hash } = new URL(url);
  if (!/^postgres(?:ql)?:$/.test(protocol)) return `it begins with ${protocol}//`;
  if (hash !== '' || pathname.includes('@')) return `a part of it is in the wrong place (${written})`;
  if (pathname.length < 2) return 'it names no database behind the host';
  return undefined;
}

/** What must not reach a log: the URL as it is, and the password in it, as it is written there and as it is. */
export function databaseSecrets({ url }: Pick<DatabaseConfig, 'url'>): string[] {
  const { password } = new URL(url);
  return [url, ...(password === '' ? [] : [password, decoded(password)])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
