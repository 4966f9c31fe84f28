import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Connections } from '../../src/aws/connections.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const noMemory = { take: () => undefined, give: () => undefined };

function connections(silentMs = 5_000, connectMs = 5_000): Connections {
  const made = new Connections({ connectMs, silentMs, memory: noMemory });
  closing.push(() => made.destroy());
  return made;
}

const requestTo = (port: number, body: string, protocol = 'http:') => ({
  protocol,
  hostname: 'localhost',
  port,
  method: 'POST',
  path: '/',
  headers: { host: `localhost:${port}`, 'x-amz-target': 'Logs.Get' },
  body,
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, () => resolve()));
  return (server.address() as AddressInfo).port;
}

/** Answers with what it is sent, and counts connections. */
function echo(): { listener: RequestListener; connected: () => number } {
  const seen = new Set<Socket>();
  return {
    connected: () => seen.size,
    listener: (request, response) => {
      seen.add(request.socket);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        response.writeHead(200, {
          'content-length': body.length,
          'x-target': request.headers['x-amz-target'],
        });
        response.end(body);
      });
    },
  };
}

/** Makes the certificate; without it the test of encryption says that it was skipped. */
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('[L5] connections to the log service', () => {
  it('carry one request after the other, as many at a time as are asked, and are used again', async () => {
    const { listener, connected } = echo();
    const server = createServer(listener);
    const port = await listen(server);
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const made = connections();
    const large = 'x'.repeat(3_000_000);
    for (let round = 0; round < 3; round++) {
      const texts = ['a', 'größe', large];
      const answers = await Promise.all(texts.map((text) => made.handle(requestTo(port, text))));
      expect(answers.map(({ response }) => response.body.toString())).toEqual(texts);
      expect(answers[0]!.response).toMatchObject({ statusCode: 200, headers: { 'x-target': 'Logs.Get' } });
    }
    expect(connected()).toBe(3);
  });

  it.skipIf(!hasOpenssl)(
    'are encrypted where the endpoint is, and nobody is believed whose certificate is not',
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'connections-'));
      closing.push(() => rmSync(dir, { recursive: true, force: true }));
      const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
          .concat(['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'])
          .concat(['-days', '2', '-keyout', key, '-out', cert]),
        { stdio: 'ignore' },
      );
      const { listener } = echo();
      const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, listener);
      const port = await listen(server);
      closing.push(
        () => server.closeAllConnections(),
        () => server.close(),
      );
      await expect(connections().handle(requestTo(port, 'secret', 'https:'))).rejects.toMatchObject({
        code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      });
      const trusting = new Connections({
        ...{ connectMs: 5_000, silentMs: 5_000, memory: noMemory, ca: readFileSync(cert) },
      });
      closing.push(() => trusting.destroy());
      const large = 'ä'.repeat(700_000);
      for (const text of ['a', large]) {
        const { response } = await trusting.handle(requestTo(port, text, 'https:'));
        expect(response.body.toString()).toBe(text);
      }
    },
  );

  /** Each connection does what the next of the steps says, with each request. */
  async function script(...steps: ((socket: Socket, request: number) => void)[]): Promise<number> {
    let connection = 0;
    const server = createSocketServer((socket) => {
      const step = steps[Math.min(connection++, steps.length - 1)]!;
      let request = 0;
      socket.on('error', () => undefined);
      socket.on('data', () => step(socket, request++));
    });
    const port = await listen(server);
    closing.push(() => server.close());
    return port;
  }

  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

  it('that the service has closed meanwhile are replaced, without anybody noticing', async () => {
    const port = await script(
      (socket, request) => (request === 0 ? socket.write(OK) : socket.destroy()),
      (socket) => socket.write(OK),
    );
    const made = connections();
    for (let n = 0; n < 3; n++) {
      expect((await made.handle(requestTo(port, 'a'))).response.body.toString()).toBe('ok');
    }
  });

  it.each([
    ['at once', (socket: Socket) => void socket.destroy()],
    ['in the middle', (socket: Socket) => void socket.end(OK.slice(0, -1))],
  ])('that break %s say so', async (_, step) => {
    const port = await script(step);
    await expect(connections().handle(requestTo(port, 'a'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('that are silent for too long, or never come, are late', async () => {
    const port = await script((socket) => socket.write(OK.slice(0, -1)));
    await expect(connections(30).handle(requestTo(port, 'a'))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    // TEST-NET-1 (RFC 5737) answers nobody; where there is no way to it, the system says so.
    const nowhere = { ...requestTo(1, 'a'), hostname: '192.0.2.1' };
    await expect(connections(5_000, 30).handle(nowhere)).rejects.toMatchObject({
      code: expect.stringMatching(/^(ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED)$/),
    });
  });

  it('are given up when the caller does, before and in the middle', async () => {
    const begun = new AbortController();
    const port = await script((socket) => {
      socket.write(OK.slice(0, -1));
      begun.abort('enough');
    });
    for (let n = 0; n < 2; n++) {
      await expect(
        connections().handle(requestTo(port, 'a'), { abortSignal: begun.signal }),
      ).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
    }
  });

  it('never send a header with a line break', async () => {
    const { headers, ...request } = requestTo(1, 'a');
    const smuggled = { ...request, headers: { ...headers, x: 'a\r\nHost: other' } };
    await expect(connections().handle(smuggled)).rejects.toThrow('line break');
  });
});
