/** The provider `local` against the runner as it is started, and against servers that are none. */

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UseCase } from '../../src/domain/use-cases.ts';
import type { LogChunk, LogPage } from '../../src/ports/log-source.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { local } from '../../src/providers/local.ts';
import { RunnerClient } from '../../src/providers/runner-client.ts';
import { followRun } from '../../src/providers/runner-log.ts';
import { describeTrainingProvider } from '../contract/training-provider.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';
import { PROGRAM, RUNNER_TOKEN, RunnerHome } from '../fixtures/runner-process.ts';

const TEMPLATES = `
templates:
  say: { command: [sh, -c, 'for i in 1 2 3; do echo "line $i"; done'] }
  fail: { command: [sh, -c, 'echo on its way; exit 7'] }
  wait:
    command: [sh, -c, 'printf "step 1\\nstep 2\\nstep "; until test -e "$1"; do sleep 0.05; done; echo 3; exit 0', sh, '{file}']
    parameters: { file: { type: text, pattern: '[a-z0-9]+', default: go } }
    terminal: pipe
`;

const secret = (value: string | undefined) => ({ variable: 'LAB_TOKEN', read: () => value });

function open(baseUrl: string, more: object = {}): TrainingProvider {
  const useCase: UseCase = {
    ...{ id: 'lab', name: 'Lab', channels: ['C0LAB'], access: {} },
    logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
    providers: { sagemaker: false, local: { baseUrl, token: secret(RUNNER_TOKEN), ...more } },
  };
  const aws = (): never => {
    throw new TypeError('not asked for');
  };
  return local.open({
    useCase,
    actor: { team: 'T0', user: 'U0ADA' },
    operation: 'logs',
    aws,
    engine: NO_ENGINE,
  });
}

async function startedHome(): Promise<RunnerHome> {
  const home = await RunnerHome.make(TEMPLATES);
  expect(await home.start(), home.stderr).toBeUndefined();
  return home;
}

if (existsSync(PROGRAM))
  describeTrainingProvider('the local runner', async () => {
    const home = await startedHome();
    for (const name of ['say', 'fail', 'wait']) await home.run(name, `${name}-1`);
    await home.ended('say-1');
    await home.ended('fail-1');
    await home.until('wait-1', ({ size }) => size > 10);
    return {
      provider: open(home.url),
      jobs: { completed: 'say-1', failed: 'fail-1', running: 'wait-1' },
      template: {
        ...{ name: 'waits', provider: 'local', parameters: {} },
        local: { template: 'wait' },
      },
      close: () => home.dispose(),
    };
  });

const textOf = ({ text, ends }: LogPage): string[] =>
  [...ends].map((end, index) => text.subarray(index === 0 ? 0 : ends[index - 1], end).toString());

async function allOf(
  provider: TrainingProvider,
  job: string,
  request: { direction?: 'forward' | 'backward'; from?: number; to?: number; limit?: number } = {},
): Promise<string[]> {
  const { direction = 'forward', ...rest } = request;
  const pages: string[][] = [];
  for (let token: string | undefined; ; ) {
    const page = await provider.log(job).readPage({ stream: 'output', direction, token, ...rest });
    pages.push(textOf(page));
    if (page.nextToken === token) break;
    token = page.nextToken;
  }
  return (direction === 'backward' ? pages.reverse() : pages).flat();
}

describe.skipIf(!existsSync(PROGRAM))('a run on the local runner', () => {
  let home: RunnerHome;
  let provider: TrainingProvider;
  beforeEach(async () => {
    home = await startedHome();
    provider = open(`${home.url}/`);
  });
  afterEach(() => home.dispose());

  it('says how it ended and with what it ran', async () => {
    await home.run('fail', 'fail-1');
    await home.ended('fail-1');
    expect(await provider.getStatus('fail-1')).toMatchObject({
      ...{ name: 'fail-1', useCase: 'lab', provider: 'local', state: 'failed', status: 'Failed' },
      ...{ failureReason: 'It exited with code 7.', hyperparameters: {} },
      exit: { code: 7, signal: null },
    });
    expect(await provider.jobs.tags({ name: 'fail-1' })).toEqual({ template: 'fail' });
    await home.run('wait', 'wait-1');
    await home.until('wait-1', ({ size }) => size > 0);
    process.kill((await home.record('wait-1', 'capture')).pid, 'SIGKILL');
    process.kill((await home.record('wait-1', 'training')).pid, 'SIGKILL');
    await home.ended('wait-1');
    expect(await provider.getStatus('wait-1')).toMatchObject({
      ...{ state: 'failed', status: 'Lost', hyperparameters: { file: 'go' } },
      failureReason: 'Its process is gone, and nobody saw how it ended.',
    });
  });

  it('is read in pages, forward and backward, within times, an unfinished line included once', async () => {
    await home.run('wait', 'wait-1');
    await home.until('wait-1', ({ size }) => size >= 19);
    const lines = ['step 1', 'step 2', 'step '];
    for (const direction of ['forward', 'backward'] as const)
      for (const limit of [1, 2, 3, 100])
        expect(await allOf(provider, 'wait-1', { direction, limit })).toEqual(lines);
    const now = Date.now();
    for (const direction of ['forward', 'backward'] as const) {
      expect(await allOf(provider, 'wait-1', { direction, from: now - 600_000, to: now + 1 })).toEqual(lines);
      expect(await allOf(provider, 'wait-1', { direction, to: now - 600_000 })).toEqual([]);
      expect(await allOf(provider, 'wait-1', { direction, from: now + 600_000 })).toEqual([]);
    }
    await writeFile(join(home.folder, 'go'), '');
    await home.ended('wait-1');
    expect(await allOf(provider, 'wait-1')).toEqual(['step 1', 'step 2', 'step 3']);
    const [stream, ...others] = await provider.log('wait-1').listStreams();
    expect(others).toEqual([]);
    expect(stream).toMatchObject({ shortName: 'output', bytes: 21 });
    expect(stream!.lastEventAt).toBeGreaterThan(now - 600_000);
  });

  it('is followed while it prints, from any byte, and to its end', async () => {
    await home.run('wait', 'wait-1');
    await home.until('wait-1', ({ size }) => size >= 19);
    const chunks: LogChunk[] = [];
    for await (const chunk of provider.readLog('wait-1', { offset: 7 }, new AbortController().signal)) {
      chunks.push(chunk);
      await writeFile(join(home.folder, 'go'), '');
    }
    expect(chunks[0]!.offset).toBe(7);
    expect(Buffer.concat(chunks.map(({ bytes }) => bytes)).toString()).toBe('step 2\nstep 3\n');
    await expect(
      provider.readLog('nobody', { offset: 0 }, new AbortController().signal)[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('that is followed ends quietly when it is not to be followed any more, and loudly when the runner goes', async () => {
    await home.run('wait', 'wait-1');
    await home.until('wait-1', ({ size }) => size >= 19);
    const stop = new AbortController();
    for await (const _ of provider.readLog('wait-1', { offset: 0 }, stop.signal)) stop.abort();
    const following = provider.readLog('wait-1', { offset: 0 }, new AbortController().signal);
    const iterator = following[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    next.catch(() => undefined);
    await home.end('SIGKILL');
    await expect(next).rejects.toMatchObject({ code: 'unavailable' });
    await home.start();
  });

  it('[P2] is an error, and no empty list or log, while the runner is down or lets nobody in', async () => {
    await home.run('say', 'say-1');
    await home.ended('say-1');
    const stranger = open(home.url, { token: secret('not-the-token-0123456789') });
    // One after another: a rejection that nobody waits for yet counts as unhandled.
    const questions: ((asked: TrainingProvider) => Promise<unknown>)[] = [
      ({ jobs }) => jobs.list({ limit: 5 }),
      (asked) => asked.getStatus('say-1'),
      ({ jobs }) => jobs.tags({ name: 'say-1' }),
      (asked) => asked.log('say-1').listStreams(),
      (asked) => asked.log('say-1').readPage({ stream: 'output', direction: 'forward' }),
      (asked) =>
        asked.readLog('say-1', { offset: 0 }, new AbortController().signal)[Symbol.asyncIterator]().next(),
    ];
    for (const ask of questions)
      await expect(ask(stranger)).rejects.toMatchObject({
        code: 'permission_denied',
        message: 'The local runner does not let Signalbox in: The bearer token is a wrong one.',
      });
    await home.end('SIGTERM');
    for (const ask of questions)
      await expect(ask(provider)).rejects.toMatchObject({
        code: 'unavailable',
        message: 'The local runner does not answer.',
        adminHint: expect.stringContaining('ECONNREFUSED'),
      });
    await home.start();
  });
});

describe('a server that answers as it likes', () => {
  let server: Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const at = async (listener: RequestListener): Promise<string> => {
    server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const answering = (status: number, body: string, headers: Record<string, string> = {}): Promise<string> =>
    at((_, response) => response.writeHead(status, headers).end(body));

  it.each<[string, number, string, object]>([
    [
      'its error as text',
      500,
      '{"error":"GPU 0 is on fire"}',
      { code: 'unavailable', message: 'GPU 0 is on fire' },
    ],
    [
      'no text at all',
      502,
      '',
      { code: 'unavailable', message: 'The local runner answered with 502 Bad Gateway.' },
    ],
    ['a web page', 503, '<h1>Busy</h1>', { code: 'unavailable', message: /Service Unavailable/ }],
    [
      'a code and a sentence',
      400,
      '{"error":"invalid_input","message":"No."}',
      { code: 'invalid_input', message: 'No.' },
    ],
    [
      '429',
      429,
      '{"error":"slow down"}',
      { code: 'rate_limited', message: 'slow down', retryAfterMs: 7_000 },
    ],
    [
      'nothing at that path',
      404,
      'Cannot GET /runs',
      { code: 'unavailable', message: /no runner at its address/ },
    ],
    ['a page instead of runs', 200, '<h1>Hello</h1>', { code: 'unavailable', message: /cannot be read/ }],
    ['half a list', 200, '{"runs":[{"id":"a"', { code: 'unavailable', message: /cannot be read/ }],
    ['other runs', 200, '{"runs":[{"id":7}]}', { code: 'unavailable', message: /cannot be read/ }],
    ['no runs where a list should be', 404, '{"error":"not_found"}', { code: 'unavailable' }],
    ['the way elsewhere', 302, '', { code: 'unavailable', message: 'The local runner does not answer.' }],
  ])(
    'with %s is told as that',
    async (_, status, body, { message, ...expected }: { message?: string | RegExp }) => {
      const url = await answering(status, body, { 'retry-after': '7', location: 'http://127.0.0.1:9/' });
      const error = await open(url)
        .jobs.list({ limit: 5 })
        .then(
          () => undefined,
          (thrown: unknown) => thrown as Error,
        );
      expect(error).toMatchObject(expected);
      if (message instanceof RegExp) expect(error!.message).toMatch(message);
      else if (message !== undefined) expect(error!.message).toBe(message);
    },
  );

  it('is sent the token and the headers of the configuration', async () => {
    const seen: object[] = [];
    const url = await at((request, response) => {
      const { authorization, 'x-gateway': gateway } = request.headers;
      seen.push({ authorization, gateway, url: request.url });
      response.end('{"runs":[]}');
    });
    expect(
      await open(url, { headers: { 'x-gateway': '7' } }).jobs.list({ limit: 3, nameContains: 'a b&c' }),
    ).toEqual([]);
    expect(seen).toEqual([
      { authorization: `Bearer ${RUNNER_TOKEN}`, gateway: '7', url: '/runs?limit=3&name=a%20b%26c' },
    ]);
  });

  it('is read by lines alone, as the interface has them', async () => {
    const all = Array.from({ length: 12 }, (_, index) => `line ${index}`);
    const url = await at((request, response) => {
      const { searchParams } = new URL(request.url!, 'http://x');
      const [offset, limit] = ['offset', 'limit'].map((name) => Number(searchParams.get(name)));
      response.end(JSON.stringify({ logs: all.slice(offset!, offset! + limit!), total: all.length }));
    });
    expect(await allOf(open(url), 'run-1', { limit: 5 })).toEqual(all);
    expect(await allOf(open(url), 'run-1', { limit: 5, direction: 'backward' })).toEqual(all);
  });

  it('and breaks a stream off is asked to go on, not believed', async () => {
    const log = (text: string, id: number): string =>
      `event: log\nid: ${id}\ndata: ${JSON.stringify({ chunk: Buffer.from(text).toString('base64') })}\n\n`;
    const gap = `event: log\nid: 100\ndata: ${JSON.stringify({ chunk: 'Li4u', gap: { from: 5, to: 100, reason: 'cap' } })}\n\n`;
    const url = await answering(
      200,
      `: hello\n\n${log('ab', 2)}event: heartbeat\ndata: {}\n\n${log('cde', 5)}${gap}${log('f', 101)}`,
    );
    const chunks: [number, string][] = [];
    const following = (async () => {
      for await (const { offset, bytes } of open(url).readLog(
        'r',
        { offset: 0 },
        new AbortController().signal,
      ))
        chunks.push([offset, Buffer.from(bytes).toString()]);
    })();
    await expect(following).rejects.toMatchObject({ code: 'unavailable' });
    expect(chunks).toEqual([
      [0, 'ab'],
      [2, 'cde'],
      [100, ''],
      [100, 'f'],
    ]);
  });
});

describe('a runner that is gone without closing', () => {
  const follow = async (body: string | undefined) => {
    const server = createServer((_, response) => {
      if (body === undefined) return;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(body);
    });
    let closed = (): void => {};
    const close = new Promise<void>((resolve) => {
      closed = resolve;
    });
    server.on('connection', (socket) => socket.on('close', closed));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const chunks: string[] = [];
    const following = (async () => {
      for await (const { bytes } of followRun(
        new RunnerClient({ baseUrl: url }),
        'press-1',
        0,
        new AbortController().signal,
        200,
      ))
        chunks.push(Buffer.from(bytes).toString());
    })();
    await expect(following).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('has sent nothing for'),
    });
    // Its connection is not kept either.
    await close;
    server.close();
    return chunks;
  };

  it('is noticed by its silence, heartbeats being due: what came before is kept, and it is tried again', async () => {
    const data = JSON.stringify({ chunk: Buffer.from('step 1\n').toString('base64') });
    expect(await follow(`event: log\nid: 7\ndata: ${data}\n\nevent: heartbeat\ndata: {}\n\n`)).toEqual([
      'step 1\n',
    ]);
  });

  it('is noticed too where it does not even begin to answer', async () => {
    expect(await follow(undefined)).toEqual([]);
  });
});

describe('a use case with a runner', () => {
  it('whose token is not set says which variable to set, to admins', () => {
    expect(() => open('http://127.0.0.1:9', { token: secret(undefined) })).toThrow(
      expect.objectContaining({ code: 'conflict', adminHint: expect.stringContaining('LAB_TOKEN') }),
    );
  });
});
