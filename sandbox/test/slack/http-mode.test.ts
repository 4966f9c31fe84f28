import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App } from '@slack/bolt';
import type { LogLevel } from '@slack/web-api';
import { afterEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './support.ts';

interface Got {
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that answers as told and keeps what it got. */
async function receiver(answer: (got: Got) => { status?: number; body?: string; type?: string } | undefined) {
  const got: Got[] = [];
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const one = { headers: request.headers, body };
    got.push(one);
    const challenge = /"challenge":"(\w+)"/.exec(body)?.[1];
    const reply = challenge === undefined ? answer(one) : { body: challenge };
    if (reply === undefined) return;
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type ?? 'text/plain' });
    response.end(reply.body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    got,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function rigFor(
  answer: Parameters<typeof receiver>[0],
  options: Parameters<typeof startRig>[0] = {},
): Promise<{ rig: Rig; got: Got[] }> {
  const to = await receiver(answer);
  const rig = await startRig({ requestUrl: to.url, ...options });
  closing.push(rig.close, to.close);
  return { rig, got: to.got };
}

const command = (rig: Rig, text = 'train-1') =>
  rig.post('/sandbox/slack/command', { user: 'ada', channel: 'line-3', command: 'logs', text });

describe('[O7] HTTP mode', () => {
  it('signs each request, and sends commands as a form', async () => {
    const { rig, got } = await rigFor(() => ({ body: 'Fetching' }));
    expect(await command(rig)).toMatchObject({ ok: true, response: { text: 'Fetching' } });
    const { headers, body } = got[0] as Got;
    const base = `v0:${headers['x-slack-request-timestamp']}:${body}`;
    const digest = createHmac('sha256', rig.sandbox.signingSecret).update(base).digest('hex');
    expect(headers['x-slack-signature']).toBe(`v0=${digest}`);
    expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
      command: '/logs',
      text: 'train-1',
    });
    expect(await rig.messages('line-3')).toMatchObject([{ text: 'Fetching', ephemeral_to: 'U0ADA' }]);
  });

  it('shows a timeout when the app is too slow, and the kind of error when it refuses', async () => {
    const slow = await rigFor(() => undefined, { ackTimeoutMs: 40 });
    expect(await command(slow.rig)).toMatchObject({ ok: false, error: 'operation_timeout' });
    const broken = await rigFor(() => ({ status: 500 }));
    expect(await command(broken.rig)).toMatchObject({ ok: false, error: 'http_service_error' });
    const refusing = await rigFor(() => ({ status: 401 }));
    expect(await command(refusing.rig)).toMatchObject({ ok: false, error: 'http_client_error' });
  });

  it('tries an event three more times and says which try it is, but a command only once', async () => {
    const { rig, got } = await rigFor(() => ({ status: 500 }));
    await rig.post('/sandbox/slack/message', { user: 'ada', channel: 'line-3', text: '<@U0SIGNALBOX> hi' });
    await rig.sandbox.eventsSettled();
    expect(got.map(({ headers }) => headers['x-slack-retry-num'])).toEqual([undefined, '1', '2', '3']);
    expect(got[1]?.headers['x-slack-retry-reason']).toBe('http_error');
    expect(new Set(got.map(({ body }) => JSON.parse(body).event_id)).size).toBe(1);
    await command(rig);
    expect(got).toHaveLength(5);
  });

  it('sends clicks as JSON in a form, and uses a request URL only after it answered the challenge', async () => {
    const to = await receiver(() => ({}));
    const deaf = await receiver(() => ({ status: 404 }));
    const rig = await startRig();
    closing.push(rig.close, to.close, deaf.close);
    expect(await rig.post('/sandbox/slack/request-url', { url: `${rig.sandbox.url}/nothing` })).toMatchObject(
      {
        ok: false,
        error: 'url_not_verified',
      },
    );
    expect(await rig.post('/sandbox/slack/request-url', { url: to.url })).toEqual({ ok: true });
    expect(await rig.get('/sandbox/state')).toMatchObject({ app: { connected: true } });
    await rig.post('/sandbox/slack/shortcut', { user: 'ada', callback_id: 'start' });
    const payload = JSON.parse(new URLSearchParams(to.got.at(-1)?.body).get('payload') ?? '{}');
    expect(payload).toMatchObject({ type: 'shortcut', callback_id: 'start', user: { id: 'U0ADA' } });
  });

  it('works with an unmodified Bolt app, its signature check included', async () => {
    const rig = await startRig();
    closing.push(rig.close);
    const app = new App({
      token: rig.sandbox.botToken,
      signingSecret: rig.sandbox.signingSecret,
      logLevel: 'error' as LogLevel,
      clientOptions: { slackApiUrl: rig.sandbox.apiUrl },
    });
    app.command('/logs', async ({ ack, respond, command }) => {
      await ack();
      await respond({ response_type: 'in_channel', text: `Log of ${command.text}` });
    });
    app.event('app_mention', async ({ event, say }) => {
      await say({ text: 'Heard you', thread_ts: event.ts });
    });
    const server = (await app.start(0)) as Server;
    closing.unshift(() => app.stop());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
    expect(await rig.sandbox.setRequestUrl(url)).toBeUndefined();
    expect(await command(rig)).toEqual({ ok: true });
    expect(await rig.messages('line-3', '&contains=Log%20of&wait=5')).toMatchObject([
      { text: 'Log of train-1' },
    ]);
    await rig.post('/sandbox/slack/message', { user: 'ada', channel: 'line-3', text: '@signalbox hi' });
    expect(await rig.messages('line-3', '&contains=Heard&wait=5')).toHaveLength(1);
  });
});
