/**
 * What is asked about the pods of one account, with as few requests as that takes: RunPod allows 60 a minute
 * (https://docs.runpod.io/api-reference-v2/rate-limits), which the background, all people and all other programs share.
 * One list answers for all pods, and for everybody who asks within moments.
 */
import { unlessAborted } from '../ground/pause.ts';
import type { RunPodClient } from './runpod-client.ts';
import { allPods, onePod, type Pod } from './runpod-pods.ts';

export class PodAccount {
  readonly client: RunPodClient;
  #list: { at: number; writes: number; pods: Promise<Pod[]> } | undefined;

  constructor(client: RunPodClient) {
    this.client = client;
  }

  /**
   * All pods as they were at most `age` milliseconds ago, and after the last request that changed any.
   * @throws as RunPodClient; the signal's reason
   */
  async pods(age: number, signal?: AbortSignal): Promise<readonly Pod[]> {
    const now = performance.now();
    const { writes } = this.client;
    let list = this.#list;
    if (!list || now - list.at >= age || list.writes !== writes) {
      // Nobody's signal ends what others wait for.
      list = { at: now, writes, pods: allPods(this.client) };
      this.#list = list;
      const mine = list;
      // A failure is nobody's answer but theirs who wait for it.
      mine.pods.catch(() => {
        if (this.#list === mine) this.#list = undefined;
      });
    }
    return await unlessAborted(signal, list.pods);
  }

  /** The same of one pod. @returns undefined: it is gone. @throws as `pods` */
  async pod(id: string, age: number, signal?: AbortSignal): Promise<Pod | undefined> {
    const listed = (await this.pods(age, signal)).find((pod) => pod.id === id);
    // One that is not in an older list may be new.
    return listed ?? (await onePod(this.client, id, signal));
  }
}
