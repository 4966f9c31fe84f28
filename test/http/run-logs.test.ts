import { get, type IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { EVENT_BYTES } from '../../src/http/run-feed.ts';
import { type RunLogRoutesOptions, runLogRoutes } from '../../src/http/run-logs.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { handTimers } from '../fixtures/hand-timers.ts';
import { CountedLogs, chunkOf, collect, ENDED, type SentEvent, sentEvents } from './run-log-house.ts';

const RUN = 'line-3~local~press-1';
let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(options: Partial<RunLogRoutesOptions> = {}, clock = { now: () => 1 }) {
  const logs = new CountedLogs({ clock });
  await logs.create(RUN);
  const routes = runLogRoutes({ logs, authorise: async () => ({}), ...options });
  server = await startHttpServer([routes], { port: 0, closeWithin: 200 });
  const base = `http://127.0.0.1:${server.port}/runs/${RUN}/logs`;
  const stream = async (query = '', headers: Record<string, string> = {}) =>
    sentEvents((await fetch(`${base}/stream${query}`, { headers })).body!);
  return { logs, base, stream, routes };
}

/** The next so many bytes of the log, and the id of the last event. */
async function take(events: AsyncGenerator<SentEvent>, bytes: number): Promise<{ text: string; id: string }> {
  const parts: Buffer[] = [];
  let [length, id] = [0, ''];
  while (length < bytes) {
    const { value } = await events.next();
    expect(value?.event).toBe('log');
    parts.push(chunkOf(value!));
    length += parts.at(-1)!.length;
    id = value!.id;
  }
  return { text: Buffer.concat(parts).toString('latin1'), id };
}

describe('[W3] a part of a log as JSON', () => {
  it('is its bytes in base64, with what there is and where to go on', async () => {
    const { logs, base } = await serve();
    await logs.print(RUN, 'epoch 1\r\u001b[32mepoch 2\u001b[0m\xff');
    const whole = (await (await fetch(base)).json()) as Record<string, unknown>;
    expect(whole).toMatchObject({
      run_id: RUN,
      size: 26,
      updated_at: '1970-01-01T00:00:00.001Z',
      offset: 0,
      next_offset: 26,
      gaps: [],
    });
    expect(Buffer.from(String(whole.data), 'base64').toString()).toBe(
      'epoch 1\r\u001b[32mepoch 2\u001b[0m\xff',
    );
    const part = (await (await fetch(`${base}?offset=8&limit=5`)).json()) as Record<string, unknown>;
    expect(Buffer.from(String(part.data), 'base64').toString()).toBe('\u001b[32m');
    expect(part.next_offset).toBe(13);
    await logs.finish(RUN, { state: 'failed', exitCode: null, signal: 'SIGKILL', at: 1000 });
    expect(await (await fetch(`${base}?offset=26`)).json()).toMatchObject({
      data: '',
      next_offset: 26,
      end: { state: 'failed', exit_code: null, signal: 'SIGKILL', at: '1970-01-01T00:00:01.000Z' },
    });
  });

  it('says what is missing and where it goes on', async () => {
    const { logs, base } = await serve();
    await logs.print(RUN, 'abc');
    await logs.skip(RUN, 3, 1003);
    await logs.print(RUN, 'xyz');
    expect(await (await fetch(base)).json()).toMatchObject({ data: btoa('abc'), next_offset: 3 });
    expect(await (await fetch(`${base}?offset=3`)).json()).toMatchObject({
      data: '',
      next_offset: 1003,
      gap: { from: 3, to: 1003, reason: 'lost' },
    });
    expect(await (await fetch(`${base}?offset=1003`)).json()).toMatchObject({ data: btoa('xyz') });
  });

  it('of a run that goes on is followed while it is asked for, and not once it has ended', async () => {
    const said: string[] = [];
    let isOver = (): void => {};
    const { logs, base } = await serve({
      followed: (id) => {
        said.push(id);
        return () => isOver();
      },
    });
    const over = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    await fetch(base);
    await over;
    expect(said).toEqual([RUN]);
    await logs.finish(RUN, ENDED);
    await fetch(base);
    await fetch(`${base}/download`);
    expect(said).toEqual([RUN]);
  });

  it('tells that a log is read from before it is looked for until the answer is out', async () => {
    const said: string[] = [];
    let isOut = (): void => {};
    const out = new Promise<void>((resolve) => {
      isOut = resolve;
    });
    const { logs, base } = await serve({
      reading: (id) => {
        said.push(`reads ${id}`);
        return () => {
          said.push('done');
          isOut();
        };
      },
    });
    await logs.print(RUN, 'abc');
    expect((await fetch(`${base}/download`)).status).toBe(200);
    await out;
    expect(said).toEqual([`reads ${RUN}`, 'done']);
  });

  it('gives at most 1 MiB at once, however much is asked for', async () => {
    const { logs, base } = await serve();
    await logs.print(RUN, Buffer.alloc(2 ** 20 + 5, 'x'));
    expect(await (await fetch(`${base}?limit=999999999`)).json()).toMatchObject({ next_offset: 2 ** 20 });
  });
});

describe('an offset', () => {
  const ways = ['', '/stream', '/download'] as const;
  it.each(ways)('that is none is refused with what was expected: GET /runs/:id/logs%s', async (way) => {
    const { logs, base } = await serve();
    await logs.print(RUN, 'abc');
    for (const offset of ['-1', 'x', '1.5', '1e2', '', ' 1', '0x1', String(2 ** 60), '9'.repeat(400)]) {
      const answer = await fetch(`${base}${way}?offset=${encodeURIComponent(offset)}`);
      const { message } = (await answer.json()) as { message: string };
      expect([offset, answer.status]).toEqual([offset, 400]);
      expect(message).toContain('?offset= is ');
      expect(message).toContain('expected');
      expect(message.length).toBeLessThan(200);
    }
  });

  it.each(ways)('beyond the end is refused with the size: GET /runs/:id/logs%s', async (way) => {
    const { logs, base } = await serve();
    await logs.print(RUN, 'abc');
    const answer = await fetch(`${base}${way}?offset=4`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: 'invalid_input',
      message: '?offset= is 4, but the log has 3 bytes so far: expected 0 to 3.',
      size: 3,
    });
    const atEnd = await fetch(`${base}${way}?offset=3`);
    expect(atEnd.status).toBe(200);
    await atEnd.body?.cancel();
  });

  it('in Last-Event-ID counts before the one in the address, and is judged as strictly', async () => {
    const { logs, stream, base } = await serve();
    await logs.print(RUN, 'abcdef');
    expect(await take(await stream('?offset=1', { 'last-event-id': '4' }), 2)).toEqual({
      text: 'ef',
      id: '6',
    });
    expect(await take(await stream('?offset=1', { 'last-event-id': '' }), 5)).toMatchObject({
      text: 'bcdef',
    });
    const bad = await fetch(`${base}/stream`, { headers: { 'last-event-id': '7' } });
    expect(bad.status).toBe(400);
    expect(((await bad.json()) as { message: string }).message).toContain('Last-Event-ID is 7');
  });
});

describe('[W3] a stream', () => {
  it('gives what is there, then what comes, then how it ended', async () => {
    const { logs, stream } = await serve();
    await logs.print(RUN, 'one\r');
    const events = await stream();
    expect(await take(events, 4)).toEqual({ text: 'one\r', id: '4' });
    await logs.print(RUN, 'two');
    expect(await take(events, 3)).toEqual({ text: 'two', id: '7' });
    await logs.print(RUN, '!');
    await logs.finish(RUN, { state: 'failed', exitCode: 3, signal: null, at: 9 });
    expect(await take(events, 1)).toEqual({ text: '!', id: '8' });
    expect((await events.next()).value).toEqual({
      event: 'done',
      id: '8',
      data: { exit_code: 3, final_size: 8, signal: null, state: 'failed' },
    });
    expect((await events.next()).done).toBe(true);
    expect(logs.watching).toBe(0);
  });

  it('of a run that has ended goes to its end, also for one who has everything', async () => {
    const { logs, stream } = await serve();
    await logs.print(RUN, 'x'.repeat(3 * EVENT_BYTES + 5));
    await logs.finish(RUN, ENDED);
    const events = await stream('?offset=7');
    const size = 3 * EVENT_BYTES + 5;
    expect(await take(events, size - 7)).toMatchObject({ id: String(size) });
    expect((await events.next()).value?.event).toBe('done');
    expect((await (await stream(`?offset=${size}`)).next()).value?.event).toBe('done');
  });

  it('shows a marker where bytes are missing, and goes on behind them', async () => {
    const { logs, stream } = await serve();
    await logs.print(RUN, 'abc');
    await logs.skip(RUN, 3, 1_003);
    await logs.print(RUN, 'xyz');
    const events = await stream('?offset=2');
    expect(await take(events, 1)).toEqual({ text: 'c', id: '3' });
    const { value } = await events.next();
    expect(value).toMatchObject({
      event: 'log',
      id: '1003',
      data: { gap: { from: 3, to: 1003, reason: 'lost' } },
    });
    expect(chunkOf(value!).toString()).toContain('1,000 bytes are missing here');
    expect(await take(events, 3)).toEqual({ text: 'xyz', id: '1006' });
    // One who was in the midst of them is told of the rest alone.
    const inside = (await (await stream('?offset=1000')).next()).value;
    expect(inside?.data.gap).toEqual({ from: 1000, to: 1003, reason: 'lost' });
  });

  it('says what keeps the log from going on, behind what there is, and when it goes on', async () => {
    const { logs, base, stream } = await serve();
    await logs.print(RUN, 'abc');
    await logs.note(RUN, 'SageMaker slows Signalbox down.');
    expect(await (await fetch(base)).json()).toMatchObject({ note: 'SageMaker slows Signalbox down.' });
    const events = await stream();
    expect((await events.next()).value).toMatchObject({ event: 'log', id: '3' });
    expect((await events.next()).value).toEqual({
      ...{ event: 'note', id: '3' },
      data: { note: 'SageMaker slows Signalbox down.' },
    });
    const gone = events.next();
    await logs.note(RUN, undefined);
    expect((await gone).value).toEqual({ event: 'note', id: '3', data: { note: null } });
    await events.return(undefined);
  });

  it('sends a heartbeat when nothing is printed, with the place where it stands', async () => {
    const timers = handTimers();
    const { logs, stream } = await serve({ timers });
    await logs.print(RUN, 'abc');
    const events = await stream();
    await take(events, 3);
    const beat = events.next();
    await timers.advance(15_000);
    expect((await beat).value).toEqual({ event: 'heartbeat', id: '3', data: {} });
  });

  it('is read and encoded once for all who are at the same place: a thousand share one watch', async () => {
    const { logs, routes } = await serve();
    // Without sockets, which say nothing about it.
    const view = async () => sentEvents((await routes.request(`/runs/${RUN}/logs/stream`)).body!);
    const viewers = await Promise.all(Array.from({ length: 1_000 }, view));
    const first = viewers.map((events) => take(events, 3));
    await logs.print(RUN, 'abc');
    await Promise.all(first);
    expect(logs.watching).toBe(1);
    expect(logs.reads()).toBe(1);
    await Promise.all(Array.from({ length: 50 }, async () => take(await view(), 3)));
    expect(logs.reads()).toBe(0);
    await Promise.all(viewers.map((events) => events.return(undefined)));
  });

  it('makes nothing for a viewer who does not read, and goes on for it from the store', async () => {
    const { logs, base } = await serve();
    const piece = Buffer.alloc(2 ** 20, 'x');
    for (let at = 0; at < 24; at++) await logs.print(RUN, piece);
    const response = await new Promise<IncomingMessage>((resolve) => get(`${base}/stream`, resolve));
    let before = -1;
    for (let quiet = 0, total = 0; quiet < 300; quiet = total === before ? quiet + 1 : 0) {
      before = total;
      total += logs.reads();
      await nextTurn();
    }
    await logs.print(RUN, 'the end');
    await logs.finish(RUN, ENDED);
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(logs.reads()).toBe(0);
    let [bytes, last] = [0, ''];
    const web = new ReadableStream<Uint8Array>({
      start(controller) {
        response.on('data', (data) => controller.enqueue(data));
        response.once('end', () => controller.close());
      },
    });
    for await (const event of sentEvents(web)) {
      if (event.event === 'log') bytes += chunkOf(event).length;
      last = event.event;
    }
    expect([bytes, last]).toEqual([24 * 2 ** 20 + 7, 'done']);
  });

  it('tells once that a run is followed, and once that nobody follows it any more', async () => {
    const told: string[] = [];
    const { logs, stream } = await serve({
      followed: (id) => {
        told.push(`begins ${id}`);
        return () => told.push(`ends ${id}`);
      },
    });
    await logs.print(RUN, 'abc');
    const [one, two] = [await stream(), await stream()];
    await Promise.all([take(one, 3), take(two, 3)]);
    await one.return(undefined);
    await logs.print(RUN, 'd');
    await take(two, 1);
    expect(told).toEqual([`begins ${RUN}`]);
    await logs.finish(RUN, ENDED);
    await two.next();
    await two.next();
    expect(told).toEqual([`begins ${RUN}`, `ends ${RUN}`]);
  });

  it('ends when its run is removed, although nothing is printed any more', async () => {
    const timers = handTimers();
    const { logs, base, stream } = await serve({ timers });
    await logs.print(RUN, 'abc');
    const events = await stream();
    await take(events, 3);
    const rest = collect(events);
    await logs.remove(RUN);
    await timers.advance(15_000);
    expect((await rest).filter(({ event }) => event !== 'heartbeat')).toEqual([]);
    expect(logs.watching).toBe(0);
    expect((await fetch(`${base}/stream`)).status).toBe(404);
  });

  it('ends when another run begins by its name, which is served from its own beginning', async () => {
    let now = 1;
    const { logs, stream } = await serve({}, { now: () => now });
    await logs.print(RUN, 'abc');
    const events = await stream();
    await take(events, 3);
    const rest = collect(events);
    await logs.remove(RUN);
    now = 2;
    await logs.create(RUN);
    await logs.print(RUN, 'another');
    expect(await take(await stream(), 7)).toEqual({ text: 'another', id: '7' });
    expect(await rest).toEqual([]);
  });

  it('ends when its run is removed while it is read', async () => {
    const { logs, stream } = await serve();
    await logs.print(RUN, 'x'.repeat(EVENT_BYTES * 600));
    const events = await stream();
    await take(events, EVENT_BYTES);
    await logs.remove(RUN);
    expect((await collect(events)).every(({ event }) => event === 'log')).toBe(true);
    expect(logs.watching).toBe(0);
  });

  it('ends when the server stops, so that the client comes again', async () => {
    const { logs, stream } = await serve();
    await logs.print(RUN, 'abc');
    const events = await stream();
    await take(events, 3);
    const closed = server!.close();
    server = undefined;
    expect((await events.next()).done).toBe(true);
    await closed;
    expect(logs.watching).toBe(0);
  });

  it('ends with `denied` once the viewer may not read any more', async () => {
    const timers = handTimers();
    let allowed = true;
    const recheck = async () => {
      if (!allowed) throw new AppError('permission_denied', 'You may not read the logs of Line 3.');
    };
    const { logs, stream } = await serve({ timers, authorise: async () => ({ recheck }) });
    await logs.print(RUN, 'abc');
    const events = await stream();
    await take(events, 3);
    const beats = events.next();
    await timers.advance(60_000);
    expect((await beats).value?.event).toBe('heartbeat');
    allowed = false;
    await timers.advance(60_000);
    const rest = await collect(events);
    expect(rest.at(-1)).toEqual({
      event: 'denied',
      id: '3',
      data: { error: 'permission_denied', message: 'You may not read the logs of Line 3.' },
    });
    await logs.print(RUN, 'd');
    expect(logs.watching).toBe(0);
  });

  it('just ends where nobody can tell whether the viewer may go on', async () => {
    const timers = handTimers();
    const recheck = async () => {
      throw new AppError('unavailable', 'Slack does not answer.');
    };
    const { logs, stream } = await serve({ timers, authorise: async () => ({ recheck, recheckEvery: 10 }) });
    await logs.print(RUN, 'abc');
    const events = await stream();
    await take(events, 3);
    await timers.advance(10);
    expect((await events.next()).done).toBe(true);
  });
});

describe('[W3] a download', () => {
  it('is the raw bytes as a file', async () => {
    const { logs, base } = await serve();
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 256));
    await logs.print(RUN, bytes);
    await logs.finish(RUN, ENDED);
    const answer = await fetch(`${base}/download`);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="press-1.log"');
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(`${base}/download?offset=299000`);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(299_000))).toBe(true);
    const head = await fetch(`${base}/download`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('is no empty file while nothing has come in, and says what keeps it', async () => {
    const { logs, base } = await serve();
    const nothing = await fetch(`${base}/download`);
    expect(nothing.status).toBe(404);
    expect(nothing.headers.get('retry-after')).toBe('2');
    await logs.note(RUN, 'The local runner does not answer.');
    expect(await (await fetch(`${base}/download`)).json()).toMatchObject({
      message: 'No logs available yet.',
      hint: 'The local runner does not answer.',
    });
    await logs.finish(RUN, ENDED);
    const whole = await fetch(`${base}/download`);
    expect([whole.status, await whole.text()]).toEqual([200, '']);
  });

  it('has a marker where bytes are missing', async () => {
    const { logs, base } = await serve();
    await logs.print(RUN, 'abc');
    await logs.skip(RUN, 3, 5_003);
    await logs.print(RUN, 'xyz');
    await logs.finish(RUN, ENDED);
    for (const query of ['', '?offset=100', '?offset=5003']) {
      const answer = await fetch(`${base}/download${query}`);
      expect(await answer.text()).toMatch(/xyz$/);
    }
    expect(await (await fetch(`${base}/download`)).text()).toContain('5,000 bytes are missing here');
  });

  it('goes on behind a gap that turns up only when it is read', async () => {
    const { logs, base } = await serve();
    await logs.print(RUN, 'abcdefghi');
    await logs.finish(RUN, ENDED);
    const { read } = logs;
    logs.read = async (id, offset, limit) =>
      offset >= 3 && offset < 6
        ? { offset, bytes: new Uint8Array(0), gap: { from: offset, to: 6, reason: 'lost' } }
        : read.call(logs, id, offset, offset < 3 ? Math.min(limit, 3 - offset) : limit);
    expect(await (await fetch(`${base}/download`)).text()).toMatch(/^abc.*3 bytes are missing.*ghi$/s);
    const json = (await (await fetch(`${base}?offset=3`)).json()) as Record<string, unknown>;
    expect(json).toMatchObject({ gap: { from: 3, to: 6, reason: 'lost' }, next_offset: 6 });
  });

  it('is the text that a terminal shows, if wanted', async () => {
    const plain = () => {
      const seen: string[] = [];
      return {
        write(bytes: Uint8Array): string {
          seen.push(Buffer.from(bytes).toString());
          return '';
        },
        end: () => seen.join('').replace(/.*\r/g, ''),
      };
    };
    const { logs, base } = await serve({ plain });
    await logs.print(RUN, '10 %\r100 %\n');
    const answer = await fetch(`${base}/download?plain=1`);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="press-1.txt"');
    expect(await answer.text()).toBe('100 %\n');
    expect((await fetch(`${base}/download?plain=yes`)).status).toBe(400);
  });
});

describe('who asks for a log', () => {
  it('is told apart whether there is no such run or nothing printed yet', async () => {
    const { base } = await serve({ prepare: async (id) => id === 'line-3~local~new' });
    const at = async (id: string, way = '') => {
      const answer = await fetch(base.replace(RUN, id) + way);
      return [answer.status, ((await answer.json()) as { message: string }).message];
    };
    expect(await at('line-3~local~new')).toEqual([404, 'No logs available yet.']);
    expect(await at('line-3~local~new', '/stream')).toEqual([404, 'No logs available yet.']);
    for (const id of ['line-3~local~other', '%2e%2e%2fetc', 'a%2Fb', '%00', `${'x'.repeat(300)}`])
      expect(await at(id)).toEqual([404, 'There is no such run.']);
  });

  it('needs the right to it, in every way', async () => {
    const asked: string[] = [];
    const { logs, base } = await serve({
      authorise: async (request, id) => {
        asked.push(`${id} ${request.headers.get('authorization')}`);
        throw new AppError('permission_denied', 'No.');
      },
    });
    await logs.print(RUN, 'secret');
    for (const way of ['', '/stream', '/download'])
      for (const method of ['GET', 'HEAD'])
        expect((await fetch(base + way, { method, headers: { authorization: 'x' } })).status).toBe(403);
    expect(asked).toEqual(Array(6).fill(`${RUN} x`));
  });

  it('may only read', async () => {
    const { base } = await serve();
    for (const way of ['', '/stream', '/download'])
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const answer = await fetch(base + way, { method });
        expect([way, method, answer.status]).toEqual([way, method, 405]);
        expect(answer.headers.get('allow')).toBe('GET');
      }
  });

  it('with HEAD learns that the stream is there, and watches nothing', async () => {
    const { logs, base } = await serve();
    const answer = await fetch(`${base}/stream`, { method: 'HEAD' });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    expect(logs.watching).toBe(0);
  });

  it('from another origin gets no leave to read, but from those that are allowed', async () => {
    const origin = 'https://dash.example.com';
    const closed = await serve();
    expect(
      (await fetch(closed.base, { headers: { origin } })).headers.get('access-control-allow-origin'),
    ).toBeNull();
    await server!.close();
    const { base } = await serve({ allowedOrigins: [origin] });
    const allow = async (from: string, way = '', method = 'GET') => {
      const answer = await fetch(base + way, { method, headers: { origin: from } });
      await answer.body?.cancel();
      return answer.headers.get('access-control-allow-origin');
    };
    expect(await allow(origin)).toBe(origin);
    expect(await allow(origin, '/stream')).toBe(origin);
    expect(await allow(origin, '/stream', 'OPTIONS')).toBe(origin);
    // Also when it is refused, so that the page can say why.
    expect(await allow(origin, '?offset=9')).toBe(origin);
    for (const other of ['https://evil.example.com', `${origin}.evil.com`, 'null', 'http://dash.example.com'])
      expect(await allow(other)).toBeNull();
  });
});
