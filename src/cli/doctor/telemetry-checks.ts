/** Whether whoever watches the bot can: its metrics, and the collector of its traces. */
import type { Config } from '../../config.ts';
import { hostInUrl } from '../../ground/hosts.ts';
import { type Check, subject } from './checks.ts';

const about = subject('monitoring');
const ANSWER_WITHIN = 5_000;

export async function checkTelemetry({
  metrics,
  traces,
}: Pick<Config, 'metrics' | 'traces'>): Promise<Check[]> {
  return Promise.all([checkMetrics(metrics), checkTraces(traces)]);
}

async function checkMetrics(metrics: Config['metrics']): Promise<Check> {
  const title = 'metrics';
  if (!metrics) return about.ok(title, 'off: SIGNALBOX_METRICS_PORT is not set');
  const { port, host, token } = metrics;
  if (port === 0)
    return about.warning(
      title,
      'SIGNALBOX_METRICS_PORT is 0, so that the port is another one after each start',
      'Set SIGNALBOX_METRICS_PORT to a free port, such as 9464.',
    );
  const address = `http://${hostInUrl(reachable(host))}:${port}/metrics`;
  const fix = `Start the bot with SIGNALBOX_METRICS_PORT=${port}. If it runs, another program has the port: its log says so.`;
  try {
    const answer = await fetch(address, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN),
      redirect: 'manual',
    });
    const said = await answer.text();
    if (answer.ok && said.includes('signalbox_ready'))
      return about.ok(
        title,
        `served at ${address}${token === undefined ? ', to this machine' : ', with a token'}`,
      );
    if (answer.status === 401)
      return about.failed(
        title,
        `${address} refuses this token`,
        'Give the doctor the SIGNALBOX_METRICS_TOKEN that the running bot has.',
      );
    return about.failed(title, `${address} answers ${answer.status}, and not as Signalbox does`, fix);
  } catch (error) {
    return about.warning(title, `nothing answers at ${address}: ${reason(error)}`, fix);
  }
}

/** All of a machine's addresses are listened on, and none of them is one to connect to. */
const reachable = (host: string): string => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[host] ?? host;

async function checkTraces(traces: Config['traces']): Promise<Check> {
  const title = 'traces';
  if (!traces) return about.ok(title, 'off: OTEL_EXPORTER_OTLP_ENDPOINT is not set');
  const { url, headers } = traces;
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"resourceSpans":[]}',
      signal: AbortSignal.timeout(ANSWER_WITHIN),
      redirect: 'manual',
    });
    await answer.body?.cancel();
    if (answer.ok) return about.ok(title, `${url} takes spans`);
    const isRefused = answer.status === 401 || answer.status === 403;
    return about.failed(
      title,
      `${url} answers ${answer.status} to spans`,
      isRefused
        ? 'Put the key that it wants into OTEL_EXPORTER_OTLP_HEADERS, as name=value.'
        : 'Set OTEL_EXPORTER_OTLP_ENDPOINT to the OTLP/HTTP address of a collector, which takes JSON at /v1/traces: http://127.0.0.1:4318.',
    );
  } catch (error) {
    return about.failed(
      title,
      `nothing answers at ${url}: ${reason(error)}`,
      'Start the collector, or correct OTEL_EXPORTER_OTLP_ENDPOINT. The bot works all the same; its traces are lost.',
    );
  }
}

function reason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? message;
}
