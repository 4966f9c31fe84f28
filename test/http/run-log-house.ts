/** For tests of what is served over HTTP of runs' logs: a store that counts, and a reader of events. */
import type { RunEnd } from '../../src/domain/runs.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';

export const ENDED: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: 5 };

/** Counts what is asked of it. */
export class CountedLogs extends MemoryRunLogs {
  #reads = 0;
  watching = 0;

  /** Reads since the last time this was asked. */
  reads(): number {
    const reads = this.#reads;
    this.#reads = 0;
    return reads;
  }

  override read(...asked: Parameters<MemoryRunLogs['read']>) {
    this.#reads += 1;
    return super.read(...asked);
  }

  override watch(...asked: Parameters<MemoryRunLogs['watch']>) {
    this.watching += 1;
    const unwatch = super.watch(...asked);
    return () => {
      this.watching -= 1;
      unwatch();
    };
  }

  async print(id: string, text: string | Uint8Array): Promise<void> {
    await this.append(id, (await this.info(id))!.size, Buffer.from(text));
  }
}

export interface SentEvent {
  event: string;
  id: string;
  data: Record<string, unknown>;
}

/** Reads server-sent events as https://html.spec.whatwg.org/multipage/server-sent-events.html has them. */
export async function* sentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => /^(\w+): ?(.*)$/.exec(line)!.slice(1, 3) as [string, string]),
        );
        text = text.slice(end + 2);
        yield {
          event: fields.get('event') ?? 'message',
          id: fields.get('id') ?? '',
          data: JSON.parse(fields.get('data') ?? 'null'),
        };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** All that still come, once the stream has ended. */
export async function collect(events: AsyncGenerator<SentEvent>): Promise<SentEvent[]> {
  const all: SentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export const chunkOf = ({ data }: SentEvent): Buffer => Buffer.from(String(data.chunk), 'base64');
