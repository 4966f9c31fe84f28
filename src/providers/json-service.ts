/**
 * A service that is asked for JSON over HTTP, or for a body that goes on. Whatever goes wrong becomes an AppError here, and
 * never an empty answer; what its refusals mean, each service knows itself.
 */
import type { z } from 'zod';
import { bodyPieces } from '../ground/body-pieces.ts';
import { BodyTooLarge, bodyText } from '../ground/body-text.ts';
import { AppError, CancelledError } from '../ground/errors.ts';

/** How many characters of a service's words are shown. */
const LONGEST_TEXT = 500;

export interface Service {
  /** At the beginning of a sentence: "The local runner". */
  name: string;
  baseUrl: string;
  /** Milliseconds for one answer, streams aside. */
  answerWithin: number;
  /** What to do where it gives no answer, or none that can be used. */
  hint: string;
  /** With its secret. @throws AppError where that is not set */
  headers(): Readonly<Record<string, string>>;
  refusal(response: Response, text: string): AppError;
}

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  /** With its query. */
  path: string;
  /** Sent as JSON. */
  body?: object;
}

export class JsonService {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  /** @throws AppError timeout, unavailable: no answer, or none of this service · what its refusal says; the signal's reason */
  async ask<T>(call: Call, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    const { name, baseUrl, answerWithin, hint } = this.#service;
    const late = AbortSignal.timeout(answerWithin);
    const until = signal ? AbortSignal.any([signal, late]) : late;
    const response = await this.#send(call, until, signal);
    const text = await bodyText(response, until).catch((error: unknown) => {
      throw this.#failure(error, signal);
    });
    if (!response.ok) throw this.#service.refusal(response, text);
    const parsed = shape.safeParse(json(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new AppError('unavailable', `${name} answered with something that cannot be read.`, {
      hint,
      adminHint: `${call.method} ${baseUrl}${call.path}: ${issue?.path.join('.')} ${issue?.message}`,
      cause: parsed.error,
    });
  }

  /** @returns undefined if the service says that there is no such thing. @throws as `ask` otherwise */
  async find<T>(call: Call, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.ask(call, shape, signal);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /** A body that goes on until the other side, or the signal, ends it. @throws as `ask` */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#send({ method: 'GET', path }, signal, signal);
    if (response.ok && response.body) return bodyPieces(response.body, signal);
    throw this.#service.refusal(response, await bodyText(response, signal).catch(() => ''));
  }

  async #send(
    { method, path, body }: Call,
    until: AbortSignal,
    asked: AbortSignal | undefined,
  ): Promise<Response> {
    const { baseUrl } = this.#service;
    const headers = this.#service.headers();
    try {
      return await fetch(`${baseUrl}${path}`, {
        method,
        signal: until,
        // The secret must not go to another host.
        redirect: 'error',
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    } catch (error) {
      throw this.#failure(error, asked);
    }
  }

  /** No answer, or only part of it. */
  #failure(error: unknown, asked: AbortSignal | undefined): Error {
    if (asked?.aborted)
      return asked.reason instanceof Error ? asked.reason : new CancelledError(undefined, { cause: error });
    const { name, baseUrl, hint } = this.#service;
    if (error instanceof BodyTooLarge)
      return new AppError('unavailable', `${name} answers more than can be right.`, {
        hint,
        adminHint: `${baseUrl}: ${error.message}`,
        cause: error,
      });
    if ((error as Error).name === 'TimeoutError')
      return new AppError('timeout', `${name} did not answer in time.`, { hint, cause: error });
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    return new AppError('unavailable', `${name} does not answer.`, {
      hint,
      adminHint: `${baseUrl}: ${cause?.code ?? cause?.message ?? (error as Error).message}`,
      cause: error,
    });
  }
}

/** @returns undefined where it is none */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A service's words, as far as they are shown. */
export const short = (text: string): string =>
  text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)} … (${text.length} characters)`;
