import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVENTS_PATH, eventsRoutes, SECRET_HEADER } from '../../src/events/https.ts';
import type { EventIntake } from '../../src/events/intake.ts';
import { AppError } from '../../src/ground/errors.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { body, SILENT, trainingEvent } from './support.ts';

const SECRET = 'a-secret-of-32-characters-or-so!';
let server: HttpServer;
let receive: EventIntake['receive'];
let got: string[];

beforeEach(async () => {
  got = [];
  receive = async () => 'stored';
  const intake: Pick<EventIntake, 'receive'> = {
    receive: (text, via) => {
      got.push(text);
      return receive(text, via);
    },
  };
  server = await startHttpServer([eventsRoutes({ intake, secret: SECRET, log: SILENT, answerWithin: 200 })], {
    port: 0,
  });
});
afterEach(() => server.close());

const url = () => `http://127.0.0.1:${server.port}${EVENTS_PATH}`;
const send = (init: RequestInit & { headers?: Record<string, string> } = {}) =>
  fetch(url(), {
    method: 'POST',
    body: body(trainingEvent('x', 'Failed')),
    ...init,
    headers: { 'content-type': 'application/json', [SECRET_HEADER]: SECRET, ...init.headers },
  });

describe('[N1] the HTTPS endpoint', () => {
  it('takes an event with the secret, once it is stored', async () => {
    const response = await send({ headers: { 'content-type': 'application/json; charset=utf-8' } });
    expect([response.status, await response.json()]).toEqual([202, { ok: true, message: 'stored' }]);
    expect(got).toHaveLength(1);
  });

  it('says of duplicates and of what is set aside that they need not come again', async () => {
    for (const receipt of ['duplicate', 'set-aside'] as const) {
      receive = async () => receipt;
      const response = await send();
      expect([response.status, await response.json()]).toEqual([200, { ok: true, message: receipt }]);
    }
  });

  it.each([
    ['no secret', { [SECRET_HEADER]: '' }],
    ['another secret', { [SECRET_HEADER]: `${SECRET}x` }],
    ['a part of the secret', { [SECRET_HEADER]: SECRET.slice(0, 8) }],
  ])('refuses %s, whatever the method, and never shows the right one', async (_what, headers) => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await send({ method, headers });
      expect(response.status).toBe(401);
      expect(await response.text()).not.toContain(SECRET);
    }
    expect(got).toEqual([]);
  });

  it('refuses other methods and kinds of content', async () => {
    const get = await fetch(url(), { headers: { [SECRET_HEADER]: SECRET } });
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await send({ headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect(got).toEqual([]);
  });

  it('refuses a body that is too large, also when its length is not said beforehand', async () => {
    const large = 'x'.repeat(1200 * 1024);
    expect((await send({ body: large })).status).toBe(413);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const stream = request(url(), {
        method: 'POST',
        headers: { 'content-type': 'application/json', [SECRET_HEADER]: SECRET },
      });
      stream.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      stream.on('error', reject);
      for (let at = 0; at < 10; at++) stream.write('x'.repeat(120 * 1024));
      stream.end();
    });
    expect(status).toBe(413);
    expect(got).toEqual([]);
  });

  it('[N2] asks for the event again when it cannot be stored, without a word of where', async () => {
    receive = async () => {
      throw new AppError('unavailable', 'The disk of the data folder /srv/data is full.');
    };
    const response = await send();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('30');
    expect(await response.text()).not.toContain('/srv/data');
  });

  it('answers before EventBridge gives up, also when storing hangs', async () => {
    receive = () => new Promise(() => {});
    expect((await send()).status).toBe(504);
  });
});
