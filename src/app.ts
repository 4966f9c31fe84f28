/** The composition root of the bot: configuration → adapters → commands → Slack. */
import { join } from 'node:path';
import { createUseCaseGateway } from './aws/gateway.ts';
import { overviewMessage } from './blocks/overview.ts';
import { homeTab } from './commands/home.ts';
import { allCommands } from './commands/index.ts';
import type { Services } from './commands/services.ts';
import { tellInterrupted } from './commands/unfinished.ts';
import type { Config, SlackConfig } from './config.ts';
import type { UseCase } from './domain/use-cases.ts';
import { eventsRoutes } from './events/https.ts';
import { Ingest } from './events/ingest.ts';
import { SqsPollers } from './events/sqs-pollers.ts';
import { inTime, unlessAborted } from './ground/pause.ts';
import type { Clock } from './ground/time.ts';
import { healthRoutes } from './http/health.ts';
import { type HttpServer, startHttpServer } from './http/server.ts';
import type { Logger } from './logger.ts';
import { createLogEngine } from './logs/index.ts';
import { alertBoard } from './notifiers/alerts.ts';
import { Notifiers } from './notifiers/index.ts';
import { AlertDesk } from './operations/alert-desk.ts';
import { DownloadDesk } from './operations/download-desk.ts';
import { DeviceFinder } from './operations/find-devices.ts';
import { JobSuggestions } from './operations/find-jobs.ts';
import { JobChanges } from './operations/job-changes.ts';
import { type Beat, JobRefresher } from './operations/refresh-jobs.ts';
import { createSageMaker } from './providers/sagemaker.ts';
import { Slack, type SlackOptions } from './slack/connect.ts';
import { EditBudget } from './slack/edit-budget.ts';
import { Outbox } from './slack/outbox.ts';
import { HttpIntake, type Intake, SocketIntake } from './slack/receivers.ts';
import { openLowdbStore } from './stores/lowdb.ts';

export interface StartOptions {
  config: Config & { slack: SlackConfig };
  logger: Logger;
  /** How long things are remembered and how fast messages change; for tests and small workspaces. */
  pace?: Pick<SlackOptions, 'rememberMembers' | 'uploads'> & {
    beat?: Beat;
    /** Milliseconds between two edits, and between two posts in a channel, once Slack's tolerance is used up. */
    editInterval?: number | undefined;
  };
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

/** Milliseconds for a stop, whatever it waits for: whoever asked ends the process otherwise, with less order. */
const STOP_WITHIN = 20_000;
/** Milliseconds that each step has left when those before it have used all of that up. */
const STOP_LEAST = 250;
/** Milliseconds between looks for what interrupted downloads left on disk: an hour it is of use. */
const SWEEP_EVERY = 30 * 60_000;

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
  const { connection, botToken, apiUrl } = config.slack;
  const store = await openLowdbStore(config.dataDir, {
    onLockLost: (cause) => logger.fatal({ err: cause }, 'the lock of the data folder was lost'),
  });
  let intake: Intake | undefined;
  let server: HttpServer | undefined;
  let outbox: Outbox | undefined;
  let slack: Slack | undefined;
  let sweeping: NodeJS.Timeout | undefined;
  const ending = new AbortController();
  try {
    signal?.throwIfAborted();
    const useCases = config.useCases.map((useCase) => withAdmins(useCase, config.admins));
    const ingest = new Ingest({ store, clock, useCases, log: logger.child({ part: 'events' }) });
    const queue =
      config.events &&
      new SqsPollers({ ...config.events, intake: ingest, log: logger.child({ part: 'queue' }) });
    const routes = [
      healthRoutes([
        { name: 'slack', problem: () => slack?.problem() },
        { name: 'outbox', problem: () => outbox?.problem() },
        { name: 'store', problem: () => store.problem() },
        { name: 'queue', problem: () => queue?.problem() },
      ]),
      ...(config.eventsSecret === undefined
        ? []
        : [
            eventsRoutes({
              intake: ingest,
              secret: config.eventsSecret,
              log: logger.child({ part: 'events' }),
            }),
          ]),
    ];
    if (connection.mode === 'socket') {
      intake = new SocketIntake({ appToken: connection.appToken, apiUrl, log: logger });
    } else {
      const signed = new HttpIntake({ ...connection, log: logger });
      routes.push(signed.routes);
      intake = signed;
    }
    const edits = new EditBudget({ clock, interval: pace?.editInterval });
    const surface = new Slack({ botToken, apiUrl, intake, logger, edits, ...pace });
    slack = surface;
    const gateway = createUseCaseGateway({ clock, createProvider: createSageMaker });
    const desk = new DownloadDesk(clock);
    const changes = new JobChanges((error, { kind, useCase, job }) =>
      logger.error({ err: error, kind, useCase, job }, 'a change of a job was not shown'),
    );
    const sender = new Outbox({
      client: surface.outboxClient,
      edits,
      store,
      clock,
      log: logger.child({ part: 'outbox' }),
      admins: (channel) => adminsOf(channel, useCases, config.admins),
      postInterval: pace?.editInterval,
    });
    outbox = sender;
    const background = logger.child({ part: 'background' });
    const alerts = new AlertDesk({
      store,
      clock,
      directory: surface.ports.directory,
      useCases,
      admins: config.admins,
      show: alertBoard(sender),
      onError: (error, context) => background.warn({ err: error, ...context }, 'an alert is in trouble'),
    });
    // The background acts for the team that the tokens belong to, which Slack says at the start.
    let refresher: JobRefresher | undefined;
    const services: Services = {
      changes,
      alerts,
      fleet: new DeviceFinder({ gateway, clock }),
      refresher: { refreshNow: async (useCase, job) => refresher?.refreshNow(useCase, job) },
      store,
      clock,
      gateway,
      engine: createLogEngine({ spoolDir: join(config.dataDir, 'spool'), clock }),
      desk,
      suggestions: new JobSuggestions(gateway, clock),
      useCases,
      admins: config.admins,
      directory: surface.ports.directory,
      files: surface.ports.files,
    };
    const commands = allCommands(services);
    const port = connection.mode === 'socket' ? config.port : connection.port;
    if (port !== undefined)
      server = await startHttpServer(routes, { port, log: logger.child({ part: 'http' }) });
    const left = await store.listUnfinished();
    const { team, botUser } = await unlessAborted(
      signal,
      surface.start(
        {
          commands,
          home: homeTab(services, commands),
          overview: (prefix) => overviewMessage(commands, prefix),
        },
        signal,
      ),
    );
    const notifiers = new Notifiers({
      ...services,
      team,
      notices: sender,
      ...(pace?.beat ? { beat: pace.beat } : {}),
      onError: (error, context) => background.warn({ err: error, ...context }, 'a notifier is in trouble'),
    });
    sender.listen({ posted: (record) => notifiers.posted(record) });
    notifiers.attach(ingest);
    await sender.start();
    notifiers.start();
    refresher = new JobRefresher({
      ...services,
      team,
      ...(pace?.beat ? { beat: pace.beat } : {}),
      onError: (error, context) => logger.warn({ err: error, ...context }, 'a look at AWS failed'),
    });
    refresher.start();
    await ingest.start();
    queue?.start();
    // Nobody waits for it: Slack may take its time.
    tellInterrupted(left, {
      store,
      messages: surface.ports.messages,
      files: surface.ports.files,
      log: background,
      signal: ending.signal,
    }).catch((error: unknown) => background.warn({ err: error }, 'unfinished messages could not be told'));
    const sweep = (): void => {
      services.engine
        .sweep?.()
        .catch((error: unknown) => background.warn({ err: error }, 'old downloads could not be removed'));
    };
    sweep();
    sweeping = setInterval(sweep, SWEEP_EVERY).unref();
    logger.info({ team, botUser, mode: connection.mode, useCases: config.useCases.length }, 'ready');

    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      logger.info('stopping');
      clearInterval(sweeping);
      ending.abort();
      const until = performance.now() + STOP_WITHIN;
      const step = async (what: string, atMost: number, ...work: (Promise<unknown> | undefined)[]) => {
        const ms = Math.max(STOP_LEAST, Math.min(atMost, until - performance.now()));
        const ended = await inTime(ms, Promise.all(work));
        if (!ended) logger.warn({ what, ms: Math.round(ms) }, 'not waited for any longer');
      };
      const intakeEnds = step('the ways in', 3_000, surface.stopIntake(), queue?.stop());
      // At once: what they wait for may be what does not answer.
      const downloadsEnd = desk.close(
        'Signalbox is restarting. Ask again in a minute: what was fetched is kept, and it goes on from there.',
      );
      await intakeEnds;
      await step('looks at jobs, and events', STOP_WITHIN / 4, refresher?.stop(), ingest.stop());
      await step('downloads', STOP_WITHIN, downloadsEnd);
      await step('last words', STOP_WITHIN, surface.idle(), changes.idle());
      await step('notifiers', STOP_WITHIN / 4, notifiers.stop());
      // What is not sent by then is stored, and sent after the next start.
      await step('messages', STOP_WITHIN / 4, sender.drain());
      await step('the sender', STOP_WITHIN / 4, sender.stop());
      await step('HTTP', STOP_WITHIN / 4, server?.close());
      await store.close();
      logger.info('stopped');
    };
    return {
      team,
      botUser,
      port: server?.port,
      stop: () => (stopping ??= stop()),
    };
  } catch (error) {
    await inTime(STOP_WITHIN / 4, Promise.allSettled([intake?.stop(), server?.close()]));
    await store.close();
    throw error;
  }
}

/** Signalbox's own admins may do everything in every use case. */
function withAdmins(useCase: UseCase, admins: readonly string[]): UseCase {
  if (admins.length === 0) return useCase;
  const admin = [...new Set([...(useCase.access.admin ?? []), ...admins])];
  return { ...useCase, access: { ...useCase.access, admin } };
}

/** Who is told of a channel that cannot be posted to: people only, since a group has no direct messages. */
function adminsOf(channel: string, useCases: readonly UseCase[], admins: readonly string[]): string[] {
  const own = useCases
    .filter(({ channels, alertsChannel }) => channels.includes(channel) || alertsChannel === channel)
    .flatMap(({ access }) => access.admin ?? []);
  return [...new Set([...own, ...admins])].filter((one) => /^[UW][A-Z0-9]+$/.test(one));
}
