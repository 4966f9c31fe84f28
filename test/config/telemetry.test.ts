import { describe, expect, it } from 'vitest';
import type { ConfigProblem } from '../../src/config/problems.ts';
import { readMetrics, readTraces } from '../../src/config/telemetry.ts';

const TOKEN = 'a-secret-of-some-length';

function read<T>(
  reader: (env: Record<string, string>, problems: ConfigProblem[]) => T,
  env: Record<string, string>,
): { value: T; problems: string[] } {
  const problems: ConfigProblem[] = [];
  const value = reader(env, problems);
  return { value, problems: problems.map(({ message }) => message) };
}

describe('metrics', () => {
  it('are off unless they have a port, and then only for this machine', () => {
    expect(read(readMetrics, {}).value).toBeUndefined();
    expect(read(readMetrics, { SIGNALBOX_METRICS_PORT: '9464' })).toEqual({
      value: { port: 9464, host: '127.0.0.1', token: undefined },
      problems: [],
    });
  });

  it.each(['0.0.0.0', '::', '10.0.0.7', 'signalbox.internal'])(
    'are not served on %s without a token',
    (host) => {
      const open = { SIGNALBOX_METRICS_PORT: '9464', SIGNALBOX_METRICS_HOST: host };
      expect(read(readMetrics, open).problems).toEqual([
        expect.stringContaining('SIGNALBOX_METRICS_TOKEN (environment): expected a secret'),
      ]);
      expect(read(readMetrics, { ...open, SIGNALBOX_METRICS_TOKEN: TOKEN }).problems).toEqual([]);
    },
  );

  it.each(['localhost', '::1', '127.0.0.9'])('may be served on %s without a token', (host) => {
    expect(
      read(readMetrics, { SIGNALBOX_METRICS_PORT: '9464', SIGNALBOX_METRICS_HOST: host }).problems,
    ).toEqual([]);
  });

  it('refuse a token that can be guessed without repeating it, and a port that is none', () => {
    const { problems } = read(readMetrics, {
      SIGNALBOX_METRICS_PORT: '99999',
      SIGNALBOX_METRICS_TOKEN: 'short-one',
    });
    expect(problems).toHaveLength(2);
    expect(problems.join()).toContain('SIGNALBOX_METRICS_PORT');
    expect(problems.join()).not.toContain('short-one');
  });
});

describe('traces', () => {
  it('are off unless an endpoint is set, and where OpenTelemetry is switched off', () => {
    expect(read(readTraces, {}).value).toBeUndefined();
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(read(readTraces, { ...on, OTEL_SDK_DISABLED: 'true' }).value).toBeUndefined();
    expect(read(readTraces, on).value?.url).toBe('http://collector:4318/v1/traces');
  });

  it('go to the traces’ own endpoint as it stands', () => {
    const { value } = read(readTraces, {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example.com/in',
    });
    expect(value?.url).toBe('https://traces.example.com/in');
  });

  it('carry headers and a resource from pairs, percent-decoded', () => {
    const { value, problems } = read(readTraces, {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-team = line-3',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test,service.name=other',
      OTEL_SERVICE_NAME: 'signalbox-2',
    });
    expect(problems).toEqual([]);
    expect(value).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: { authorization: 'Bearer abc', 'x-team': 'line-3' },
      resource: { 'service.name': 'signalbox-2', 'deployment.environment': 'test' },
    });
  });

  it.each([
    ['an address that is none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'an http or https URL'],
    ['another protocol', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'http/json'],
    ['headers that are no pairs', { OTEL_EXPORTER_OTLP_HEADERS: 'my-secret-key' }, 'name=value'],
    ['a line break in a header', { OTEL_EXPORTER_OTLP_HEADERS: 'a=b%0d%0ac:my-secret-key' }, 'name=value'],
  ])('are refused for %s', (_, env, words) => {
    const { problems } = read(readTraces, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', ...env });
    expect(problems).toEqual([expect.stringContaining(words)]);
    expect(problems.join()).not.toContain('my-secret-key');
  });
});
