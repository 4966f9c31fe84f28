/** Logs of runs that have been kept long enough: the whole app against the whole sandbox. */
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { writeRef } from '../../src/blocks/job-facts.ts';
import { type Bot, botEnvironment, startBot } from './bot.ts';
import { card, line3Client, train, untilDue } from './jobs.ts';
import { keptRuns, recordedText } from './state.ts';

const CHANNEL = 'C0LINE3';
const TOKEN = 'push-token-of-line-3-0123456789';
const RUN = 'line-3~push~weld-kept-1';
let bot: Bot;
/** Milliseconds by which the bot's clock is ahead. */
let ahead = 0;

beforeAll(async () => {
  bot = await startBot({
    mode: 'http',
    clock: { now: () => Date.now() + ahead, elapsed: () => performance.now() },
    env: { PUSH_TOKEN: TOKEN },
    config: (yaml) => {
      const config = parse(yaml);
      config.viewer = { publicUrl: 'https://runs.example.com' };
      config.storage = { ...config.storage, keepRuns: '1m' };
      config.useCases[0].providers = { sagemaker: true, push: { tokenEnv: 'PUSH_TOKEN' } };
      return stringify(config);
    },
  });
});
afterAll(() => bot?.stop());

const at = (path: string): string => `http://127.0.0.1:${bot.app.port}${path}`;

async function push(path: string, body?: string): Promise<Record<string, unknown>> {
  const response = await fetch(at(`/push/runs/weld-kept-1${path}`), {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body === undefined ? {} : { body }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

/** Of the pushed run, wherever the button is. */
async function pressOpen(on: SandboxMessage): Promise<SandboxMessage> {
  const since = await bot.now(CHANNEL);
  const value = writeRef({ useCase: 'line-3', job: 'push:weld-kept-1' });
  await bot.action('ada', 'logs.live', { channel: CHANNEL, message_ts: on.ts, value });
  return bot.message(CHANNEL, 'Your link to the log', { user: 'ada', since });
}

it('[W2] a run’s log is removed in time, and whoever had it open is told so', async () => {
  await train(await line3Client(bot.sandbox, SageMakerClient), 'press-first-1', { epochs: '3' });
  const seen = await card(bot, CHANNEL, 'press-first-1');
  const { writer } = await push('');
  await push(`/logs?offset=0&writer=${writer}`, 'epoch 1\n');
  await push('/finish', JSON.stringify({ exit_code: 0, signal: null, final_size: 8, writer }));
  const { blocks } = await pressOpen(seen);
  const link = new URL(/"url":"([^"]+)"/.exec(JSON.stringify(blocks))![1]!);
  const session = await fetch(at(`${link.pathname}/session`), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: link.hash.slice('#t='.length) }),
  });
  const [cookie = ''] = session.headers.get('set-cookie')!.split(';');
  const logs = () => fetch(at(`/runs/${RUN}/logs`), { headers: { cookie } });
  expect(await (await logs()).json()).toMatchObject({ size: 8 });

  const env = { ...botEnvironment(bot.sandbox), PUSH_TOKEN: TOKEN };
  expect(await keptRuns(env)).toContain(RUN);
  // Before the next look at what was pushed it is no run of which anything is known.
  await untilDue(
    bot,
    async () => (await recordedText(env)).includes('"name":"weld-kept-1"') || undefined,
    'that it is known',
  );
  ahead += 2 * 60_000;
  await bot.restart();
  // Not by asking for it: one that is being read stays.
  await expect.poll(() => keptRuns(env)).not.toContain(RUN);
  const gone = await logs();
  expect([gone.status, await gone.json()]).toEqual([
    404,
    expect.objectContaining({ message: 'The log of this run is not kept any more.' }),
  ]);
});
