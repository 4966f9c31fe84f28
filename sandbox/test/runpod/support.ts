/** A RunPod sandbox with a clock in hand, and a client that reads what a pod prints. */
import { FaultPlan } from '../../src/faults.ts';
import { type RunpodSandbox, startRunpodSandbox } from '../../src/runpod/index.ts';
import type { RunpodWorld } from '../../src/runpod/seed.ts';
import type { RunpodSettings } from '../../src/runpod/settings.ts';
import { ManualTime } from '../aws/manual-time.ts';

export const KEY = 'rpa_TEST';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
  body: any;
}

export interface Frame {
  id: string;
  source: string;
  line: string;
  ts: string;
}

export interface LogReader {
  /** The next so many frames. @throws when the stream ends before */
  take(count: number): Promise<Frame[]>;
  /** Everything that came, as bytes, until the connection ended; whether it ended in order. */
  rest(): Promise<{ text: string; whole: boolean }>;
  close(): void;
}

export interface Pods {
  sandbox: RunpodSandbox;
  time: ManualTime;
  faults: FaultPlan;
  call(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** A pod that was asked for with this, and its id. */
  create(more?: Record<string, unknown>): Promise<string>;
  logs(id: string, query?: string, headers?: Record<string, string>): Promise<LogReader>;
}

export async function startPods(
  world: Partial<RunpodWorld> = {},
  settings: Partial<RunpodSettings> = {},
): Promise<Pods> {
  const time = new ManualTime();
  const faults = new FaultPlan();
  const sandbox = await startRunpodSandbox({
    world: { keys: [{ key: KEY }], ...world },
    clock: time,
    scheduler: time,
    faults,
    quotas: 'off',
    headers: 'at once',
    ...settings,
  });
  const call: Pods['call'] = async (method, path, body, key = KEY) => {
    const response = await fetch(`${sandbox.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
  return {
    sandbox,
    time,
    faults,
    call,
    async create(more = {}) {
      const { status, body } = await call('POST', '/pods', {
        name: 'weld-seams',
        image: 'acme/train:1',
        gpu: { id: 'NVIDIA RTX A5000' },
        disk: 20,
        ...more,
      });
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body.id as string;
    },
    async logs(id, query = '', headers = {}) {
      const gone = new AbortController();
      const response = await fetch(`${sandbox.apiUrl}/pods/${id}/logs${query}`, {
        headers: { authorization: `Bearer ${KEY}`, ...headers },
        signal: gone.signal,
      });
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      return reader(response, () => gone.abort());
    },
  };
}

function reader(response: Response, close: () => void): LogReader {
  const chunks = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const more = async (): Promise<boolean> => {
    const { done, value } = await chunks.read();
    if (!done) text += value;
    return !done;
  };
  return {
    async take(count) {
      const frames: Frame[] = [];
      while (frames.length < count) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          if (await more()) continue;
          throw new Error(`the stream ended after ${frames.length} of ${count} frames`);
        }
        const [, id, data] = /^id: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
        if (id !== undefined) frames.push({ id, ...(JSON.parse(data!) as Omit<Frame, 'id'>) });
        text = text.slice(end + 2);
      }
      return frames;
    },
    async rest() {
      try {
        while (await more());
        return { text, whole: true };
      } catch {
        return { text, whole: false };
      }
    },
    close,
  };
}
