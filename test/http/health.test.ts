import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { healthRoutes } from '../../src/http/health.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import type { HttpEnv, HttpRoutes } from '../../src/ports/http-routes.ts';

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(
  ...routes: readonly HttpRoutes[]
): Promise<(path: string, method?: string) => Promise<Response>> {
  server = await startHttpServer(routes, { port: 0 });
  return (path, method = 'GET') => fetch(`http://127.0.0.1:${server?.port}${path}`, { method });
}

describe('[O4] health', () => {
  it('is alive as soon as it answers, also to HEAD and with a query', async () => {
    const get = await serve(healthRoutes([]));
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/healthz?probe=1', 'HEAD')).status).toBe(200);
  });

  it('is ready when nothing is in the way, and says what is', async () => {
    let problem: string | undefined = 'not connected to Slack';
    const get = await serve(healthRoutes([{ name: 'slack', problem: () => problem }]));
    const notReady = await get('/readyz');
    expect(notReady.status).toBe(503);
    expect(await notReady.json()).toEqual({
      ok: false,
      problems: [{ name: 'slack', problem: 'not connected to Slack' }],
    });
    problem = undefined;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('answers other methods and paths as HTTP says', async () => {
    const get = await serve(healthRoutes([]));
    const wrongMethod = await get('/healthz', 'POST');
    expect(wrongMethod.status).toBe(405);
    expect(wrongMethod.headers.get('allow')).toBe('GET');
    expect((await get('/nothing')).status).toBe(404);
  });

  it('says which port is taken', async () => {
    await serve();
    await expect(startHttpServer([], { port: server!.port })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`Port ${server!.port}`),
    });
  });
});

describe('errors over HTTP', () => {
  it('have their status and reference, and nothing for admins', async () => {
    const error = new AppError('rate_limited', 'Too fast.', {
      hint: 'Wait.',
      adminHint: 'arn:aws:iam::1:role/R',
      retryAfterMs: 1500,
    });
    const get = await serve(
      new Hono<HttpEnv>()
        .get('/x', () => {
          throw error;
        })
        .get('/bug', () => {
          throw new TypeError('secret detail');
        }),
    );
    const response = await get('/x');
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toEqual({
      ok: false,
      error: 'rate_limited',
      message: 'Too fast.',
      hint: 'Wait.',
      ref: error.ref,
    });
    const bug = await get('/bug');
    expect(bug.status).toBe(500);
    expect(await bug.text()).not.toContain('secret detail');
  });
});
