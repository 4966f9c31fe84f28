/** The whole bot in one process: the front and the watch on one folder, whose lock keeps every other process out. */

import { Front } from './front.ts';
import { inTime } from './ground/pause.ts';
import type { Clock } from './ground/time.ts';
import { healthRoutes } from './http/health.ts';
import { type HttpServer, startHttpServer } from './http/server.ts';
import type { RunLogStore } from './ports/run-log-store.ts';
import { type Pace, type RootOptions, runsFolder, stopInSteps } from './roots.ts';
import { openFileRunLogs } from './runs/file-run-logs.ts';
import { EditBudget } from './slack/edit-budget.ts';
import { InProcessHub } from './stores/in-process-coordination.ts';
import { openLowdbStore } from './stores/lowdb.ts';
import { Watch } from './watch.ts';

export interface StartOptions extends Pick<RootOptions, 'config' | 'logger'> {
  pace?: Pace;
  /** Left out: the machine's. */
  clock?: Clock;
  /** Ends the start, whatever it is waiting for. */
  signal?: AbortSignal | undefined;
}

export interface RunningApp {
  readonly team: string;
  readonly botUser: string;
  /** Where HTTP is served; undefined in Socket Mode without `PORT`. */
  readonly port: number | undefined;
  /** Intake stops, downloads end with word to who asked, what they fetched is kept. Safe to call twice. */
  stop(): Promise<void>;
}

/** Milliseconds for giving up what a failed start has begun. */
const ABANDON_WITHIN = 5_000;

/**
 * @throws AppError when the data folder is in use, a port is taken, or Slack does not accept the tokens; the signal's
 *   reason when that ended the start
 */
export async function startApp({
  config,
  logger,
  pace,
  clock = { now: () => Date.now(), elapsed: () => performance.now() },
  signal,
}: StartOptions): Promise<RunningApp> {
  const { connection } = config.slack;
  const store = await openLowdbStore(config.dataDir, {
    onLockLost: (cause) => logger.fatal({ err: cause }, 'the lock of the data folder was lost'),
  });
  const hub = new InProcessHub({
    clock,
    onError: (error, { topic }) => logger.error({ err: error, topic }, 'word from another part was lost'),
  });
  const coordination = hub.join();
  let runLogs: RunLogStore | undefined;
  let front: Front | undefined;
  let server: HttpServer | undefined;
  try {
    signal?.throwIfAborted();
    const edits = new EditBudget({ clock, interval: pace?.editInterval });
    runLogs = await openFileRunLogs({ folder: runsFolder(config), clock });
    const logs = runLogs;
    const options: RootOptions = { config, logger, clock, store, coordination, runLogs, edits, pace };
    const watch = new Watch(options);
    front = new Front(options);
    const started = front;
    const routes = [
      healthRoutes([
        { name: 'slack', problem: () => started.problem() },
        ...watch.checks,
        { name: 'store', problem: () => store.problem() },
      ]),
      ...watch.routes,
      ...front.routes,
    ];
    const port = connection.mode === 'socket' ? config.port : connection.port;
    if (port !== undefined)
      server = await startHttpServer(routes, {
        port,
        host: config.host,
        log: logger.child({ part: 'http' }),
      });
    const { team, botUser } = await front.start(signal);
    await watch.start(team);
    logger.info({ team, botUser, mode: connection.mode, useCases: config.useCases.length }, 'ready');

    const stop = async (): Promise<void> => {
      logger.info('stopping');
      const step = stopInSteps(logger);
      const intakeEnds = step('the ways in', 0.15, started.stopIntake(), watch.stopIntake());
      // At once: what they wait for may be what does not answer.
      const downloadsEnd = started.endDownloads();
      await intakeEnds;
      await watch.stopPolling(step);
      await started.finish(step, downloadsEnd);
      await step('last words', 1, watch.idle());
      await watch.stopTelling(step);
      await step('HTTP', 0.25, server?.close());
      await coordination.close();
      await logs.close();
      await store.close();
      logger.info('stopped');
    };
    let stopping: Promise<void> | undefined;
    return {
      team,
      botUser,
      port: server?.port,
      stop: () => (stopping ??= stop()),
    };
  } catch (error) {
    await inTime(ABANDON_WITHIN, Promise.allSettled([front?.abandon(), server?.close()]));
    await coordination.close();
    await runLogs?.close();
    await store.close();
    throw error;
  }
}
