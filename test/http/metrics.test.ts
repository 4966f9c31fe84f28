import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsRoutes } from '../../src/http/metrics.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';

const metrics = { contentType: 'text/plain; version=0.0.4; charset=utf-8', collect: async () => 'up 1\n' };
const TOKEN = 'a-token-of-some-length';
let open: HttpServer;
let guarded: HttpServer;
beforeAll(async () => {
  const at = { port: 0, host: '127.0.0.1' };
  open = await startHttpServer([metricsRoutes({ token: undefined, metrics })], at);
  guarded = await startHttpServer([metricsRoutes({ token: TOKEN, metrics })], at);
});
afterAll(() => Promise.all([open.close(), guarded.close()]));

describe('/metrics', () => {
  it('is served in Prometheus’ format, and kept by nobody on the way', async () => {
    const answer = await fetch(`http://127.0.0.1:${open.port}/metrics`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(metrics.contentType);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.text()).toBe('up 1\n');
  });

  it('asks for its token where it has one', async () => {
    const address = `http://127.0.0.1:${guarded.port}/metrics`;
    for (const authorization of [undefined, 'Bearer another-token-of-length', `Basic ${TOKEN}`]) {
      const answer = await fetch(address, { headers: authorization ? { authorization } : {} });
      expect(answer.status).toBe(401);
      expect(await answer.text()).not.toContain('up 1');
    }
    expect((await fetch(address, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  });

  it('is all that its server has', async () => {
    for (const path of ['/', '/healthz', '/slack/events', '/runs/x/logs'])
      expect((await fetch(`http://127.0.0.1:${open.port}${path}`)).status).toBe(404);
  });
});
