/**
 * Pods as training jobs. A pod's status is that of its container's machine: `PROVISIONING`, `STARTING`, `RUNNING`, `EXITED`
 * (stopped), `ERROR`, `TERMINATED` (deleted); it says nothing about how the command in it ended, and there is no field
 * that does. That comes from the pod's log (runpod-command.ts), or is not known.
 */
import { z } from 'zod';
import type { JobState, TrainingJob } from '../domain/jobs.ts';
import { globMatches } from '../domain/name-glob.ts';
import { podIdOf, podJobName } from '../domain/pod-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { RunPodClient } from './runpod-client.ts';
import { POD_VARIABLES, type PodEnd } from './runpod-command.ts';
import type { LinesSoFar } from './runpod-lines.ts';

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** Of what the API tells, only what is used: no environment but what Signalbox wrote there itself. */
export const podShape = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    env: z.record(z.string(), z.string()).nullish(),
    gpu: z.object({ id: z.string(), count: z.number().default(1) }).nullish(),
    cpu: z.object({ id: z.string(), vcpuCount: z.number() }).nullish(),
    cost: z.number().nullish(),
    createdAt: time,
    startedAt: time.nullish(),
  })
  .transform(({ id, name, status, env, gpu, cpu, cost, createdAt, startedAt }): Pod => {
    const own = env?.[POD_VARIABLES.name];
    const seconds = Number(env?.[POD_VARIABLES.maxSeconds] ?? Number.NaN);
    return {
      id,
      podName: name,
      job: podJobName(own ?? name, id),
      status,
      run: env?.[POD_VARIABLES.run],
      useCase: env?.[POD_VARIABLES.useCase],
      template: env?.[POD_VARIABLES.template],
      values: env?.[POD_VARIABLES.values],
      maxMs: seconds > 0 ? seconds * 1_000 : undefined,
      machine: gpu?.id ?? (cpu ? `${cpu.id}, ${cpu.vcpuCount} vCPUs` : undefined),
      gpus: gpu?.count,
      cost: cost ?? undefined,
      createdAt,
      startedAt: startedAt ?? undefined,
    };
  });

const manyPods = z.object({
  pods: z.array(podShape),
  pagination: z.object({ nextCursor: z.string().nullish() }).nullish(),
});

export interface Pod {
  id: string;
  podName: string;
  /** The name of the job that it is. */
  job: string;
  status: string;
  /** Of a pod that Signalbox started. */
  run: string | undefined;
  useCase: string | undefined;
  template: string | undefined;
  /** The parameters' values, as JSON. */
  values: string | undefined;
  /** Milliseconds that its command may take. */
  maxMs: number | undefined;
  machine: string | undefined;
  gpus: number | undefined;
  /** US dollars an hour; 0 of one that is stopped. */
  cost: number | undefined;
  createdAt: EpochMs;
  startedAt: EpochMs | undefined;
}

/** What is kept with a pod's log, as its cursor: the pod itself may be gone. */
export interface KeptPod {
  v: 1;
  pod: Pod;
  lines?: LinesSoFar | undefined;
  end: PodEnd;
  /** When the last line came that says how it ended. */
  endedAt?: EpochMs | undefined;
  /** All of the log was read, and nothing will be added. */
  complete?: boolean | undefined;
}

/** @param cursor of the log; its content is trusted */
export const readKept = (cursor: string | undefined): KeptPod | undefined =>
  cursor === undefined ? undefined : (JSON.parse(cursor) as KeptPod);

/** Pages of the list at most: a service that always has one more must not be asked for ever. */
const MOST_PAGES = 20;

/** All pods of the account. */
export async function allPods(client: RunPodClient, signal?: AbortSignal): Promise<Pod[]> {
  const pods: Pod[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const path = cursor === undefined ? '/pods' : `/pods?cursor=${encodeURIComponent(cursor)}`;
    const answer = await client.ask({ method: 'GET', path, shape: manyPods }, signal);
    // It always has a list, though an empty one.
    if (!answer)
      throw new AppError('unavailable', 'RunPod has no list of pods at its address.', {
        hint: 'An admin of Signalbox checks the address: RUNPOD_API_URL, if it is set.',
      });
    pods.push(...answer.pods);
    cursor = answer.pagination?.nextCursor ?? undefined;
    if (cursor === undefined) break;
  }
  return pods;
}

export async function onePod(
  client: RunPodClient,
  id: string,
  signal?: AbortSignal,
): Promise<Pod | undefined> {
  return await client.ask({ method: 'GET', path: podPath(id), shape: podShape }, signal);
}

export const podPath = (id: string): string => `/pods/${encodeURIComponent(id)}`;

/**
 * Whether a pod is a job of the use case: one that Signalbox started for it, or one that nobody started here and whose
 * name its settings allow. No other pod of the account is shown, read or touched.
 */
export function belongs(pod: Pod, { id, providers }: UseCase): boolean {
  if (pod.useCase !== undefined) return pod.useCase === id;
  return (providers?.runpod?.pods ?? []).some((pattern) => globMatches(pattern, pod.podName));
}

/** Whether a job's name means this pod: its own, or the id alone. */
export const isCalled = (pod: Pick<Pod, 'id' | 'job'>, job: string): boolean =>
  job === pod.job || (job === pod.id && podIdOf(job) === pod.id);

/** Statuses in which nothing runs any more. */
const OVER: ReadonlySet<string> = new Set(['EXITED', 'ERROR', 'TERMINATED']);
export const isOver = ({ status }: Pick<Pod, 'status'>): boolean => OVER.has(status);

const STATES: Readonly<Record<string, JobState>> = {
  PROVISIONING: 'pending',
  STARTING: 'pending',
  RUNNING: 'running',
  EXITED: 'stopped',
  ERROR: 'failed',
  TERMINATED: 'stopped',
};

/** The word for a pod that RunPod does not know any more. */
export const GONE = 'TERMINATED';

/**
 * @param kept what its log told, as far as it was read
 * @param awaited its log is being read to its end, so that how it ended is not known yet
 */
export function jobOf(
  pod: Pod,
  useCase: string,
  kept: (Pick<KeptPod, 'end' | 'endedAt' | 'lines'> & { pod?: Pick<Pod, 'cost'> }) | undefined,
  awaited = false,
): TrainingJob {
  const { code, limit, stopped } = kept?.end ?? {};
  const job = {
    name: pod.job,
    useCase,
    provider: 'runpod',
    createdAt: pod.createdAt,
    startedAt: pod.startedAt,
    instanceType: machineOf(pod),
    instanceCount: 1,
    costPerHour: pod.cost || kept?.pod?.cost || undefined,
    hyperparameters: valuesOf(pod),
  } as const;
  const lastLine = kept?.lines ? Date.parse(kept.lines.newest) : undefined;
  const endedAt = kept?.endedAt ?? lastLine ?? pod.startedAt ?? pod.createdAt;
  if (code !== undefined) {
    const exit = { code, signal: null };
    if (limit)
      return {
        ...{ ...job, state: 'stopped', phase: 'runtime-limit', status: 'Stopped', exit, endedAt },
        failureReason: `Its time of ${minutes(pod.maxMs)} was up.`,
      };
    if (stopped)
      return {
        ...{ ...job, state: 'stopped', phase: 'unexplained', status: 'Stopped', exit, endedAt },
        failureReason: STOPPED,
      };
    if (code === 0) return { ...job, state: 'completed', status: 'Completed', exit, endedAt };
    return {
      ...{ ...job, state: 'failed', status: 'Failed', exit, endedAt },
      failureReason: `It exited with code ${code}.`,
    };
  }
  const { status } = pod;
  const state = STATES[status] ?? 'unknown';
  if (!isOver(pod)) return { ...job, state, status };
  if (awaited) return { ...job, state: 'stopping', status };
  const phase = state === 'stopped' ? ({ phase: 'unexplained' } as const) : {};
  return { ...job, state, ...phase, status, endedAt, failureReason: reasonOf(status) };
}

const STOPPED = 'The pod was stopped while its command ran.';

/** Honest about what RunPod does not say. */
function reasonOf(status: string): string {
  if (status === 'ERROR') return 'RunPod reports an error of the container that it cannot recover from.';
  const what = status === GONE ? 'deleted' : 'stopped';
  return `The pod was ${what}, and its log does not say how its command ended: it may have been interrupted.`;
}

function machineOf({ machine, gpus = 1 }: Pod): string | undefined {
  return machine !== undefined && gpus > 1 ? `${gpus} × ${machine}` : machine;
}

export function valuesOf({ values }: Pod): Readonly<Record<string, string>> | undefined {
  if (values === undefined) return undefined;
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(values));
  } catch {
    // Somebody changed it in RunPod's console.
    return undefined;
  }
}

const minutes = (ms: number | undefined): string =>
  ms === undefined ? 'some minutes' : `${Math.round(ms / 60_000)} minutes`;
