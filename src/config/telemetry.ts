/** What is told about the process itself: metrics for Prometheus, and traces by OpenTelemetry. Both are off by default. */
import { hostInUrl, isLoopback } from '../ground/hosts.ts';
import { type Environment, isHttpUrl, readPort, set, variable } from './environment.ts';
import { canGuard, GUARDING } from './guarding-secrets.ts';
import type { ConfigProblem } from './problems.ts';

export interface MetricsConfig {
  port: number;
  /** The address that `/metrics` is served on. */
  host: string;
  /** What a reader has to send; undefined: whoever reaches the port may read. */
  token: string | undefined;
}

export interface TracesConfig {
  /** Where spans are sent, complete. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Of the process: `service.name` and others. */
  resource: Readonly<Record<string, string>>;
}

export const METRICS_TOKEN = 'SIGNALBOX_METRICS_TOKEN';

/** On if there is a port. Beyond this machine, only with a token. */
export function readMetrics(env: Environment, problems: ConfigProblem[]): MetricsConfig | undefined {
  const port = readPort(env, problems, 'SIGNALBOX_METRICS_PORT', '9464');
  const token = set(env, METRICS_TOKEN);
  if (token !== undefined && !canGuard(token))
    // Never the value itself.
    problems.push({
      key: METRICS_TOKEN,
      message: `${METRICS_TOKEN}: expected a secret of ${GUARDING}, but got ${token.length} characters. Example: ${METRICS_TOKEN}=$(openssl rand -hex 32)`,
    });
  if (port === undefined) return undefined;
  const host = set(env, 'SIGNALBOX_METRICS_HOST') ?? '127.0.0.1';
  if (token === undefined && !isLoopback(hostInUrl(host)))
    problems.push(
      variable(
        METRICS_TOKEN,
        `a secret, since SIGNALBOX_METRICS_HOST lets others than this machine read /metrics`,
        undefined,
        '$(openssl rand -hex 32)',
      ),
    );
  return { port, host, token };
}

/** The variables of OpenTelemetry's specification: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
export function readTraces(env: Environment, problems: ConfigProblem[]): TracesConfig | undefined {
  if (set(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  const own = set(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const base = set(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const given = own ?? base;
  if (given === undefined) return undefined;
  const name = own === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  if (!isHttpUrl(given))
    problems.push(variable(name, 'an http or https URL', given, 'http://127.0.0.1:4318'));
  const protocol = set(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? set(env, 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== undefined && protocol !== 'http/json')
    problems.push(
      variable(
        'OTEL_EXPORTER_OTLP_PROTOCOL',
        'http/json, which is all that is spoken here',
        protocol,
        'http/json',
      ),
    );
  const headers = {
    ...readPairs(env, 'OTEL_EXPORTER_OTLP_HEADERS', problems),
    ...readPairs(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', problems),
  };
  const resource = {
    'service.name': 'signalbox',
    ...readPairs(env, 'OTEL_RESOURCE_ATTRIBUTES', problems),
  };
  const service = set(env, 'OTEL_SERVICE_NAME');
  if (service !== undefined) resource['service.name'] = service;
  return { url: own ?? `${given.replace(/\/+$/, '')}/v1/traces`, headers, resource };
}

/** `name=value,name=value`, values percent-encoded. */
function readPairs(env: Environment, name: string, problems: ConfigProblem[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of (set(env, name) ?? '').split(',').filter((one) => one.trim() !== '')) {
    const [, key, value = ''] = /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const decoded = key === undefined ? undefined : decode(value);
    if (key !== undefined && decoded !== undefined && !/[\r\n\0]/.test(decoded)) pairs[key] = decoded;
    else {
      // Never the values: they may be keys.
      problems.push({
        key: name,
        message: `${name}: expected name=value, separated by commas, with values percent-encoded, but one of its parts is not. Example: ${name}=x-team=line-3`,
      });
      break;
    }
  }
  return pairs;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
