/** Secrets in addresses: `user:password@`, a token before the `@`, and addresses that are a secret as a whole. */
import type { Span } from './span.ts';

/** What may follow the colon and two slashes of an address; the rest ends it. A run of backslashes is read once. */
const ADDRESS_END = /[\s"'`<>|]|(?<!\\)\\+[nrt"']/;
/** A host with a port, after the `@`. */
const HOST =
  /(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.%]{2,45}\])(?::\d{1,5})?(?=$|[/?#,;)\]}\s"'`<>|\\&])/y;
/** Schemes in whose addresses an `@` stands before a host alone. */
const DATABASE =
  /^(?:postgres|postgresql|psql|pgsql|mysql|mariadb|mssql|sqlserver|oracle|db2|mongodb|redis|rediss|valkey|amqp|amqps|nats|kafka|clickhouse|cockroachdb|snowflake|redshift|ldap|ldaps|smtp|smtps|imap|imaps|ftp|ftps|sftp|cassandra|neo4j|bolt|influxdb|memcached|couchdb|elasticsearch|opensearch)(?:\+|$)/i;

const SLASH = String.raw`\\?/`;
const WEBHOOKS = [
  `hooks\\.slack(?:-gov)?\\.com${SLASH}[a-z]{1,20}${SLASH}`,
  `discord(?:app)?\\.com${SLASH}api${SLASH}(?:v\\d{1,2}${SLASH})?webhooks${SLASH}\\d{5,25}${SLASH}`,
  `[a-z0-9-]{1,63}\\.webhook\\.office\\.com${SLASH}webhook[a-z0-9]{0,3}${SLASH}`,
  `outlook\\.office(?:365)?\\.com${SLASH}webhook${SLASH}`,
  `hooks\\.zapier\\.com${SLASH}hooks${SLASH}catch${SLASH}`,
  `hook\\.[a-z0-9]{2,6}\\.make\\.com${SLASH}`,
  `maker\\.ifttt\\.com${SLASH}trigger${SLASH}[^/\\s]{1,80}${SLASH}(?:json${SLASH})?with${SLASH}key${SLASH}`,
  `events\\.pagerduty\\.com${SLASH}integration${SLASH}`,
  `open\\.(?:feishu\\.cn|larksuite\\.com)${SLASH}open-apis${SLASH}bot${SLASH}v2${SLASH}hook${SLASH}`,
  `qyapi\\.weixin\\.qq\\.com${SLASH}cgi-bin${SLASH}webhook${SLASH}send\\?key=`,
  `hc-ping\\.com${SLASH}`,
  // Mattermost, Rocket.Chat and others on a host of one's own.
  `${SLASH}hooks${SLASH}(?=[A-Za-z0-9]{17,64}(?:[/\\\\\\s"'\`<>]|$))`,
];
const WEBHOOK = new RegExp(`(?:${WEBHOOKS.join('|')})(?!\\[masked\\])([A-Za-z0-9@._~%?=&/-]{8,})`, 'gi');

export function findUrlSecrets(text: string): Span[] {
  const spans: Span[] = [];
  for (const match of text.matchAll(WEBHOOK)) {
    const stop = match.index + match[0].length;
    spans.push({ start: stop - match[1]!.length, stop });
  }
  let colon = text.indexOf('://');
  while (colon >= 0) {
    const next = text.indexOf('://', colon + 3);
    const start = colon + 3;
    // Of an address inside another one's query the outer one ends where the inner one's scheme begins.
    const limit = next < 0 ? text.length : next;
    const stop = endWithin(text, start, limit);
    const secret = credentials(text.slice(start, stop), schemeBefore(text, colon));
    if (secret) spans.push({ start: start + secret.start, stop: start + secret.stop });
    colon = next;
  }
  return spans;
}

/** Stops at `limit`, so that every character is read only once. */
function endWithin(text: string, start: number, limit: number): number {
  const length = text.slice(start, limit).search(ADDRESS_END);
  return length < 0 ? limit : start + length;
}

function schemeBefore(text: string, colon: number): string {
  return /[A-Za-z][A-Za-z0-9+.-]{0,30}$/.exec(text.slice(Math.max(0, colon - 31), colon))?.[0] ?? '';
}

/** @param address without its scheme: `user:password@host:port/path?query` */
function credentials(address: string, scheme: string): Span | undefined {
  if (scheme === '' || !address.includes('@')) return undefined;
  const path = address.search(/[/?#]/);
  const authority = path < 0 ? address : address.slice(0, path);
  const colon = authority.indexOf(':');
  const at = credentialsEnd(address, authority, colon, DATABASE.test(scheme));
  if (at < 0) return undefined;
  // A token alone before the `@`; a plain user name stays.
  if (colon < 0 || colon > at)
    return /^[A-Za-z0-9_~.%=+-]{20,}$/.test(address.slice(0, at)) &&
      !/^[a-z]+(?:[._-][a-z]+)*$/.test(address.slice(0, at))
      ? { start: 0, stop: at }
      : undefined;
  // A long token as the user, with or without something behind the colon.
  const start = /^[A-Za-z0-9_-]{20,}$/.test(address.slice(0, colon)) ? 0 : colon + 1;
  return start < at ? { start, stop: at } : undefined;
}

/** Index of the `@` before the host; a password may hold `/`, `?`, `#` and `@` that nobody has escaped. */
function credentialsEnd(address: string, authority: string, colon: number, database: boolean): number {
  const inAuthority = authority.lastIndexOf('@');
  if (!database && inAuthority >= 0) return inAuthority;
  if (colon < 0 || authority[0] === '@') return inAuthority;
  // `host:8080/@somebody` is a path.
  const beforePath = authority.slice(colon + 1);
  if (inAuthority < 0 && !database && /^\d{0,5}$/.test(beforePath)) return -1;
  for (let at = address.lastIndexOf('@'); at > inAuthority; at = address.lastIndexOf('@', at - 1)) {
    HOST.lastIndex = at + 1;
    if (HOST.test(address)) return at;
  }
  return inAuthority;
}
