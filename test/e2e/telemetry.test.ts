/** What an operator sees of a `/logs`: counters at `/metrics`, and a trace at an OpenTelemetry collector. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { readPrometheus, total } from '../fixtures/prometheus-text.ts';
import { promtool, promtoolIsMissing } from '../fixtures/promtool.ts';
import { type Bot, startBot } from './bot.ts';

const JOB = 'defects-resnet101-ddp';
const TOKEN = 'metrics-token-of-this-test';

interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
}

let bot: Bot;
let collector: Server;
const spans: SentSpan[] = [];

beforeAll(async () => {
  collector = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
      };
      spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  bot = await startBot({
    env: {
      SIGNALBOX_METRICS_PORT: '0',
      SIGNALBOX_METRICS_TOKEN: TOKEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    },
  });
});
afterAll(async () => {
  await bot.stop();
  await new Promise((resolve) => collector.close(resolve));
});

async function scrape(): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${bot.app.metricsPort}/metrics`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect(answer.status).toBe(200);
  return answer.text();
}

/** Names of counters and what they have to have grown by. */
const MOVED: readonly (readonly [name: string, labels: Record<string, string>])[] = [
  ['signalbox_commands_total', { command: 'logs', by: 'command', outcome: 'ok' }],
  ['signalbox_command_duration_seconds_count', { command: 'logs' }],
  ['signalbox_slack_payloads_total', { type: 'command' }],
  ['signalbox_ack_duration_seconds_count', { type: 'command' }],
  ['signalbox_slack_requests_total', { outcome: 'ok' }],
  ['signalbox_aws_requests_total', { service: 'CloudWatchLogs', outcome: 'ok' }],
  ['signalbox_aws_requests_total', { service: 'SageMaker', outcome: 'ok' }],
  ['signalbox_aws_request_duration_seconds_count', { service: 'STS', api: 'AssumeRole' }],
  ['signalbox_aws_throttles_total', { service: 'CloudWatchLogs' }],
  ['signalbox_operations_total', { operation: 'sagemaker.getStatus', outcome: 'ok' }],
  ['signalbox_downloads_total', { outcome: 'ok' }],
  ['signalbox_download_bytes_total', {}],
  ['signalbox_download_duration_seconds_count', {}],
  ['signalbox_store_operation_duration_seconds_count', { operation: 'append' }],
];

describe('[O4] a /logs', () => {
  it('moves the counters of what it takes, throttled requests too', async () => {
    const before = await scrape();
    const since = await bot.now('C0LINE3');
    await bot.fault({ on: 'logs:GetLogEvents', kind: 'ThrottlingException', times: 1 });
    await bot.command('ada', 'C0LINE3', `${JOB} --fresh`);
    await bot.message('C0LINE3', `Log of \`${JOB}\`* ·`, { since });
    // The message is there before the command is done with.
    await expect
      .poll(async () => total(await scrape(), ...MOVED[0]!), { timeout: 60_000 })
      .toBeGreaterThan(total(before, ...MOVED[0]!));
    const after = await scrape();
    const still = MOVED.filter(([name, labels]) => total(after, name, labels) <= total(before, name, labels));
    expect(still).toEqual([]);
    expect(total(after, 'signalbox_downloads_running')).toBe(0);
    expect(total(after, 'signalbox_ready', { check: 'slack' })).toBe(1);
  });

  it('and all else that came from Slack was acknowledged', async () => {
    await expect
      .poll(
        async () => {
          const text = await scrape();
          return (
            total(text, 'signalbox_slack_payloads_total') -
            total(text, 'signalbox_ack_duration_seconds_count')
          );
        },
        { timeout: 60_000 },
      )
      .toBe(0);
  });

  it('names no job, person, channel or use case in any label', async () => {
    const { samples } = readPrometheus(await scrape());
    const values = new Set(samples.flatMap(({ labels }) => Object.values(labels)));
    expect([...values].filter((value) => /resnet|line-3|C0LINE3|ada|arn:|\d{12}/.test(value))).toEqual([]);
    expect(samples.length).toBeLessThan(1_500);
  });

  it('gives numbers that promtool accepts', async ({ skip }: TestContext) => {
    if (promtoolIsMissing) return skip(promtoolIsMissing);
    expect(promtool(['check', 'metrics'], await scrape())).toBe('');
  });

  it('is a trace at the collector: the command, what it asked for, and each request to AWS', async () => {
    await expect.poll(() => spans.find(({ name }) => name === '/logs'), { timeout: 60_000 }).toBeDefined();
    const command = spans.find(({ name }) => name === '/logs')!;
    const own = spans.filter(({ traceId }) => traceId === command.traceId);
    const below = (parent: SentSpan): SentSpan[] =>
      own.filter(({ parentSpanId }) => parentSpanId === parent.spanId);
    const download = below(command).find(({ name }) => name === 'download log');
    expect(download).toBeDefined();
    expect(below(download!).map(({ name }) => name)).toContain('CloudWatchLogs.GetLogEvents');
    const status = own.find(({ name }) => name === 'sagemaker.getStatus')!;
    expect(below(status).map(({ name }) => name)).toContain('SageMaker.DescribeTrainingJob');
  });
});
