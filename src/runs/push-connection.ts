/** The requests by which a run's log is sent: see src/http/push.ts, which answers them. */
import { z } from 'zod';
import type { RunEnd } from '../domain/runs.ts';
import { bodyText } from '../ground/body-text.ts';
import { AppError, type ErrorCode } from '../ground/errors.ts';

export interface PushTarget {
  /** Of Signalbox: http or https. */
  url: string;
  token: string;
  /** Of the run, there. */
  name: string;
  /** What tells it from other runs of this name. */
  key: string;
  host?: string | undefined;
  /** Milliseconds for one request; 30 s. */
  timeout?: number | undefined;
  /** Left out: the real one. */
  fetch?: typeof fetch | undefined;
}

const TIMEOUT = 30_000;
const openAnswer = z.object({ writer: z.string(), size: z.number(), ended: z.boolean().default(false) });
const sizeAnswer = z.object({ size: z.number() });
const problemAnswer = z.object({
  message: z.string().optional(),
  hint: z.string().optional(),
  size: z.number().optional(),
  reason: z.string().optional(),
});

/** Each request gives its offset; the answer to a wrong one is the right one, which is not an error here. */
export class PushConnection {
  readonly #target: PushTarget;
  #writer: string | undefined;

  constructor(target: PushTarget) {
    this.#target = target;
  }

  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  /** @returns bytes that are there already, and whether the run has ended there */
  async open(signal?: AbortSignal): Promise<{ size: number; ended: boolean }> {
    const { host, key } = this.#target;
    const body = JSON.stringify({ key, ...(host === undefined ? {} : { host }) });
    const { writer, size, ended } = openAnswer.parse(await this.#post('', body, signal));
    this.#writer = writer;
    return { size, ended };
  }

  /** @returns how many bytes are there now, which may not include those sent */
  async send(offset: number, bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
    return await this.#sized(`/logs?offset=${offset}&writer=${this.#writer}`, bytes, signal);
  }

  /** A sign of life. @returns as `send` */
  async sayHello(offset: number, signal?: AbortSignal): Promise<number> {
    return await this.send(offset, new Uint8Array(0), signal);
  }

  async skip(from: number, to: number, signal?: AbortSignal): Promise<number> {
    return await this.#sized('/gap', JSON.stringify({ from, to, writer: this.#writer }), signal);
  }

  async finish(end: RunEnd, size: number, signal?: AbortSignal): Promise<number> {
    const { exitCode: exit_code, signal: by, state } = end;
    const order = { exit_code, signal: by, state, final_size: size, writer: this.#writer };
    return await this.#sized('/finish', JSON.stringify(order), signal);
  }

  async #sized(path: string, body: string | Uint8Array, signal?: AbortSignal): Promise<number> {
    try {
      return sizeAnswer.parse(await this.#post(path, body, signal)).size;
    } catch (error) {
      if (error instanceof WrongOffset) return error.size;
      // It is gone, or somebody came in between: it is opened again, and continues where the other side is.
      if (error instanceof Reopen || (error instanceof AppError && error.code === 'not_found')) {
        this.#writer = undefined;
        throw new AppError('unavailable', `The run has to be opened there again: ${error.message}`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  async #post(path: string, body: string | Uint8Array, signal?: AbortSignal): Promise<unknown> {
    const { url, token, name, timeout = TIMEOUT, fetch: request = fetch } = this.#target;
    const limit = AbortSignal.timeout(timeout);
    const until = signal ? AbortSignal.any([signal, limit]) : limit;
    let response: Response;
    let text: string;
    try {
      response = await request(`${url.replace(/\/+$/, '')}/push/runs/${encodeURIComponent(name)}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream',
        },
        body: body as BodyInit,
        // A token is for one place.
        redirect: 'error',
        signal: until,
      });
      text = await bodyText(response, until);
    } catch (error) {
      if (limit.aborted)
        throw new AppError('timeout', `${url} did not answer within ${timeout / 1000} s.`, { cause: error });
      throw new AppError('unavailable', `${url} cannot be reached (${reasonOf(error)}).`, { cause: error });
    }
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return answer;
    throw problem(response, answer, url);
  }
}

class WrongOffset extends Error {
  readonly size: number;
  constructor(size: number) {
    super(`the log goes on at byte ${size}`);
    this.size = size;
  }
}

class Reopen extends Error {}

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_input',
  401: 'permission_denied',
  403: 'permission_denied',
  404: 'not_found',
  405: 'not_found',
  409: 'conflict',
  429: 'rate_limited',
};

function problem(response: Response, answer: unknown, url: string): Error {
  const { message, hint, size, reason } = problemAnswer.safeParse(answer).data ?? {};
  if (response.status === 409 && reason === 'offset' && size !== undefined) return new WrongOffset(size);
  if (response.status === 409 && reason === 'replaced') return new Reopen(message);
  // Any other answer comes from something in between, or from something that is not Signalbox.
  const foreign = response.status >= 400 && response.status < 500 ? 'not_found' : 'unavailable';
  const code = message === undefined ? foreign : (CODES[response.status] ?? 'unavailable');
  const seconds = Number(response.headers.get('retry-after'));
  return new AppError(code, message ?? `${url} answered ${response.status}, and not as Signalbox does.`, {
    hint:
      hint ??
      (message === undefined ? 'Check the address: it is that of Signalbox, without a path.' : undefined),
    ...(seconds > 0 ? { retryAfterMs: Math.min(60, seconds) * 1000 } : {}),
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch failed` says nothing: the reason is its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}
