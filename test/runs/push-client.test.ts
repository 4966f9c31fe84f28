import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEnd } from '../../src/domain/runs.ts';
import { pause } from '../../src/ground/pause.ts';
import { pushRoutes } from '../../src/http/push.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { type PushOptions, RunPush } from '../../src/runs/push-client.ts';
import { readAll } from '../contract/run-log-store.ts';
import { freePort } from '../fixtures/free-port.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { numberedBytes } from '../fixtures/numbered-bytes.ts';
import { PUSH_TOKEN, pushingUseCase, pushServer } from '../fixtures/push-server.ts';

const ID = 'line-3~push~bert-1';
const END: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: 7 };

function setUp(options: Partial<PushOptions> = {}) {
  const here = new MemoryRunLogs();
  const there = new MemoryRunLogs();
  const notes: string[] = [];
  const push = (more: Partial<PushOptions> = {}) =>
    new RunPush({
      url: 'http://signalbox.test/',
      token: PUSH_TOKEN,
      name: 'bert-1',
      key: 'k1',
      logs: here,
      id: 'bert-1',
      onNote: (text) => notes.push(text),
      retryAfter: [1, 2],
      fetch: pushServer(there),
      ...options,
      ...more,
    });
  const print = async (bytes: Uint8Array) => {
    const { size } = await here.create('bert-1');
    await here.append('bert-1', size, bytes);
  };
  return { here, there, notes, push, print };
}

describe('a run that is pushed', () => {
  it('arrives while it is printed, and with its end [P4]', async () => {
    const { here, there, push, print, notes } = setUp();
    await print(Buffer.from('epoch 1\r'));
    const sending = push();
    expect(await sending.begin()).toBe(true);
    const outcome = sending.run();
    const first = new Promise<void>((resolve) => {
      there.watch(ID, ({ size }) => {
        if (size === 8) resolve();
      });
    });
    await first;
    await print(Buffer.from('epoch 2\n'));
    await here.finish('bert-1', END);
    expect(await outcome).toEqual({ kind: 'sent' });
    expect((await readAll(there, ID)).bytes.toString()).toBe('epoch 1\repoch 2\n');
    expect((await there.info(ID))?.end).toEqual(END);
    expect(notes).toEqual([]);
  });

  it('arrives once and in order, whatever the network does and however often the server is killed', async () => {
    const trouble = fc.constantFrom(
      'none',
      'none',
      'unreachable',
      'answer lost',
      'restart',
      'twice',
      '503',
      '502 page',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.nat(2_000), fc.constant(600_000)), { maxLength: 8 }),
        fc.array(trouble, { maxLength: 40 }),
        async (pieces, troubles) => {
          const { here, there, push, print } = setUp();
          let server = pushServer(there);
          const next = troubles.values();
          const network: typeof fetch = async (input, init) => {
            const { value = 'none' } = next.next();
            if (value === 'unreachable') throw new TypeError('fetch failed');
            if (value === '503') return new Response('{"message":"The disk is full."}', { status: 503 });
            if (value === '502 page') return new Response('<html>Bad gateway', { status: 502 });
            if (value === 'restart') server = pushServer(there);
            const answer = await server(input, init);
            if (value === 'answer lost') throw new TypeError('fetch failed');
            return value === 'twice' ? await server(input, init) : answer;
          };
          await here.create('bert-1');
          const outcome = push({ fetch: network }).run();
          let size = 0;
          for (const length of pieces) {
            await print(numberedBytes(size, size + length));
            size += length;
            await pause(0);
          }
          await here.finish('bert-1', END);
          expect(await outcome).toEqual({ kind: 'sent' });
          const { bytes, gaps } = await readAll(there, ID);
          expect(gaps).toEqual([]);
          expect(bytes.equals(numberedBytes(0, size))).toBe(true);
          expect((await there.info(ID))?.end).toEqual(END);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('goes on where it was when it is begun again, by another process', async () => {
    const { here, there, push, print } = setUp();
    await print(numberedBytes(0, 2_000_000));
    let requests = 0;
    const first = push({
      fetch: async (input, init) => {
        if (++requests === 3) first.stop();
        return await pushServer(there)(input, init);
      },
    });
    const stopped = await first.run();
    const { size = 0 } = (await there.info(ID)) ?? {};
    expect(size).toBeGreaterThan(0);
    expect(stopped).toEqual({ kind: 'unsent', bytes: expect.any(Number) });
    await here.finish('bert-1', END);
    expect(await push().run()).toEqual({ kind: 'sent' });
    expect((await readAll(there, ID)).bytes.equals(numberedBytes(0, 2_000_000))).toBe(true);
    // Once more changes nothing.
    expect(await push().run()).toEqual({ kind: 'sent' });
    expect(await there.info(ID)).toMatchObject({ size: 2_000_000, end: END });
  });

  it('says of what is missing here that it is missing there', async () => {
    const { here, there, push } = setUp();
    await here.create('bert-1');
    await here.append('bert-1', 0, numberedBytes(0, 100));
    await here.skip('bert-1', 100, 300);
    await here.append('bert-1', 300, numberedBytes(300, 400));
    await here.finish('bert-1', END);
    expect(await push().run()).toEqual({ kind: 'sent' });
    const { bytes, gaps } = await readAll(there, ID);
    expect(gaps).toEqual([{ from: 100, to: 300, reason: 'lost' }]);
    expect(bytes.equals(Buffer.concat([numberedBytes(0, 100), numberedBytes(300, 400)]))).toBe(true);
  });

  it('begins anew when the other side has lost it', async () => {
    const { here, push, print } = setUp();
    let there = new MemoryRunLogs();
    await print(numberedBytes(0, 1_000_000));
    let requests = 0;
    const sending = push({
      fetch: async (input, init) => {
        if (++requests === 3) there = new MemoryRunLogs();
        return await pushServer(there)(input, init);
      },
    });
    await here.finish('bert-1', END);
    expect(await sending.run()).toEqual({ kind: 'sent' });
    expect((await readAll(there, ID)).bytes.equals(numberedBytes(0, 1_000_000))).toBe(true);
  });

  it('shares a run with one who has the same key, and both come to its end', async () => {
    const { here, there, push, print } = setUp();
    await print(numberedBytes(0, 3_000_000));
    const outcomes = Promise.all([push().run(), push().run()]);
    await here.finish('bert-1', END);
    expect(await outcomes).toEqual([{ kind: 'sent' }, { kind: 'sent' }]);
    expect((await readAll(there, ID)).bytes.equals(numberedBytes(0, 3_000_000))).toBe(true);
  });

  it('says of a silent run that it is there', async () => {
    const { there, push, here } = setUp();
    await here.create('bert-1');
    const sending = push({ heartbeat: 1 });
    const outcome = sending.run();
    const cursors = new Set<string | undefined>();
    await new Promise<void>((resolve) => {
      there.watch(ID, ({ cursor }) => {
        if (cursors.add(cursor).size === 4) resolve();
      });
    });
    sending.stop();
    expect(await outcome).toEqual({ kind: 'unsent', bytes: 0 });
  });

  it.each([
    [
      'a wrong token',
      { token: 'another' },
      { code: 'permission_denied', message: 'The bearer token is a wrong one.' },
    ],
    ['a name that is taken', { key: 'k2' }, { code: 'conflict', message: /another run of the name bert-1/ }],
    [
      'an address where nothing is',
      { fetch: async () => new Response('<html>', { status: 404 }) },
      { code: 'not_found', message: /answered 404, and not as Signalbox does/ },
    ],
  ])('is refused before it begins: %s', async (_, options, error) => {
    const { push, print } = setUp();
    await print(Buffer.from('x'));
    await push().begin();
    const { message } = error;
    await expect(push(options).begin()).rejects.toMatchObject({
      ...error,
      message: message instanceof RegExp ? expect.stringMatching(message) : message,
    });
  });

  it('is given up when the token is not taken any more, and says how much has not arrived', async () => {
    const { there, push, print } = setUp();
    await print(Buffer.from('12345'));
    const sending = push({ fetch: pushServer(there, [pushingUseCase('line-3', 'a-new-token-there')]) });
    expect(await sending.run()).toMatchObject({
      kind: 'refused',
      bytes: 5,
      error: { code: 'permission_denied' },
    });
  });

  it('sends less at once over a network that is too slow for more', async () => {
    const { here, there, push, print } = setUp();
    await print(numberedBytes(0, 1_000_000));
    await here.finish('bert-1', END);
    const server = pushServer(there);
    const lengths: number[] = [];
    const slow: typeof fetch = async (input, init) => {
      const length = init?.body instanceof Uint8Array ? init.body.length : 0;
      lengths.push(length);
      if (length <= 40_000) return await server(input, init);
      return await new Promise((_, reject) => {
        init!.signal!.addEventListener('abort', () => reject(new Error('aborted')));
      });
    };
    expect(await push({ fetch: slow, timeout: 5 }).run()).toEqual({ kind: 'sent' });
    expect(Math.min(...lengths.filter((length) => length > 16_384))).toBeLessThan(40_000);
    expect((await readAll(there, ID)).bytes.equals(numberedBytes(0, 1_000_000))).toBe(true);
  });

  it('waits for a server that is down, tells once, and goes on when it is there, through real sockets', async () => {
    const { here, there, push, print, notes } = setUp();
    const port = await freePort();
    const start = () =>
      startHttpServer(
        [
          pushRoutes({
            logs: there,
            useCases: [pushingUseCase('line-3', PUSH_TOKEN)],
            clock: { now: () => 7 },
          }),
        ],
        { port },
      );
    let server: HttpServer | undefined;
    let failures = 0;
    let comeBack = (): void => undefined;
    const sending = push({
      url: `http://127.0.0.1:${port}`,
      fetch: async (input, init) => {
        try {
          return await fetch(input, init);
        } catch (error) {
          failures += 1;
          if (failures % 4 === 0) comeBack();
          throw error;
        }
      },
    });
    await print(numberedBytes(0, 1_500_000));
    expect(await sending.begin()).toBe(false);
    const outcome = sending.run();
    const back = () =>
      new Promise<void>((resolve) => {
        comeBack = resolve;
      });
    await back();
    server = await start();
    await new Promise<void>((resolve) => {
      there.watch(ID, ({ size }) => {
        if (size === 1_500_000) resolve();
      });
    });
    await server.close();
    await print(numberedBytes(1_500_000, 2_000_000));
    await back();
    server = await start();
    await here.finish('bert-1', END);
    expect(await outcome).toEqual({ kind: 'sent' });
    await server.close();
    expect((await readAll(there, ID)).bytes.equals(numberedBytes(0, 2_000_000))).toBe(true);
    expect(notes.length).toBeGreaterThanOrEqual(2);
    expect(notes[0]).toMatch(
      /cannot be sent just now: .* cannot be reached \(ECONNREFUSED\)\. It is kept here/,
    );
    expect(notes[1]).toBe('The log is being sent again.');
  });
});
