import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { checkViewer } from '../../src/cli/doctor/viewer-checks.ts';
import { healthRoutes } from '../../src/http/health.ts';
import { startHttpServer } from '../../src/http/server.ts';

let server: Server | undefined;
afterEach(() => server?.close());

const look = (publicUrl: string) =>
  checkViewer({ publicUrl, allowedOrigins: [], linkFor: 300_000 }).then((checks) =>
    checks.map(({ title, status, detail }) => `${title} ${status}: ${detail}`),
  );

async function listen(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('[O2] [W5] says that Signalbox answers at the public address, under a path as well', async () => {
  const bot = await startHttpServer([healthRoutes([])], { port: 0 });
  const url = await listen(async (request, response) => {
    const path = request.url!.replace('/signalbox', '');
    response.end(await (await fetch(`http://127.0.0.1:${bot.port}${path}`)).text());
  });
  expect(await look(`${url}/signalbox/`)).toEqual([
    `address ok: Signalbox answers at ${url}/signalbox/`,
    'links ok: let one person in once, within 5 minutes',
  ]);
  await bot.close();
});

it('[O2] [W5] says what answers instead, or that nothing does', async () => {
  const url = await listen((_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'));
  expect((await look(url))[0]).toBe(`address warning: ${url}/healthz answers 502, and not as Signalbox does`);
  server?.close();
  const closed = await listen(() => {});
  await new Promise((resolve) => server!.close(resolve));
  expect((await look(closed))[0]).toBe(`address warning: nothing answers at ${closed}/healthz: ECONNREFUSED`);
});

it('[O2] [W5] warns of plain http to elsewhere, and says so where there is no viewer', async () => {
  for (const url of ['http://signalbox.invalid', 'http://127.0.0.1.signalbox.invalid'])
    expect((await look(url))[1]).toContain('links warning: go over plain http');
  expect((await checkViewer(undefined))[0]).toMatchObject({ status: 'ok' });
});
