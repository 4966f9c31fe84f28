/** Requests in, answers out: bodies, JSON, and the refusal of anything that does not come from this machine. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, type Json } from '../block-kit/schema.ts';

/** No JSON or form request of Slack's API comes near it; file bytes go another way. */
const MAX_BODY = 10 * 1024 * 1024;

/** An answer other than success, for the sandbox's own endpoints. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  /** Slack-style code. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY)
      throw new HttpError(413, 'request_too_large', `A request may have ${MAX_BODY} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}

/** Query, form and JSON arguments as one object; a later source wins. */
export async function readArguments(request: IncomingMessage, query: URLSearchParams): Promise<Json> {
  const args: Json = Object.fromEntries(query);
  if (request.method !== 'POST') return args;
  const body = await readBody(request);
  const type = request.headers['content-type'] ?? '';
  if (type.includes('application/json')) {
    const parsed = parseJson(body === '' ? '{}' : body);
    if (!isObject(parsed)) throw new HttpError(200, 'invalid_json', 'The body must be one JSON object.');
    return { ...args, ...parsed };
  }
  if (type.includes('multipart/form-data')) return { ...args, ...multipartFields(body, type) };
  return { ...args, ...Object.fromEntries(new URLSearchParams(body)) };
}

/** @returns undefined when the text is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Plain fields only, as some clients send their arguments. */
function multipartFields(body: string, type: string): Json {
  const boundary = multipartBoundary(type);
  const fields: Json = {};
  if (boundary === undefined) return fields;
  for (const part of body.split(`--${boundary}`)) {
    const [head, ...rest] = part.split('\r\n\r\n');
    const name = /name="([^"]*)"/.exec(head ?? '')?.[1];
    if (name !== undefined && name !== '__proto__') fields[name] = rest.join('\r\n\r\n').replace(/\r\n$/, '');
  }
  return fields;
}

export const multipartBoundary = (type: string): string | undefined =>
  /boundary="?([^";]+)"?/.exec(type)?.slice(1, 2)[0];

const LOCAL_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Whether a request was made to this machine by name of this machine. A page elsewhere whose host name was made
 * to point here (DNS rebinding) still sends its own name in Host and Origin.
 */
export function isLocal(request: IncomingMessage): boolean {
  return isLocalUrl(`http://${request.headers.host ?? ''}`) && isLocalOrigin(request.headers.origin);
}

const isLocalOrigin = (origin: string | undefined): boolean => origin === undefined || isLocalUrl(origin);

function isLocalUrl(url: string): boolean {
  return URL.canParse(url) && LOCAL_HOSTS.has(new URL(url).hostname);
}
