/**
 * Errors as RunPod's REST API v2 words them: RFC 9457 problems with `title`, `status`, `detail`, and for a request that does
 * not fit the contract `errors` (components.schemas.ErrorResponse of github.com/runpod/docs, api-reference-v2/openapi.json).
 */
import { STATUS_CODES } from 'node:http';

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly errors: readonly string[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    detail: string,
    options: { errors?: readonly string[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }

  body(): Record<string, unknown> {
    return {
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}

/** What does not fit the contract. The words of `detail` are those of the live service. */
export const invalid = (errors: readonly string[]): Problem =>
  new Problem(422, 'Request validation failed.', { errors });
