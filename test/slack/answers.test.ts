/** What stands between the bot and Slack answers for it, or cuts off what Slack said. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/ground/errors.ts';
import { slackFetch } from '../../src/slack/answers.ts';
import { createClients } from '../../src/slack/clients.ts';
import { slackCall } from '../../src/slack/errors.ts';
import { verdictOf } from '../../src/slack/outbox-verdict.ts';

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

async function answering(status: number, headers: Record<string, string>, body: string): Promise<string> {
  server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const clients = (apiUrl: string) =>
  createClients({ token: 'xoxb-1', apiUrl, logger: pino({ level: 'silent' }) });

const failed = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.unreachable('it failed'),
    (error: unknown) => error,
  );

describe('an answer that is not Slack’s', () => {
  const PAGE = '<html><title>Sign in</title> ticket=4711</html>';
  it.each([
    ['a page', 'text/html', PAGE],
    ['nothing', 'text/plain', ''],
    ['JSON of something else', 'application/json', '{"message":"Forbidden"}'],
    ['a list', 'application/json', '[]'],
    ['null', 'application/json', 'null'],
    ['a refusal whose code is no code', 'application/json', JSON.stringify({ ok: false, error: PAGE })],
    ['a refusal without a code', 'application/json', '{"ok":false}'],
  ])('%s counts as no answer, and is not shown', async (_, type, body) => {
    const api = await answering(200, { 'content-type': type }, body);
    const { outbox } = clients(api);
    const call = () => outbox.chat.postMessage({ channel: 'C1', text: 'x' });
    const error = await failed(call());
    expect(verdictOf(error)).toEqual({ kind: 'again', arrived: 'maybe', code: 'not_slacks_answer' });
    const told = (await failed(slackCall('a message', call))) as AppError;
    expect(told.code).toBe('unavailable');
    expect(told.message).toBe('Something other than Slack answered for a message.');
    expect(told.hint).toContain('proxy');
    expect(`${told.message} ${told.hint} ${String(error)}`).not.toMatch(/ticket|Sign in|Forbidden/);
  });

  it('whatever it is', async () => {
    let body = '';
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200).end(body);
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), async (text) => {
        body = text;
        await expect(slackFetch(url)).rejects.toMatchObject({ code: 'not_slacks_answer' });
      }),
      { numRuns: 150 },
    );
  });

  it('is told from Slack’s own', async () => {
    const refused = clients(await answering(200, {}, '{"ok":false,"error":"not_in_channel"}')).outbox;
    expect(verdictOf(await failed(refused.chat.postMessage({ channel: 'C1', text: 'x' })))).toEqual({
      kind: 'channel',
      code: 'not_in_channel',
    });
    await new Promise((resolve) => server!.close(resolve));
    const fine = clients(await answering(200, {}, '{"ok":true,"ts":"1.2"}')).outbox;
    expect(await fine.chat.postMessage({ channel: 'C1', text: 'x' })).toMatchObject({ ts: '1.2' });
  });
});

describe('a 429', () => {
  it.each([
    ['no Retry-After', {}, 5],
    ['words in it', { 'retry-after': 'soon' }, 5],
    ['an empty one', { 'retry-after': '' }, 5],
    ['half a second', { 'retry-after': '0.5' }, 1],
    ['a date that has passed', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 1],
    ['days', { 'retry-after': '999999' }, 3600],
    ['a number', { 'retry-after': '7' }, 7],
  ])('with %s is waited out', async (_, headers, seconds) => {
    const { outbox } = clients(
      await answering(429, headers as Record<string, string>, '<html>slow down</html>'),
    );
    const call = () => outbox.chat.postMessage({ channel: 'C1', text: 'x' });
    expect(verdictOf(await failed(call()))).toMatchObject({ kind: 'wait', ms: seconds * 1000 });
    expect(await failed(slackCall('a message', call))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: seconds * 1000,
      hint: 'Try again after that time.',
    });
  });
});
