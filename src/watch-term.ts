/** One instance's term as the one that watches: everything that runs under the lease and writes with its fence. */

import { createAwsAccounts } from './aws/accounts.ts';
import { curvePictures } from './charts/png.ts';
import { belongsTo, type UseCase } from './domain/use-cases.ts';
import { Ingest } from './events/ingest.ts';
import { concerns, HANDLED_BY_ONE } from './events/lines.ts';
import { alertBoard } from './notifiers/alerts.ts';
import { Notifiers } from './notifiers/index.ts';
import { AlertManager } from './operations/alert-manager.ts';
import { JobChanges } from './operations/job-changes.ts';
import { LeavingLogs } from './operations/keep-leaving-logs.ts';
import { RunRetention } from './operations/keep-runs.ts';
import { CurveReader } from './operations/read-curves.ts';
import { JobRefresher } from './operations/refresh-jobs.ts';
import { shareChanges } from './operations/share-changes.ts';
import { steadyTicker } from './operations/ticker.ts';
import type { Lease } from './ports/coordination.ts';
import { createUseCaseGateway } from './providers/gateway.ts';
import {
  configuredUseCases,
  keptRuns,
  logEngine,
  metricReader,
  oneAtATime,
  openableRuns,
  type RootOptions,
  type StopStep,
  shownRuns,
  TOPICS,
} from './roots.ts';
import type { SlackApi } from './slack/api.ts';
import { Outbox } from './slack/outbox.ts';

/** Ticks between two searches for what another instance stored when it could not say so: half a minute. */
const SEARCH_EVERY = 15;
/** Ticks between two looks for runs whose logs have to be copied: ten seconds. */
const KEEP_EVERY = 5;
/** Ticks between two looks at what logs of runs take of the disk: ten minutes. */
const CLEAR_EVERY = 300;

export interface TermParts extends RootOptions {
  lease: Lease;
  /** Slack team. */
  team: string;
  slack: SlackApi;
}

export interface Term {
  readonly outbox: Outbox;
  /** No further looks at AWS and events. */
  stopPolling(): Promise<void>;
  /** Resolves when everything found so far is told. */
  idle(): Promise<void>;
  /** What was found is told, and what can be sent is sent; then somebody else may have the lease. */
  stopTelling(step: StopStep): Promise<void>;
  /** The lease is lost: nothing more is told or sent, and nothing that is under way can be stored any more. */
  leave(): Promise<void>;
}

export async function beginTerm(parts: TermParts): Promise<Term> {
  const { config, logger, clock, store, coordination, budgets, lease, team, slack, pace } = parts;
  const useCases = configuredUseCases(config);
  const background = logger.child({ part: 'background' });
  const changes = new JobChanges((error, { kind, useCase, job }) =>
    logger.error({ err: error, kind, useCase, job }, 'a change of a job was not shown'),
  );
  const outbox = new Outbox({
    client: slack.clients.outbox,
    edits: parts.edits,
    posts: slack.posts,
    store,
    clock,
    signal: lease.lost,
    isHeld: () => lease.isHeld(),
    log: logger.child({ part: 'outbox' }),
    admins: (channel) => adminsOf(channel, useCases, config.admins),
    postInterval: pace?.editInterval,
  });
  const alerts = new AlertManager({
    store,
    clock,
    directory: slack.directory,
    useCases,
    admins: config.admins,
    show: alertBoard(outbox),
    alone: oneAtATime(parts),
    onError: (error, context) => background.warn({ err: error, ...context }, 'an alert is in trouble'),
  });
  const engine = logEngine(parts);
  const common = {
    store,
    clock,
    changes,
    gateway: createUseCaseGateway({
      clock,
      accounts: createAwsAccounts({ clock, budgets }),
      engine,
      kept: keptRuns(parts),
    }),
    useCases,
    team,
    ...(pace?.ticker ? { ticker: pace.ticker } : {}),
  };
  const { follower, inUse } = shownRuns(parts, common.gateway, () => team);
  const refresher = new JobRefresher({
    ...common,
    onError: (error, context) => logger.warn({ err: error, ...context }, 'a check of AWS failed'),
  });
  const notifiers = new Notifiers({
    ...common,
    alerts,
    refresher,
    files: slack.files,
    notices: outbox,
    curves: {
      reader: new CurveReader({ ...common, engine, metricReader }),
      pictures: curvePictures(),
    },
    liveRuns: config.viewer && openableRuns(parts),
    watched: {
      logs: parts.runLogs,
      follow: (run) => follower.wanted(run),
      reading: (run) => inUse.use(run),
      directory: slack.directory,
    },
    onError: (error, context) => background.warn({ err: error, ...context }, 'a notifier is in trouble'),
  });
  const ingest = new Ingest({
    ...{ store, clock, useCases, log: logger.child({ part: 'events' }) },
    // Every instance handles its part of the others (watch-events.ts).
    kinds: HANDLED_BY_ONE,
  });
  notifiers.attach(ingest);
  outbox.listen({ posted: (record) => notifiers.posted(record) });
  const unsubscribe = [
    shareChanges(changes, coordination),
    coordination.onWake(TOPICS.outbox, ({ key }) => outbox.takeUp(String(key))),
    coordination.onWake(TOPICS.tails, () => notifiers.tick()),
  ];
  const retention = new RunRetention({
    ...config.runs,
    logs: parts.runLogs,
    coordination,
    clock,
    removed: async ({ id, size }) => {
      background.info({ run: id, size }, 'the log of a run was removed: it was old, or there was no room');
      await parts.runTimes.remove(id);
    },
    onError: (error, context) =>
      background.warn({ err: error, ...context }, 'old logs of runs could not be removed'),
  });
  const leaving = new LeavingLogs({
    ...{ store, logs: parts.runLogs, follower, gateway: common.gateway, useCases, clock },
    onError: (error, context) =>
      background.warn({ err: error, ...context }, 'logs that go with their machines could not be looked for'),
  });
  let ticks = 0;
  const search = (): void => {
    ticks += 1;
    if (ticks % CLEAR_EVERY === 1) void retention.round();
    if (ticks % KEEP_EVERY === 1) void leaving.round();
    if (ticks % SEARCH_EVERY === 0)
      Promise.all([ingest.takeUpMissed(), outbox.takeUpMissed()]).catch((error: unknown) =>
        background.warn({ err: error }, 'events and messages of other instances could not be looked for'),
      );
  };

  const stopPolling = async (): Promise<void> => {
    await Promise.all([refresher.stop(), ingest.stop(), retention.stop(), leaving.stop()]);
  };
  const deaf = (): void => {
    for (const end of unsubscribe) end();
  };
  const leave = async (): Promise<void> => {
    deaf();
    await Promise.allSettled([outbox.stop(), stopPolling(), notifiers.stop()]);
    await Promise.allSettled([follower.close(), inUse.close()]);
  };

  try {
    await outbox.start();
    notifiers.start();
    refresher.start();
    // Only now is there somebody to tell of what an event leads to; earlier events are read at the start.
    unsubscribe.push(
      coordination.onWake(TOPICS.events, (note) =>
        concerns(HANDLED_BY_ONE, note) ? ingest.takeUp(String(note.id)) : undefined,
      ),
    );
    await ingest.start();
    const ticker = (pace?.ticker ?? steadyTicker)(search);
    unsubscribe.push(() => void ticker.stop());
  } catch (error) {
    await leave();
    throw error;
  }
  return {
    outbox,
    stopPolling,
    idle: () => changes.idle(),
    async stopTelling(step) {
      await step('notifiers', 0.25, notifiers.stop());
      await step('watched runs', 0.25, follower.close(), inUse.close());
      deaf();
      // What is not sent by then is stored, and sent after the next start.
      await step('messages', 0.25, outbox.drain());
      await step('the sender', 0.25, outbox.stop());
      await lease.release();
    },
    leave,
  };
}

/** Who is told of a channel that cannot be posted to: people only, since a group has no direct messages. */
function adminsOf(channel: string, useCases: readonly UseCase[], admins: readonly string[]): string[] {
  const own = useCases
    .filter((useCase) => belongsTo(channel, useCase))
    .flatMap(({ access }) => access.admin ?? []);
  return [...new Set([...own, ...admins])].filter((one) => /^[UW][A-Z0-9]+$/.test(one));
}
