/** `signalbox start` where Slack does not answer, or something else does: a process of its own, asked to end once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endProcess } from '../fixtures/end-process.ts';
import { freePort } from '../fixtures/free-port.ts';
import { PROGRAM } from '../fixtures/runner-process.ts';
import { newState } from './state.ts';

const WHO = JSON.stringify({ ok: true, user_id: 'U0BOT', team_id: 'T1', user: 'signalbox' });
const CONFIG = `useCases:
  - id: line-3
    name: Line 3
    account: "123456789012"
    region: eu-west-1
    channels: [C0LINE3]
    access: { viewer: [channel-members] }
`;

let dir: string;
let server: Server | undefined;
let bot: ChildProcess | undefined;
let log: string;
let ended: Promise<[number | null, NodeJS.Signals | null]>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-start-'));
  log = '';
});
afterEach(async () => {
  await endProcess(bot);
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function slack(answer: RequestListener): Promise<string> {
  server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
}

async function start(apiUrl: string, env: Record<string, string> = {}): Promise<void> {
  await writeFile(join(dir, 'signalbox.yaml'), CONFIG);
  bot = spawn(process.execPath, [PROGRAM, 'start'], {
    env: {
      PATH: process.env.PATH,
      SLACK_BOT_TOKEN: 'xoxb-1',
      SLACK_APP_TOKEN: 'xapp-1',
      SLACK_API_URL: apiUrl,
      SIGNALBOX_DATA_DIR: join(dir, 'data'),
      ...(await newState()),
      LOG_LEVEL: 'info',
      ...env,
    },
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  bot.stderr!.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  ended = once(bot, 'exit') as typeof ended;
}

const says = (words: string) => expect.poll(() => log).toContain(words);

const built = existsSync(PROGRAM);

describe.skipIf(!built)('[O5] one signal ends a start', () => {
  it.each([
    ['asking Slack who the bot is', () => {}],
    [
      'no socket to Slack could be opened',
      ((request, response) => {
        if (request.url?.endsWith('/auth.test')) response.end(WHO);
        else response.writeHead(404, { 'content-type': 'text/html' }).end('<html>ticket=4711</html>');
      }) satisfies RequestListener,
    ],
    [
      'opening the way in from Slack',
      ((request, response) => {
        if (request.url?.endsWith('/auth.test')) response.end(WHO);
      }) satisfies RequestListener,
    ],
  ])('that says: %s', async (words, answer) => {
    await start(await slack(answer));
    await says(words);
    bot!.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(log).toContain('stopped before it was ready');
    expect(log).not.toContain('4711');
  });
});

it.skipIf(!built)('[O4] says what it asks and what comes back, in the log and in /readyz', async () => {
  const apiUrl = await slack((request, response) => {
    if (request.url?.endsWith('/auth.test')) response.end(WHO);
    else response.writeHead(404).end('not here');
  });
  const port = await freePort();
  await start(apiUrl, { PORT: String(port) });
  await says('"asked":');
  expect(log).toContain(`${apiUrl}auth.test`);
  await says(`${apiUrl}apps.connections.open → HTTP 404`);
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    problems: [
      { name: 'slack', problem: `no socket to Slack is open: ${apiUrl}apps.connections.open → HTTP 404` },
    ],
  });
});

describe.skipIf(!built)('[O4] ends with word of what answered instead of Slack', () => {
  it('a page', async () => {
    const apiUrl = await slack((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello</p>');
    });
    await start(apiUrl);
    expect(await ended).toEqual([5, null]);
    expect(log).toContain(
      `${apiUrl}auth.test → the answer is not Slack's: HTTP 200 with 12 bytes of text/html`,
    );
    expect(log).toContain('SLACK_API_URL');
  });

  it('nobody', async () => {
    const apiUrl = `http://127.0.0.1:${await freePort()}/api/`;
    await start(apiUrl);
    expect(await ended).toEqual([5, null]);
    expect(log).toContain(`${apiUrl}auth.test → ECONNREFUSED`);
  });
});
