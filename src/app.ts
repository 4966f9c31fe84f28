/**
 * The bot in one process: the front and the watch, on a folder of its own or on a database shared with others. On a
 * database either may have processes of its own, with all that belongs to a process: health, metrics, traces.
 */

import { Front } from './front.ts';
import { AppError } from './ground/errors.ts';
import { inTime } from './ground/pause.ts';
import type { Clock } from './ground/time.ts';
import { healthRoutes } from './http/health.ts';
import { type HttpServer, startHttpServer } from './http/server.ts';
import { type Pace, type RootOptions, stopInSteps } from './roots.ts';
import { EditBudget } from './slack/edit-budget.ts';
import { openState } from './state.ts';
import { observedStore } from './stores/observed-store.ts';
import { startTelemetry } from './telemetry.ts';
import { Watch } from './watch.ts';

/** One of the two roots of the bot. */
export type Root = 'front' | 'watch';

export interface StartOptions extends Pick<RootOptions, 'config' | 'logger'> {
  /** Left out: both, in this process. */
  only?: Root | undefined;
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
  /** Where metrics are served; undefined: nowhere. */
  readonly metricsPort: number | undefined;
  /** Intake stops, downloads end with word to who asked, what they fetched is kept. Safe to call twice. */
  stop(): Promise<void>;
}

/** Milliseconds for giving up what a failed start has begun. */
const ABANDON_WITHIN = 5_000;

/**
 * @throws AppError when the data folder is in use, the database cannot be used, a port is taken, or Slack does not
 *   accept the tokens; invalid_input for one root without a database; the signal's reason when that ended the start
 */
export async function startApp({
  config,
  logger,
  only,
  pace,
  clock = { now: () => Date.now(), elapsed: () => performance.now() },
  signal,
}: StartOptions): Promise<RunningApp> {
  const { connection } = config.slack;
  if (only !== undefined && !config.database)
    throw new AppError(
      'invalid_input',
      `The ${only} by itself needs a database that it shares with the rest.`,
      {
        hint: 'Set DATABASE_URL, or leave out --only: a data folder belongs to one process, which then does everything.',
      },
    );
  const telemetry = await startTelemetry(config, logger);
  const opened = await openState(config, { logger, clock, leaseClock: pace?.leaseClock }).catch(
    async (error: unknown) => {
      await telemetry.close();
      throw error;
    },
  );
  const store = observedStore(opened.store);
  const { coordination, budgets, runLogs, runTimes } = opened;
  let front: Front | undefined;
  let server: HttpServer | undefined;
  try {
    signal?.throwIfAborted();
    const edits = new EditBudget({ budgets, clock, interval: pace?.editInterval });
    const options: RootOptions = {
      ...{ config, logger, clock, store, coordination, budgets, runLogs, runTimes, edits, pace },
    };
    const watch = only === 'front' ? undefined : new Watch(options);
    front = only === 'watch' ? undefined : new Front(options);
    const started = front;
    const checks = [
      ...(started ? [{ name: 'slack', problem: () => started.problem() }] : []),
      ...(watch?.checks ?? []),
      { name: 'store', problem: () => store.problem() },
    ];
    await telemetry.serve({ clock, store, checks });
    const routes = [healthRoutes(checks), ...(watch?.routes ?? []), ...(front?.routes ?? [])];
    const port = connection.mode === 'socket' ? config.port : connection.port;
    if (port !== undefined)
      server = await startHttpServer(routes, {
        port,
        host: config.host,
        log: logger.child({ part: 'http' }),
      });
    const known = await front?.start(signal);
    const { team, botUser } = (await watch?.start(known, signal)) ?? known!;
    const { mode } = connection;
    logger.info({ team, botUser, mode, only, useCases: config.useCases.length }, 'ready');

    const stop = async (): Promise<void> => {
      logger.info('stopping');
      const step = stopInSteps(logger);
      const intakeEnds = step('the ways in', 0.15, started?.stopIntake(), watch?.stopIntake());
      // At once: what they wait for may be what does not answer.
      const downloadsEnd = started?.endDownloads() ?? Promise.resolve();
      await intakeEnds;
      await watch?.stopPolling(step);
      await started?.finish(step, downloadsEnd);
      await step('last words', 1, watch?.idle());
      await watch?.stopTelling(step);
      await step('HTTP', 0.25, server?.close());
      // A database that is gone keeps nobody: what was acknowledged is stored, and leases run out by themselves.
      await step('coordination', 0.25, coordination.close());
      await step('logs of runs', 0.25, runTimes.close(), runLogs.close());
      await step('the store', 1, store.close());
      await step('monitoring', 0.1, telemetry.close());
      logger.info('stopped');
    };
    let stopping: Promise<void> | undefined;
    return {
      team,
      botUser,
      port: server?.port,
      metricsPort: telemetry.port,
      stop: () => (stopping ??= stop()),
    };
  } catch (error) {
    await inTime(ABANDON_WITHIN, Promise.allSettled([front?.abandon(), server?.close()]));
    await coordination.close();
    await runTimes.close();
    await runLogs.close();
    await store.close();
    await telemetry.close();
    throw error;
  }
}
