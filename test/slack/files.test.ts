import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SlackClients } from '../../src/slack/clients.ts';
import { SlackFiles } from '../../src/slack/files.ts';
import { callBudgets } from '../fixtures/call-budgets.ts';

let dir: string;
let server: Server | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-files-'));
});

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await rm(dir, { recursive: true, force: true });
});

/** Delivers a file of so many bytes to a server of Slack's. @returns what it has told about its progress */
async function upload(content: Buffer, answer: RequestListener, bytes = content.length): Promise<number[]> {
  const path = join(dir, 'log');
  await writeFile(path, content);
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const upload_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = {
    files: {
      getUploadURLExternal: async () => ({ upload_url, file_id: 'F1' }),
      completeUploadExternal: async () => ({}),
      info: async () => ({ file: { shares: { public: { C1: [] } } } }),
    },
  };
  const clients = { uploads: client, once: client, interactive: client } as unknown as SlackClients;
  const progress: number[] = [];
  const { shared } = await new SlackFiles(clients, callBudgets(), pino({ level: 'silent' }), {
    retryDelay: 0,
  }).deliver(
    { files: [{ path, name: 'a.log', title: 'a.log', bytes }], channel: 'C1', comment: '' },
    { onProgress: (sent) => progress.push(sent) },
  );
  expect(await shared).toBe(true);
  return progress;
}

/** Answers once everything has come. */
const keeping =
  (received: Buffer[]): RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(Buffer.concat(chunks));
      response.end();
    });
  };

it.each([0, 1, 131_072, 131_073, 3_000_000])(
  'all of %d bytes arrive as they are, though they are read into the same memory',
  async (length) => {
    const content = Buffer.from(Uint32Array.from({ length: Math.ceil(length / 4) }, (_, i) => i).buffer);
    const received: Buffer[] = [];
    const progress = await upload(content.subarray(0, length), keeping(received));
    expect(received.map((bytes) => bytes.equals(content.subarray(0, length)))).toEqual([true]);
    expect(progress.at(-1)).toBe(length);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  },
);

it('one that is answered with an error before all of it was sent is tried again', async () => {
  const content = Buffer.alloc(20_000_000, 7);
  const received: Buffer[] = [];
  let tries = 0;
  await upload(content, (request, response) => {
    tries += 1;
    if (tries > 1) keeping(received)(request, response);
    else response.writeHead(503, { connection: 'close' }).end();
  });
  expect(tries).toBe(2);
  expect(received[0]?.equals(content)).toBe(true);
});

it('one whose connection breaks while bytes wait to be sent is tried again', async () => {
  const content = Buffer.alloc(20_000_000, 7);
  const received: Buffer[] = [];
  let tries = 0;
  await upload(content, (request, response) => {
    tries += 1;
    if (tries > 1) keeping(received)(request, response);
    else request.once('data', () => request.socket.destroy());
  });
  expect(tries).toBe(2);
  expect(received[0]?.equals(content)).toBe(true);
});

it('a file that has become shorter is not waited for', async () => {
  await expect(upload(Buffer.alloc(1000), keeping([]), 2000)).rejects.toThrow(
    'The upload to Slack broke off',
  );
});
