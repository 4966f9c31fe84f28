/** RunPod (https://docs.runpod.io) as a place where a use case trains: pods that Signalbox starts, and others by their name. */
import { checkLineRange } from '../domain/line-range.ts';
import { podIdOf, podPage, podPages } from '../domain/pod-names.ts';
import { runId } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, withHint } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { RunLogInfo } from '../ports/run-log-store.ts';
import type { JobLinks, ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import type { KeptRuns } from './kept-runs.ts';
import { numberedLog } from './numbered-log.ts';
import { keptBytes, readRunLog } from './run-log.ts';
import { PodAccount } from './runpod-account.ts';
import { RunPodClient } from './runpod-client.ts';
import { OUTPUT_FILE } from './runpod-command.ts';
import { POD_LOG_PACE, type PodLogPace, type PodLogRest, podLogRest, readPodLog } from './runpod-log.ts';
import { podMachines } from './runpod-machines.ts';
import { belongs, GONE, isCalled, isOver, jobOf, type KeptPod, type Pod, readKept } from './runpod-pods.ts';
import { podTraining } from './runpod-training.ts';

const linksOf = (job: string): JobLinks => {
  const id = podIdOf(job);
  return id === undefined ? { site: 'RunPod' } : { site: 'RunPod', job: podPage(id), log: podPage(id) };
};

/** @param kept left out: only what RunPod still has is known */
export function runPod(kept?: KeptRuns, pace?: PodLogPace): ProviderEntry {
  const accounts = new Map<string, PodAccount>();
  return {
    name: 'runpod',
    trains: ({ providers }) => providers?.runpod !== undefined,
    links: (_, job) => linksOf(job),
    open({ useCase }) {
      const settings = useCase.providers?.runpod;
      if (!settings) throw new TypeError('it does not train there');
      const key = `${settings.apiUrl} ${settings.apiKey?.variable}`;
      const account = accounts.get(key) ?? new PodAccount(new RunPodClient(settings));
      accounts.set(key, account);
      return openRunPod({ account, useCase, kept, pace });
    },
  };
}

interface Parts {
  account: PodAccount;
  useCase: UseCase;
  kept: KeptRuns | undefined;
  pace: PodLogPace | undefined;
}

/** A pod and what is kept of its log. */
interface Found {
  pod: Pod;
  /** RunPod has it. */
  isThere: boolean;
  info: RunLogInfo | undefined;
  state: KeptPod | undefined;
}

function openRunPod({ account, useCase, kept, pace = POD_LOG_PACE }: Parts): TrainingProvider {
  const { client } = account;
  const idOf = (job: string): string => runId({ useCase: useCase.id, provider: 'runpod', job });

  const infoOf = async (job: string, id: string): Promise<RunLogInfo | undefined> =>
    job === id
      ? (await kept?.logs.list(idOf('')))?.find((one) => one.id.endsWith(`.${id}`))
      : await kept?.logs.info(idOf(job));

  const found = (there: Pod | undefined, info: RunLogInfo | undefined): Found | undefined => {
    const state = readKept(info?.cursor);
    if (there) return { pod: there, isThere: true, info, state };
    // That it was deleted after its end says nothing of the end.
    const pod = state && (isOver(state.pod) ? state.pod : { ...state.pod, status: GONE });
    return pod && { pod, isThere: false, info, state };
  };

  /** @param age how old the answer may be, ms */
  async function find(job: string, signal?: AbortSignal, age = pace.ages.status): Promise<Found | undefined> {
    const id = podIdOf(job);
    // Anything else is no pod, so RunPod need not be asked.
    if (id === undefined) return undefined;
    const there = await account.pod(id, age, signal);
    const isOurs = there !== undefined && belongs(there, useCase) && isCalled(there, job);
    if (there && !isOurs) return undefined;
    return found(there, await infoOf(there?.job ?? job, id));
  }

  const jobFrom = ({ pod, isThere, info, state }: Found) => {
    // Whoever keeps logs reads it to its end, and only then is known how its command ended.
    const awaited = kept !== undefined && pod.run !== undefined && isThere && !state?.complete && !info?.end;
    return jobOf(pod, useCase.id, state, awaited);
  };

  /** Says where to look as long as this cannot be told here. */
  const withWayOut = async <T>(job: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw error instanceof AppError ? wayOut(error, job) : error;
    }
  };

  const existing = async (job: string, signal?: AbortSignal): Promise<Found> => {
    const one = await withWayOut(job, find(job, signal));
    if (one) return one;
    throw new AppError('not_found', `RunPod has no pod ${job} that belongs to this use case.`);
  };

  const getStatus: TrainingProvider['getStatus'] = async (job, signal) => {
    const one = await withWayOut(job, find(job, signal));
    return one && jobFrom(one);
  };

  /** What is kept, and behind it what RunPod has besides; asked of it once. */
  const wholeLog = (job: string) => {
    let reading: Promise<{ one: Found; rest: PodLogRest }> | undefined;
    const read = async (signal?: AbortSignal) => {
      const one = await existing(job, signal);
      const isWhole = !one.isThere || one.state?.complete || one.info?.end;
      const { pod, state } = one;
      const rest: PodLogRest = isWhole
        ? { lines: [], times: [], dropped: 0 }
        : await withWayOut(
            job,
            podLogRest({ client, pod, kept: state, pace }, signal ?? new AbortController().signal),
          );
      return { one, rest };
    };
    const once = (signal?: AbortSignal) => {
      reading ??= read(signal).catch((error: unknown) => {
        reading = undefined;
        throw error;
      });
      return reading;
    };
    return {
      async facts(signal?: AbortSignal) {
        const { one, rest } = await once(signal);
        const bytes = (one.info?.size ?? 0) + rest.lines.reduce((sum, line) => sum + line.length + 1, 0);
        if (bytes === 0) return undefined;
        const last = rest.times.at(-1) ?? (one.state?.lines ? Date.parse(one.state.lines.newest) : undefined);
        return { bytes, firstEventAt: one.pod.createdAt, lastEventAt: last ?? one.pod.createdAt };
      },
      /** @param offset of the first line; left out: the last `limit` lines */
      async read(offset: number | undefined, limit: number, signal?: AbortSignal) {
        const { one, rest } = await once(signal);
        const before = one.info && kept && one.info.size > 0 ? { info: one.info, kept } : undefined;
        const count = before ? (await before.kept.lines.read(before.info, 1, 0)).total : 0;
        const total = count + rest.lines.length;
        const first = Math.min(offset ?? Math.max(0, total - limit), total);
        const lines: string[] = [];
        const times: EpochMs[] = [];
        if (before && first < count) {
          const table = await before.kept.times(before.info);
          const some = await before.kept.lines.read(before.info, Math.min(limit, count - first), first);
          lines.push(...some.lines);
          times.push(...some.ends.map((end) => table.at(end)));
          // Fewer came, as they are long: the next ones are asked for again.
          if (first + lines.length < count) return { lines, times, offset: first, total, unfinished: false };
        }
        const from = Math.max(0, first - count);
        for (const [index, line] of rest.lines.slice(from, from + limit - lines.length).entries()) {
          lines.push(line);
          times.push(Math.max(times.at(-1) ?? 0, rest.times[from + index]!));
        }
        return { lines, times, offset: first, total, unfinished: false };
      },
    };
  };

  return {
    name: 'runpod',
    begins: { state: 'pending', status: 'PROVISIONING' },
    jobs: {
      async list({ nameContains = '', limit }, signal) {
        const known = await account.pods(pace.ages.status, signal).catch((error: unknown) => {
          throw error instanceof AppError && ASKABLE.includes(error.code)
            ? withHint(error, `Pods and their logs are in RunPod’s console: ${podPages}`)
            : error;
        });
        const pods = known.filter((pod) => belongs(pod, useCase));
        const logs = (await kept?.logs.list(idOf(''))) ?? [];
        const infos = new Map(logs.map((info) => [info.id, info]));
        const all = pods.map((pod) => found(pod, infos.get(idOf(pod.job)))!);
        const there = new Set(pods.map(({ job }) => idOf(job)));
        for (const info of logs) {
          const gone = there.has(info.id) ? undefined : found(undefined, info);
          if (gone) all.push(gone);
        }
        const part = nameContains.toLowerCase();
        return all
          .filter(({ pod }) => pod.job.toLowerCase().includes(part))
          .sort((a, b) => b.pod.createdAt - a.pod.createdAt)
          .slice(0, limit)
          .map(jobFrom);
      },
      async tags({ name }, signal) {
        const template = (await find(name, signal))?.pod.template;
        const tags: Record<string, string> = template === undefined ? {} : { template };
        return tags;
      },
    },
    getStatus,
    ...podTraining({
      ...{ client, useCase },
      async find(job, signal) {
        // Whether there is something to stop, or to repeat, is known only now.
        const one = await find(job, signal, 0);
        return one && { pod: one.pod, standing: jobFrom(one) };
      },
    }),
    async getLogs(job, range, signal) {
      checkLineRange(range);
      const { lines, offset, total } = await wholeLog(job).read(range.offset, range.limit, signal);
      return { lines, offset, total };
    },
    async *readLog(job, { offset, cursor }, signal) {
      const { pod, isThere, info, state } = await existing(job, signal);
      if (info?.end && kept) return yield* readRunLog(kept.logs, info.id, offset, signal);
      if (!isThere || state?.complete) {
        if (info && kept) yield* keptBytes(kept.logs, info, offset, signal);
        return;
      }
      const reading = {
        ...{ client, pod, offset, pace, kept: readKept(cursor) },
        look: (until: AbortSignal) => account.pod(pod.id, pace.ages.look, until),
      };
      try {
        yield* readPodLog(reading, signal);
      } catch (error) {
        throw error instanceof AppError ? wayOut(error, job) : error;
      }
    },
    log(job) {
      const { facts, read } = wholeLog(job);
      return numberedLog({ id: `runpod/${useCase.id}/${podIdOf(job) ?? job}`, facts, read });
    },
    machines: podMachines(
      account,
      useCase,
      pace.ages.status,
      kept && ((pod) => kept.logs.info(idOf(pod.job))),
    ),
    links: linksOf,
  };
}

const ASKABLE = ['conflict', 'invalid_input', 'permission_denied', 'unavailable', 'timeout', 'rate_limited'];

/** What cannot be told here, people can see themselves. */
function wayOut(error: AppError, job: string): AppError {
  const id = podIdOf(job);
  if (id === undefined || !ASKABLE.includes(error.code)) return error;
  return withHint(
    error,
    `Its log is in RunPod’s console, tab Logs: ${podPage(id)}\nOver SSH it is in \`${OUTPUT_FILE}\` of the pod.`,
  );
}
