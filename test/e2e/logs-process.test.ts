/** The bot as a process of its own: killed in the middle, asked to end, reached by HTTP, badly configured. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOGS } from '../../src/blocks/logs.ts';
import type { DemoSandbox } from '../../src/demo/sandbox.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { canEnterRoots, type Image, makeImage } from '../fixtures/image.ts';
import { PROGRAM } from '../fixtures/runner-process.ts';
import { slackClient, wordsOf } from '../slack/sandbox-client.ts';
import { botEnvironment, filesBelow, startBot, startSandboxOnly } from './bot.ts';
import { until } from './jobs.ts';
import { isOnPostgres, recordedText } from './state.ts';

/** From the project, since the bot runs in a folder of its own. */
const JOB = 'defects-resnet101-ddp';
const DONE = `Log of \`${JOB}\`* ·`;

describe.skipIf(!existsSync(PROGRAM)).each([
  { where: 'as it is built', inImage: false },
  // The image is the same for both stores, and test/infra/image.test.ts starts it on PostgreSQL.
  ...(canEnterRoots && !isOnPostgres ? [{ where: 'in its image', inImage: true }] : []),
])('[L4, O5] the bot’s process $where', ({ inImage }) => {
  let sandbox: DemoSandbox;
  let dataDir: string;
  let bot: ChildProcess | undefined;
  let folder: string | undefined;
  let image: Image | undefined;

  beforeAll(async () => {
    if (!inImage) return;
    folder = await mkdtemp(join(tmpdir(), 'signalbox-image-'));
    image = makeImage(folder);
  });
  afterAll(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    ({ sandbox, dataDir } = await startSandboxOnly());
    if (!image) return;
    await copyFile(sandbox.configPath, join(image.root, 'config/signalbox.yaml'));
    await mkdir(join(dataDir, 'bot'), { recursive: true });
    await chown(join(dataDir, 'bot'), 1000, 1000);
  });
  afterEach(async () => {
    await endProcess(bot);
    await sandbox.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(): Promise<ChildProcess> {
    const { SIGNALBOX_CONFIG = '', ...rest } = botEnvironment(sandbox);
    const env = { ...rest, LOG_LEVEL: 'info', PORT: '0' };
    const child = image
      ? image.start(['node', '/app/dist/cli.js', 'start'], env, join(dataDir, 'bot'))
      : spawn(process.execPath, [PROGRAM, 'start'], {
          env: { PATH: process.env.PATH, ...env, SIGNALBOX_CONFIG },
          cwd: dataDir,
          stdio: ['ignore', 'ignore', 'pipe'],
        });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('"ready"')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the bot ended with ${code}:\n${log}`)));
    });
    child.removeAllListeners('exit');
    return child;
  }

  it('killed during a download leaves nothing behind that stays, and whoever asks again gets the whole log', async () => {
    const client = slackClient(sandbox.url);
    bot = await start();
    sandbox.aws.configure({ latencyMs: 1_000 });
    await client.command('ada', 'C0LINE3', JOB);
    await client.message('C0LINE3', 'of the time range');
    await endProcess(bot);
    sandbox.aws.configure({ latencyMs: 0 });

    bot = await start();
    const interrupted = await client.message('C0LINE3', 'Interrupted');
    expect(JSON.stringify(await client.messages('C0LINE3'))).not.toContain('logs.cancel');
    await client.action('ada', LOGS.retry, { channel: 'C0LINE3', message_ts: interrupted.ts });
    const message = await client.message('C0LINE3', DONE);
    const text = (await client.content(message.files![0]!)).toString();
    const events = Number(/^# events +([\d,]+)$/m.exec(text)![1]!.replaceAll(',', ''));
    expect(text.match(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z /gm)!.length).toBeGreaterThanOrEqual(events);

    const ended = once(bot, 'exit');
    bot.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const left = await filesBelow(join(dataDir, 'bot', 'spool'));
    expect(left.filter((path) => /training-logs/.test(path))).toEqual([]);
  });

  it('[L12] killed once the end of a log is shown leaves it, and says that the rest was interrupted', async () => {
    const client = slackClient(sandbox.url);
    bot = await start();
    sandbox.aws.configure({ latencyMs: 40 });
    await client.command('ada', 'C0LINE3', 'line3-pretrain-2m');
    const shown = await client.message('C0LINE3', 'The end of the log');
    const lines = /```[\s\S]*```/.exec(wordsOf(shown))![0];
    // What it says after a kill is on record a moment after the lines are shown.
    await until(
      async () => (await recordedText(botEnvironment(sandbox))).includes('The end of the log') || undefined,
      'that it is on record',
    );
    await endProcess(bot);
    bot = await start();
    const interrupted = await client.message('C0LINE3', 'Interrupted');
    expect(interrupted.ts).toBe(shown.ts);
    expect(wordsOf(interrupted)).toContain(lines);
    expect(JSON.stringify(interrupted)).not.toMatch(/logs\.(?:cancel|enough)/);
  });

  it('asked to end during a download tells who asked, and ends', async () => {
    const client = slackClient(sandbox.url);
    bot = await start();
    sandbox.aws.configure({ latencyMs: 1_000 });
    await client.command('ada', 'C0LINE3', JOB);
    await client.message('C0LINE3', 'of the time range');
    const ended = once(bot, 'exit');
    bot.kill('SIGTERM');
    await client.message('C0LINE3', 'Signalbox is restarting');
    expect(await ended).toEqual([0, null]);
    expect((await filesBelow(join(dataDir, 'bot', 'spool'))).length).toBeGreaterThan(0);
  });
});

describe('other ways to run it', () => {
  it('[L1] by signed HTTP requests', async () => {
    const bot = await startBot({ mode: 'http' });
    try {
      // Once the queue has answered for the first time.
      await until(
        async () => (await fetch(`http://127.0.0.1:${bot.app.port}/readyz`)).ok || undefined,
        'readiness',
      );
      await bot.command('ada', 'C0LINE3', JOB);
      expect((await bot.message('C0LINE3', DONE)).files).toHaveLength(1);
      const forged = await fetch(`http://127.0.0.1:${bot.app.port}/slack/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'command=/logs&text=x&user_id=U0ADA&team_id=T&channel_id=C0LINE3',
      });
      expect(forged.status).toBe(401);
    } finally {
      await bot.stop();
    }
  });

  it('[L9] with a wrong external id: a checklist for all, the role’s ARN for admins alone', async () => {
    const bot = await startBot({ config: (yaml) => yaml.replace('line-3-6f1d0c0e', 'wrong-id') });
    try {
      await bot.command('ada', 'C0LINE3', JOB);
      await bot.message('C0LINE3', 'Not allowed');
      const forAll = JSON.stringify(await bot.messages('C0LINE3'));
      expect(forAll).toMatch(/trust policy/i);
      expect(forAll).toMatch(/external ?id/i);
      expect(forAll).not.toContain('SignalboxAccess');
      await bot.command('devika', 'C0LINE3', JOB);
      expect((await bot.message('C0LINE3', 'SignalboxAccess', { user: 'devika' })).ephemeral_to).toBe(
        'U0DEV',
      );
    } finally {
      await bot.stop();
    }
  });

  it('[L7] a log group that does not exist is a job without a log', async () => {
    const bot = await startBot();
    try {
      await bot.fault({ on: 'logs:DescribeLogStreams', kind: 'ResourceNotFoundException', times: 0 });
      await bot.command('ada', 'C0LINE3', JOB);
      await bot.message('C0LINE3', 'No logs available yet');
    } finally {
      await bot.stop();
    }
  });

  it('[L4] within Slack’s real rate limits, several at once', async () => {
    const bot = await startBot({ rateLimits: true });
    try {
      const jobs = ['yolo-bolts', 'yolo-bolts-2', 'defects-unet-relabelled'];
      await Promise.all(jobs.map((job) => bot.command('ada', 'C0LINE3', job)));
      for (const job of jobs)
        expect((await bot.message('C0LINE3', `Log of \`${job}\`* ·`)).files).toHaveLength(1);
    } finally {
      await bot.stop();
    }
  });

  it('[S4] the audit record names the session that CloudTrail shows', async () => {
    const bot = await startBot();
    try {
      await bot.command('ada', 'C0LINE3', JOB);
      await bot.message('C0LINE3', DONE);
      const { view } = await bot.post<{ view: unknown }>('/sandbox/slack/home', { user: 'ada' });
      expect(JSON.stringify(view)).toContain(JOB);
      await bot.app.stop();
      const state = await recordedText(botEnvironment(bot.sandbox));
      expect(state).toMatch(/"action":\s*"logs\.downloaded"/);
      expect(state).toMatch(/"sessionName":\s*"logs-[\w.]+-[0-9a-z]+"/);
    } finally {
      await bot.stop();
    }
  });
});
