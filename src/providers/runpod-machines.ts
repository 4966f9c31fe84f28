/** Pods cost money as long as they are there: which of them Signalbox started, and giving them back. */
import { z } from 'zod';
import type { UseCase } from '../domain/use-cases.ts';
import type { RunLogInfo } from '../ports/run-log-store.ts';
import type { RentedMachines } from '../ports/training-provider.ts';
import type { PodAccount } from './runpod-account.ts';
import { isOver, type Pod, podPath, readKept } from './runpod-pods.ts';

/**
 * @param age how old an answer may be, ms
 * @param infoOf what is kept of a pod's log; left out: no logs are kept
 */
export function podMachines(
  account: PodAccount,
  useCase: UseCase,
  age: number,
  infoOf: ((pod: Pod) => Promise<RunLogInfo | undefined>) | undefined,
): RentedMachines {
  const { client } = account;
  return {
    async list(signal) {
      const ours = (await account.pods(age, signal)).filter((pod) => pod.useCase === useCase.id);
      return await Promise.all(
        ours.map(async (pod) => {
          const info = await infoOf?.(pod);
          const begun = pod.startedAt ?? pod.createdAt;
          return {
            id: pod.id,
            job: pod.job,
            costPerHour: pod.cost,
            isRunning: !isOver(pod),
            isDone: isOver(pod) || readKept(info?.cursor)?.end.code !== undefined,
            logIsIn: info?.end !== undefined,
            until: pod.maxMs === undefined ? undefined : begun + pod.maxMs,
          };
        }),
      );
    },
    async stop(id, signal) {
      const call = { method: 'POST', path: `${podPath(id)}/action`, body: { action: 'stop' } } as const;
      await client.ask({ ...call, shape: z.unknown() }, signal);
    },
    async giveBack(id, signal) {
      // One that is gone is what was wanted.
      await client.ask({ method: 'DELETE', path: podPath(id), shape: z.unknown() }, signal);
    },
  };
}
