/** The whole app, in this process, against the whole sandbox: everything real but the two services' owners. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Fault } from '#sandbox';
import type { AwsWorld, CompilationSeed, RegionSeed } from '#sandbox/seeds';
import { type RunningApp, startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { type DemoSandbox, startDemoSandbox } from '../../src/demo/sandbox.ts';
import { elapsed } from '../../src/ground/elapsed.ts';
import type { Clock } from '../../src/ground/time.ts';
import { type SlackClient, slackClient } from '../slack/sandbox-client.ts';
import { newState, type StateVariables } from './state.ts';

export interface Bot extends SlackClient {
  sandbox: TestSandbox;
  app: RunningApp;
  dataDir: string;
  fault(...faults: Fault[]): Promise<void>;
  clearFaults(): void;
  /** The newest ts of a channel: what comes after it is new. */
  now(channel: string): Promise<string>;
  /** Every file in the bot's spool. */
  spool(): Promise<string[]>;
  /** Puts the bot's clock forward; the sandbox keeps its own. What comes round by and by comes that much sooner. */
  pass(ms: number): void;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface BotOptions {
  /** Changes the seeded signalbox.yaml. */
  config?: (yaml: string) => string;
  rateLimits?: boolean;
  mode?: 'socket' | 'http';
  /** The built page, where a test looks at it. */
  pageDir?: string;
  /** The bot's clock; the sandbox keeps its own. */
  clock?: Clock;
  /** Of its environment, besides what it needs for the sandbox. */
  env?: Record<string, string>;
  /** Changes the seeded accounts. */
  world?: (seeded: AwsWorld) => AwsWorld;
  /** Milliseconds for which the seeded world has been going on; left out: until nothing happens in it by itself. */
  age?: number;
}

/** Past the failure of `defects-deeplab-hires` and a compilation's end, and seven minutes before what comes next. */
const QUIET = 180_000;

/** A sandbox, and where the bot in it has its state; left out: in its folder. */
export interface TestSandbox extends DemoSandbox {
  state?: StateVariables;
}

export function botEnvironment(
  sandbox: TestSandbox,
  mode: 'socket' | 'http' = 'socket',
): Record<string, string> {
  return {
    SIGNALBOX_CONFIG: sandbox.configPath,
    SLACK_API_URL: sandbox.slackApiUrl,
    SLACK_BOT_TOKEN: sandbox.tokens.bot,
    ...(mode === 'socket'
      ? { SLACK_APP_TOKEN: sandbox.tokens.app }
      : { SLACK_SIGNING_SECRET: sandbox.tokens.signingSecret, PORT: '0' }),
    AWS_ENDPOINT_URL: sandbox.awsEndpoint,
    AWS_ACCESS_KEY_ID: sandbox.awsCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.awsCredentials.secretAccessKey,
    AWS_REGION: 'eu-west-1',
    RUNPOD_API_URL: sandbox.runpodApiUrl,
    RUNPOD_API_KEY: sandbox.runpodKey,
    LOG_LEVEL: 'silent',
    ...sandbox.state,
  };
}

/**
 * As if nobody had compiled the models of these jobs yet. The bot adopts what it finds within seconds of its start, and
 * then starts no second one: a test that starts them would depend on who comes first.
 */
export function withoutCompilationsOf(...jobs: string[]): (seeded: AwsWorld) => AwsWorld {
  const isOf = ({ s3Uri }: CompilationSeed) => jobs.some((job) => s3Uri.includes(`/${job}/`));
  const region = (seed: RegionSeed): RegionSeed => ({
    ...seed,
    compilations: seed.compilations?.filter((one) => !isOf(one)) ?? [],
  });
  return ({ accounts }) => ({
    accounts: accounts.map((account) => ({
      ...account,
      regions: Object.fromEntries(
        Object.entries(account.regions ?? {}).map(([name, seed]) => [name, region(seed)]),
      ),
    })),
  });
}

export async function startSandboxOnly({
  rateLimits = false,
  pageDir,
  world,
  age = QUIET,
}: Pick<BotOptions, 'rateLimits' | 'pageDir' | 'world' | 'age'> = {}): Promise<{
  sandbox: TestSandbox;
  dataDir: string;
}> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-e2e-'));
  const sandbox = await startDemoSandbox({
    dataDir,
    age,
    manifestPath: join(import.meta.dirname, '../../manifest.yml'),
    slack: { rateLimits, shareDelayMs: 0 },
    ...(pageDir === undefined ? {} : { pageDir }),
    ...(world ? { world } : {}),
  });
  return { sandbox: { ...sandbox, state: await newState() }, dataDir };
}

export async function startBot(options: BotOptions = {}): Promise<Bot> {
  const { sandbox, dataDir } = await startSandboxOnly(options);
  if (options.config)
    await writeFile(sandbox.configPath, options.config(await readFile(sandbox.configPath, 'utf8')));
  const env = { ...botEnvironment(sandbox, options.mode), ...options.env };
  // The AWS SDK reads its variables from the process itself.
  const before = { ...process.env };
  Object.assign(process.env, env);
  let passed = 0;
  const machine: Clock = { now: () => Date.now(), elapsed: () => performance.now() };
  const { clock = machine } = options;
  const start = () =>
    startApp({
      config: loadConfig({ env, requireSlack: true }),
      logger: pino({ level: 'silent' }),
      clock: {
        now: () => clock.now() + passed,
        elapsed: () => elapsed(clock) + passed,
      },
      pace: {
        editInterval: options.rateLimits ? undefined : 20,
        quotaFactor: options.rateLimits ? undefined : 100,
        rememberMembers: 0,
        uploads: { retryDelay: 10 },
        // The database has its own time, and would not give a lease that has run out by ours.
        leaseClock: machine,
      },
    });
  let app = await start();
  if (options.mode === 'http') {
    const problem = await sandbox.slack.setRequestUrl(`http://127.0.0.1:${app.port}/slack/events`);
    if (problem !== undefined) throw new Error(problem);
  }
  const client = slackClient(sandbox.url);
  return {
    ...client,
    sandbox,
    get app() {
      return app;
    },
    dataDir,
    fault: async (...faults) => void (await client.post('/sandbox/faults', faults)),
    clearFaults: () => sandbox.faults.clear(),
    now: async (channel) => (await client.messages(channel)).at(-1)?.ts ?? '0',
    spool: () => filesBelow(join(dataDir, 'bot', 'spool')),
    pass: (ms) => {
      passed += ms;
    },
    restart: async () => {
      await app.stop();
      app = await start();
    },
    stop: async () => {
      await app.stop();
      await sandbox.close();
      await rm(dataDir, { recursive: true, force: true });
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, before);
    },
  };
}

export async function filesBelow(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
