import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { viewerRoutes } from '../../src/http/viewer.ts';

const PAGE = '<!doctype html><title>Run log</title>';
const SCRIPT = 'console.log("a script that is long enough to be worth compressing")';

describe('[W4] the page of a run', () => {
  let folder: string;
  let server: HttpServer;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'viewer-'));
    await mkdir(join(folder, 'page/assets'), { recursive: true });
    await writeFile(join(folder, 'page/index.html'), PAGE);
    await writeFile(join(folder, 'page/assets/index-4f2a.js'), SCRIPT);
    await writeFile(join(folder, 'page/assets/index-4f2a.js.map'), '{}');
    await writeFile(join(folder, 'secret.js'), 'secret');
    server = await startHttpServer([viewerRoutes({ dir: join(folder, 'page') })], { port: 0 });
    url = `http://localhost:${server.port}`;
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('comes with a policy that allows nothing inline and nothing from elsewhere', async () => {
    const answer = await fetch(`${url}/runs/line-3~local~job-1`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(PAGE);
    const policy = answer.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|data:|\*/);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
  });

  it('has files that a browser keeps, as their names change with their contents', async () => {
    const answer = await fetch(`${url}/viewer/assets/index-4f2a.js`);
    expect(await answer.text()).toBe(SCRIPT);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
    });
  });

  it.each([
    ['gzip, br', 'gzip'],
    ['identity', null],
  ])('is sent to who accepts %s with the encoding %s', async (accepted, encoding) => {
    const answer = await fetch(`${url}/viewer/assets/index-4f2a.js`, {
      headers: { 'accept-encoding': accepted },
    });
    expect(answer.headers.get('content-encoding')).toBe(encoding);
    expect(await answer.text()).toBe(SCRIPT);
  });

  it('is served as not found for an id that no run can have, and says so itself', async () => {
    const answer = await fetch(`${url}/runs/${encodeURIComponent('../etc')}`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toBe(PAGE);
  });

  it.each([
    '/viewer/assets/none.js',
    '/viewer/assets/index-4f2a.js.map',
    '/viewer/assets/..%2f..%2fsecret.js',
    '/viewer/assets/%2e%2e/index.html',
    '/viewer/',
  ])('has nothing else to give: %s', async (path) => {
    const answer = await fetch(`${url}${path}`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: 'not_found' });
  });

  it('answers HEAD without a body, and says which methods it takes', async () => {
    const head = await fetch(`${url}/runs/line-3~local~job-1`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await fetch(`${url}/runs/line-3~local~job-1`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('says what to do where it was not built', async () => {
    const dir = join(folder, 'nowhere');
    const other = await startHttpServer([viewerRoutes({ dir })], { port: 0 });
    const answer = await fetch(`http://localhost:${other.port}/runs/line-3~local~job-1`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      error: 'unavailable',
      hint: expect.stringContaining('npm run build'),
    });
    // Built meanwhile, it is served.
    await mkdir(dir);
    await mkdir(join(dir, 'assets'));
    await writeFile(join(dir, 'index.html'), PAGE);
    expect((await fetch(`http://localhost:${other.port}/runs/line-3~local~job-1`)).status).toBe(200);
    await other.close();
  });
});
