/** What the two roots of the bot have in common: the front (front.ts) and the watch (watch.ts). */
import { join } from 'node:path';
import type { Config, SlackConfig } from './config.ts';
import { readJobKey } from './domain/job-keys.ts';
import type { UseCase } from './domain/use-cases.ts';
import { observedMethods } from './ground/observed.ts';
import { inTime } from './ground/pause.ts';
import type { Clock, EpochMs } from './ground/time.ts';
import type { Logger } from './logger.ts';
import { createLogEngine, type LogDownload, type LogEngine } from './logs/index.ts';
import { createMetricReader } from './metrics/reader.ts';
import { isFollowed, RunFollower } from './operations/follow-runs.ts';
import { type LiveRuns, liveRuns } from './operations/live-runs.ts';
import { RunsInUse } from './operations/runs-in-use.ts';
import type { Ticker } from './operations/ticker.ts';
import type { Budgets } from './ports/budgets.ts';
import type { Coordination } from './ports/coordination.ts';
import type { MetricReaderOf } from './ports/metric-reader.ts';
import type { RunLogInfo, RunLogStore } from './ports/run-log-store.ts';
import type { RunTimesStore } from './ports/run-times.ts';
import type { Store } from './ports/store.ts';
import type { UseCaseGateway } from './ports/use-case-session.ts';
import type { KeptRuns } from './providers/kept-runs.ts';
import { LogLines } from './runs/log-lines.ts';
import type { SlackApiOptions } from './slack/api.ts';
import type { EditBudget } from './slack/edit-budget.ts';

export interface Pace extends Pick<SlackApiOptions, 'rememberMembers' | 'uploads' | 'quotaFactor'> {
  ticker?: Ticker;
  /** Milliseconds between two edits, posts in a channel, or calls of a method, once Slack's tolerance is used up. */
  editInterval?: number | undefined;
  /** Milliseconds before a watch that could not begin tries again. */
  watchAgain?: number | undefined;
  /** By which leases in a database pass, where the bot's clock is put forward; left out: the bot's. */
  leaseClock?: Clock | undefined;
}

/** All that the two share: they meet in the store, in operations on it, and in coordination, and nowhere else. */
export interface RootOptions {
  config: Config & { slack: SlackConfig };
  logger: Logger;
  clock: Clock;
  store: Store;
  coordination: Coordination;
  /** What runs printed: written by one process at a time, read by any that shares it. */
  runLogs: RunLogStore;
  /** When what of runs was printed, or had arrived. */
  runTimes: RunTimesStore;
  /** What all instances may use together of Slack's and AWS's quotas. */
  budgets: Budgets;
  /** How fast messages are edited: Slack counts all of a workspace, whoever edits. One for each process. */
  edits: EditBudget;
  /** How long things are remembered and how fast messages change; for tests and small workspaces. */
  pace?: Pace | undefined;
}

/** Word to who watches: an event (`id` and `kind`), a message to be sent (`key`), or a change of what is watched, is in the store. */
export const TOPICS = { events: 'events', outbox: 'outbox', tails: 'tails' } as const;

/** Milliseconds for which an instance may say nothing before others go on with what it had. */
export const INSTANCE_FOR = 12_000;

/** For what only one instance may do at a time, and all do now and then. */
export const oneAtATime =
  ({ coordination }: Pick<RootOptions, 'coordination'>) =>
  async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const lease = await coordination.lease(name, INSTANCE_FOR);
    try {
      return await work();
    } finally {
      await lease.release();
    }
  };

/** For who stores messages and sends none. */
export const wakeOutbox =
  ({ coordination, logger }: Pick<RootOptions, 'coordination' | 'logger'>) =>
  ({ key }: { key: string }): void =>
    void coordination
      .wake(TOPICS.outbox, { key })
      .catch((error: unknown) =>
        logger.warn({ err: error, key }, 'the sender was not told of a message: it finds it by itself'),
      );

/** Reads logs; what one root has read, the other need not read again. */
export const logEngine = ({
  config,
  clock,
  logger,
}: Pick<RootOptions, 'config' | 'clock' | 'logger'>): LogEngine =>
  observedEngine(
    createLogEngine({
      spoolDir: join(config.dataDir, 'spool'),
      clock,
      library: config.library && {
        ...config.library,
        dir: join(config.dataDir, 'library'),
        onProblem: (error, context) => logger.warn({ err: error, ...context }, 'a kept log is of no use'),
      },
    }),
  );

/** Counts what is downloaded, for whoever watches. */
const observedEngine = (engine: LogEngine): LogEngine =>
  observedMethods(
    engine,
    (method) => (method === 'download' ? { kind: 'download', name: 'log' } : undefined),
    {
      result: (download) => ({ amounts: { bytes: (download as LogDownload).facts.textBytes } }),
    },
  );

/** For who reads curves in logs. */
export const metricReader: MetricReaderOf = (patterns) => createMetricReader(patterns);

/** Where the logs of runs are kept. */
export const runsFolder = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'runs');

/** Where it is kept when they were printed. */
export const runTimesFolder = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'run-times');

/** For who copies logs: when what was printed, of those whose lines have a time. */
const noteTimes =
  (times: RunTimesStore) =>
  (info: RunLogInfo, at: EpochMs | undefined): void => {
    if (at !== undefined) times.note(info, at);
    if (info.end) void times.end(info.id);
  };

/** For who shows runs whose logs are kept here. */
export function keptRuns({ runLogs: logs, runTimes }: Pick<RootOptions, 'runLogs' | 'runTimes'>): KeptRuns {
  return { logs, lines: new LogLines(logs), times: (info) => runTimes.read(info) };
}

/** For who offers to open runs in a browser. */
export const openableRuns = ({
  runLogs,
  store,
  logger,
}: Pick<RootOptions, 'runLogs' | 'store' | 'logger'>): LiveRuns =>
  liveRuns(
    runLogs,
    (error, { run }) => logger.warn({ err: error, run }, 'the log of a run could not be looked at'),
    async (useCase, job) =>
      isFollowed(readJobKey(job).provider) && (await store.getJob(useCase, job)) !== undefined,
  );

/** For who shows runs as they print: what brings their logs, and keeps them from being removed meanwhile. */
export function shownRuns(
  { runLogs, runTimes, coordination, clock, config, logger }: RootOptions,
  gateway: UseCaseGateway,
  team: () => string | undefined,
): { follower: RunFollower; inUse: RunsInUse } {
  return {
    follower: new RunFollower({
      ...{ logs: runLogs, gateway, coordination, clock, team },
      useCases: configuredUseCases(config),
      onCopied: noteTimes(runTimes),
      onError: (error, { run }) => logger.warn({ err: error, run }, 'a run could not be followed'),
    }),
    inUse: new RunsInUse({
      coordination,
      onError: (error, { run }) => logger.warn({ err: error, run }, 'a run that is read may be removed'),
    }),
  };
}

/** Signalbox's own admins may do everything in every use case. */
export function configuredUseCases({ useCases, admins }: Config): UseCase[] {
  return useCases.map((useCase) => {
    if (admins.length === 0) return useCase;
    const admin = [...new Set([...(useCase.access.admin ?? []), ...admins])];
    return { ...useCase, access: { ...useCase.access, admin } };
  });
}

/** Milliseconds for a stop, whatever it waits for: whoever asked ends the process otherwise, with less order. */
const STOP_WITHIN = 20_000;
/** Milliseconds that each step has left when those before it have used all of that up. */
const STOP_LEAST = 250;

/** One step of a stop: waits for the work, within its share of the time and of what is left. Does not throw in time. */
export type StopStep = (
  what: string,
  share: number,
  ...work: (Promise<unknown> | undefined)[]
) => Promise<void>;

/** @returns steps that take no longer than `STOP_WITHIN` together; a share is a part of that, from 0 to 1 */
export function stopInSteps(logger: Logger): StopStep {
  const until = performance.now() + STOP_WITHIN;
  return async (what, share, ...work) => {
    const ms = Math.max(STOP_LEAST, Math.min(share * STOP_WITHIN, until - performance.now()));
    const ended = await inTime(ms, Promise.all(work));
    if (!ended) logger.warn({ what, ms: Math.round(ms) }, 'not waited for any longer');
  };
}
