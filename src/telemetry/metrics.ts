/**
 * The process's metrics in Prometheus' text format: docs/operating.md lists them. No label has values without bound: no
 * names of jobs, people, channels or use cases. Loaded only where metrics are configured.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Ending, Observer, Work, WorkKind } from '../ground/observed.ts';
import type { Clock } from '../ground/time.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { OutboxStore } from '../ports/outbox-store.ts';

export interface MetricsOptions {
  /** What is asked at each collection; undefined: the process is still starting. */
  told: () => Told | undefined;
  /** Something could not be asked; it has no value then. */
  onError: (error: unknown) => void;
}

export interface Told {
  clock: Clock;
  store: Pick<EventStore, 'listEvents' | 'countEvents'> & Pick<OutboxStore, 'listUnsent'>;
  /** As `/readyz` has them. */
  checks: readonly { name: string; problem(): string | undefined }[];
}

export interface Metrics {
  readonly observer: Observer;
  readonly contentType: string;
  collect(): Promise<string>;
}

/** Seconds. Slack gives up after three. */
const ACK = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3];
const REQUEST = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];
const COMMAND = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const DOWNLOAD = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
const STORE = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

type Watch = (work: Work) => (ending: Ending, seconds: number) => void;

export function createMetrics({ told, onError }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // prom-client 15.1.3 has three gauges with the names of counters, which promtool refuses.
  for (const thing of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${thing}_total`);
  const counter = (name: string, help: string, ...labelNames: string[]): Counter =>
    new Counter({ name: `signalbox_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[], ...labelNames: string[]): Histogram =>
    new Histogram({ name: `signalbox_${name}`, help, buckets, labelNames, registers });
  const gauge = (name: string, help: string, ...labelNames: string[]): Gauge =>
    new Gauge({ name: `signalbox_${name}`, help, labelNames, registers });

  const commands = counter(
    'commands_total',
    'What people asked for: the command, how (command, mention, action, view, after_view, shortcut, options), and its outcome',
    'command',
    'by',
    'outcome',
  );
  const commandTime = histogram(
    'command_duration_seconds',
    'Until a command, click or window was done with, downloads included',
    COMMAND,
    'command',
  );
  const received = counter('slack_payloads_total', 'What came from Slack, by type', 'type');
  const ackTime = histogram(
    'ack_duration_seconds',
    'Until Slack was told that something was received: it gives up after 3 s',
    ACK,
    'type',
  );
  const slackCalls = counter('slack_requests_total', 'Requests to Slack', 'method', 'outcome');
  const awsCalls = counter('aws_requests_total', 'Requests to AWS, each try', 'service', 'api', 'outcome');
  const throttles = counter(
    'aws_throttles_total',
    'Requests that AWS refused because there were too many',
    'service',
    'api',
  );
  const awsTime = histogram(
    'aws_request_duration_seconds',
    'Until AWS answered a request, each try',
    REQUEST,
    'service',
    'api',
  );
  const operations = counter(
    'operations_total',
    'Questions to where training runs: provider and method, and the outcome',
    'operation',
    'outcome',
  );
  const events = counter('events_received_total', 'Events that came in', 'via', 'outcome');
  const downloads = counter('downloads_total', 'Downloads of logs that have ended', 'outcome');
  const running = gauge('downloads_running', 'Downloads of logs at this moment');
  const bytes = counter('download_bytes_total', 'Bytes of text in downloads that succeeded');
  const downloadTime = histogram('download_duration_seconds', 'Until a download had ended', DOWNLOAD);
  const viewers = gauge('viewers', 'Browsers and others that look at a run at this moment');
  const storeTime = histogram(
    'store_operation_duration_seconds',
    'Until the store had done something, by kind of method; changes include the wait for the disk or database',
    STORE,
    'operation',
  );
  const storeFailures = counter(
    'store_failures_total',
    'What the store did not do, conflicts included',
    'operation',
    'outcome',
  );
  // Known from the start, so that the first failure is an increase and not a new series.
  for (const outcome of ['ok', 'cancelled', 'unavailable', 'internal']) downloads.inc({ outcome }, 0);

  const asked = (name: string, help: string, ask: (of: Told) => Promise<number>): void => {
    new Gauge({
      name: `signalbox_${name}`,
      help,
      registers,
      async collect() {
        this.remove();
        const parts = told();
        if (!parts) return;
        try {
          this.set(await ask(parts));
        } catch (error) {
          onError(error);
        }
      },
    });
  };
  const age = (clock: Clock, since: number | undefined): number =>
    since === undefined ? 0 : Math.max(0, clock.now() - since) / 1000;
  asked(
    'events_pending',
    'Events that are stored and not handled yet',
    async ({ store }) => (await store.countEvents()).pending,
  );
  asked(
    'events_oldest_pending_seconds',
    'Age of the oldest event that is stored and not handled yet; 0: none is',
    async ({ store, clock }) =>
      age(clock, (await store.listEvents({ state: 'pending', limit: 1 }))[0]?.receivedAt),
  );
  asked(
    'outbox_messages',
    'Messages and edits that Slack does not show yet',
    async ({ store }) => (await store.listUnsent()).length,
  );
  asked(
    'outbox_oldest_seconds',
    'For how long the oldest of them has been due; 0: none is',
    async ({ store, clock }) => {
      let oldest: number | undefined;
      for (const { changedAt, notBefore = 0 } of await store.listUnsent())
        oldest = Math.min(oldest ?? Number.POSITIVE_INFINITY, Math.max(changedAt, notBefore));
      return age(clock, oldest);
    },
  );
  new Gauge({
    name: 'signalbox_ready',
    help: '1: works; 0: /readyz names the problem',
    labelNames: ['check'],
    registers,
    collect() {
      for (const { name, problem } of told()?.checks ?? [])
        this.set({ check: name }, problem() === undefined ? 1 : 0);
    },
  });

  const watches: Readonly<Partial<Record<WorkKind, Watch>>> = {
    command:
      ({ name, labels }) =>
      ({ outcome }, seconds) => {
        commands.inc({ command: name, by: labels?.by ?? '', outcome });
        commandTime.observe({ command: name }, seconds);
      },
    ack: ({ name }) => {
      received.inc({ type: name });
      return ({ outcome }, seconds) => {
        if (outcome === 'ok') ackTime.observe({ type: name }, seconds);
      };
    },
    slack:
      ({ name }) =>
      ({ outcome }) =>
        slackCalls.inc({ method: name, outcome }),
    aws:
      ({ labels = {} }) =>
      ({ outcome }, seconds) => {
        awsCalls.inc({ ...labels, outcome });
        if (outcome === 'throttled') throttles.inc(labels);
        awsTime.observe(labels, seconds);
      },
    operation:
      ({ name }) =>
      ({ outcome }) =>
        operations.inc({ operation: name, outcome }),
    event:
      ({ name }) =>
      ({ outcome }) =>
        events.inc({ via: name, outcome }),
    download: () => {
      running.inc();
      return ({ outcome, amounts }, seconds) => {
        running.dec();
        downloads.inc({ outcome });
        bytes.inc(amounts.bytes ?? 0);
        downloadTime.observe(seconds);
      };
    },
    viewer: () => {
      viewers.inc();
      return () => viewers.dec();
    },
    store:
      ({ name }) =>
      ({ outcome }, seconds) => {
        storeTime.observe({ operation: name }, seconds);
        if (outcome !== 'ok') storeFailures.inc({ operation: name, outcome });
      },
  };

  return {
    observer: {
      begin(work) {
        const end = watches[work.kind]?.(work);
        if (!end) return undefined;
        const since = performance.now();
        return { end: (ending) => end(ending, (performance.now() - since) / 1000) };
      },
    },
    contentType: registry.contentType,
    collect: () => registry.metrics(),
  };
}
