/**
 * AWS Signature Version 4, the checking side: the canonical request is rebuilt from what arrived
 * and signed again with the secret that belongs to the access key.
 * Rules: "Signing AWS API requests" in the IAM user guide.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AuthError } from './errors.ts';

export interface SignedRequest {
  method: string;
  /** Path and query exactly as on the wire. */
  url: string;
  headers: IncomingHttpHeaders;
  /** Undefined: it streams, and whoever reads it compares it with the hash that the request declares. */
  body: Buffer | undefined;
}

export interface SignatureClaim {
  accessKeyId: string;
  /** yyyymmdd of the credential scope. */
  date: string;
  region: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
  /** yyyymmddThhmmssZ */
  timestamp: string;
  sessionToken: string | undefined;
  /** The signature came in the query string; it is valid for so many seconds. */
  presignedFor: number | undefined;
}

/** How far the client's clock may be off, either way. */
const CLOCK_SKEW_MS = 5 * 60_000;

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/** What the request says about who signed it. @throws AuthError missing_token, incomplete */
export function readClaim(request: SignedRequest): SignatureClaim {
  const header = request.headers.authorization;
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  if (header === undefined && query.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256') return presigned(query);
  if (header === undefined) throw new AuthError('missing_token', 'Missing Authentication Token');
  if (!header.startsWith('AWS4-HMAC-SHA256')) {
    throw new AuthError(
      'incomplete',
      `Unsupported AWS 'algorithm': expected AWS4-HMAC-SHA256, got '${header.split(' ')[0]}'.`,
    );
  }
  const fields = new Map<string, string>();
  for (const part of header.slice('AWS4-HMAC-SHA256'.length).split(',')) {
    const at = part.indexOf('=');
    if (at > 0) fields.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !fields.get(name));
  if (missing.length > 0) {
    throw new AuthError(
      'incomplete',
      `${missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' ')} Authorization=${header.split(' ')[0]}`,
    );
  }
  const timestamp = single(request.headers['x-amz-date']);
  if (timestamp === undefined || !/^\d{8}T\d{6}Z$/.test(timestamp)) {
    throw new AuthError(
      'incomplete',
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  return {
    ...credentialScope(fields.get('Credential')!),
    signedHeaders: fields.get('SignedHeaders')!.split(';'),
    signature: fields.get('Signature')!,
    timestamp,
    sessionToken: single(request.headers['x-amz-security-token']),
    presignedFor: undefined,
  };
}

function presigned(query: URLSearchParams): SignatureClaim {
  const need = (name: string) => {
    const value = query.get(name);
    if (!value) throw new AuthError('incomplete', `AWS query-string parameters must include '${name}'.`);
    return value;
  };
  return {
    ...credentialScope(need('X-Amz-Credential')),
    signedHeaders: need('X-Amz-SignedHeaders').split(';'),
    signature: need('X-Amz-Signature'),
    timestamp: need('X-Amz-Date'),
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    presignedFor: Number(need('X-Amz-Expires')),
  };
}

function credentialScope(credential: string) {
  const parts = credential.split('/');
  if (parts.length !== 5 || parts[4] !== 'aws4_request') {
    throw new AuthError(
      'incomplete',
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    );
  }
  return { accessKeyId: parts[0]!, date: parts[1]!, region: parts[2]!, service: parts[3]! };
}

/** @throws AuthError bad_signature: tampered, wrong secret, wrong service, or a clock that is off */
export function verifySignature(
  request: SignedRequest,
  claim: SignatureClaim,
  secret: string,
  expectedService: string,
  now: number,
): void {
  checkTime(claim, now);
  if (claim.service !== expectedService) {
    throw new AuthError(
      'bad_signature',
      `Credential should be scoped to correct service: '${expectedService}'. `,
    );
  }
  if (claim.date !== claim.timestamp.slice(0, 8)) {
    throw new AuthError(
      'bad_signature',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.date}' != '${claim.timestamp.slice(0, 8)}', from '${claim.timestamp}'.`,
    );
  }
  if (!claim.signedHeaders.includes('host')) {
    throw new AuthError(
      'bad_signature',
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
  }
  const canonical = canonicalRequest(request, claim);
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    claim.timestamp,
    `${claim.date}/${claim.region}/${claim.service}/aws4_request`,
    sha256(canonical),
  ].join('\n');
  const wanted = createHmac('sha256', signingKey(secret, claim)).update(stringToSign).digest();
  const given = Buffer.from(claim.signature, 'hex');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new AuthError('bad_signature', MISMATCH);
  }
}

function checkTime(claim: SignatureClaim, now: number): void {
  const signedAt = parseTimestamp(claim.timestamp);
  const lifetime = claim.presignedFor === undefined ? CLOCK_SKEW_MS : claim.presignedFor * 1000;
  if (!(now - signedAt <= lifetime)) {
    throw new AuthError(
      'bad_signature',
      `Signature expired: ${claim.timestamp} is now earlier than ${formatTimestamp(now - lifetime)} (${formatTimestamp(now)} - ${Math.round(lifetime / 60_000)} min.)`,
    );
  }
  if (signedAt - now > CLOCK_SKEW_MS) {
    throw new AuthError(
      'bad_signature',
      `Signature not yet current: ${claim.timestamp} is still later than ${formatTimestamp(now + CLOCK_SKEW_MS)} (${formatTimestamp(now)} + 5 min.)`,
    );
  }
}

function canonicalRequest(request: SignedRequest, claim: SignatureClaim): string {
  const [path = '/', query = ''] = splitOnce(request.url, '?');
  const headers = claim.signedHeaders
    .map((name) => `${name}:${headerValue(request.headers, name)}\n`)
    .join('');
  return [
    request.method,
    // Every service but S3 encodes the already encoded path once more.
    claim.service === 's3' ? path : path.split('/').map(encode).join('/'),
    canonicalQuery(query),
    headers,
    claim.signedHeaders.join(';'),
    payloadHash(request, claim),
  ].join('\n');
}

function payloadHash(request: SignedRequest, claim: SignatureClaim): string {
  if (claim.presignedFor !== undefined && claim.service === 's3') return 'UNSIGNED-PAYLOAD';
  const declared = single(request.headers['x-amz-content-sha256']);
  if (request.body === undefined) return declared ?? sha256('');
  const actual = sha256(request.body);
  if (declared === undefined || declared === actual) return actual;
  if (declared === 'UNSIGNED-PAYLOAD' || declared.startsWith('STREAMING-')) return declared;
  throw new AuthError('bad_signature', MISMATCH);
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair) => splitOnce(pair, '='))
    .map(([name, value]) => [encode(decode(name)), encode(decode(value))] as const)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function headerValue(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.trim().replace(/ +/g, ' ');
}

let lastKey: { id: string; key: Buffer } | undefined;

/** Derived keys hold for a day; one client signs many requests with the same one. */
function signingKey(secret: string, claim: SignatureClaim): Buffer {
  const id = `${secret}\n${claim.date}\n${claim.region}\n${claim.service}`;
  if (lastKey?.id === id) return lastKey.key;
  let key = createHmac('sha256', `AWS4${secret}`).update(claim.date).digest();
  for (const part of [claim.region, claim.service, 'aws4_request']) {
    key = createHmac('sha256', key).update(part).digest();
  }
  lastKey = { id, key };
  return key;
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded: it is signed as it stands.
    return text;
  }
}

function parseTimestamp(text: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
}

function formatTimestamp(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}
