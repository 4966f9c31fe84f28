/**
 * From a run's print to every viewer: `npx tsx bench/viewers.ts [viewers…]`. What a line takes from its append, by a
 * process of its own, over the disk, the server's watch and the loopback into each viewer's hands; and what a viewer
 * costs the server in memory. Server, viewers and writer are three processes; times are of the one monotonic clock.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runLogRoutes } from '../src/http/run-logs.ts';
import { startHttpServer } from '../src/http/server.ts';
import { openFileRunLogs } from '../src/runs/file-run-logs.ts';

const RUN = 'bench~local~run-1';
const LINES = 60;
/** Milliseconds between two lines: not a multiple of any pause, so that all of them are met. */
const EVERY = 173;
const clock = { now: Date.now };

interface Memory {
  rss: number;
  used: number;
}

async function serve(folder: string): Promise<void> {
  const logs = await openFileRunLogs({ folder, clock });
  await logs.create(RUN);
  const server = await startHttpServer([runLogRoutes({ logs, authorise: async () => ({}) })], { port: 0 });
  process.on('message', () => {
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send!({ rss, used: heapUsed + external } satisfies Memory);
  });
  process.send!(server.port);
}

/** A line in each append, with the time at which it begins. */
async function write(folder: string): Promise<void> {
  const logs = await openFileRunLogs({ folder, clock, tidies: false });
  process.once('message', async () => {
    let { size } = await logs.create(RUN);
    for (let n = 0; n < LINES; n++) {
      const line = Buffer.from(`${process.hrtime.bigint()} loss=0.123 epoch ${n}\r\n`);
      ({ size } = await logs.append(RUN, size, line));
      await sleep(EVERY);
    }
    await logs.close();
    process.disconnect();
  });
  process.send!('ready');
}

/** Reads what comes as fast as it comes, and no more of it than the time in it. */
function view(port: number, latencies: number[]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET /runs/${RUN}/logs/stream HTTP/1.1\r\nHost: bench\r\n\r\n`),
    );
    socket.once('error', reject);
    socket.once('data', () => resolve(socket));
    socket.on('data', (data) => {
      const now = process.hrtime.bigint();
      for (const [, chunk] of data.toString('latin1').matchAll(/"chunk":"([\w+/=]+)"/g))
        for (const [, at] of Buffer.from(chunk!, 'base64')
          .toString()
          .matchAll(/(\d{9,}) loss/g))
          latencies.push(Number(now - BigInt(at!)) / 1e6);
    });
  });
}

async function answer<T>(child: ChildProcess, question: string): Promise<T> {
  child.send(question);
  const [said] = await once(child, 'message');
  return said as T;
}

async function child<T>(part: string, folder: string): Promise<{ process: ChildProcess; said: T }> {
  const started = fork(import.meta.filename, [part, folder], {
    execArgv: [...process.execArgv, '--expose-gc'],
  });
  const [said] = await once(started, 'message');
  return { process: started, said: said as T };
}

/** @returns once it has not changed for a while, so that what is being made or let go of does not count */
async function settled(server: ChildProcess): Promise<Memory> {
  let last = await answer<Memory>(server, 'memory');
  for (;;) {
    await sleep(500);
    const next = await answer<Memory>(server, 'memory');
    if (Math.abs(next.used - last.used) < 50_000) return next;
    last = next;
  }
}

const part = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
const kb = (bytes: number, viewers: number): string => `${(bytes / 1000 / viewers).toFixed(1)} kB`;

async function follow(viewers: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-viewers-'));
  const { process: server, said: port } = await child<number>('serve', folder);
  const { process: writer } = await child('write', folder);
  const latencies: number[] = [];
  const sockets = await enter(viewers, port, latencies);
  writer.send('go');
  await once(writer, 'disconnect');
  for (let tries = 0; latencies.length < viewers * LINES && tries < 100; tries++) await sleep(50);
  for (const socket of sockets) socket.destroy();
  server.kill();
  await rm(folder, { recursive: true });
  latencies.sort((a, b) => a - b);
  console.log(
    `${String(viewers).padStart(5)} viewers  p50 ${part(latencies, 0.5).toFixed(0)} ms  p99 ${part(latencies, 0.99).toFixed(0)} ms  ` +
      `most ${latencies.at(-1)!.toFixed(0)} ms  missing ${viewers * LINES - latencies.length} of ${viewers * LINES}`,
  );
}

async function enter(count: number, port: number, latencies: number[] = []): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let n = 0; n < count; n += 50)
    sockets.push(
      ...(await Promise.all(Array.from({ length: Math.min(50, count - n) }, () => view(port, latencies)))),
    );
  return sockets;
}

/** The first ones make V8 take room to grow in, which each further one shows. */
async function remember(count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-viewers-'));
  const { process: server, said: port } = await child<number>('serve', folder);
  const sockets = await enter(1, port);
  let before = await settled(server);
  for (let n = 1; n <= 3; n++) {
    sockets.push(...(await enter(count, port)));
    const after = await settled(server);
    console.log(
      `${String(n * count).padStart(5)} viewers who wait: the last ${count} have ${kb(after.used - before.used, count)} each, resident ${kb(after.rss - before.rss, count)}`,
    );
    before = after;
  }
  for (const socket of sockets) socket.destroy();
  server.kill();
  await rm(folder, { recursive: true });
}

/** Viewers who ask for a long log and never read: what the server keeps for each, beside as many that came before. */
async function neverRead(viewers: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-viewers-'));
  const logs = await openFileRunLogs({ folder, clock });
  await logs.create(RUN);
  for (let n = 0; n < 50; n++) await logs.append(RUN, n * 2 ** 20, Buffer.alloc(2 ** 20, `line ${n} `));
  await logs.close();
  const { process: server, said: port } = await child<number>('serve', folder);
  const ignore = (): Promise<Socket[]> =>
    Promise.all(Array.from({ length: viewers }, async () => (await view(port, [])).pause()));
  const others = await ignore();
  const before = await settled(server);
  const sockets = await ignore();
  const after = await settled(server);
  console.log(
    `${String(viewers).padStart(5)} viewers of 50 MiB who never read: ${kb(after.used - before.used, viewers)} each, resident ${kb(after.rss - before.rss, viewers)}`,
  );
  for (const socket of [...others, ...sockets]) socket.destroy();
  server.kill();
  await rm(folder, { recursive: true });
}

const [first, second = ''] = process.argv.slice(2);
if (first === 'serve') await serve(second);
else if (first === 'write') await write(second);
else {
  const counts = process.argv.slice(2).map(Number);
  for (const viewers of counts.length > 0 ? counts : [1, 100, 1_000]) await follow(viewers);
  await remember(1_000);
  await neverRead(500);
}
