/**
 * A pushed run and two instances on one database: sent to one, opened, watched and downloaded at the other, which goes on
 * when the first is killed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { childEnvironment } from '../../src/config.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { freePort } from '../fixtures/free-port.ts';
import { type Postgres, startPostgres, whyNoPostgres } from '../fixtures/postgres.ts';
import { chunkOf, type SentEvent, sentEvents } from '../http/run-log-house.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, botEnvironment, startBot } from './bot.ts';
import { until } from './jobs.ts';

const noPostgres = await whyNoPostgres();
const root = join(import.meta.dirname, '../..');
const CHANNEL = 'C0LINE3';
const TOKEN = 'push-token-of-line-3-0123456789';
const RUN = 'line-3~push~bert-1';

describe.skipIf(noPostgres)('[O1] a run that is pushed to one of two instances', () => {
  let postgres: Postgres;
  /** In this process; what people do in Slack goes to it. */
  let here: Bot;
  /** In a process of its own. */
  let there: { port: number; kill(): Promise<void> };
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    closing.push(() => postgres.dispose());
    const DATABASE_URL = await postgres.database();
    const own = { DATABASE_URL, PUSH_TOKEN: TOKEN };
    here = await startBot({
      mode: 'http',
      env: own,
      config: (yaml) => {
        const config = parse(yaml);
        config.viewer = { publicUrl: 'https://runs.example.com' };
        config.useCases[0].providers = { sagemaker: true, push: { tokenEnv: 'PUSH_TOKEN' } };
        return stringify(config);
      },
    });
    closing.push(() => here.stop());
    there = await another({ ...botEnvironment(here.sandbox, 'http'), ...own });
    closing.push(() => there.kill());
    // Now the other one watches, and this one stands by.
    await here.restart();
    const problem = await here.sandbox.slack.setRequestUrl(`http://127.0.0.1:${here.app.port}/slack/events`);
    expect(problem).toBeUndefined();
  });
  afterAll(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function another(env: Record<string, string>): Promise<typeof there> {
    const port = await freePort();
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'start'], {
      cwd: root,
      env: childEnvironment({
        ...env,
        PORT: String(port),
        SIGNALBOX_DATA_DIR: join(here.dataDir, 'another'),
        LOG_LEVEL: 'info',
      }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    for await (const line of createInterface({ input: child.stderr! })) if (line.includes('"ready"')) break;
    child.stderr!.resume();
    return { port, kill: () => endProcess(child) };
  }

  async function push(port: number, path: string, body?: string): Promise<Record<string, unknown>> {
    const response = await fetch(`http://127.0.0.1:${port}/push/runs/bert-1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  }

  const at = (path: string): string => `http://127.0.0.1:${here.app.port}${path}`;

  /** @returns the cookie of a session */
  async function opened(of: SandboxMessage): Promise<string> {
    const since = await here.now(CHANNEL);
    await here.action('ada', 'logs.live', { channel: CHANNEL, message_ts: of.ts });
    const { blocks } = await here.message(CHANNEL, 'Your link to the log', { user: 'ada', since });
    const link = new URL(/"url":"([^"]+)"/.exec(JSON.stringify(blocks))![1]!);
    const session = await fetch(at(`${link.pathname}/session`), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: link.hash.slice('#t='.length) }),
    });
    return session.headers.get('set-cookie')!.split(';')[0]!;
  }

  async function printed(events: AsyncGenerator<SentEvent>, bytes: number): Promise<string> {
    let text = '';
    while (text.length < bytes) {
      const { value } = await events.next();
      if (value.event === 'log') text += chunkOf(value);
    }
    return text;
  }

  it('is opened, watched and downloaded at the other one, which goes on when the first is killed', async () => {
    const begun = await push(there.port, '');
    expect(begun).toMatchObject({ status: 200, size: 0 });
    const writer = String(begun.writer);
    const line = (n: number): string => `epoch ${n} loss 0.${n}\n`;
    const { length } = line(1);
    const send = async (port: number, n: number): Promise<void> => {
      const offset = (n - 1) * length;
      expect(await push(port, `/logs?offset=${offset}&writer=${writer}`, line(n))).toEqual({
        status: 200,
        size: offset + length,
      });
    };
    await send(there.port, 1);

    const { ts } = await here.post<{ ts: string }>('/sandbox/slack/message', {
      ...{ user: 'ada', channel: CHANNEL, text: 'how is it going?' },
    });
    await here.post('/sandbox/slack/message', {
      ...{ user: 'ada', channel: CHANNEL, thread_ts: ts, text: '<@U0SIGNALBOX> watch push:bert-1' },
    });
    const tail = (says: RegExp): Promise<SandboxMessage> => {
      let seen: string[] = [];
      return until(
        async () => {
          const replies = (await here.thread(CHANNEL, ts)).filter((one) => one.ts !== ts);
          seen = replies.map(wordsOf);
          return replies.find((one) => one.metadata && says.test(wordsOf(one)));
        },
        `a message in its thread that says ${says}`,
        60_000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; it says:\n${seen.join('\n---\n')}`);
      });
    };
    const first = await tail(/Watching `bert-1`[\s\S]*epoch 1/);
    const cookie = await opened(first);
    const stream = await fetch(at(`/runs/${RUN}/logs/stream`), { headers: { cookie } });
    const events = sentEvents(stream.body!);
    expect(await printed(events, length)).toBe(line(1));
    await send(there.port, 2);
    expect(await printed(events, length)).toBe(line(2));
    // The sender's requests may reach either of them, in turn.
    await send(here.app.port!, 3);
    await send(there.port, 4);
    expect(await printed(events, 2 * length)).toBe(line(3) + line(4));
    expect((await tail(/epoch 4/)).ts).toBe(first.ts);

    await there.kill();
    await send(here.app.port!, 5);
    expect(await printed(events, length)).toBe(line(5));
    const later = await tail(/epoch 5/);
    expect(later.ts).toBe(first.ts);

    const since = await here.now(CHANNEL);
    await here.command('ada', CHANNEL, 'push:bert-1');
    await here.message(CHANNEL, 'bert-1', { since });
    const file = await until(
      async () => (await here.files(CHANNEL)).find(({ name }) => name?.includes('bert-1')),
      'the file of the log',
    );
    const text = (await here.content(file)).toString();
    for (const n of [1, 2, 3, 4, 5]) expect(text).toContain(line(n).trim());

    const finish = { exit_code: 0, signal: null, final_size: 5 * length, writer };
    expect(await push(here.app.port!, '/finish', JSON.stringify(finish))).toMatchObject({ status: 200 });
    expect((await tail(/Training completed\*: `bert-1`/)).ts).toBe(first.ts);
    for (;;) {
      const { value } = await events.next();
      if (value.event !== 'done') continue;
      expect(value.data).toMatchObject({ exit_code: 0, final_size: 5 * length });
      break;
    }
  }, 240_000);
});
