/**
 * Sends spans by OTLP over HTTP as JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp, version 1.x): in batches, and
 * never at the cost of the bot's own work. What cannot be sent is dropped, the oldest first.
 */
import { inTime } from '../ground/pause.ts';

export type SpanKind = 'internal' | 'server' | 'client';

export interface Span {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  kind: SpanKind;
  /** Milliseconds since the epoch, with fractions. */
  startedAt: number;
  endedAt: number;
  attributes: Readonly<Record<string, string | number>>;
  hasFailed: boolean;
}

export interface SpanSink {
  add(span: Span): void;
}

export interface OtlpOptions {
  url: string;
  headers: Readonly<Record<string, string>>;
  resource: Readonly<Record<string, string>>;
  /** Called when sending begins to fail, not at each failure. */
  onProblem: (error: unknown) => void;
  fetch?: typeof fetch;
}

const BATCH = 512;
/** Spans that wait; more than that means that nobody takes them. */
const MOST = 4_096;
const SEND_EVERY = 5_000;
const SEND_WITHIN = 10_000;
/** For the last ones at a stop. */
const LAST_WITHIN = 2_000;
/** As the specification lists them: the same request may succeed later. */
const AGAIN: readonly number[] = [429, 502, 503, 504];

export class OtlpSink implements SpanSink {
  readonly #options: OtlpOptions;
  #waiting: Span[] = [];
  #sending: Promise<void> | undefined;
  #isFailing = false;
  readonly #timer: NodeJS.Timeout;

  constructor(options: OtlpOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), SEND_EVERY);
    this.#timer.unref();
  }

  add(span: Span): void {
    this.#waiting.push(span);
    if (this.#waiting.length > MOST) this.#waiting = this.#waiting.slice(-MOST / 2);
    if (this.#waiting.length >= BATCH && !this.#isFailing) void this.flush();
  }

  /** Sends what waits. Never throws. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await inTime(
      LAST_WITHIN,
      (async () => {
        await this.#sending;
        await this.flush();
      })(),
    );
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      this.#waiting = this.#waiting.slice(BATCH);
      try {
        const dropped = await this.#post(batch);
        if (dropped === undefined) this.#isFailing = false;
        else this.#failed(dropped);
      } catch (error) {
        this.#failed(error);
        // With the next round.
        this.#waiting = [...batch, ...this.#waiting].slice(-MOST);
        return;
      }
    }
  }

  #failed(error: unknown): void {
    if (!this.#isFailing) this.#options.onProblem(error);
    this.#isFailing = true;
  }

  /** @returns why it was refused for good. @throws Error: the same may be sent again */
  async #post(spans: readonly Span[]): Promise<Error | undefined> {
    const { url, headers, resource, fetch: send = fetch } = this.#options;
    const response = await send(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(otlpTraces(spans, resource)),
      // Elsewhere is not where it was configured to go.
      redirect: 'error',
      signal: AbortSignal.timeout(SEND_WITHIN),
    });
    await response.body?.cancel();
    if (response.ok) return undefined;
    const problem = new Error(`HTTP ${response.status}`);
    if (AGAIN.includes(response.status)) throw problem;
    return problem;
  }
}

const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };

/** One `ExportTraceServiceRequest`: ids as hex, times as strings of nanoseconds. */
export function otlpTraces(spans: readonly Span[], resource: Readonly<Record<string, string>>): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes(resource) },
        scopeSpans: [
          {
            scope: { name: 'signalbox' },
            spans: spans.map((span) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
              name: span.name,
              kind: KINDS[span.kind],
              startTimeUnixNano: nanoseconds(span.startedAt),
              endTimeUnixNano: nanoseconds(span.endedAt),
              attributes: attributes(span.attributes),
              status: span.hasFailed ? { code: 2 } : {},
            })),
          },
        ],
      },
    ],
  };
}

const nanoseconds = (ms: number): string => String(BigInt(Math.round(ms * 1000)) * 1000n);

const attributes = (pairs: Readonly<Record<string, string | number>>): object[] =>
  Object.entries(pairs).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : numberValue(value),
  }));

const numberValue = (value: number): object =>
  Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
