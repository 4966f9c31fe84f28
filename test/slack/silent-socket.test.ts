/** Slack gives the address of a socket, and what listens there never says a word. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { SocketIntake } from '../../src/slack/receivers.ts';

it('[O4] is told by its address without the ticket, and asked for another one', async () => {
  const mute = createSocketServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const address = `ws://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  let asked = 0;
  const slack = createServer((request, response) => {
    request.resume();
    asked += 1;
    response.end(JSON.stringify({ ok: true, url: `${address}/link/?ticket=4711` }));
  }).listen(0, '127.0.0.1');
  await once(slack, 'listening');
  const lines: string[] = [];
  const intake = new SocketIntake({
    appToken: 'xapp-1',
    apiUrl: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api/`,
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    helloWithin: 50,
  });
  // Pending until a socket is open.
  intake.start().catch(() => undefined);
  try {
    await expect
      .poll(() => intake.problem())
      .toBe(`no socket to Slack is open: ${address} → no answer in time`);
    // Each of the two sockets.
    await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
    expect(lines.join('')).toContain('no socket to Slack could be opened; trying again');
    expect(lines.join('')).not.toContain('4711');
  } finally {
    await intake.stop();
    slack.closeAllConnections();
    slack.close();
    mute.close();
  }
});
