/**
 * Events over HTTPS, for EventBridge's API destinations: `POST /events/eventbridge` with the secret in a header. The
 * answer comes once the event is stored; after anything but 2xx, EventBridge retries (429, 5xx) or gives up.
 */
import type { IncomingMessage } from 'node:http';
import { Hono } from 'hono';
import { LARGEST_EVENT_BYTES } from '../domain/aws-events.ts';
import { AppError, HTTP_STATUS, toAppError } from '../ground/errors.ts';
import { sameSecret } from '../ground/same-secret.ts';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';
import type { IngestLog } from './handling.ts';
import type { EventIntake } from './intake.ts';

export const EVENTS_PATH = '/events/eventbridge';
export const SECRET_HEADER = 'x-signalbox-secret';

const BODY_LIMIT = LARGEST_EVENT_BYTES;
/** Milliseconds; EventBridge gives up after 5 s and retries. */
const ANSWER_WITHIN = 4_500;

export interface EventsRouteOptions {
  intake: Pick<EventIntake, 'receive'>;
  secret: string;
  log: IngestLog;
  answerWithin?: number;
}

/** For every method, so that nobody without the secret learns what is here. */
export function eventsRoutes(options: EventsRouteOptions): HttpRoutes {
  return new Hono<HttpEnv>().all(EVENTS_PATH, async (c) => {
    const { incoming } = c.env;
    return toResponse(
      incoming,
      await answer(options, incoming).catch((thrown: unknown): Answer => {
        const error = toAppError(thrown);
        options.log.error({ err: thrown, ref: error.ref }, 'an event could not be taken in');
        // A hint may name folders on this machine, so the sender only gets the reference.
        return {
          status: HTTP_STATUS[error.code],
          error: error.code,
          message: 'The event could not be stored. Send it again.',
          ref: error.ref,
          retryAfter: Math.ceil((error.retryAfterMs ?? 30_000) / 1000),
        };
      }),
    );
  });
}

interface Answer {
  status: number;
  message: string;
  error?: string;
  ref?: string;
  retryAfter?: number;
}

async function answer(options: EventsRouteOptions, request: IncomingMessage): Promise<Answer> {
  const refused = refusal(options, request);
  if (refused) return refused;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), options.answerWithin ?? ANSWER_WITHIN);
  try {
    const body = await readBody(request, late.signal);
    if (body === undefined)
      return { status: 413, error: 'too_large', message: `Expected at most ${BODY_LIMIT} bytes.` };
    const receipt = await Promise.race([options.intake.receive(body, 'https'), expired(late.signal)]);
    // Set aside is final: a retry would not help.
    return { status: receipt === 'stored' ? 202 : 200, message: receipt };
  } finally {
    clearTimeout(timer);
  }
}

function refusal({ secret }: EventsRouteOptions, request: IncomingMessage): Answer | undefined {
  // First, so that nobody without the secret learns what is here.
  const given = request.headers[SECRET_HEADER];
  if (typeof given !== 'string' || !sameSecret(given, secret))
    return {
      status: 401,
      error: 'unauthorized',
      message: `Expected the secret in the header ${SECRET_HEADER}; ${given === undefined ? 'it is missing' : 'it is another one'}.`,
    };
  if (request.method !== 'POST')
    return {
      status: 405,
      error: 'method_not_allowed',
      message: `${EVENTS_PATH} takes POST, not ${request.method}.`,
    };
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !type.endsWith('+json'))
    return {
      status: 415,
      error: 'unsupported_media_type',
      message: `Expected application/json, but got ${type === '' ? 'no content type' : JSON.stringify(type.slice(0, 80))}.`,
    };
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT)
    return { status: 413, error: 'too_large', message: `Expected at most ${BODY_LIMIT} bytes.` };
  return undefined;
}

/** @returns undefined if it is too long */
async function readBody(request: IncomingMessage, signal: AbortSignal): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const tooLate = (): void => reject(new AppError('timeout', 'The event took too long to arrive.'));
    signal.addEventListener('abort', tooLate, { once: true });
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_LIMIT) resolve(undefined);
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
    request.once('close', () =>
      reject(new AppError('timeout', 'The connection was closed before the event had arrived.')),
    );
  });
}

function expired(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const tooLate = (): void => reject(new AppError('timeout', 'The event could not be stored in time.'));
    if (signal.aborted) tooLate();
    else signal.addEventListener('abort', tooLate, { once: true });
  });
}

function toResponse(request: IncomingMessage, { status, retryAfter, ...rest }: Answer): Response {
  return jsonAnswer(
    status,
    { ok: status < 300, ...rest },
    {
      ...(status === 405 ? { allow: 'POST' } : {}),
      ...(retryAfter !== undefined && status >= 429 ? { 'retry-after': String(retryAfter) } : {}),
      // The rest of an unread body must not be taken for the next request.
      ...(request.complete ? {} : { connection: 'close' }),
    },
  );
}
