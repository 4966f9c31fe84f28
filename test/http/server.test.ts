/** The server under routes that stream, as a run's log does: the smallest of them, over real connections. */
import { get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import type { HttpEnv, HttpRoutes } from '../../src/ports/http-routes.ts';

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const routes = () => new Hono<HttpEnv>();
async function serve(app: HttpRoutes, options: Partial<HttpServerOptions> = {}): Promise<string> {
  server = await startHttpServer([app], { port: 0, ...options });
  return `http://127.0.0.1:${server.port}`;
}
const open = (url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => get(url, resolve).once('error', reject));
const chunk = async (response: IncomingMessage): Promise<string> => {
  for (;;) {
    const data: Buffer | null = response.read();
    if (data) return data.toString();
    await new Promise((resolve) => response.once('readable', resolve));
  }
};
function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}

describe('a stream', () => {
  it('sends what there is at once: its head, then each event before the next one is there', async () => {
    const [first, second] = [gate(), gate()];
    const base = await serve(
      routes().get('/runs/:id/logs/stream', (c) =>
        streamSSE(c, async (stream) => {
          await first.promise;
          await stream.writeSSE({ id: '1', data: `epoch 1 of ${c.req.param('id')}` });
          await second.promise;
          await stream.writeSSE({ id: '2', data: 'epoch 2' });
        }),
      ),
    );
    const response = await open(`${base}/runs/run-7/logs/stream`);
    expect(response.headers['content-type']).toContain('text/event-stream');
    first.open();
    expect(await chunk(response)).toBe('data: epoch 1 of run-7\nid: 1\n\n');
    second.open();
    expect(await chunk(response)).toBe('data: epoch 2\nid: 2\n\n');
    expect((await fetch(`${base}/runs/run-7/logs/stream`, { method: 'POST' })).headers.get('allow')).toBe(
      'GET',
    );
  });

  it('is asked for no more than its reader takes, and sees the reader’s going away', async () => {
    const CHUNK = Buffer.alloc(256 * 1024, 'x');
    let made = 0;
    const full = gate();
    const gone = gate();
    const base = await serve(
      routes().get('/runs/:id/logs/download', (c) => {
        return new Response(
          new ReadableStream({
            // Without end: only back-pressure stops it.
            async pull(controller) {
              await nextTurn();
              made += CHUNK.length;
              controller.enqueue(CHUNK);
              if (c.env.outgoing.writableNeedDrain) full.open();
            },
            cancel: () => gone.open(),
          }),
        );
      }),
    );
    const response = await open(`${base}/runs/run-7/logs/download`);
    await full.promise;
    // What fits into the sockets' buffers has gone; from here on nothing is made.
    let before = -1;
    for (let quiet = 0; quiet < 200; quiet = made === before ? quiet + 1 : 0) {
      before = made;
      await nextTurn();
    }
    expect(made).toBeLessThan(64 * 1024 * 1024);
    let read = 0;
    const target = made + 8 * CHUNK.length;
    while (read < target) read += (await chunk(response)).length;
    expect(made).toBeGreaterThanOrEqual(target);
    response.destroy();
    await gone.promise;
    const atEnd = made;
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(made - atEnd).toBeLessThanOrEqual(CHUNK.length);
  });

  it('that is waiting when its reader goes away ends without an error in the log', async () => {
    const errors: unknown[] = [];
    const gone = gate();
    const base = await serve(
      routes().get('/runs/:id/logs/stream', () => {
        let isFirst = true;
        return new Response(
          new ReadableStream({
            async pull(controller) {
              if (isFirst) controller.enqueue(Buffer.from('first'));
              else await gone.promise;
              isFirst = false;
            },
            cancel: () => gone.open(),
          }),
        );
      }),
      { log: { error: (facts: unknown) => errors.push(facts) } as never },
    );
    const response = await open(`${base}/runs/run-7/logs/stream`);
    expect(await chunk(response)).toBe('first');
    response.destroy();
    await gone.promise;
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(errors).toEqual([]);
  });

  it.each([0, 2])(
    'that fails after %i pieces breaks off, and its error is for the log alone',
    async (good) => {
      const logged: unknown[] = [];
      let sent = 0;
      const base = await serve(
        routes().get('/x', () => {
          const body = new ReadableStream({
            async pull(controller) {
              await nextTurn();
              if (sent === good) throw new Error('secret detail');
              sent += 1;
              controller.enqueue(Buffer.from('piece\n'));
            },
          });
          return new Response(body);
        }),
        { log: { error: (fields) => logged.push(fields) } },
      );
      let came = '';
      const ended = await new Promise((resolve) => {
        const asked = get(`${base}/x`, (response) => {
          response.on('data', (data) => (came += data));
          response.once('end', () => resolve('whole'));
          response.once('error', () => resolve('broken'));
        });
        asked.once('error', () => resolve('broken'));
      });
      expect(ended).toBe('broken');
      expect('piece\n'.repeat(good).startsWith(came)).toBe(true);
      expect(logged).toEqual([{ err: expect.objectContaining({ message: 'secret detail' }) }]);
    },
  );
});

describe('the end of the server', () => {
  it('ends streams with their last words, then connections', async () => {
    const base = await serve(
      routes().get('/stream', (c) =>
        streamSSE(c, async (stream) => {
          const over = gate();
          c.var.atStop(() => over.open());
          await stream.writeSSE({ data: 'hello' });
          await over.promise;
          await stream.writeSSE({ event: 'bye', data: 'the server stops; come again' });
        }),
      ),
    );
    const response = await open(`${base}/stream`);
    expect(await chunk(response)).toContain('hello');
    const closed = server!.close();
    server = undefined;
    expect(await chunk(response)).toContain('event: bye');
    await closed;
    await expect(fetch(`${base}/stream`)).rejects.toThrow();
  });

  it('lets a request under way have its answer, and waits for no connection that asks for nothing', async () => {
    const [asked, go] = [gate(), gate()];
    const base = await serve(
      routes().get('/slow', async (c) => {
        asked.open();
        await go.promise;
        return c.text('done');
      }),
    );
    const idle = connect(server!.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const idleClosed = new Promise((resolve) => idle.once('close', resolve));
    idle.resume();
    // Kept alive by the client: it must not hold the stop up once it is answered.
    const answer = fetch(`${base}/slow`);
    await asked.promise;
    const closed = server!.close();
    server = undefined;
    go.open();
    expect(await (await answer).text()).toBe('done');
    await Promise.all([closed, idleClosed]);
  });

  it('cuts what does not end in time', async () => {
    const base = await serve(
      routes().get('/deaf', (c) =>
        streamSSE(c, (stream) => stream.writeSSE({ data: 'x' }).then(() => new Promise<void>(() => {}))),
      ),
      { closeWithin: 1 },
    );
    const response = await open(`${base}/deaf`);
    await chunk(response);
    const broken = new Promise((resolve) => response.once('error', resolve));
    const closed = server!.close();
    server = undefined;
    await Promise.all([closed, broken]);
  });
});

describe('a request', () => {
  it('whose address or host cannot be read is told so', async () => {
    await serve(routes().get('/x', (c) => c.text('x')));
    for (const [path, host] of [
      ['//', 'x'],
      ['/x', 'a b'],
    ] as const) {
      const status = await new Promise((resolve, reject) => {
        const sent = request({ port: server!.port, path, headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.once('error', reject).end();
      });
      expect([path, status]).toEqual([path, 400]);
    }
  });
});

describe('where it listens', () => {
  it('is one address where one is given', async () => {
    const base = await serve(
      routes().get('/here', (c) => c.text('yes')),
      { host: '127.0.0.1' },
    );
    expect(await (await fetch(`${base}/here`)).text()).toBe('yes');
    await expect(fetch(`http://[::1]:${server!.port}/here`)).rejects.toThrow('fetch failed');
  });

  it('must be an address of this machine', async () => {
    // Reserved for documentation: no machine has it.
    await expect(serve(routes(), { host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'The address 192.0.2.1 cannot be listened on: EADDRNOTAVAIL.',
    });
  });
});
