/** Where requests go, and what they never ask for. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../src/ground/errors.ts';
import { JsonService } from '../../src/providers/json-service.ts';

const src = resolve(import.meta.dirname, '../../src');
const sources = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name));
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Answers each request by sending it on to another path. */
async function elsewhere(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/elsewhere') response.end('{"secret":"inside"}');
    else response.writeHead(302, { location: '/elsewhere' }).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ends.push(() => new Promise((done) => server.close(done)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('a request with a secret in it', () => {
  it('to a runner or RunPod goes to no other address that it is sent on to', async () => {
    const { url, asked } = await elsewhere();
    const service = new JsonService({
      name: 'The local runner',
      baseUrl: url,
      answerWithin: 5_000,
      hint: 'Look at it.',
      headers: () => ({ authorization: 'Bearer a-token' }),
      refusal: (response) => new AppError('unavailable', String(response.status)),
    });
    await expect(service.ask({ method: 'GET', path: '/runs' }, z.any())).rejects.toMatchObject({
      code: 'unavailable',
    });
    await expect(service.stream('/runs/a/logs', AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(asked).toEqual(['/runs', '/runs/a/logs']);
  });

  it('is sent by nobody who follows where an answer sends it on to', () => {
    // Slack's client decides by itself, and fetch takes its token away from other hosts. The other is a browser's.
    const known = ['slack/answers.ts', 'http/viewer/run-api.ts'];
    const calls = sources.flatMap((file) =>
      [
        ...readFileSync(file, 'utf8').matchAll(
          /(?<!#)\b(?:fetch|send|request)\([^;]*?\bmethod\b[^;]*;|\bfetch\(\w[^;]*;/g,
        ),
      ].map(([call]) => ({ file: relative(src, file), call })),
    );
    const asking = calls.filter(({ file, call }) => /signal|headers/.test(call) && !known.includes(file));
    expect(asking.length).toBeGreaterThan(5);
    expect(asking.filter(({ call }) => !/redirect: '(?:error|manual)'/.test(call))).toEqual([]);
  });
});

describe('a request to CloudWatch Logs', () => {
  it('never asks for what a data-protection policy masks', () => {
    const asking = sources.filter((file) => /unmask\s*:/i.test(readFileSync(file, 'utf8')));
    expect(asking).toEqual([]);
  });
});
