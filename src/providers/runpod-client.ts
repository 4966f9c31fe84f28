/**
 * RunPod's REST API v2 over HTTP. What is relied on, from https://docs.runpod.io/api-reference-v2/openapi.json as of
 * 2026-08-20 (repository runpod/docs, a900806e) unless another source is named:
 *
 * - The key goes as `Authorization: Bearer`. 401: it is missing or wrong; 403: it may not do that.
 * - Errors are `application/problem+json`: `title`, `status`, `detail`, and with a 422 `errors`, a text for each field.
 * - Unknown fields of a request are refused with 422, so nothing is sent that is not in the description.
 * - 400 also means that no machine of the wanted type is free; 402, that the account has no money left.
 * - 429 has `Retry-After` in seconds, for the window of a minute, an hour or a day that is used up. `RateLimit` says the
 *   same of all windows (`"minute";r=0;t=12, "hour";r=2800;t=1812`), also in answers that are not refused.
 * - `GET /pods` answers with the pods of the account (`{pods}`), without those of clusters. Since autumn 2026 in pages of
 *   1,000: `pagination.nextCursor` is the `cursor` of the next one (runpodctl, internal/api/pods_v2.go).
 */
import { z } from 'zod';
import type { NamedSecret } from '../domain/providers.ts';
import { AppError, type ErrorCode } from '../ground/errors.ts';
import { type Call, JsonService, json, short } from './json-service.ts';

/** Milliseconds for one answer, streams aside. */
const ANSWER_WITHIN = 20_000;

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_input',
  402: 'conflict',
  404: 'not_found',
  409: 'conflict',
  422: 'invalid_input',
  429: 'rate_limited',
};

const problem = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.string()).optional(),
});

export interface RunPodAddress {
  /** With the version: `https://api.runpod.io/v2`. */
  apiUrl: string;
  apiKey?: NamedSecret | undefined;
}

interface ShapedCall<T> extends Call {
  /** Of the answer; undefined: it has none. */
  shape: z.ZodType<T>;
}

export class RunPodClient {
  readonly #service: JsonService;
  #writes = 0;

  constructor(address: RunPodAddress) {
    this.#service = new JsonService({
      name: 'RunPod',
      baseUrl: address.apiUrl,
      answerWithin: ANSWER_WITHIN,
      hint: AGAIN,
      headers: () => ({
        authorization: `Bearer ${keyOf(address)}`,
        // Its network refuses clients without a name of their own (error 1010).
        'user-agent': 'signalbox',
      }),
      refusal: (response, text) => refused(address, response, text),
    });
  }

  /**
   * @returns undefined if RunPod says that there is no such thing
   * @throws AppError invalid_input: the request was refused · conflict: no key is configured, too · permission_denied ·
   *   rate_limited, unavailable, timeout
   */
  async ask<T>({ shape, ...call }: ShapedCall<T>, signal?: AbortSignal): Promise<T | undefined> {
    if (call.method === 'GET') return await this.#service.find(call, shape, signal);
    try {
      return await this.#service.find(call, shape, signal);
    } finally {
      this.#writes += 1;
    }
  }

  /** Requests that may have changed something so far: an answer from before the last one is out of date. */
  get writes(): number {
    return this.#writes;
  }

  /**
   * A body that goes on until the other side, or the signal, ends it. It may not even begin before there is something
   * in it: RunPod holds the head of a log's answer back until the first line (runpodctl, internal/api/logs.go).
   * @throws as `ask`; not_found too
   */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#service.stream(path, signal);
  }
}

function refused(
  { apiUrl, apiKey }: RunPodAddress,
  { status, statusText, headers }: Response,
  text: string,
): AppError {
  const said = problem.safeParse(json(text)).data;
  const words = short(said?.detail ?? said?.title ?? `${status} ${statusText}`.trim());
  const variable = apiKey?.variable;
  if (status === 401)
    return new AppError('permission_denied', 'RunPod does not accept the API key of this use case.', {
      hint: 'An admin of Signalbox checks the key: it may have been deleted or have expired. Keys are made in RunPod’s console under Settings, API Keys.',
      adminHint: `RunPod says: ${words}. The variable is ${variable}, from providers.runpod.apiKeyEnv in signalbox.yaml.`,
    });
  if (status === 403)
    return new AppError('permission_denied', 'RunPod does not let the API key of this use case do that.', {
      hint: 'An admin of Signalbox gives the key more rights in RunPod’s console, under Settings, API Keys: it has to read and write pods.',
      adminHint: `RunPod says: ${words}. The variable is ${variable}, from providers.runpod.apiKeyEnv in signalbox.yaml.`,
    });
  if (status === 429)
    return new AppError('rate_limited', 'RunPod allows no more requests for the moment.', {
      hint: 'Try again in a minute. All programs that use the account count together.',
      ...waitOf(headers),
      adminHint: `RunPod says: ${words}.`,
    });
  if (status === 402)
    return new AppError('conflict', 'RunPod’s account has too little money left for that.', {
      hint: 'Add credit in RunPod’s console, under Billing.',
      adminHint: `RunPod says: ${words}.`,
    });
  // Some other program that answers there may have nothing at this path either.
  const code = status === 404 && said === undefined ? 'unavailable' : (CODES[status] ?? 'unavailable');
  const fields = (said?.errors ?? []).slice(0, 5).map(short);
  return new AppError(code, `RunPod refused: ${[words, ...fields].join('; ')}`, {
    ...(code === 'unavailable' ? { hint: AGAIN, ...waitOf(headers) } : {}),
    adminHint: `${apiUrl} answered with ${status}.`,
  });
}

const AGAIN = 'Try again in a minute. RunPod’s own state is on https://uptime.runpod.io.';

/** @throws AppError conflict */
function keyOf({ apiKey }: RunPodAddress): string {
  const key = apiKey?.read();
  if (key !== undefined) return key;
  throw new AppError('conflict', 'Signalbox has no API key for RunPod.', {
    hint: 'An admin of Signalbox sets it in the environment of the bot.',
    adminHint: apiKey
      ? `The variable is ${apiKey.variable}, from providers.runpod.apiKeyEnv in signalbox.yaml.`
      : 'In signalbox.yaml, providers.runpod.apiKeyEnv names the variable that holds it.',
  });
}

/** How long to wait, from `Retry-After`, or else from the windows that are used up. */
function waitOf(headers: Headers): { retryAfterMs?: number } {
  const after = headers.get('retry-after');
  if (after !== null && /^\d+$/.test(after.trim())) return { retryAfterMs: Number(after) * 1_000 };
  const windows = [...(headers.get('ratelimit') ?? '').matchAll(/"[^"]*"\s*;\s*r=(\d+)\s*;\s*t=(\d+)/g)];
  const waits = windows.filter(([, left]) => Number(left) === 0).map(([, , wait]) => Number(wait) * 1_000);
  return waits.length > 0 ? { retryAfterMs: Math.max(...waits) } : {};
}
