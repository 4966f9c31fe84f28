/** Reads and searches the log in a worker, so that the page stays responsive. */
import { LogSearch } from './log-search.ts';
import { Refused, RunApi } from './run-api.ts';

export type ToWorker =
  | { type: 'start'; search: number; run: string; needle: string; matchCase: boolean; size: number }
  | { type: 'grow'; search: number; size: number }
  | { type: 'stop' };

export type FromWorker = { search: number } & (
  | { type: 'older'; hits: Float64Array; from: number }
  | { type: 'newer'; hits: Float64Array; from: number }
  | { type: 'done'; isCut: boolean }
  | { type: 'failed'; message: string }
);

const tell = (message: FromWorker): void => postMessage(message);

let current: LogSearch | undefined;
/** Size of the log as last reported. */
let known = 0;
/** One reading at a time. */
let last: Promise<unknown> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'stop') {
    current?.stop();
    return;
  }
  const { search, size } = data;
  known = size;
  if (data.type === 'start') {
    current?.stop();
    const api = new RunApi(data.run);
    current = new LogSearch({
      read: (offset, limit) => api.read(offset, limit),
      needle: data.needle,
      matchCase: data.matchCase,
      older: (hits, from) => tell({ type: 'older', search, hits: Float64Array.from(hits), from }),
      newer: (hits, from) => tell({ type: 'newer', search, hits: Float64Array.from(hits), from }),
    });
  }
  const own = current;
  const work = async (): Promise<void> => {
    try {
      if (data.type === 'grow') return await own?.grow(known);
      const isWhole = (await own?.start(size)) ?? true;
      tell({ type: 'done', search, isCut: !isWhole });
    } catch (error) {
      const message = error instanceof Refused ? error.message : String(error);
      tell({ type: 'failed', search, message });
    }
  };
  last = last.then(work);
});
