/** What the sandbox itself cannot do. What its Slack or AWS side answers to a client are other errors. */

/** `invalid_input`: what was given is wrong. `not_found`: what it names is not there. `unavailable`: such as a port. */
export type SandboxErrorCode = 'invalid_input' | 'not_found' | 'unavailable';

export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly code: SandboxErrorCode;
  /** What the reader can do about it, one or more lines. */
  readonly hint: string | undefined;

  constructor(code: SandboxErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
