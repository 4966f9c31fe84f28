/** Whoever follows a run gets what it printed, in order and once, however often the connection breaks. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { runLogRoutes } from '../../src/http/run-logs.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { chunkOf, ENDED, sentEvents } from '../http/run-log-house.ts';

const RUN = 'line-3~push~press-1';
let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => ({ bytes })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 60_000 }).map((flood) => ({ flood })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 30_000 }).map((lost) => ({ lost })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 5 }).map((turns) => ({ turns })) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
/** After so many bytes of the answer a connection breaks; what comes next says where it was in one way or the other. */
const cut = fc.record({ after: fc.integer({ min: 0, max: 60_000 }), byHeader: fc.boolean() });

/** @returns what was printed and kept */
async function print(logs: RunLogStore, steps: readonly Step[]): Promise<Buffer> {
  const kept: Buffer[] = [];
  let size = 0;
  let seed = 1;
  const noise = (): number => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed & 0xff;
  };
  for (const one of steps) {
    if ('turns' in one) {
      for (let turn = 0; turn < one.turns; turn++) await nextTurn();
    } else if ('lost' in one) {
      ({ size } = await logs.skip(RUN, size, size + one.lost));
    } else {
      const bytes =
        'bytes' in one ? Buffer.from(one.bytes) : Buffer.from(Array.from({ length: one.flood }, noise));
      kept.push(bytes);
      ({ size } = await logs.append(RUN, size, bytes));
    }
  }
  await logs.finish(RUN, ENDED);
  return Buffer.concat(kept);
}

/** The body's first bytes; then the connection breaks. */
function broken(body: ReadableStream<Uint8Array>, after: number): ReadableStream<Uint8Array> {
  let left = after;
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = left > 0 ? await reader.read() : { done: true, value: undefined };
      if (value) controller.enqueue(value.subarray(0, left));
      left -= value?.length ?? 0;
      if (!done && left > 0) return;
      controller.close();
      await reader.cancel().catch(() => undefined);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

async function follow(base: string, cuts: readonly { after: number; byHeader: boolean }[]) {
  const got: Buffer[] = [];
  let at = '0';
  let missing = 0;
  for (let connection = 0; ; connection++) {
    const one = cuts[connection];
    const { byHeader = true, after = Number.POSITIVE_INFINITY } = one ?? {};
    const answer = byHeader
      ? await fetch(`${base}/stream`, { headers: { 'last-event-id': at } })
      : await fetch(`${base}/stream?offset=${at}`);
    expect(answer.status).toBe(200);
    for await (const event of sentEvents(broken(answer.body!, after))) {
      if (event.event === 'done') return { got: Buffer.concat(got), missing, done: event.data };
      if (event.event === 'log') {
        const gap = event.data.gap as { from: number; to: number } | undefined;
        if (gap) missing += gap.to - gap.from;
        else got.push(chunkOf(event));
      }
      at = event.id;
    }
  }
}

async function whatIsFollowed(
  logs: RunLogStore,
  steps: readonly Step[],
  cuts: Parameters<typeof follow>[1][],
) {
  await logs.create(RUN);
  server = await startHttpServer([runLogRoutes({ logs, authorise: async () => ({}) })], { port: 0 });
  const base = `http://127.0.0.1:${server.port}/runs/${RUN}/logs`;
  const following = cuts.map((one) => follow(base, one));
  const printed = await print(logs, steps);
  const lost = steps.reduce((sum, one) => sum + ('lost' in one ? one.lost : 0), 0);
  for (const { got, missing, done } of await Promise.all(following)) {
    expect(got.equals(printed)).toBe(true);
    expect(missing).toBe(lost);
    expect(done).toMatchObject({ exit_code: 0, final_size: printed.length + lost });
  }
  await server.close();
  server = undefined;
}

const printing = fc.array(step, { minLength: 1, maxLength: 25 });
const viewers = fc.array(fc.array(cut, { maxLength: 6 }), { minLength: 1, maxLength: 3 });

describe('[W3] a run that is followed', () => {
  it('is seen as it was printed, in order and once, through any disconnects', async () => {
    await fc.assert(
      fc.asyncProperty(printing, viewers, (steps, cuts) => whatIsFollowed(new MemoryRunLogs(), steps, cuts)),
      { numRuns: 150 },
    );
  });

  it('is so from files as well', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'followed-'));
    let number = 0;
    await fc.assert(
      fc.asyncProperty(printing, viewers, async (steps, cuts) => {
        const logs = await openFileRunLogs({ folder: join(folder, String(number++)), clock: Date });
        await whatIsFollowed(logs, steps, cuts);
        await logs.close();
      }),
      { numRuns: 100 },
    );
    await rm(folder, { recursive: true });
  });

  // Node's own client, which follows the standard and reconnects by itself.
  it('is seen whole by an EventSource whose server stops in between', async () => {
    const logs = new MemoryRunLogs();
    await logs.create(RUN);
    const routes = () => runLogRoutes({ logs, authorise: async () => ({}) });
    server = await startHttpServer([routes()], { port: 0 });
    const { port } = server;
    const script = `
      // Its pause before it comes again keeps no process alive.
      const alive = setInterval(() => undefined, 1000);
      const source = new EventSource(process.argv[1]);
      source.addEventListener('log', (event) => {
        process.stdout.write(Buffer.from(JSON.parse(event.data).chunk, 'base64'));
      });
      source.addEventListener('done', (event) => {
        source.close();
        clearInterval(alive);
        process.stderr.write(event.lastEventId + ' ' + event.data);
      });`;
    const child = spawn(
      process.execPath,
      [
        '--no-warnings',
        '--experimental-eventsource',
        '-e',
        script,
        `http://127.0.0.1:${port}/runs/${RUN}/logs/stream`,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let [seen, end] = ['', ''];
    let onSeen = (): void => {};
    child.stdout.setEncoding('latin1').on('data', (text) => {
      seen += text;
      onSeen();
    });
    child.stderr.on('data', (text) => (end += text));
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const untilSeen = async (text: string): Promise<void> => {
      while (!seen.endsWith(text)) {
        if (child.exitCode !== null) throw new Error(`The client has gone: ${end}`);
        await Promise.race([new Promise<void>((resolve) => (onSeen = resolve)), exited]);
      }
    };
    await logs.append(RUN, 0, Buffer.from('epoch 1\r'));
    await untilSeen('epoch 1\r');
    await server.close();
    await logs.append(RUN, 8, Buffer.from('epoch 2\r'));
    server = await startHttpServer([routes()], { port });
    await untilSeen('epoch 2\r');
    await logs.append(RUN, 16, Buffer.from('done\n'));
    await logs.finish(RUN, ENDED);
    await exited;
    expect(seen).toBe('epoch 1\repoch 2\rdone\n');
    expect(end).toBe('21 {"exit_code":0,"final_size":21,"signal":null,"state":"completed"}');
  });
});
