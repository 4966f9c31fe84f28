/** `signalbox runner`: starts training on this machine until it is asked to end; its runs go on after that. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadRunnerConfig } from '../config/runner.ts';
import { childEnvironment, type Environment } from '../config.ts';
import type { RunTemplate } from '../domain/run-templates.ts';
import { AppError } from '../ground/errors.ts';
import { hostInUrl } from '../ground/hosts.ts';
import { untilAborted } from '../ground/pause.ts';
import { runnerRoutes } from '../http/runner.ts';
import { startHttpServer } from '../http/server.ts';
import { createLogger, type Logger } from '../logger.ts';
import { plainText } from '../logs/index.ts';
import type { RunnerConfig } from '../ports/runner-config.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';
import { NOTES } from '../runs/run-records.ts';
import { LocalRunner } from '../runs/runner.ts';
import { logsFolder } from '../runs/runner-room.ts';
import { lockFolder } from '../stores/folder-lock.ts';
import type { RunnerFlags } from './flags.ts';
import { type CliIo, line } from './io.ts';
import { ownProgram } from './own-program.ts';

export async function runner(flags: RunnerFlags, io: CliIo): Promise<undefined> {
  const config = loadRunnerConfig({ env: io.env, cwd: io.cwd, file: flags.config });
  const { dataDir, token, logLevel } = config;
  const logger = createLogger({
    level: logLevel,
    secrets: token === undefined ? [] : [token],
    destination: io.stderr,
  });
  const { url, lost, close } = await openRunner(config, logger);
  line(io.stdout, `Runner ready: ${url}`);
  const names = config.templates.map(({ name }) => name).join(', ');
  line(io.stderr, `Templates: ${names} · runs are kept in ${dataDir}`);
  if (token === undefined)
    line(io.stderr, 'No token: every user and program of this machine may start runs.');
  await Promise.race([untilAborted(io.signal), untilAborted(lost)]);
  await close();
  if (lost.aborted)
    throw new AppError('conflict', `The folder ${dataDir} was taken away from this runner.`, {
      hint: 'Runs go on. Start it again once the folder is there and no other runner uses it.',
      cause: lost.reason,
    });
  return undefined;
}

export interface OpenRunner {
  readonly url: string;
  readonly runner: LocalRunner;
  /** Aborted when its folder was taken away. */
  readonly lost: AbortSignal;
  /** Its runs go on. */
  close(): Promise<void>;
}

/** @throws AppError conflict: another runner has the folder, or another program the port · unavailable */
export async function openRunner(
  { token, listen, ...config }: RunnerConfig,
  logger: Logger,
): Promise<OpenRunner> {
  const { dataDir, limits } = config;
  const lost = new AbortController();
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const lock = await lockFolder(dataDir, (cause) => lost.abort(cause), 'dataDir in runner.yaml');
    opened.push(() => lock.release().catch(() => undefined));
    const clock = { now: Date.now };
    const logs = await openFileRunLogs({ folder: logsFolder(dataDir), clock, cap: limits.bytesPerRun });
    opened.push(() => logs.close());
    const runner = await LocalRunner.open({
      ...config,
      clock,
      logs,
      log: logger,
      launch: (folder, template) => launchCapture({ folder, logsFolder: logsFolder(dataDir) }, template),
    });
    opened.push(() => runner.close());
    const server = await startHttpServer([runnerRoutes({ runner, logs, token, plain: plainText })], {
      port: listen.port,
      host: listen.host,
      setting: 'listen in runner.yaml',
      log: logger,
    });
    opened.push(() => server.close());
    return { url: `http://${hostInUrl(listen.host)}:${server.port}`, runner, lost: lost.signal, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A process of its own, in a group of its own: neither Ctrl-C nor the end of this one reaches it. */
function launchCapture(
  { folder, logsFolder }: { folder: string; logsFolder: string },
  template: RunTemplate,
): Promise<void> {
  const notes = openSync(join(folder, NOTES), 'a', 0o600);
  try {
    const child = spawn(process.execPath, ownProgram('captured-run', folder, logsFolder), {
      cwd: folder,
      env: runEnvironment(template),
      detached: true,
      stdio: ['ignore', 'ignore', notes],
    });
    child.unref();
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
  } finally {
    closeSync(notes);
  }
}

/** The runner's own environment without its token, which lets anybody who has it start runs. */
function runEnvironment(template: RunTemplate): Environment {
  return childEnvironment({ RUNNER_TOKEN: undefined, ...template.env });
}
