/** The run's HTTP interface, as docs/live-logs.md describes it. */

export interface RunEnd {
  state: 'completed' | 'failed' | 'stopped' | 'lost';
  exitCode: number | null;
  signal: string | null;
}

export interface Gap {
  from: number;
  to: number;
  reason: 'cap' | 'lost';
}

/** Bytes of the log from an offset on, or the gap that is there. */
export interface Slice {
  bytes: Uint8Array;
  size: number;
  /** The whole gap, also where it begins before the offset. */
  gap?: Gap | undefined;
  end?: RunEnd | undefined;
}

/** An answer other than success. */
export class Refused extends Error {
  /** HTTP status; 0 if there was no answer at all. */
  readonly status: number;
  readonly hint: string | undefined;
  /** Where the log ends: the request was beyond that. */
  readonly size: number | undefined;
  /** Milliseconds after which it may work again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    more: { hint?: string | undefined; size?: number | undefined; retryAfter?: number | undefined } = {},
  ) {
    super(message);
    this.status = status;
    this.hint = more.hint;
    this.size = more.size;
    this.retryAfter = more.retryAfter;
  }

  /** Asking again may help without anybody doing anything. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429 || this.retryAfter !== undefined;
  }
}

/** Milliseconds. */
const PATIENCE = 20_000;

export class RunApi {
  /** `https://…/runs/<id>` */
  readonly #run: string;
  readonly #fetch: typeof fetch;

  constructor(run: string, fetcher: typeof fetch = (...asked) => fetch(...asked)) {
    this.#run = run;
    this.#fetch = fetcher;
  }

  streamUrl(offset: number): string {
    return `${this.#run}/logs/stream?offset=${offset}`;
  }

  /** Turns a link's token, which can be used once, into a session of this browser. @throws Refused */
  async signIn(token: string): Promise<void> {
    await this.#ask('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
  }

  /**
   * @param limit bytes at most, 1 MiB at most
   * @throws Refused
   */
  async read(offset: number, limit: number): Promise<Slice> {
    const answer = await this.#ask(`/logs?offset=${offset}&limit=${limit}`);
    const body = (await answer.json()) as WireSlice;
    const { gap } = body;
    return {
      bytes: fromBase64(body.data),
      size: body.size,
      gap: gap ? (body.gaps?.find(({ from, to }) => from <= offset && offset < to) ?? gap) : undefined,
      end: body.end ? readEnd(body.end) : undefined,
    };
  }

  async #ask(path: string, init: RequestInit = {}): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.#fetch(`${this.#run}${path}`, {
        ...init,
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.timeout(PATIENCE),
      });
    } catch {
      throw new Refused(0, 'The server does not answer.');
    }
    if (answer.ok) return answer;
    const body = (await answer.json().catch(() => ({}))) as WireError;
    const retryAfter = answer.headers.get('retry-after');
    throw new Refused(answer.status, body.message ?? `The server answered ${answer.status}.`, {
      hint: body.hint,
      size: body.size,
      retryAfter: retryAfter === null ? undefined : Number(retryAfter) * 1000,
    });
  }
}

interface WireSlice {
  data: string;
  size: number;
  gap?: Gap | null;
  gaps?: readonly Gap[];
  end?: WireEnd | null;
}

interface WireError {
  message?: string;
  hint?: string;
  size?: number;
}

interface WireEnd {
  state: RunEnd['state'];
  exit_code: number | null;
  signal?: string | null;
}

export const readEnd = ({ state, exit_code, signal }: WireEnd): RunEnd => ({
  state,
  exitCode: exit_code,
  signal: signal ?? null,
});

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const result = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) result[i] = binary.charCodeAt(i);
  return result;
}
