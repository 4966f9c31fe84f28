/** `signalbox runner`: starts training on this machine, until it is asked to end; its runs go on then. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadRunnerConfig } from '../config/runner.ts';
import { childEnvironment, type Environment } from '../config.ts';
import type { RunTemplate } from '../domain/run-templates.ts';
import { AppError } from '../ground/errors.ts';
import { untilAborted } from '../ground/pause.ts';
import { runnerRoutes } from '../http/runner.ts';
import { startHttpServer } from '../http/server.ts';
import { createLogger } from '../logger.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';
import { NOTES } from '../runs/run-records.ts';
import { LocalRunner } from '../runs/runner.ts';
import { logsFolder } from '../runs/runner-room.ts';
import { lockFolder } from '../stores/folder-lock.ts';
import type { RunnerFlags } from './flags.ts';
import { type CliIo, line } from './io.ts';

export async function runner(flags: RunnerFlags, io: CliIo): Promise<undefined> {
  const config = loadRunnerConfig({ env: io.env, cwd: io.cwd, file: flags.config });
  const { dataDir, listen, token, limits } = config;
  const logger = createLogger({
    level: io.env.LOG_LEVEL ?? 'info',
    secrets: token === undefined ? [] : [token],
    destination: io.stderr,
  });
  const lost = new AbortController();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(dataDir, (cause) => lost.abort(cause), 'dataDir in runner.yaml');
  try {
    const clock = { now: Date.now };
    const logs = await openFileRunLogs({ folder: logsFolder(dataDir), clock, cap: limits.bytesPerRun });
    const local = await LocalRunner.open({
      ...config,
      clock,
      logs,
      log: logger,
      launch: (folder, template) => launchCapture({ folder, logsFolder: logsFolder(dataDir) }, template),
    });
    const server = await startHttpServer([runnerRoutes({ runner: local, logs, token })], {
      port: listen.port,
      host: listen.host,
      setting: 'listen in runner.yaml',
      log: logger,
    });
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
    line(io.stdout, `Runner ready: http://${host}:${server.port}`);
    const names = config.templates.map(({ name }) => name).join(', ');
    line(io.stderr, `Templates: ${names} · runs are kept in ${dataDir}`);
    if (token === undefined)
      line(io.stderr, 'No token: every user and program of this machine may start runs.');
    await Promise.race([untilAborted(io.signal), untilAborted(lost.signal)]);
    await server.close();
    await local.close();
    await logs.close();
    if (lost.signal.aborted)
      throw new AppError('conflict', `The folder ${dataDir} was taken away from this runner.`, {
        hint: 'Runs go on. Start it again once the folder is there and no other runner uses it.',
        cause: lost.signal.reason,
      });
  } finally {
    await lock.release();
  }
  return undefined;
}

/** A process of its own, in a group of its own: neither Ctrl-C nor the end of this one reaches it. */
function launchCapture(
  { folder, logsFolder }: { folder: string; logsFolder: string },
  template: RunTemplate,
): Promise<void> {
  const program = import.meta.filename.endsWith('.ts') ? '../cli.ts' : '../cli.js';
  const notes = openSync(join(folder, NOTES), 'a', 0o600);
  try {
    const child = spawn(
      process.execPath,
      [
        ...process.execArgv,
        fileURLToPath(new URL(program, import.meta.url)),
        'captured-run',
        folder,
        logsFolder,
      ],
      {
        cwd: folder,
        env: runEnvironment(template),
        detached: true,
        stdio: ['ignore', 'ignore', notes],
      },
    );
    child.unref();
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
  } finally {
    closeSync(notes);
  }
}

/** What the runner itself was started with, but for its token, which opens it to whoever has it. */
function runEnvironment(template: RunTemplate): Environment {
  return childEnvironment({ RUNNER_TOKEN: undefined, ...template.env });
}
