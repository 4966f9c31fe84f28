/** From a button in Slack to a run's bytes in a browser: the whole app against the whole sandbox. */

import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { SageMakerClient, StopTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { runId } from '../../src/domain/runs.ts';
import { chunkOf, type SentEvent, sentEvents } from '../http/run-log-house.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { card, line3Client, train, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const JOB = 'press-live-1';
const WATCHED = 'press-watched-1';
const RUN = runId({ useCase: 'line-3', provider: 'sagemaker', job: JOB });
const SEEN_AT = 'https://runs.example.com/signalbox';
let bot: Bot;
let sageMaker: SageMakerClient;
let logs: CloudWatchLogsClient;
/** As SageMaker itself works in the account: it writes what jobs print. */
const KEYS = { accessKeyId: 'AKIASANDBOXWRITER', secretAccessKey: 'what-jobs-print' };
const ITSELF = {
  ...{ name: 'sagemaker-itself', ...KEYS },
  policy: { Statement: [{ Effect: 'Allow' as const, Action: ['logs:*', 'sagemaker:*'], Resource: '*' }] },
};
/** Milliseconds by which the bot's clock is ahead: what waits for time to pass need not. */
let ahead = 0;

const streamOf = (job: string) => ({
  logGroupName: '/aws/sagemaker/TrainingJobs',
  logStreamName: `${job}/algo-1-1795150455`,
});
const print = (message: string, job = JOB) =>
  logs.send(
    new PutLogEventsCommand({ ...streamOf(job), logEvents: [{ timestamp: Date.now() + ahead, message }] }),
  );

beforeAll(async () => {
  bot = await startBot({
    mode: 'http',
    world: ({ accounts }) => ({
      accounts: accounts.map((account) => ({
        ...account,
        users: [...(account.users ?? []), ...(account.id === '123456789012' ? [ITSELF] : [])],
      })),
    }),
    clock: { now: () => Date.now() + ahead, elapsed: () => performance.now() },
    config: (yaml) =>
      stringify({
        ...parse(yaml),
        viewer: { publicUrl: SEEN_AT, allowedOrigins: ['https://dash.example.com'] },
      }),
  });
  const region = 'eu-west-1';
  logs = new CloudWatchLogsClient({ region, endpoint: bot.sandbox.awsEndpoint, credentials: KEYS });
  sageMaker = new SageMakerClient({ region, endpoint: bot.sandbox.awsEndpoint, credentials: KEYS });
});
afterAll(() => bot?.stop());

/** Goes on until somebody stops it. */
const start = async (job: string): Promise<void> =>
  train(await line3Client(bot.sandbox, SageMakerClient), job, { epochs: '500' });

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

describe('[W6] Watch on a job card', () => {
  it('shows in its thread what SageMaker’s log goes on with, and how the job ended', async () => {
    await start(WATCHED);
    const { ts } = await card(bot, CHANNEL, WATCHED);
    let seen = '';
    /** @param line printed until it is shown: the job's own lines push it out of the twenty that are */
    const tail = (says: RegExp, line?: string) => {
      let again = 0;
      return until(async () => {
        if (line !== undefined && Date.now() >= again) {
          again = Date.now() + 5_000;
          await print(line, WATCHED);
        }
        const replies = (await bot.thread(CHANNEL, ts)).filter((one) => one.metadata && one.ts !== ts);
        seen = replies.map(wordsOf).join('\n---\n');
        return replies.find((one) => says.test(wordsOf(one)));
      }, `a message in its thread that says ${says}`).catch((error: unknown) => {
        throw new Error(`${String(error)}; there is:\n${seen}`);
      });
    };
    await bot.action('ada', 'watch.start', { channel: CHANNEL, message_ts: ts });
    // The sandbox's job prints lines of its own as well, whenever it comes to it: on a busy machine before this is told.
    const first = await tail(/Watching `press-watched-1`\*[\s\S]*(has not printed anything yet|```)/);

    await logs.send(new CreateLogStreamCommand(streamOf(WATCHED)));
    expect((await tail(/sheet at 10%/, 'sheet 1\r sheet at 10%')).ts).toBe(first.ts);
    const later = await tail(/sheet 2/, '\u001b[32msheet 2\u001b[0m');
    expect(later.ts).toBe(first.ts);
    expect(JSON.stringify(later.blocks)).not.toMatch(/\\u001b|sheet 1/);
    await sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: WATCHED }));
    // What is left of a log may come for some minutes.
    await print('sheet 3', WATCHED);
    ahead += 900_000;
    const ended = await tail(/Training stopped\*: `press-watched-1`/);
    expect(ended.ts).toBe(first.ts);
    expect(wordsOf(ended)).toContain('sheet 3');
  });
});

describe('[W5] Open live on a job card', () => {
  it('gives who presses a link of their own, and its session the run’s bytes as SageMaker has them', async () => {
    await start(JOB);
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
    /** Past what the bot says of how it gets on. */
    const next = async (): Promise<SentEvent> => {
      for (;;) {
        const { value } = await events.next();
        if (value!.event !== 'note' && value!.event !== 'heartbeat') return value!;
      }
    };
    const note = (await events.next()).value!;
    expect([note.event, note.data.note]).toEqual([
      'note',
      expect.stringContaining('has not printed anything yet'),
    ]);

    await logs.send(new CreateLogStreamCommand(streamOf(JOB)));
    await print('epoch 1\r');
    // The sandbox's job prints lines of its own as well, whenever it comes to it.
    const bytes: Buffer[] = [];
    const take = async (): Promise<SentEvent> => {
      const event = await next();
      if (event.event !== 'log') return event;
      bytes.push(chunkOf(event));
      expect(Number(event.id)).toBe(Buffer.concat(bytes).length);
      return event;
    };
    const sees = async (words: string): Promise<void> => {
      while (!Buffer.concat(bytes).includes(words)) expect((await take()).event).toBe('log');
    };
    await sees('epoch 1\r\n');
    await print('\u001b[32mepoch 2\u001b[0m');
    await sees('\u001b[32mepoch 2\u001b[0m\n');
    await sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: JOB }));
    ahead = 3_600_000;
    let last = await take();
    while (last.event === 'log') last = await take();
    const whole = Buffer.concat(bytes);
    expect(last).toMatchObject({
      event: 'done',
      data: { exit_code: null, final_size: whole.length, state: 'stopped' },
    });
    const download = (query = '') =>
      fetch(at(`${link.pathname}/logs/download${query}`), { headers: { cookie } });
    expect(Buffer.from(await (await download()).arrayBuffer()).equals(whole)).toBe(true);
    const plain = await (await download('?plain=1')).text();
    expect(plain.split('\n')).toEqual(expect.arrayContaining(['epoch 1', 'epoch 2']));
    expect(plain).not.toContain('\u001b');

    expect((await open(link)).status).toBe(403);
    expect((await open(await press('ben', seen))).status).toBe(200);
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
