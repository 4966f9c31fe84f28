/** From a button in Slack to a run's bytes in a browser: the whole app against the whole sandbox. */

import { join } from 'node:path';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { runId } from '../../src/domain/runs.ts';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { chunkOf, ENDED, sentEvents } from '../http/run-log-house.ts';
import { type Bot, startBot } from './bot.ts';
import { card, line3Client, train } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const JOB = 'press-live-1';
const RUN = runId({ useCase: 'line-3', provider: 'sagemaker', job: JOB });
const SEEN_AT = 'https://runs.example.com/signalbox';
let bot: Bot;
/** As another process has it, which writes what the run prints. */
let written: RunLogStore;

beforeAll(async () => {
  bot = await startBot({
    mode: 'http',
    config: (yaml) =>
      stringify({
        ...parse(yaml),
        viewer: { publicUrl: SEEN_AT, allowedOrigins: ['https://dash.example.com'] },
      }),
  });
  written = await openFileRunLogs({
    folder: join(bot.dataDir, 'bot', 'runs'),
    clock: { now: () => Date.now() },
    tidies: false,
  });
  await written.create(RUN);
  await written.append(RUN, 0, Buffer.from('epoch 1\r\n'));
  await train(await line3Client(bot.sandbox, SageMakerClient), JOB, { epochs: '3' });
}, 90_000);
afterAll(async () => {
  await written?.close();
  await bot?.stop();
});

/** The address of a link's button. */
function urlIn({ blocks }: SandboxMessage): URL {
  const [, url] = /"url":"([^"]+)"/.exec(JSON.stringify(blocks)) ?? [];
  return new URL(url!);
}

/** As a proxy passes it on. */
const at = (path: string): string => `http://127.0.0.1:${bot.app.port}${path.replace('/signalbox', '')}`;

async function press(user: string, message: SandboxMessage): Promise<URL> {
  const since = await bot.now(CHANNEL);
  const { ts } = message;
  await bot.action(user, 'logs.live', { channel: CHANNEL, message_ts: ts });
  const answer = await bot.message(CHANNEL, 'Your link to the log', { user, since });
  expect(answer.ephemeral_to).toBe(`U0${user.toUpperCase()}`);
  return urlIn(answer);
}

async function open(link: URL): Promise<Response> {
  return fetch(at(`${link.pathname}/session`), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: link.hash.slice('#t='.length) }),
  });
}

describe('[W5] Open live on a job card', () => {
  it('gives who presses a link of their own, and its session the run’s bytes as they come', async () => {
    const seen = await card(bot, CHANNEL, JOB);
    const link = await press('ada', seen);
    expect(link.href).toMatch(
      /^https:\/\/runs\.example\.com\/signalbox\/runs\/line-3~sagemaker~press-live-1#t=/,
    );
    // Nobody else sees it.
    expect(JSON.stringify(await bot.messages(CHANNEL, 'ben'))).not.toContain('#t=');

    const session = await open(link);
    expect(session.status).toBe(200);
    const [cookie = ''] = session.headers.get('set-cookie')!.split(';');
    const stream = await fetch(at(`${link.pathname}/logs/stream`), { headers: { cookie } });
    const events = sentEvents(stream.body!);
    expect(chunkOf((await events.next()).value!).toString()).toBe('epoch 1\r\n');
    await written.append(RUN, 9, Buffer.from('\u001b[32mepoch 2\u001b[0m\r\n'));
    const { value } = await events.next();
    expect([chunkOf(value!).toString(), value!.id]).toEqual(['\u001b[32mepoch 2\u001b[0m\r\n', '27']);
    await written.finish(RUN, ENDED);
    expect((await events.next()).value).toMatchObject({
      event: 'done',
      data: { exit_code: 0, final_size: 27, state: 'completed' },
    });
    const plain = await fetch(at(`${link.pathname}/logs/download?plain=1`), { headers: { cookie } });
    expect(await plain.text()).toBe('epoch 1\nepoch 2\n');

    expect((await open(link)).status).toBe(403);
    expect((await open(await press('ben', seen))).status).toBe(200);
  });

  it('is not there for a run of which nothing is stored', async () => {
    const other = 'press-live-none';
    await train(await line3Client(bot.sandbox, SageMakerClient), other, {});
    const seen = await card(bot, CHANNEL, other);
    expect(JSON.stringify(seen.blocks)).not.toContain('logs.live');
    expect(JSON.stringify((await card(bot, CHANNEL, JOB)).blocks)).toContain('logs.live');
  });

  it('lets nobody in without a link, and other sites’ pages only where they are allowed', async () => {
    const path = `/runs/${RUN}/logs`;
    for (const way of ['', '/stream', '/download']) expect((await fetch(at(path + way))).status).toBe(403);
    expect((await fetch(at(path), { method: 'POST' })).status).toBe(405);
    const from = async (origin: string) =>
      (await fetch(at(path), { headers: { origin } })).headers.get('access-control-allow-origin');
    expect(await from('https://dash.example.com')).toBe('https://dash.example.com');
    expect(await from('https://evil.example.com')).toBeNull();
  });
});
