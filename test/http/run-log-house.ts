/** A store in memory and the routes on it, for tests of what is served over HTTP. */
import type { RunEnd } from '../../src/domain/runs.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { RunLogGap, RunLogInfo, RunLogStore } from '../../src/ports/run-log-store.ts';

export const ENDED: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: 5 };

export interface HandLogs extends RunLogStore {
  /** Reads since the last time this was asked. */
  reads(): number;
  watching(): number;
  print(id: string, text: string | Uint8Array): Promise<RunLogInfo>;
  setGap(id: string, gap: RunLogGap): void;
}

export function handLogs(): HandLogs {
  const runs = new Map<string, { info: RunLogInfo; bytes: Buffer }>();
  const listeners = new Map<string, Set<(info: RunLogInfo) => void>>();
  let reads = 0;
  const found = (id: string) => {
    const run = runs.get(id);
    if (!run) throw new AppError('not_found', `There is no log ${id}.`);
    return run;
  };
  const change = (id: string, changes: Partial<RunLogInfo>): RunLogInfo => {
    const run = found(id);
    run.info = { ...run.info, ...changes };
    for (const listener of listeners.get(id) ?? []) queueMicrotask(() => listener(run.info));
    return run.info;
  };
  const extend = (id: string, offset: number, bytes: Uint8Array, changes: Partial<RunLogInfo>) => {
    const run = found(id);
    if (run.info.end || run.info.size !== offset)
      throw new AppError('conflict', `The log ends at ${run.info.size}.`);
    run.bytes = Buffer.concat([run.bytes, bytes]);
    return change(id, { size: run.bytes.length, ...changes });
  };
  const logs: HandLogs = {
    async create(id) {
      if (!runs.has(id))
        runs.set(id, {
          info: { id, size: 0, createdAt: 1, updatedAt: 1, gaps: [] },
          bytes: Buffer.alloc(0),
        });
      return found(id).info;
    },
    info: async (id) => runs.get(id)?.info,
    append: async (id, offset, bytes, cursor) => extend(id, offset, bytes, cursor ? { cursor } : {}),
    skip: async (id, from, to) =>
      extend(id, from, Buffer.alloc(to - from), {
        gaps: [...found(id).info.gaps, { from, to, reason: 'lost' }],
      }),
    async read(id, offset, limit) {
      reads += 1;
      const { info, bytes } = found(id);
      const gap = info.gaps.find(({ from, to }) => from <= offset && offset < to);
      if (gap) return { offset, bytes: new Uint8Array(0), gap };
      const next = Math.min(
        info.size,
        offset + limit,
        ...info.gaps.filter(({ from }) => from > offset).map(({ from }) => from),
      );
      return { offset, bytes: Uint8Array.from(bytes.subarray(offset, next)) };
    },
    finish: async (id, end) => change(id, { end }),
    remove: async (id) => void runs.delete(id),
    list: async () => [...runs.values()].map(({ info }) => info),
    watch(id, listener) {
      listeners.set(id, (listeners.get(id) ?? new Set()).add(listener));
      return () => void listeners.get(id)?.delete(listener);
    },
    close: async () => undefined,
    reads() {
      const before = reads;
      reads = 0;
      return before;
    },
    watching: () => [...listeners.values()].reduce((count, { size }) => count + size, 0),
    print: async (id, text) => logs.append(id, found(id).info.size, Buffer.from(text)),
    setGap: (id, gap) => void change(id, { gaps: [...found(id).info.gaps, gap] }),
  };
  return logs;
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

export const chunkOf = ({ data }: SentEvent): Buffer => Buffer.from(String(data.chunk), 'base64');
