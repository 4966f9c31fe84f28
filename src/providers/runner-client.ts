/** Asks a runner (docs/runner.md) over HTTP. Whatever goes wrong becomes an AppError here, and never an empty answer. */
import { z } from 'zod';
import type { RunnerAddress } from '../domain/providers.ts';
import { AppError, CancelledError, type ErrorCode } from '../ground/errors.ts';

/** Milliseconds for one answer, streams aside. */
const ANSWER_WITHIN = 15_000;
/** How many characters of a server's words are shown. */
const LONGEST_TEXT = 500;

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_input',
  401: 'permission_denied',
  403: 'permission_denied',
  404: 'not_found',
  409: 'conflict',
  413: 'invalid_input',
  429: 'rate_limited',
};

const refusal = z.object({ error: z.string(), message: z.string().optional(), hint: z.string().optional() });
/** Words in `error` that are for programs; beside one stands a `message`. */
const CODE_WORD = /^[a-z]+(_[a-z]+)*$/;

export class RunnerClient {
  readonly #address: RunnerAddress;

  constructor(address: RunnerAddress) {
    this.#address = address;
  }

  /**
   * @param path with its query
   * @returns undefined if the runner says that there is no such thing
   * @throws AppError unavailable, timeout: no answer, or none of a runner · permission_denied · invalid_input · …
   */
  async get<T>(path: string, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T | undefined> {
    const late = AbortSignal.timeout(ANSWER_WITHIN);
    const response = await this.#send(path, signal ? AbortSignal.any([signal, late]) : late, signal);
    const text = await response.text().catch((error: unknown) => {
      throw this.#failure(error, signal);
    });
    if (!response.ok) {
      const error = this.#refusal(response, text);
      if (error.code === 'not_found') return undefined;
      throw error;
    }
    const parsed = shape.safeParse(json(text));
    if (parsed.success) return parsed.data;
    throw new AppError('unavailable', 'The local runner answered with something that cannot be read.', {
      hint: CHECK,
      adminHint: `${this.#address.baseUrl}${path}: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
    });
  }

  /** A body that goes on until the other side, or the signal, ends it. @throws as `get`; not_found too */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#send(path, signal, signal);
    if (response.ok && response.body) return response.body;
    throw this.#refusal(response, await response.text().catch(() => ''));
  }

  async #send(path: string, until: AbortSignal, asked: AbortSignal | undefined): Promise<Response> {
    const { baseUrl, token: secret, headers } = this.#address;
    const token = secret?.read();
    try {
      return await fetch(`${baseUrl.replace(/\/+$/, '')}${path}`, {
        signal: until,
        // The token must not go to another host.
        redirect: 'error',
        headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      });
    } catch (error) {
      throw this.#failure(error, asked);
    }
  }

  /** No answer, or only part of it. */
  #failure(error: unknown, asked: AbortSignal | undefined): Error {
    if (asked?.aborted)
      return asked.reason instanceof Error ? asked.reason : new CancelledError(undefined, { cause: error });
    if ((error as Error).name === 'TimeoutError')
      return new AppError('timeout', 'The local runner did not answer in time.', {
        hint: CHECK,
        cause: error,
      });
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    return new AppError('unavailable', 'The local runner does not answer.', {
      hint: CHECK,
      adminHint: `${this.#address.baseUrl}: ${cause?.code ?? cause?.message ?? (error as Error).message}`,
      cause: error,
    });
  }

  #refusal(response: Response, text: string): AppError {
    const { status, statusText } = response;
    const said = refusal.safeParse(json(text)).data;
    const words =
      said?.message ?? said?.error ?? `The local runner answered with ${`${status} ${statusText}`.trim()}.`;
    const adminHint = `${this.#address.baseUrl} answered with ${status}.`;
    if (status === 401 || status === 403)
      return new AppError(
        'permission_denied',
        `The local runner does not let Signalbox in: ${short(words)}`,
        {
          hint: 'An admin of Signalbox checks the token: the same in RUNNER_TOKEN of the runner and in the variable that `tokenEnv` names.',
          adminHint,
        },
      );
    // Some other program that answers there may have nothing at this path either.
    if (status === 404 && said === undefined)
      return new AppError('unavailable', `There is no runner at its address: ${short(words)}`, {
        hint: CHECK,
        adminHint,
      });
    const code = CODES[status] ?? 'unavailable';
    const after = Number(response.headers.get('retry-after') ?? Number.NaN) * 1_000;
    const isSentence = said?.message !== undefined || !CODE_WORD.test(words);
    return new AppError(code, isSentence ? short(words) : `The local runner refused: ${short(words)}`, {
      ...(said?.hint === undefined ? {} : { hint: short(said.hint) }),
      ...(after >= 0 ? { retryAfterMs: after } : {}),
      adminHint,
    });
  }
}

const CHECK =
  'Try again. If it happens again, an admin of Signalbox checks that the runner is running, and its `baseUrl` in signalbox.yaml.';

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const short = (text: string): string =>
  text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)} … (${text.length} characters)`;
