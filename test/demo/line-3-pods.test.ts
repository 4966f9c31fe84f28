/** The demo's pods: that they are what Signalbox would have started, and that what they print can be read. */
import { describe, expect, it } from 'vitest';
import { FaultPlan, startRunpodSandbox } from '#sandbox';
import { line3Pods, POD_TEMPLATE } from '../../src/demo/line-3-pods.ts';
import { signalboxProgram } from '../../src/demo/pods.ts';
import type { RunMetrics } from '../../src/domain/metrics.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';
import { type PodEnd, podArgs, readMark } from '../../src/providers/runpod-command.ts';

const NOW = 1_800_000_000_000;
const KEY = 'rpa_DEMO';
/** Milliseconds that pass. */
let passed = 0;

interface Told {
  status: string;
  lines: string[];
  end: PodEnd;
  metrics: RunMetrics;
}

/** Every pod with its container's lines, as RunPod's API has them. */
async function look(work: (ask: typeof told, api: typeof call) => Promise<void>): Promise<void> {
  // RunPod's streams do not end: these do, behind what was printed so far.
  const faults = new FaultPlan();
  faults.add({ on: 'runpod:GetPodLogs', kind: 'close', times: 0 });
  const sandbox = await startRunpodSandbox({
    faults,
    ...{ world: line3Pods(NOW, KEY), clock: { now: () => NOW + passed }, headers: 'at once', quotas: 'off' },
  });
  const headers = { authorization: `Bearer ${KEY}` };
  call = async (method, path, body) => {
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const text = await (await fetch(`${sandbox.apiUrl}${path}`, init)).text();
    return text === '' ? undefined : JSON.parse(text);
  };
  told = async (name) => {
    const { pods } = await call('GET', '/pods');
    const pod = pods.find((one: { name: string }) => one.name === name);
    const url = `${sandbox.apiUrl}/pods/${pod.id}/logs?source=container&tail=5000`;
    const text = await (await fetch(url, { headers })).text();
    const lines = [...text.matchAll(/^data: (.*)$/gm)].map(
      ([, data]) => (JSON.parse(data!) as { line: string }).line,
    );
    const reader = createMetricReader();
    reader.feed(Buffer.from(`${lines.join('\n')}\n`));
    const none: PodEnd = {};
    const end = lines.reduce((known, line) => readMark(line, pod.env.SIGNALBOX_RUN, known), none);
    return { status: pod.status, lines, end, metrics: reader.end() };
  };
  try {
    await work(told, call);
  } finally {
    passed = 0;
    await sandbox.close();
  }
}
let told: (name: string) => Promise<Told>;
// biome-ignore lint/suspicious/noExplicitAny: whatever was answered
let call: (method: string, path: string, body?: unknown) => Promise<any>;

const lastOf = ({ series }: RunMetrics, name: string): number =>
  series.find((one) => one.name === name)!.last.value;

describe("[O7] the demo's pods", () => {
  it('are one that runs with curves, one that completed, and one that was taken away', async () => {
    await look(async (ask) => {
      const live = await ask('inspection-notes-lora');
      expect(live).toMatchObject({ status: 'RUNNING', end: {} });
      expect(live.metrics.series.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['loss', 'grad_norm', 'learning_rate']),
      );
      const base = await ask('inspection-notes-base');
      expect(base).toMatchObject({ status: 'EXITED', end: { code: 0 } });
      expect(lastOf(base.metrics, 'eval_loss')).toBeLessThan(0.6);
      const taken = await ask('inspection-notes-wide');
      expect(taken).toMatchObject({ status: 'EXITED', end: {} });
      expect(taken.lines.length).toBeGreaterThan(100);
    });
  });

  it('print more as time goes, until they say how it ended', async () => {
    await look(async (ask) => {
      const before = await ask('inspection-notes-lora');
      passed = 60_000;
      expect((await ask('inspection-notes-lora')).lines.length).toBeGreaterThan(before.lines.length);
      passed = 3 * 3_600_000;
      expect(await ask('inspection-notes-lora')).toMatchObject({ status: 'RUNNING', end: { code: 0 } });
    });
  });

  it('that are started from the template train as they were told, and say so when they are stopped', async () => {
    await look(async (ask, api) => {
      const command = [
        ...POD_TEMPLATE.runpod.command.slice(0, 2),
        '--epochs',
        '1',
        '--lr',
        '0.001',
        '--rank',
        '8',
      ];
      const body = {
        ...{ name: 'mine', image: POD_TEMPLATE.runpod.image, disk: 40, args: podArgs(command) },
        gpu: { id: POD_TEMPLATE.runpod.gpuTypes[0] },
        env: { SIGNALBOX_RUN: 'r1', SIGNALBOX_MAX_SECONDS: '7200' },
      };
      const { id } = await api('POST', '/pods', body);
      passed = 60_000;
      const running = await ask('mine');
      expect(running).toMatchObject({ status: 'RUNNING', end: {} });
      expect(running.lines).toContain('  Num Epochs = 1');
      expect(lastOf(running.metrics, 'loss')).toBeLessThan(1.5);
      await api('POST', `/pods/${id}/action`, { action: 'stop' });
      passed = 62_000;
      expect(await ask('mine')).toMatchObject({ status: 'EXITED', end: { stopped: true, code: 143 } });
    });
  });

  it('are ended by the time limit that they were started with', async () => {
    await look(async (ask, api) => {
      await api('POST', '/pods', {
        ...{ name: 'endless', image: POD_TEMPLATE.runpod.image, disk: 40, gpu: { id: 'NVIDIA L40S' } },
        args: podArgs(['python', 'finetune.py', '--epochs', '20']),
        env: { SIGNALBOX_RUN: 'r2', SIGNALBOX_MAX_SECONDS: '120' },
      });
      passed = 600_000;
      expect(await ask('endless')).toMatchObject({ status: 'RUNNING', end: { limit: true, code: 143 } });
    });
  });

  it('are known by what is in the start command of every pod of Signalbox', () => {
    expect(podArgs(['python', 'train.py'])).toContain(signalboxProgram().match);
  });
});
