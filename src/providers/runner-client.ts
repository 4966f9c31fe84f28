/** Asks a runner (docs/runner.md) over HTTP. */
import { z } from 'zod';
import type { RunnerAddress } from '../domain/providers.ts';
import { AppError, type ErrorCode } from '../ground/errors.ts';
import { JsonService, json, short } from './json-service.ts';

/** Milliseconds for one answer, streams aside. */
const ANSWER_WITHIN = 15_000;

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
  readonly #service: JsonService;

  constructor({ baseUrl, token: secret, headers }: RunnerAddress) {
    this.#service = new JsonService({
      name: 'The local runner',
      baseUrl: baseUrl.replace(/\/+$/, ''),
      answerWithin: ANSWER_WITHIN,
      hint: CHECK,
      headers() {
        const token = secret?.read();
        return { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
      },
      refusal: (response, text) => refused(baseUrl, response, text),
    });
  }

  /**
   * @param path with its query
   * @returns undefined if the runner says that there is no such thing
   * @throws AppError unavailable, timeout: no answer, or none of a runner · permission_denied · invalid_input · …
   */
  get<T>(path: string, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T | undefined> {
    return this.#service.find({ method: 'GET', path }, shape, signal);
  }

  /** What is asked for twice with the same body must be the same. @throws as `get`; not_found too */
  post<T>(path: string, body: object, shape: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    return this.#service.ask({ method: 'POST', path, body }, shape, signal);
  }

  /** A body that goes on until the other side, or the signal, ends it. @throws as `get`; not_found too */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#service.stream(path, signal);
  }
}

function refused(baseUrl: string, response: Response, text: string): AppError {
  const { status, statusText } = response;
  const said = refusal.safeParse(json(text)).data;
  const words =
    said?.message ?? said?.error ?? `The local runner answered with ${`${status} ${statusText}`.trim()}.`;
  const adminHint = `${baseUrl} answered with ${status}.`;
  if (status === 401 || status === 403)
    return new AppError('permission_denied', `The local runner does not let Signalbox in: ${short(words)}`, {
      hint: 'An admin of Signalbox checks the token: the same in RUNNER_TOKEN of the runner and in the variable that `tokenEnv` names.',
      adminHint,
    });
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

const CHECK =
  'Try again. If it happens again, an admin of Signalbox checks that the runner is running, and its `baseUrl` in signalbox.yaml.';
