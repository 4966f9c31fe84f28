/** What RunPod's side can be told to do wrong. */
import { afterEach, describe, expect, it } from 'vitest';
import { type LogReader, type Pods, startPods } from './support.ts';

const open: Pods[] = [];
const readers: LogReader[] = [];
const start = async (...args: Parameters<typeof startPods>) => {
  const pods = await startPods(...args);
  open.push(pods);
  const id = await pods.create({ env: { EPOCHS: '1000' } });
  await pods.time.advance(120_000);
  return {
    ...pods,
    id,
    async read(query = '', headers: Record<string, string> = {}) {
      const reader = await pods.logs(id, query, headers);
      readers.push(reader);
      return reader;
    },
  };
};
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close();
  await Promise.all(open.splice(0).map(({ sandbox }) => sandbox.close()));
});

describe('[O7] faults of RunPod', () => {
  it.each([
    ['400', 400],
    ['401', 401],
    ['402', 402],
    ['403', 403],
    ['404', 404],
    ['409', 409],
    ['422', 422],
    ['500', 500],
    ['503', 503],
  ])('%s is a problem with that status, once', async (kind, status) => {
    const { call, faults, id } = await start();
    faults.add({ on: 'runpod:GetPod', kind });
    const answer = await call('GET', `/pods/${id}`);
    expect([answer.status, answer.body.status, answer.headers.get('content-type')]).toEqual([
      status,
      status,
      'application/problem+json',
    ]);
    expect((await call('GET', `/pods/${id}`)).status).toBe(200);
  });

  it('429 says how long to wait', async () => {
    const { call, faults } = await start();
    faults.add({ on: 'runpod:ListPods', kind: '429', seconds: 7 });
    const answer = await call('GET', '/pods');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
  });

  it('drop does nothing, lost_answer does it and says nothing: the pod is there and bills', async () => {
    const { create, faults, sandbox } = await start();
    faults.add({ on: 'runpod:CreatePod', kind: 'drop' });
    await expect(create({ name: 'dropped' })).rejects.toThrow();
    faults.add({ on: 'runpod:CreatePod', kind: 'lost_answer' });
    await expect(create({ name: 'lost' })).rejects.toThrow();
    expect(sandbox.pods().map(({ name }) => name)).toEqual(['lost', 'weld-seams']);
  });

  it('a stream that stalls says nothing more and stays open; another one does not', async () => {
    const { faults, read, sandbox } = await start();
    faults.add({ on: 'runpod:GetPodLogs', kind: 'stall' });
    const stalled = await read('?tail=1');
    await stalled.take(1);
    sandbox.print('weld-seams', ['unheard']);
    const other = await read('?tail=1');
    expect((await other.take(1))[0]!.line).toBe('unheard');
    const late = await Promise.race([stalled.take(1), other.take(0).then(() => 'nothing')]);
    expect(late).toBe('nothing');
  });

  it('a stream that is cut ends in the middle of a line', async () => {
    const { faults, read } = await start();
    faults.add({ on: 'runpod:GetPodLogs', kind: 'cut' });
    const reader = await read('?tail=2');
    await reader.take(2);
    const { text, whole } = await reader.rest();
    expect(whole).toBe(false);
    expect(text).toMatch(/^id: .*\ndata: \{"source"/);
    expect(text).not.toContain('\n\n');
  });

  it('a stream that is closed ends in order, some time later', async () => {
    const { faults, read, time } = await start();
    faults.add({ on: 'runpod:GetPodLogs', kind: 'close', seconds: 5 });
    const reader = await read('?tail=1');
    await reader.take(1);
    await time.advance(5_000);
    expect((await reader.rest()).whole).toBe(true);
  });

  it('a stream that doubles sends lines again that were there before the cursor', async () => {
    const { faults, read } = await start();
    const frames = await (await read('?source=container&tail=20')).take(20);
    faults.add({ on: 'runpod:GetPodLogs', kind: 'double' });
    const again = await (await read('?source=container', { 'last-event-id': frames[15]!.id })).take(9);
    expect(again).toEqual(frames.slice(11));
  });

  it('a pod can print 10,000 lines in one second', async () => {
    const { faults, read, time } = await start();
    const before = await (await read('?tail=1')).take(1);
    faults.add({ on: 'runpod:GetPodLogs', kind: 'same_second' });
    const reader = await read('?source=container', { 'last-event-id': before[0]!.id });
    await time.advance(1_000);
    const frames = await reader.take(10_002);
    const flood = frames.filter(({ line }) => /^step \d+\/10000 /.test(line));
    expect(flood).toHaveLength(10_000);
    expect(new Set(flood.map(({ id }) => id)).size).toBe(1);
    expect(flood[0]!.ts).toMatch(/:\d\dZ$/);
  });

  it('a stream with junk goes on behind it', async () => {
    const { faults, read, sandbox } = await start();
    faults.add({ on: 'runpod:GetPodLogs', kind: 'junk' });
    const reader = await read('?tail=1');
    await reader.take(1);
    sandbox.print('weld-seams', ['still here']);
    expect((await reader.take(1))[0]!.line).toBe('still here');
  });

  it('a pod is preempted some seconds after it began to run, or at once when it is told to', async () => {
    const { call, create, faults, sandbox, time } = await start();
    faults.add({ on: 'runpod:Run', kind: 'preempt', seconds: 30 });
    const id = await create({ name: 'taken' });
    await time.advance(34_000);
    expect((await call('GET', `/pods/${id}`)).body.status).toBe('RUNNING');
    await time.advance(2_000);
    expect((await call('GET', `/pods/${id}`)).body).toMatchObject({ status: 'EXITED', cost: 0 });
    sandbox.preempt('weld-seams');
    expect(sandbox.pods().map(({ status }) => status)).toEqual(['EXITED', 'EXITED']);
    expect(() => sandbox.preempt('nobody')).toThrow('There is no pod nobody.');
  });

  it('the star means requests, not what pods do', async () => {
    const { call, create, faults, time } = await start();
    faults.add({ on: '*', kind: 'preempt', times: 1 });
    await call('GET', '/pods');
    const id = await create();
    await time.advance(60_000);
    expect((await call('GET', `/pods/${id}`)).body.status).toBe('RUNNING');
  });
});
