/** How few requests it takes to know how the pods of an account stand, and that nothing known is out of date for long. */
import { afterEach, describe, expect, it } from 'vitest';
import { FaultPlan, type RunpodSandbox } from '#sandbox';
import { PodAccount } from '../../src/providers/runpod-account.ts';
import { RunPodClient } from '../../src/providers/runpod-client.ts';
import { podPath, podShape } from '../../src/providers/runpod-pods.ts';
import { ownPod, podUseCase, startPods } from '../fixtures/runpod.ts';

const MINUTE = 60_000;

describe('the pods of an account', () => {
  let sandbox: RunpodSandbox;
  afterEach(() => sandbox.close());
  const idOf = (name: string): string => sandbox.pods().find((pod) => pod.name === name)!.id;

  /** @returns an account, and how many requests it has made */
  function opened() {
    const { apiUrl, apiKey } = podUseCase(sandbox.apiUrl).providers!.runpod!;
    let requests = 0;
    // It is read for each request.
    const read = (): string | undefined => {
      requests += 1;
      return apiKey!.read();
    };
    const counted = { variable: apiKey!.variable, read };
    const account = new PodAccount(new RunPodClient({ apiUrl, apiKey: counted }));
    return { account, asked: () => requests };
  }

  it('are asked about once for all who ask within moments, whichever pod they mean', async () => {
    sandbox = await startPods([ownPod('one', ['a']), ownPod('two', ['b'])]);
    const { account, asked } = opened();
    const names = ['one', 'two', 'one', 'two', 'one'];
    const found = await Promise.all(names.map((name) => account.pod(idOf(name), MINUTE)));
    expect(found.map((pod) => pod?.podName)).toEqual(names);
    expect((await account.pods(MINUTE)).length).toBe(2);
    expect(asked()).toBe(1);
    // Who wants to know how they stand now is told that.
    await account.pods(0);
    expect(asked()).toBe(2);
  });

  it('are asked about again after anything was changed, also where that was refused', async () => {
    const faults = new FaultPlan();
    sandbox = await startPods([ownPod('one', ['a'])], { faults });
    const { account } = opened();
    const id = idOf('one');
    expect((await account.pod(id, MINUTE))?.status).toBe('RUNNING');
    const stop = () =>
      account.client.ask({
        ...{ method: 'POST', path: `${podPath(id)}/action`, body: { action: 'stop' }, shape: podShape },
      });
    await stop();
    expect((await account.pod(id, MINUTE))?.status).toBe('EXITED');
    faults.add({ on: 'runpod:DeletePod', kind: 'lost_answer' });
    const remove = { method: 'DELETE', path: podPath(id), shape: podShape } as const;
    await expect(account.client.ask(remove)).rejects.toThrow();
    expect(await account.pod(id, MINUTE)).toBeUndefined();
  });

  it('knows one that is newer than the list, and says that one is gone', async () => {
    sandbox = await startPods([ownPod('one', ['a'])]);
    const { account, asked } = opened();
    await account.pods(MINUTE);
    expect(await account.pod('nosuchpod0', MINUTE)).toBeUndefined();
    expect(asked()).toBe(2);
  });

  it('are not remembered as unknown: a failure is told to those who wait for it, and the next one asks', async () => {
    const faults = new FaultPlan();
    sandbox = await startPods([ownPod('one', ['a'])], { faults });
    const { account } = opened();
    faults.add({ on: 'runpod:ListPods', kind: '403' });
    const both = await Promise.allSettled([account.pods(MINUTE), account.pods(MINUTE)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await account.pods(MINUTE)).toHaveLength(1);
  });

  it('end nobody else’s waiting when one who asked goes away', async () => {
    sandbox = await startPods([ownPod('one', ['a'])]);
    const { account } = opened();
    const away = new AbortController();
    const [first, second] = [account.pods(MINUTE, away.signal), account.pods(MINUTE)];
    away.abort(new Error('went away'));
    await expect(first).rejects.toThrow('went away');
    expect(await second).toHaveLength(1);
  });
});
