/** The interactive front: people's commands, clicks and windows in, answers and files out. */
import { createAwsAccounts } from './aws/accounts.ts';
import { overviewMessage } from './blocks/overview.ts';
import { curvePictures } from './charts/png.ts';
import { homeTab } from './commands/home.ts';
import { allCommands } from './commands/index.ts';
import { kindsHere } from './commands/job-access.ts';
import type { Services } from './commands/services.ts';
import { UnfinishedTeller } from './commands/tell-unfinished.ts';
import type { ViewerConfig } from './config.ts';
import { jobKey } from './domain/job-keys.ts';
import { readRunId } from './domain/runs.ts';
import type { UseCase } from './domain/use-cases.ts';
import { AppError } from './ground/errors.ts';
import { unlessAborted } from './ground/pause.ts';
import { pushRoutes } from './http/push.ts';
import { runLogRoutes } from './http/run-logs.ts';
import { viewerRoutes } from './http/viewer.ts';
import { ViewerSessions } from './http/viewer-sessions.ts';
import { plainText } from './logs/index.ts';
import { alertBoard } from './notifiers/alerts.ts';
import { AlertManager } from './operations/alert-manager.ts';
import { JobChecker } from './operations/check-job.ts';
import { DownloadQueue } from './operations/download-queue.ts';
import { DownloadsElsewhere } from './operations/downloads-elsewhere.ts';
import { DeviceFinder } from './operations/find-devices.ts';
import { isFollowed, type RunFollower } from './operations/follow-runs.ts';
import { JobChanges } from './operations/job-changes.ts';
import { CurveReader } from './operations/read-curves.ts';
import type { RunsInUse } from './operations/runs-in-use.ts';
import { shareChanges } from './operations/share-changes.ts';
import { JobSuggestions } from './operations/suggest-jobs.ts';
import type { HttpRoutes } from './ports/http-routes.ts';
import { createUseCaseGateway } from './providers/gateway.ts';
import {
  configuredUseCases,
  keptRuns,
  logEngine,
  metricReader,
  openableRuns,
  type RootOptions,
  type StopStep,
  shownRuns,
  stopInSteps,
  TOPICS,
  wakeOutbox,
} from './roots.ts';
import { Slack } from './slack/connect.ts';
import { OutboxWriter } from './slack/outbox-writer.ts';
import { HttpIntake, type Intake, SocketIntake } from './slack/receivers.ts';
import { succeedInFolder } from './stores/last-instance.ts';

/** Milliseconds between looks for what interrupted downloads left on disk: an hour it is of use. */
const SWEEP_EVERY = 30 * 60_000;

export class Front {
  /** For the server of the process: where Slack's requests come in, unless it is by Socket Mode, and runs are seen. */
  readonly routes: readonly HttpRoutes[];
  readonly #options: RootOptions;
  readonly #intake: Intake;
  readonly #slack: Slack;
  readonly #services: Services;
  readonly #checker: JobChecker;
  readonly #elsewhere: DownloadsElsewhere;
  readonly #follower: RunFollower;
  readonly #inUse: RunsInUse;
  readonly #unshare: () => void;
  readonly #teller: UnfinishedTeller;
  #team: string | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: RootOptions) {
    this.#options = options;
    const { config, logger, clock, store, coordination, budgets, pace, edits } = options;
    const { connection, botToken, apiUrl } = config.slack;
    if (connection.mode === 'socket') {
      this.#intake = new SocketIntake({ appToken: connection.appToken, apiUrl, log: logger });
      this.routes = [];
    } else {
      const signed = new HttpIntake({ ...connection, log: logger, store });
      this.#intake = signed;
      this.routes = [signed.routes];
    }
    this.#elsewhere = new DownloadsElsewhere(store, coordination);
    const awaited = { store, clock, by: this.#elsewhere.instance };
    this.#slack = new Slack({
      ...{ botToken, apiUrl, intake: this.#intake, logger, clock, budgets, edits, awaited, store },
      ...{ ...pace, callInterval: pace?.editInterval },
    });
    const { directory, files } = this.#slack.ports;
    this.#teller = new UnfinishedTeller({
      ...{ store, coordination, clock, elsewhere: this.#elsewhere, isAlone: config.database === undefined },
      ...{ ...this.#slack.ports, log: logger.child({ part: 'background' }) },
    });
    const useCases = configuredUseCases(config);
    let viewer: Services['viewer'];
    const engine = logEngine(options);
    const gateway = createUseCaseGateway({
      clock,
      accounts: createAwsAccounts({ clock, budgets }),
      engine,
      kept: keptRuns(options),
    });
    const { follower, inUse } = shownRuns(options, gateway, () => this.#team);
    this.#follower = follower;
    this.#inUse = inUse;
    if (config.viewer) {
      const sessions = new ViewerSessions({ ...config.viewer, store, clock, useCases, directory });
      this.routes = [...this.routes, sessions.routes, this.#runLogs(sessions, config.viewer), viewerRoutes()];
      viewer = { links: sessions, runs: openableRuns(options) };
    }
    this.routes = [...this.routes, this.#pushRoutes(useCases)];
    const changes = new JobChanges((error, { kind, useCase, job }) =>
      logger.error({ err: error, kind, useCase, job }, 'a change of a job was not shown'),
    );
    this.#unshare = shareChanges(changes, coordination);
    this.#checker = new JobChecker({
      gateway,
      clock,
      store,
      changes,
      useCases,
      team: () => this.#team,
      onError: (error, context) => logger.warn({ err: error, ...context }, 'a check of AWS failed'),
    });
    const background = logger.child({ part: 'background' });
    const notices = new OutboxWriter({ store, clock, stored: wakeOutbox(options) });
    const alerts = new AlertManager({
      store,
      clock,
      directory,
      useCases,
      admins: config.admins,
      show: alertBoard(notices),
      onError: (error, context) => background.warn({ err: error, ...context }, 'an alert is in trouble'),
    });
    this.#services = {
      changes,
      coordination,
      alerts,
      fleet: new DeviceFinder({ gateway, clock }),
      refresher: this.#checker,
      store,
      clock,
      gateway,
      engine,
      downloads: new DownloadQueue(clock, undefined, this.#elsewhere),
      suggestions: new JobSuggestions({ gateway, clock, store }),
      useCases,
      admins: config.admins,
      directory,
      files,
      curves: new CurveReader({ gateway, store, clock, changes, engine, metricReader }),
      pictures: curvePictures(),
      viewer,
      tails: {
        runs: openableRuns(options),
        notices,
        changed: () =>
          void coordination
            .wake(TOPICS.tails, {})
            .catch((error: unknown) => logger.warn({ err: error }, 'word of a watched run was lost')),
      },
    };
  }

  #pushRoutes(useCases: readonly UseCase[]): HttpRoutes {
    const { runLogs: logs, runTimes, clock } = this.#options;
    return pushRoutes({
      logs,
      useCases,
      clock,
      arrived: (info) => {
        if (info.end) void runTimes.end(info.id);
        else runTimes.note(info, clock.now());
      },
    });
  }

  #runLogs(sessions: ViewerSessions, { allowedOrigins }: ViewerConfig): HttpRoutes {
    const { runLogs: logs, store } = this.#options;
    return runLogRoutes({
      logs,
      allowedOrigins,
      plain: plainText,
      reading: (id) => this.#inUse.use(id),
      followed: (id) => this.#follower.wanted(id),
      authorise: (request, id) => sessions.authorise(request, id),
      prepare: async (id) => {
        const { useCase, provider, job } = readRunId(id);
        if (!(await store.getJob(useCase, jobKey({ provider, name: job })))) return false;
        // Its log began with the run.
        if (!isFollowed(provider)) throw notKept();
        // From the first viewer on; until then there is nothing in it.
        await logs.create(id);
        return true;
      },
    });
  }

  /** What keeps it from working with Slack now, for readiness checks. */
  problem(): string | undefined {
    return this.#slack.problem();
  }

  /** @throws AppError when Slack does not accept the tokens; the signal's reason */
  async start(signal?: AbortSignal): Promise<{ team: string; botUser: string }> {
    const background = this.#options.logger.child({ part: 'background' });
    const services = this.#services;
    const commands = allCommands(services);
    await this.#elsewhere.begin(
      (id, why, enough) => void services.downloads.cancel(id, why, enough),
      await this.#previous(),
    );
    const bot = await unlessAborted(
      signal,
      this.#slack.start(
        {
          commands,
          home: homeTab(services, commands),
          overview: async (prefix, context) =>
            overviewMessage(commands, prefix, await kindsHere(services, context)),
        },
        signal,
      ),
    );
    this.#team = bot.team;
    this.#teller.begin();
    const sweep = (): void => {
      services.engine
        .sweep?.()
        .catch((error: unknown) => background.warn({ err: error }, 'old downloads could not be removed'));
    };
    sweep();
    this.#sweeping = setInterval(sweep, SWEEP_EVERY).unref();
    return bot;
  }

  /** The instance that had this data folder before, which its lock keeps everybody else out of. */
  async #previous(): Promise<string | undefined> {
    const { config, logger } = this.#options;
    try {
      return await succeedInFolder(config.dataDir, this.#elsewhere.instance);
    } catch (error) {
      logger.warn({ err: error }, 'who had the data folder before is not known: its lease has to run out');
      return undefined;
    }
  }

  async stopIntake(): Promise<void> {
    clearInterval(this.#sweeping);
    this.#teller.stop();
    await this.#slack.stopIntake();
  }

  /** Downloads end with word to who asked; what they fetched is kept. */
  async endDownloads(): Promise<void> {
    await this.#services.downloads.close(
      'Signalbox is restarting. Ask again in a minute: what was fetched is kept, and it goes on from there.',
    );
  }

  /** Resolves when everybody is answered. */
  async idle(): Promise<void> {
    await Promise.all([this.#slack.idle(), this.#services.changes.idle(), this.#teller.idle()]);
  }

  async stop(step: StopStep = stopInSteps(this.#options.logger)): Promise<void> {
    const intakeEnds = step('the ways in', 0.15, this.stopIntake());
    // At once: what they wait for may be what does not answer.
    const downloadsEnd = this.endDownloads();
    await intakeEnds;
    await this.finish(step, downloadsEnd);
  }

  async finish(step: StopStep, downloadsEnd: Promise<void>): Promise<void> {
    await step('downloads', 1, downloadsEnd);
    await step(
      'last words',
      1,
      this.idle(),
      this.#checker.stop(),
      this.#follower.close(),
      this.#inUse.close(),
    );
    await this.#elsewhere.end();
    this.#unshare();
  }

  /** After a start that failed. */
  async abandon(): Promise<void> {
    this.#unshare();
    await this.#follower.close();
    await this.#inUse.close();
    await this.#elsewhere.end();
    await this.stopIntake();
  }
}

const notKept = (): AppError =>
  new AppError('not_found', 'The log of this run is not kept any more.', {
    hint: 'Logs of finished runs are removed after a while, and the oldest of them sooner where there is no room.',
  });
