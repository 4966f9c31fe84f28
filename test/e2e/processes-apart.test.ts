/** The front and the watch in a process each, on one database: what people ask for, what is told, and what operators see. */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp } from '../../src/app.ts';
import { childEnvironment, loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { freePort } from '../fixtures/free-port.ts';
import { type Postgres, startPostgres, whyNoPostgres } from '../fixtures/postgres.ts';
import { readPrometheus, total } from '../fixtures/prometheus-text.ts';
import { type SlackClient, slackClient, wordsOf } from '../slack/sandbox-client.ts';
import { sendEvents, trainingEvent } from './aws-events.ts';
import { type Bot, botEnvironment, startSandboxOnly, type TestSandbox } from './bot.ts';
import { until } from './jobs.ts';

const noPostgres = await whyNoPostgres();
const root = join(import.meta.dirname, '../..');
const CHANNEL = 'C0LINE3';
const JOB = 'defects-resnet101-ddp';

interface Part {
  port: number;
  metricsPort: number;
}

describe.skipIf(noPostgres)('[O4] the front and the watch in a process each', () => {
  let postgres: Postgres;
  let sandbox: TestSandbox;
  let dataDir: string;
  let slack: SlackClient;
  let collector: Server;
  const parts = {} as Record<'front' | 'watch', Part>;
  /** Names of spans, by what sent them. */
  const spans: string[] = [];
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    closing.push(() => postgres.dispose());
    collector = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
      });
      request.on('end', () => {
        spans.push(...[...body.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name!));
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => collector.close(resolve)));
    ({ sandbox, dataDir } = await startSandboxOnly());
    closing.push(
      () => rm(dataDir, { recursive: true, force: true }),
      () => sandbox.close(),
    );
    slack = slackClient(sandbox.url);
    const DATABASE_URL = await postgres.database();
    for (const only of ['watch', 'front'] as const) parts[only] = await begin(only, DATABASE_URL);
  });
  afterAll(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function begin(only: 'front' | 'watch', DATABASE_URL: string): Promise<Part> {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'start', '--only', only], {
      cwd: root,
      env: childEnvironment({
        ...botEnvironment(sandbox),
        DATABASE_URL,
        PORT: String(port),
        SIGNALBOX_DATA_DIR: join(dataDir, only),
        SIGNALBOX_METRICS_PORT: String(metricsPort),
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
        LOG_LEVEL: 'info',
      }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    closing.push(() => endProcess(child));
    for await (const line of createInterface({ input: child.stderr! })) if (line.includes('"ready"')) break;
    child.stderr!.resume();
    return { port, metricsPort };
  }

  const scrape = async (part: Part): Promise<string> =>
    (await fetch(`http://127.0.0.1:${part.metricsPort}/metrics`)).text();
  const checksOf = (text: string): string[] =>
    readPrometheus(text)
      .samples.filter(({ name }) => name === 'signalbox_ready')
      .map(({ labels }) => labels.check!);

  it('are ready, and each says what it is ready for', async () => {
    for (const { port } of Object.values(parts))
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    expect(checksOf(await scrape(parts.front))).toEqual(['slack', 'store']);
    expect(checksOf(await scrape(parts.watch))).toEqual(expect.arrayContaining(['outbox', 'store']));
    expect(checksOf(await scrape(parts.watch))).not.toContain('slack');
  });

  it('a /logs is counted and traced by the front, and by it alone', async () => {
    await slack.command('ada', CHANNEL, `${JOB} --tail 5`);
    await until(
      async () => (await slack.messages(CHANNEL)).find((one) => wordsOf(one).includes(`Log of \`${JOB}\``)),
      'the file',
    );
    const asked = { command: 'logs', by: 'command' };
    await expect
      .poll(async () => total(await scrape(parts.front), 'signalbox_commands_total', asked), {
        timeout: 60_000,
      })
      .toBe(1);
    expect(total(await scrape(parts.watch), 'signalbox_commands_total', asked)).toBe(0);
    await expect.poll(() => spans, { timeout: 60_000 }).toContain('/logs');
  });

  it('an event is taken in, looked at and told by the watch, whose requests are counted and traced there', async () => {
    const failed = trainingEvent('press-of-the-night', 'Failed', { FailureReason: 'AlgorithmError: x' });
    await sendEvents({ ...slack, sandbox } as unknown as Bot, failed);
    await until(
      async () =>
        (await slack.messages('C0ALERTS')).find((one) => wordsOf(one).includes('press-of-the-night')),
      'the alert',
    );
    const text = await scrape(parts.watch);
    expect(total(text, 'signalbox_events_received_total', { outcome: 'stored' })).toBeGreaterThan(0);
    expect(total(text, 'signalbox_slack_requests_total', { method: 'chat.postMessage' })).toBeGreaterThan(0);
    await expect.poll(() => spans, { timeout: 60_000 }).toContain('SageMaker.ListTrainingJobs');
  });
});

it('one of the two by itself is refused on a data folder, which is no other process’s', async () => {
  const { sandbox, dataDir } = await startSandboxOnly();
  const { DATABASE_URL: _, ...env } = botEnvironment(sandbox);
  const config = loadConfig({ env, requireSlack: true });
  const logger = createLogger({ level: 'silent', secrets: [], destination: process.stderr });
  await expect(startApp({ config, logger, only: 'watch' })).rejects.toMatchObject({
    code: 'invalid_input',
    hint: expect.stringContaining('DATABASE_URL'),
  });
  await sandbox.close();
  await rm(dataDir, { recursive: true, force: true });
});
