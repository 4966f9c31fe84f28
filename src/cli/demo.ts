/** `signalbox demo` and `signalbox sandbox`: the local Slack, AWS and RunPod, with the bot and without. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SandboxError } from '#sandbox';
import {
  type DemoSandbox,
  type DemoSandboxOptions,
  RUNPOD_KEY_ENV,
  startDemoSandbox,
} from '../demo/sandbox.ts';
import type { DemoServices } from '../demo/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { pause, untilAborted } from '../ground/pause.ts';
import { type Bot, startBot } from './demo-bot.ts';
import type { DemoRunner } from './demo-runner.ts';
import type { DemoFlags, SandboxFlags } from './flags.ts';
import { type CliIo, line } from './io.ts';
import { MANIFEST_PATH } from './manifest.ts';

const DEFAULT_PORT = 4400;
/** Ports tried above the default if none was asked for. */
const TRIES = 20;

export async function sandbox(flags: SandboxFlags, io: CliIo): Promise<undefined> {
  return withDataDir(flags, io, (dataDir) =>
    withSandbox({ flags, dataDir, services: { runpodKeyEnv: RUNPOD_KEY_ENV } }, io, async (running) => {
      announce(running, io);
      line(io.stderr, `\nOpen ${running.url} in a browser. Ctrl-C ends it.`);
      await untilAborted(io.signal);
    }),
  );
}

export async function demo(flags: DemoFlags, io: CliIo): Promise<undefined> {
  return withDataDir(flags, io, async (dataDir) => {
    const [botPort, runnerPort] = await freePorts();
    const services = {
      runnerUrl: localUrl(runnerPort),
      viewerUrl: localUrl(botPort),
      runpodKeyEnv: RUNPOD_KEY_ENV,
    };
    await withSandbox({ flags, dataDir, services }, io, async (running) => {
      const { bot, runner } = await startBotAndRunner(running, { dataDir, botPort, runnerPort }, io);
      const beginning = begin(runner, io);
      try {
        announce(running, io);
        line(io.stderr, `Bot connected; its log: ${bot.logPath}`);
        line(io.stderr, 'Two small trainings begin to run on this machine: /jobs shows them.');
        line(io.stderr, `\nOpen ${running.url}, go to #line-3 and type /logs. Ctrl-C ends it.`);
        await Promise.race([untilAborted(io.signal), whenBotEnds(bot, io.signal)]);
      } finally {
        await bot.stop();
        await beginning;
        await runner.stop();
      }
    });
  });
}

/** The runner is loaded and opened while the bot's process starts, so it costs no extra time. */
async function startBotAndRunner(
  running: DemoSandbox,
  { dataDir, botPort, runnerPort }: { dataDir: string; botPort: number; runnerPort: number },
  io: CliIo,
): Promise<{ bot: Bot; runner: DemoRunner }> {
  const [bot, runner] = await Promise.allSettled([
    startBot(running, { dataDir, port: botPort }, io),
    import('./demo-runner.ts').then(({ startDemoRunner }) =>
      startDemoRunner({ dataDir, port: runnerPort }, io),
    ),
  ]);
  if (bot.status === 'fulfilled' && runner.status === 'fulfilled')
    return { bot: bot.value, runner: runner.value };
  if (bot.status === 'fulfilled') await bot.value.stop();
  if (runner.status === 'fulfilled') await runner.value.stop();
  throw bot.status === 'rejected' ? bot.reason : (runner as PromiseRejectedResult).reason;
}

/** Milliseconds within which the bot has looked at the runner once: it reports what begins after that. */
const FIRST_LOOK = 3_000;

async function begin(runner: DemoRunner, { signal, stderr }: CliIo): Promise<void> {
  try {
    await pause(FIRST_LOOK, signal);
    await runner.begin();
  } catch (error) {
    if (!signal.aborted) line(stderr, `runner: ${toAppError(error).message}`);
  }
}

/** For programs whose addresses others must know before they start. */
async function freePorts(): Promise<[number, number]> {
  // Both are open at the same time, so that they differ.
  const servers = [createServer(), createServer()];
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const [one, other] = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return [one!, other!];
}

const localUrl = (port: number): string => `http://127.0.0.1:${port}`;

/** @param use is given the folder that was asked for, or a temporary one, which is removed afterwards */
async function withDataDir(
  flags: DemoFlags,
  io: CliIo,
  use: (dataDir: string) => Promise<void>,
): Promise<undefined> {
  const dataDir =
    flags.data === undefined ? await mkdtemp(join(tmpdir(), 'signalbox-demo-')) : resolve(io.cwd, flags.data);
  try {
    await use(dataDir);
  } catch (error) {
    throw error instanceof SandboxError ? new AppError(error.code, error.message, error) : error;
  } finally {
    if (flags.data === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
  }
  return undefined;
}

async function withSandbox(
  { flags, dataDir, services }: { flags: SandboxFlags; dataDir: string; services?: DemoServices },
  io: CliIo,
  use: (running: DemoSandbox) => Promise<void>,
): Promise<void> {
  const running = await startOnPort(flags, {
    dataDir,
    ...(services ? { services } : {}),
    manifestPath: flags.manifest === undefined ? MANIFEST_PATH : resolve(io.cwd, flags.manifest),
    pageDir: builtPage(),
    slack: {
      ...(flags.requestUrl === undefined ? {} : { requestUrl: flags.requestUrl }),
      onError: (error) => line(io.stderr, `sandbox: ${error instanceof Error ? error.message : error}`),
    },
    ...(flags.awsPort === undefined ? {} : { awsPort: flags.awsPort }),
    ...(flags.runpodPort === undefined ? {} : { runpodPort: flags.runpodPort }),
  });
  try {
    await use(running);
  } finally {
    await running.close();
  }
}

/** A port that was asked for must be available; otherwise the next free one will do. */
async function startOnPort(flags: SandboxFlags, options: DemoSandboxOptions): Promise<DemoSandbox> {
  if (flags.port !== undefined) return startDemoSandbox({ ...options, port: flags.port });
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + TRIES; port++) {
    try {
      return await startDemoSandbox({ ...options, port });
    } catch (error) {
      if (!isPortTaken(error)) throw error;
    }
  }
  return startDemoSandbox({ ...options, port: 0 });
}

function isPortTaken(error: unknown): boolean {
  return (
    error instanceof SandboxError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
  );
}

/** Scripts read standard output line by line; everything else is for people. */
function announce(sandbox: DemoSandbox, io: CliIo): void {
  const { url, slackApiUrl, tokens, awsEndpoint, awsCredentials, awsAdmins, configPath } = sandbox;
  line(io.stdout, `Sandbox ready: ${url}`);
  line(io.stdout, `Slack API: ${slackApiUrl}`);
  line(io.stdout, `AWS endpoint: ${awsEndpoint}`);
  line(io.stdout, `RunPod API: ${sandbox.runpodApiUrl}`);
  line(io.stderr, '\nSecrets of this sandbox, for a bot or client of your own; they open nothing else:');
  line(io.stdout, `Slack tokens: ${tokens.bot} ${tokens.app} ${tokens.signingSecret}`);
  line(io.stdout, `AWS credentials: ${awsCredentials.accessKeyId} ${awsCredentials.secretAccessKey}`);
  for (const [account, key] of Object.entries(awsAdmins))
    line(io.stdout, `AWS admin of ${account}: ${key.accessKeyId} ${key.secretAccessKey}`);
  line(io.stdout, `RunPod key: ${sandbox.runpodKey}`);
  line(io.stderr, '');
  line(io.stdout, `Config: ${configPath}`);
}

/** The page is only there built; run from its sources, the program takes the last build's. */
function builtPage(): string {
  const built = import.meta.filename.endsWith('.ts') ? '../../dist/sandbox/page' : '../sandbox/page';
  return fileURLToPath(new URL(built, import.meta.url));
}

async function whenBotEnds(bot: Bot, signal: AbortSignal): Promise<void> {
  const how = await bot.ended;
  if (!signal.aborted) throw bot.failure(`The bot ended by itself (${how}).`);
}
