import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkTelemetry } from '../../src/cli/doctor/telemetry-checks.ts';
import { metricsRoutes } from '../../src/http/metrics.ts';
import { startHttpServer } from '../../src/http/server.ts';

const TOKEN = 'a-token-of-some-length';
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serving(): Promise<number> {
  const metrics = { contentType: 'text/plain', collect: async () => 'signalbox_ready{check="slack"} 1\n' };
  const server = await startHttpServer([metricsRoutes({ token: TOKEN, metrics })], {
    port: 0,
    host: '127.0.0.1',
  });
  ends.push(() => server.close());
  return server.port;
}

async function collector(status: number): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
}

const metrics = (port: number, token: string | undefined = TOKEN) => ({
  metrics: { port, host: '0.0.0.0', token },
  traces: undefined,
});
const traces = (url: string) => ({ metrics: undefined, traces: { url, headers: {}, resource: {} } });

describe('the doctor, about monitoring', () => {
  it('finds nothing wrong where nothing is configured', async () => {
    const checks = await checkTelemetry({ metrics: undefined, traces: undefined });
    expect(checks.map(({ status }) => status)).toEqual(['ok', 'ok']);
  });

  it('finds metrics that are served, a wrong token, and that nobody answers', async () => {
    const port = await serving();
    const [served] = await checkTelemetry(metrics(port));
    expect(served).toMatchObject({ status: 'ok', detail: expect.stringContaining(`127.0.0.1:${port}`) });
    const [refused] = await checkTelemetry(metrics(port, 'another-token-of-length'));
    expect(refused).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('SIGNALBOX_METRICS_TOKEN'),
    });
    await ends.pop()!();
    const [silent] = await checkTelemetry(metrics(port));
    expect(silent).toMatchObject({ status: 'warning', detail: expect.stringContaining('nothing answers') });
  });

  it('finds another program at the port of the metrics', async () => {
    const port = Number(new URL(await collector(200)).port);
    const [check] = await checkTelemetry(metrics(port));
    expect(check).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('not as Signalbox does'),
    });
  });

  it.each([
    [200, 'ok', undefined],
    [401, 'failed', 'OTEL_EXPORTER_OTLP_HEADERS'],
    [404, 'failed', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ])('finds a collector that answers %i: %s', async (status, verdict, fix) => {
    const [, check] = await checkTelemetry(traces(await collector(status)));
    expect(check).toMatchObject({
      status: verdict,
      ...(fix === undefined ? {} : { fix: expect.stringContaining(fix) }),
    });
  });

  it('finds that no collector is there, and what that costs', async () => {
    const url = await collector(200);
    await ends.pop()!();
    const [, check] = await checkTelemetry(traces(url));
    expect(check).toMatchObject({ status: 'failed', fix: expect.stringContaining('works all the same') });
  });
});
