/** Metrics and traces of the process, where they are configured; nothing of either is loaded otherwise. */
import type { Config } from './config.ts';
import { observe } from './ground/observed.ts';
import type { Clock } from './ground/time.ts';
import type { ReadinessCheck } from './http/health.ts';
import { metricsRoutes } from './http/metrics.ts';
import { type HttpServer, startHttpServer } from './http/server.ts';
import type { Logger } from './logger.ts';
import type { Store } from './ports/store.ts';
import type { Metrics, Told } from './telemetry/metrics.ts';

export interface Telemetry {
  /** Where `/metrics` is served. */
  readonly port: number | undefined;
  /** Once there is something to tell. @throws AppError conflict: the port is taken */
  serve(parts: { clock: Clock; store: Store; checks: readonly ReadinessCheck[] }): Promise<void>;
  /** The last spans are sent, for a moment at most. */
  close(): Promise<void>;
}

/** Watches from here on: before the store and AWS's clients are made. */
export async function startTelemetry(
  { metrics: served, traces }: Pick<Config, 'metrics' | 'traces'>,
  logger: Logger,
): Promise<Telemetry> {
  const log = logger.child({ part: 'telemetry' });
  const onError = (error: unknown): void => log.warn({ err: error }, 'a metric has no value');
  const parts: { told?: Told } = {};
  const ends: (() => void | Promise<void>)[] = [];
  let metrics: Metrics | undefined;
  let server: HttpServer | undefined;
  if (served) {
    const { createMetrics } = await import('./telemetry/metrics.ts');
    metrics = createMetrics({ told: () => parts.told, onError });
    ends.push(observe(metrics.observer), () => server?.close());
  }
  if (traces) {
    const [{ OtlpSink }, { createTracer }] = await Promise.all([
      import('./telemetry/otlp.ts'),
      import('./telemetry/traces.ts'),
    ]);
    const sink = new OtlpSink({
      ...traces,
      onProblem: (error) => log.warn({ err: error, url: traces.url }, 'traces cannot be sent'),
    });
    ends.push(observe(createTracer(sink)), () => sink.close());
  }
  return {
    get port() {
      return server?.port;
    },
    async serve(told) {
      parts.told = told;
      if (!served || !metrics) return;
      server = await startHttpServer([metricsRoutes({ token: served.token, metrics })], {
        port: served.port,
        host: served.host,
        setting: 'SIGNALBOX_METRICS_PORT',
        log,
      });
      log.info({ port: server.port, host: served.host }, 'metrics are served');
    },
    async close() {
      for (const end of ends) await end();
    },
  };
}
