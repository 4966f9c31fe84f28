/** Runs that are pushed as jobs of their use case, through the routes that take them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PUSH_SILENCE } from '../../src/domain/pushed-runs.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { LogLines } from '../../src/runs/log-lines.ts';
import { PushedTimes } from '../../src/runs/pushed-times.ts';
import { describeTrainingProvider } from '../contract/training-provider.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';
import { PUSH_TOKEN, pushingUseCase, pushServer } from '../fixtures/push-server.ts';

const START = Date.UTC(2026, 1, 1);
const LINE_3 = pushingUseCase('line-3', PUSH_TOKEN);

async function world() {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-pushed-'));
  const clock = { at: START, now: () => clock.at };
  const logs = new MemoryRunLogs({ clock });
  const times = new PushedTimes(folder);
  const server = pushServer(logs, [LINE_3, pushingUseCase('harbor', 'harbors-token')], {
    clock,
    arrived: (info) => times.note(info, clock.now()),
  });
  const gateway = createUseCaseGateway({
    clock,
    engine: NO_ENGINE,
    accounts: {
      open: async () => {
        throw new Error('nothing of it is in AWS');
      },
    },
    kept: { logs, lines: new LogLines(logs), times: (info) => times.read(info) },
  });
  const session = await gateway.open(LINE_3, { team: 'T0', user: 'U0ADA' }, 'logs');
  const post = async (path: string, body: string, token = PUSH_TOKEN): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await server(`http://signalbox.test/push/runs/${path}`, {
      method: 'POST',
      headers,
      body,
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Record<string, unknown>;
  };
  /** @returns prints, and ends with an exit code */
  const run = async (name: string, token = PUSH_TOKEN) => {
    const { writer } = await post(name, '{"host":"pod-7"}', token);
    let size = 0;
    return {
      async print(text: string): Promise<void> {
        ({ size } = (await post(`${name}/logs?offset=${size}&writer=${writer}`, text, token)) as {
          size: number;
        });
      },
      end: (facts: object) =>
        post(`${name}/finish`, JSON.stringify({ exit_code: 0, final_size: size, writer, ...facts }), token),
    };
  };
  return {
    ...{ clock, run, times },
    provider: session.providers[0] as TrainingProvider,
    async close() {
      await times.close();
      await rm(folder, { recursive: true });
    },
  };
}

describeTrainingProvider('A use case that takes runs', async () => {
  const { run, clock, provider, close } = await world();
  for (const [name, end] of [
    ['done-1', { exit_code: 0 }],
    ['broken-1', { exit_code: 3 }],
    ['going-1', undefined],
  ] as const) {
    clock.at += 1_000;
    const { print, end: finish } = await run(name);
    await print(`step 1 of ${name}\nstep 2\n`);
    if (end) await finish(end);
  }
  return { provider, jobs: { completed: 'done-1', failed: 'broken-1', running: 'going-1' }, close };
});

describe('a run that is pushed, as a job', () => {
  let pushing: Awaited<ReturnType<typeof world>>;
  beforeEach(async () => {
    pushing = await world();
  });
  afterEach(() => pushing.close());

  it.each([
    [{ exit_code: 0 }, { state: 'completed', status: 'Completed', exit: { code: 0, signal: null } }],
    [{ exit_code: 3 }, { state: 'failed', status: 'Failed', failureReason: 'It exited with code 3.' }],
    [
      { exit_code: null, signal: 'SIGKILL' },
      { state: 'failed', failureReason: 'It was ended by SIGKILL.', exit: { code: null, signal: 'SIGKILL' } },
    ],
    [
      { exit_code: null, signal: 'SIGTERM', state: 'stopped' },
      { state: 'stopped', status: 'Stopped' },
    ],
    [
      { exit_code: null, state: 'lost' },
      { state: 'failed', status: 'Lost', exit: 'lost', failureReason: expect.stringMatching(/Nobody saw/) },
    ],
  ])('ended as it said: %o', async (end, job) => {
    const { run, clock, provider } = pushing;
    const { end: finish } = await run('bert-1');
    clock.at += 60_000;
    await finish(end);
    expect(await provider.getStatus('bert-1')).toMatchObject({
      ...{ name: 'bert-1', useCase: 'line-3', provider: 'push' },
      ...{ createdAt: START, startedAt: START, endedAt: START + 60_000 },
      ...job,
    });
  });

  it('is never called done when nothing is heard of it any more, nor broken', async () => {
    const { run, clock, provider } = pushing;
    const { print } = await run('bert-1');
    clock.at += PUSH_SILENCE + 1;
    expect(await provider.getStatus('bert-1')).toMatchObject({ state: 'unknown', status: 'Not heard of' });
    await print('back\n');
    expect(await provider.getStatus('bert-1')).toMatchObject({ state: 'running' });
  });

  it('belongs to the use case whose token it came with', async () => {
    const { run, provider } = pushing;
    await run('ours');
    await run('theirs', 'harbors-token');
    expect((await provider.jobs.list({ limit: 9 })).map(({ name }) => name)).toEqual(['ours']);
    expect(await provider.getStatus('theirs')).toBeUndefined();
    expect(await provider.jobs.tags({ name: 'ours' })).toEqual({ host: 'pod-7' });
  });

  it('has the time at which each of its lines arrived, and a sign of life is no output', async () => {
    const { run, clock, provider, times } = pushing;
    const { print } = await run('bert-1');
    for (const word of ['one', 'two', 'three']) {
      clock.at += 60_000;
      await print(`${word}\n`);
    }
    const printed = clock.at;
    clock.at += 60_000;
    await print('');
    await times.close();
    const log = provider.log('bert-1');
    expect(await log.listStreams()).toMatchObject([{ bytes: 14, firstEventAt: START, lastEventAt: printed }]);
    const page = await log.readPage({ stream: 'output', direction: 'forward' });
    expect([...page.times]).toEqual([START + 60_000, START + 120_000, START + 180_000]);
    const late = await log.readPage({ stream: 'output', direction: 'forward', from: START + 120_000 });
    expect(late.text.toString()).toBe('twothree');
  });
});
