/** Slack gives the address of a socket, and what listens there never says a word. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SocketIntake } from '../../src/slack/receivers.ts';

let mute: Server;
let slack: HttpServer;
let address: string;
let asked: number;
/** Gives the address, as soon as it likes to. */
let answer: (give: () => void) => void;
let lines: string[];
let intake: SocketIntake;

beforeEach(async () => {
  mute = createSocketServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  address = `ws://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  asked = 0;
  answer = (give) => give();
  slack = createServer((request, response) => {
    request.resume();
    asked += 1;
    answer(() => response.end(JSON.stringify({ ok: true, url: `${address}/link/?ticket=4711` })));
  }).listen(0, '127.0.0.1');
  await once(slack, 'listening');
  lines = [];
  intake = new SocketIntake({
    appToken: 'xapp-1',
    apiUrl: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api/`,
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    helloWithin: 50,
  });
  // Pending until a socket is open.
  intake.start().catch(() => undefined);
});
afterEach(async () => {
  await intake.stop();
  slack.closeAllConnections();
  slack.close();
  mute.close();
});

it('[O4] is told by its address without the ticket, and asked for another one', async () => {
  await expect
    .poll(() => intake.problem())
    .toBe(`no socket to Slack is open: ${address} → no answer in time`);
  // Each of the two sockets.
  await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
  expect(lines.join('')).toContain('no socket to Slack could be opened; trying again');
  expect(lines.join('')).not.toContain('4711');
});

it('is closed, and nothing else breaks, if its address comes after the bot was stopped', async () => {
  const broken: unknown[] = [];
  const onBroken = (reason: unknown): void => void broken.push(reason);
  process.on('unhandledRejection', onBroken);
  try {
    const given: (() => void)[] = [];
    answer = (give) => (asked <= 2 ? give() : void given.push(give));
    await expect.poll(() => given.length, { timeout: 20_000 }).toBe(2);
    const stopped = intake.stop();
    const opened: Socket[] = [];
    mute.on('connection', (socket) => opened.push(socket.resume()));
    for (const give of given) give();
    await stopped;
    await expect.poll(() => opened.length).toBe(2);
    await expect.poll(() => opened.every((socket) => socket.destroyed)).toBe(true);
    expect(broken).toEqual([]);
  } finally {
    process.off('unhandledRejection', onBroken);
  }
});
