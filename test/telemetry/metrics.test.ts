import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { begun, observe, observed } from '../../src/ground/observed.ts';
import { createMetrics, type Metrics, type Told } from '../../src/telemetry/metrics.ts';
import { readPrometheus, total } from '../fixtures/prometheus-text.ts';
import { promtool, promtoolIsMissing } from '../fixtures/promtool.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const NOW = Date.UTC(2026, 10, 20, 8);
/** As much of the records as is looked at. */
const told = (parts: {
  pending?: number[];
  unsent?: { changedAt: number; notBefore?: number }[];
  problem?: string;
}): Told => ({
  clock: { now: () => NOW },
  store: {
    countEvents: async () => ({ pending: parts.pending?.length ?? 0, handled: 3, setAside: {} }),
    listEvents: async () => (parts.pending ?? []).map((receivedAt) => ({ receivedAt })) as never,
    listUnsent: async () => (parts.unsent ?? []) as never,
  },
  checks: [
    { name: 'slack', problem: () => parts.problem },
    { name: 'store', problem: () => undefined },
  ],
});

function listening(of: () => Told | undefined = () => told({}), errors: unknown[] = []): Metrics {
  const metrics = createMetrics({ told: of, onError: (error) => errors.push(error) });
  ends.push(observe(metrics.observer));
  return metrics;
}

describe('metrics', () => {
  it('count commands by name, way and outcome, and time them', async () => {
    const metrics = listening();
    const command = { kind: 'command', name: 'logs', labels: { by: 'command' } } as const;
    await observed(command, async () => {});
    await observed(command, () => Promise.reject(new AppError('not_found', 'no such job'))).catch(() => {});
    const text = await metrics.collect();
    expect(total(text, 'signalbox_commands_total', { command: 'logs', by: 'command', outcome: 'ok' })).toBe(
      1,
    );
    expect(total(text, 'signalbox_commands_total', { command: 'logs', outcome: 'not_found' })).toBe(1);
    expect(total(text, 'signalbox_command_duration_seconds_count', { command: 'logs' })).toBe(2);
  });

  it('tell what came from Slack apart from what was acknowledged', async () => {
    const metrics = listening();
    begun({ kind: 'ack', name: 'command' })();
    begun({ kind: 'ack', name: 'command' });
    const text = await metrics.collect();
    expect(total(text, 'signalbox_slack_payloads_total', { type: 'command' })).toBe(2);
    expect(total(text, 'signalbox_ack_duration_seconds_count', { type: 'command' })).toBe(1);
  });

  it('count each throttled request to AWS', async () => {
    const metrics = listening();
    const labels = { service: 'SageMaker', api: 'ListTrainingJobs' };
    const work = { kind: 'aws', name: 'SageMaker.ListTrainingJobs', labels } as const;
    await observed(work, async () => {});
    await observed(work, () => Promise.reject(new Error()), { error: () => 'throttled' }).catch(() => {});
    const text = await metrics.collect();
    expect(total(text, 'signalbox_aws_requests_total', labels)).toBe(2);
    expect(total(text, 'signalbox_aws_throttles_total', labels)).toBe(1);
    expect(total(text, 'signalbox_aws_request_duration_seconds_count', labels)).toBe(2);
  });

  it('show downloads while they run, and what came of them', async () => {
    const metrics = listening();
    let finish: (bytes: number) => void = () => {};
    const download = observed(
      { kind: 'download', name: 'log' },
      () => new Promise<number>((resolve) => (finish = resolve)),
      { result: (bytes) => ({ amounts: { bytes } }) },
    );
    expect(total(await metrics.collect(), 'signalbox_downloads_running')).toBe(1);
    finish(1200);
    await download;
    const text = await metrics.collect();
    expect(total(text, 'signalbox_downloads_running')).toBe(0);
    expect(total(text, 'signalbox_download_bytes_total')).toBe(1200);
    expect(total(text, 'signalbox_downloads_total', { outcome: 'ok' })).toBe(1);
    expect(total(text, 'signalbox_download_duration_seconds_count')).toBe(1);
  });

  it('have the age of what waits: events, and messages from when they are due', async () => {
    const metrics = listening(() =>
      told({
        pending: [NOW - 90_000, NOW],
        unsent: [
          { changedAt: NOW - 600_000, notBefore: NOW - 20_000 },
          { changedAt: NOW - 30_000 },
          { changedAt: NOW - 40_000, notBefore: NOW + 60_000 },
        ],
        problem: 'no socket',
      }),
    );
    const text = await metrics.collect();
    expect(total(text, 'signalbox_events_pending')).toBe(2);
    expect(total(text, 'signalbox_events_oldest_pending_seconds')).toBe(90);
    expect(total(text, 'signalbox_outbox_messages')).toBe(3);
    expect(total(text, 'signalbox_outbox_oldest_seconds')).toBe(30);
    expect(total(text, 'signalbox_ready', { check: 'slack' })).toBe(0);
    expect(total(text, 'signalbox_ready', { check: 'store' })).toBe(1);
  });

  it('leave out what cannot be asked, and say so', async () => {
    const errors: unknown[] = [];
    const broken = told({});
    const failing: Told = {
      ...broken,
      store: { ...broken.store, listUnsent: () => Promise.reject(new Error('no database')) },
    };
    const metrics = listening(() => failing, errors);
    const { samples } = readPrometheus(await metrics.collect());
    const names = samples.map(({ name }) => name);
    expect(names).toContain('signalbox_events_pending');
    expect(names).not.toContain('signalbox_outbox_messages');
    expect(errors).toHaveLength(2);
  });

  it('are there while the process is starting', async () => {
    const { samples } = readPrometheus(await listening(() => undefined).collect());
    expect(samples.map(({ name }) => name)).toContain('process_resident_memory_bytes');
  });

  it('follow the conventions of Prometheus, as promtool judges', async ({ skip }: TestContext) => {
    if (promtoolIsMissing) return skip(promtoolIsMissing);
    const metrics = listening();
    await observed({ kind: 'command', name: 'logs', labels: { by: 'command' } }, async () => {});
    expect(promtool(['check', 'metrics'], await metrics.collect())).toBe('');
  });
});
