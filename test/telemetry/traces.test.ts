import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { observe, observed } from '../../src/ground/observed.ts';
import { OtlpSink, otlpTraces, type Span } from '../../src/telemetry/otlp.ts';
import { createTracer } from '../../src/telemetry/traces.ts';

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

function tracing(): Span[] {
  const spans: Span[] = [];
  ends.push(observe(createTracer({ add: (span) => void spans.push(span) }, () => 1_700_000_000_000)));
  return spans;
}

const aws = (api: string, run: () => Promise<void> = async () => {}): Promise<void> =>
  observed({ kind: 'aws', name: `SageMaker.${api}`, labels: { service: 'SageMaker', api } }, run);

describe('a trace', () => {
  it('is a command, its operations and their requests to AWS, each below what it was made for', async () => {
    const spans = tracing();
    await observed({ kind: 'command', name: 'logs', labels: { by: 'command' } }, async () => {
      await observed({ kind: 'operation', name: 'sagemaker.getStatus' }, () => aws('DescribeTrainingJob'));
      await observed({ kind: 'download', name: 'log' }, () => aws('GetLogEvents'));
    });
    const [describing, status, reading, download, command] = spans as [Span, Span, Span, Span, Span];
    expect(spans.map(({ name }) => name)).toEqual([
      'SageMaker.DescribeTrainingJob',
      'sagemaker.getStatus',
      'SageMaker.GetLogEvents',
      'download log',
      '/logs',
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(command.parentSpanId).toBeUndefined();
    expect([status.parentSpanId, download.parentSpanId]).toEqual([command.spanId, command.spanId]);
    expect(describing.parentSpanId).toBe(status.spanId);
    expect(reading.parentSpanId).toBe(download.spanId);
    for (const { traceId, spanId } of spans) {
      expect(traceId).toMatch(/^[\da-f]{32}$/);
      expect(spanId).toMatch(/^[\da-f]{16}$/);
    }
  });

  it('is not shared by two commands at once', async () => {
    const spans = tracing();
    await Promise.all(
      ['logs', 'jobs'].map((name) => observed({ kind: 'command', name }, () => aws('ListTrainingJobs'))),
    );
    const commands = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    const requests = spans.filter(({ parentSpanId }) => parentSpanId !== undefined);
    expect(new Set(commands.map(({ traceId }) => traceId)).size).toBe(2);
    expect(requests.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(
      commands.map(({ spanId }) => spanId).sort(),
    );
  });

  it('says what failed, and not that cancelling is a failure', async () => {
    const spans = tracing();
    await observed({ kind: 'command', name: 'logs' }, () =>
      Promise.reject(new AppError('unavailable', 'no AWS')),
    ).catch(() => {});
    expect(spans[0]).toMatchObject({ hasFailed: true, attributes: { 'signalbox.outcome': 'unavailable' } });
  });

  it('is not begun by requests that belong to nothing, such as polls', async () => {
    const spans = tracing();
    await aws('ReceiveMessage');
    expect(spans).toEqual([]);
  });
});

const SPAN: Span = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: undefined,
  name: '/logs',
  kind: 'server',
  startedAt: 1_700_000_000_000.5,
  endedAt: 1_700_000_000_250.25,
  attributes: { 'signalbox.by': 'command', bytes: 12 },
  hasFailed: true,
};

/** As a collector takes them: answers with the given statuses, one after the other, then 200. */
async function receiver(
  ...statuses: number[]
): Promise<{ url: string; bodies: unknown[]; headers: unknown[] }> {
  const bodies: unknown[] = [];
  const headers: unknown[] = [];
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(parts).toString()));
      headers.push(request.headers);
      response.writeHead(statuses.shift() ?? 200, { location: '/elsewhere' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, bodies, headers };
}

function sinkTo(url: string): { sink: OtlpSink; problems: unknown[] } {
  const problems: unknown[] = [];
  const sink = new OtlpSink({
    url,
    headers: { 'x-team': 'line 3' },
    resource: { 'service.name': 'signalbox' },
    onProblem: (error) => problems.push(error),
  });
  ends.push(() => sink.close());
  return { sink, problems };
}

describe('spans', () => {
  it('are sent as OTLP has them in JSON: ids in hex, times in nanoseconds as text', () => {
    expect(otlpTraces([SPAN], { 'service.name': 'signalbox' })).toEqual({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'signalbox' } }] },
          scopeSpans: [
            {
              scope: { name: 'signalbox' },
              spans: [
                {
                  traceId: 'a'.repeat(32),
                  spanId: 'b'.repeat(16),
                  name: '/logs',
                  kind: 2,
                  startTimeUnixNano: '1700000000000500000',
                  endTimeUnixNano: '1700000000250250000',
                  attributes: [
                    { key: 'signalbox.by', value: { stringValue: 'command' } },
                    { key: 'bytes', value: { intValue: '12' } },
                  ],
                  status: { code: 2 },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('are sent in one request with the headers that were configured', async () => {
    const { url, bodies, headers } = await receiver();
    const { sink, problems } = sinkTo(url);
    sink.add(SPAN);
    sink.add(SPAN);
    await sink.flush();
    expect(bodies).toEqual([otlpTraces([SPAN, SPAN], { 'service.name': 'signalbox' })]);
    expect(headers[0]).toMatchObject({ 'content-type': 'application/json', 'x-team': 'line 3' });
    expect(problems).toEqual([]);
  });

  it('are sent again where that helps, dropped where it does not, and the log says so once', async () => {
    const { url, bodies } = await receiver(503, 400, 400);
    const { sink, problems } = sinkTo(url);
    sink.add(SPAN);
    await sink.flush();
    await sink.flush();
    sink.add(SPAN);
    await sink.flush();
    sink.add(SPAN);
    await sink.flush();
    await sink.flush();
    // Put off, refused, refused, taken.
    expect(bodies).toHaveLength(4);
    expect(problems.map(String)).toEqual(['Error: HTTP 503']);
  });

  it('go nowhere else than where they were configured to go', async () => {
    const { url, bodies } = await receiver(307);
    const { sink, problems } = sinkTo(url);
    sink.add(SPAN);
    await sink.flush();
    expect(bodies).toHaveLength(1);
    expect(problems).toHaveLength(1);
  });

  it('are forgotten, the oldest first, where nobody takes them', async () => {
    const { sink } = sinkTo('http://127.0.0.1:9/v1/traces');
    for (let nth = 0; nth < 10_000; nth += 1) sink.add({ ...SPAN, name: String(nth) });
    await sink.close();
  });
});
