/** The bot's Slack side on a sandbox workspace, with jobs and logs from memory. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type SlackSandbox, startSlackSandbox } from '#sandbox';
import { overviewMessage } from '../../src/blocks/overview.ts';
import { prefixCommands } from '../../src/cli/manifest.ts';
import { homeTab } from '../../src/commands/home.ts';
import { allCommands } from '../../src/commands/index.ts';
import type { Services } from '../../src/commands/services.ts';
import { DEMO_WORKSPACE } from '../../src/demo/workspace.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { startHttpServer } from '../../src/http/server.ts';
import type { LogDownloader, LogDownloadRequest } from '../../src/logs/index.ts';
import { type DownloadLimits, DownloadQueue } from '../../src/operations/download-queue.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { JobSuggestions } from '../../src/operations/suggest-jobs.ts';
import type { AuditRecord } from '../../src/ports/audit-trail.ts';
import type { UnfinishedMessage } from '../../src/ports/unfinished-store.ts';
import type { UseCaseGateway, UseCaseSession } from '../../src/ports/use-case-session.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { Slack } from '../../src/slack/connect.ts';
import { HttpIntake, type Intake, SocketIntake } from '../../src/slack/receivers.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { type SlackClient, slackClient } from './sandbox-client.ts';

export const LINE_3: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels: ['C0LINE3'],
  alertsChannel: 'C0ALERTS',
  access: { viewer: ['channel-members'], admin: ['U0DEV'] },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};

export const HARBOR: UseCase = {
  ...LINE_3,
  id: 'harbor',
  name: 'Harbor watch',
  aws: { account: '210987654321', region: 'eu-west-1' },
  channels: ['C0HARBOR'],
  alertsChannel: undefined,
  access: { operator: ['S0OPS'], admin: ['U0DEV'] },
};

export const job = (name: string, useCase: string, status = 'Completed'): TrainingJob => ({
  name,
  useCase,
  provider: 'sagemaker',
  ...sageMakerState(status),
  createdAt: Date.UTC(2026, 0, 31),
});

export interface TestWorld {
  jobs: TrainingJob[];
  useCases: UseCase[];
  /** What a log says; throw for what goes wrong; wait for the signal for what takes long. */
  download: (request: LogDownloadRequest, signal: AbortSignal) => Promise<string>;
  open?: (useCase: UseCase) => void;
  /** What the end of every log says, where somebody looks; none: nothing. */
  logEnd?: { text: string; at: number } | undefined;
}

export interface TestWorkspace extends SlackClient {
  sandbox: SlackSandbox;
  services: Services;
  world: TestWorld;
  audit: AuditRecord[];
  /** Who waits for an answer and has seen nothing yet. */
  unanswered: ReadonlyMap<string, UnfinishedMessage>;
  /** What was done once, by whichever instance. */
  taken: Set<string>;
  /** Waits until every handler has ended. */
  idle(): Promise<void>;
  slack: Slack;
  intake: Intake;
  /** In HTTP mode: where Slack's requests go. */
  requestUrl: string | undefined;
  stop(): Promise<void>;
}

export interface TestWorkspaceOptions {
  mode?: 'socket' | 'http';
  limits?: DownloadLimits;
  rateLimits?: boolean;
  /** Before every slash command, as `signalbox manifest --prefix` makes it. */
  prefix?: string;
}

export async function startWorkspace(options: TestWorkspaceOptions = {}): Promise<TestWorkspace> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-slack-'));
  let manifestPath = join(import.meta.dirname, '../../manifest.yml');
  if (options.prefix !== undefined) {
    const prefixed = prefixCommands(await readFile(manifestPath, 'utf8'), options.prefix);
    manifestPath = join(dir, 'manifest.yml');
    await writeFile(manifestPath, prefixed);
  }
  const sandbox = await startSlackSandbox({
    dataDir: join(dir, 'sandbox'),
    manifestPath,
    world: DEMO_WORKSPACE,
    rateLimits: options.rateLimits ?? false,
    shareDelayMs: 0,
  });
  const log = pino({ level: 'silent' });
  const unanswered = new Map<string, UnfinishedMessage>();
  const clock = { now: () => Date.now() };
  const taken = new Set<string>();
  const store = { takeOnce: async (id: string) => taken.size < taken.add(id).size };
  const intake =
    options.mode === 'http'
      ? new HttpIntake({ signingSecret: sandbox.signingSecret, log, store })
      : new SocketIntake({ appToken: sandbox.appToken, apiUrl: sandbox.apiUrl, log });
  const slack = new Slack({
    botToken: sandbox.botToken,
    apiUrl: sandbox.apiUrl,
    intake,
    logger: log,
    clock,
    budgets: new InProcessBudgets(clock),
    callInterval: options.rateLimits ? undefined : 1,
    edits: editBudget({ clock, interval: 1 }),
    awaited: {
      store: {
        putUnfinished: async (one) => void unanswered.set(one.id, one),
        removeUnfinished: async (id) => void unanswered.delete(id),
      },
      clock,
      by: 'this one',
    },
    store,
    rememberMembers: 0,
    quotaFactor: options.rateLimits ? undefined : 100,
    uploads: { retryDelay: 1, sharePatience: 3000 },
  });

  const world: TestWorld = {
    jobs: [],
    useCases: [LINE_3, HARBOR],
    download: async () => 'epoch 1\n',
  };
  const audit: AuditRecord[] = [];
  const gateway: UseCaseGateway = {
    trainsOn: () => ['sagemaker'],
    links: (useCase, { name }) => sageMaker.links(useCase, name),
    open: async (useCase, actor, operation) => {
      world.open?.(useCase);
      const own = () => world.jobs.filter((one) => one.useCase === useCase.id);
      return {
        sessionName: `${operation}-${actor.user}-1`,
        providers: [
          {
            name: 'sagemaker',
            getStatus: async (name: string) => own().find((one) => one.name === name),
            jobs: {
              list: async ({ nameContains, limit }: { nameContains?: string; limit: number }) =>
                own()
                  .filter((one) => one.name.toLowerCase().includes((nameContains ?? '').toLowerCase()))
                  .slice(0, limit),
              tags: async () => ({}),
            },
            log: (name: string) => ({
              id: `${useCase.aws?.account}/${useCase.aws?.region}/group/${name}`,
              listStreams: async () =>
                world.logEnd
                  ? [{ name: `${name}/algo-1-17`, shortName: 'algo-1', lastEventAt: world.logEnd.at }]
                  : [],
              readPage: async () => {
                if (!world.logEnd) throw new Error('not read here');
                const text = Buffer.from(world.logEnd.text);
                const ends = Uint32Array.of(text.length);
                return {
                  count: 1,
                  text,
                  ends,
                  times: Float64Array.of(world.logEnd.at),
                  nextToken: undefined,
                };
              },
            }),
          },
        ],
        // Nothing here compiles or packages.
      } as unknown as UseCaseSession;
    },
  };
  let number = 0;
  const engine: LogDownloader = {
    download: async (request, { signal, onProgress } = {}) => {
      onProgress?.({ phase: 'fetching', events: 1, textBytes: 8, fraction: 0.5, throttled: true });
      const text = await world.download(request, signal ?? new AbortController().signal);
      const facts = {
        events: text === '' ? 0 : text.trimEnd().split('\n').length,
        textBytes: Buffer.byteLength(text),
        firstEventAt: 1_769_817_600_000,
        lastEventAt: 1_769_817_660_000,
        streams: [{ name: 'x/algo-1-17', shortName: 'algo-1', events: 1 }],
      };
      number += 1;
      const path = join(dir, `file-${number}.log`);
      const whole = `${request.header?.(facts) ?? ''}${text}`;
      await writeFile(path, whole);
      return {
        facts,
        files: [{ path, name: request.fileName, bytes: Buffer.byteLength(whole), gzipped: false }],
        resumed: false,
        notes: [],
        dispose: () => rm(path, { force: true }),
      };
    },
  };
  const services: Services = {
    changes: new JobChanges(() => {}),
    alerts: { unresolved: async () => [] } as unknown as Services['alerts'],
    refresher: { refreshNow: async () => {} },
    fleet: { find: () => Promise.reject(new Error('no fleet here')) },
    store: {
      appendAudit: async (record: AuditRecord) => void audit.push(record),
      listAudit: async ({ user, limit }: { user?: string; limit: number }) =>
        audit
          .filter((record) => user === undefined || record.actor.user === user)
          .reverse()
          .slice(0, limit),
      close: async () => {},
      putUnfinished: async () => {},
      removeUnfinished: async () => {},
      // No job is known here: what knows them is tested elsewhere.
      getJob: async () => undefined,
      listJobs: async () => [],
      listAttempts: async () => [],
      listComponents: async () => [],
      listSubscriptions: async () => [],
    } as unknown as Services['store'],
    clock,
    gateway,
    engine,
    curves: { read: () => Promise.reject(new AppError('not_found', 'There is no log.')) },
    pictures: { draw: () => Promise.reject(new Error('nothing to draw')) },
    downloads: new DownloadQueue(clock, options.limits),
    suggestions: new JobSuggestions({
      ...{ gateway, clock, store: { listJobs: async () => [] } },
      ...{ keep: 0, every: 0 },
    }),
    get useCases() {
      return world.useCases;
    },
    tails: {
      runs: { of: async (useCase, job) => services.viewer?.runs.of(useCase, job) },
      notices: { adopt: async () => {} },
      changed: () => {},
    },
    admins: ['U0DEV'],
    directory: slack.ports.directory,
    files: slack.ports.files,
  };
  const commands = allCommands(services);
  await slack.start({
    commands,
    home: homeTab(services, commands),
    overview: async (prefix) => overviewMessage(commands, prefix),
  });
  const server =
    intake instanceof HttpIntake ? await startHttpServer([intake.routes], { port: 0 }) : undefined;
  const requestUrl = server && `http://127.0.0.1:${server.port}/slack/events`;
  if (requestUrl !== undefined) {
    const problem = await sandbox.setRequestUrl(requestUrl);
    if (problem !== undefined) throw new AppError('unavailable', problem);
  }

  return {
    ...slackClient(sandbox.url),
    sandbox,
    services,
    world,
    audit,
    unanswered,
    taken,
    slack,
    intake,
    requestUrl,
    idle: () => slack.idle(),
    stop: async () => {
      await slack.stopIntake();
      await services.downloads.close('stopping');
      await slack.idle();
      await server?.close();
      await sandbox.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
