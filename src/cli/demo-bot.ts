/** The bot of the demo: the real program in a process of its own, pointed at the sandbox. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment } from '../config.ts';
import { type DemoSandbox, sandboxVariables } from '../demo/sandbox.ts';
import { AppError } from '../ground/errors.ts';
import { untilAborted } from '../ground/pause.ts';
import { type CliIo, line } from './io.ts';
import { ownProgram } from './own-program.ts';

export interface Bot {
  readonly logPath: string;
  /** How it ended: `exit code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** An error with the end of its log. */
  failure(message: string): AppError;
  /** Asks it to end, and after a while forces it to. */
  stop(): Promise<void>;
}

/** How long the bot has to end by itself, milliseconds. */
const STOP_WITHIN_MS = 25_000;
const LAST_LINES = 15;

/** @returns once it is connected. @throws AppError with the end of its log if it does not start */
export async function startBot(
  sandbox: DemoSandbox,
  { dataDir, port }: { dataDir: string; port: number },
  io: CliIo,
): Promise<Bot> {
  const logPath = join(dataDir, 'signalbox.log');
  const log = createWriteStream(logPath, { flags: 'a', mode: 0o600 });
  log.on('error', (error) => line(io.stderr, `the log ${logPath} cannot be written: ${error.message}`));

  const child = spawn(process.execPath, ownProgram('start'), {
    // Not the caller's folder: an .env there would be for a real workspace.
    cwd: dataDir,
    env: { ...botEnvironment(sandbox, io), PORT: String(port), SIGNALBOX_HOST: '127.0.0.1' },
    // The channel tells the bot when this process is gone, however it ended.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches this process only, which then stops the bot in order.
    detached: true,
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
  });

  const last: string[] = [];
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr! }).on('line', (text) => {
      log.write(`${text}\n`);
      const entry = parseEntry(text);
      last.push(entry ? `${entry.level}: ${entry.msg}${entry.err ? ` (${entry.err.message})` : ''}` : text);
      if (last.length > LAST_LINES) last.shift();
      if (entry?.msg === 'ready') resolve();
      if (entry && ['warn', 'error', 'fatal'].includes(entry.level)) line(io.stderr, `bot ${last.at(-1)}`);
    });
  });
  const bot: Bot = {
    logPath,
    ended,
    failure: (message) =>
      new AppError('unavailable', message, { hint: `The end of its log (${logPath}):\n${last.join('\n')}` }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await ended;
      clearTimeout(timer);
      log.end();
    },
  };

  const outcome = await Promise.race([ready.then(() => 'ready' as const), ended, untilAborted(io.signal)]);
  if (outcome === 'ready') return bot;
  await bot.stop();
  io.signal.throwIfAborted();
  throw bot.failure(`The bot did not start (${outcome}).`);
}

/** Only what the sandbox provides: nothing from a real account or workspace may reach the demo's bot. */
function botEnvironment(sandbox: DemoSandbox, io: CliIo): Record<string, string> {
  const foreign = Object.keys(io.env).filter((name) =>
    /^(AWS_|SLACK_|RUNPOD_|SIGNALBOX_|DATABASE_URL$|PORT$)/.test(name),
  );
  return childEnvironment({
    ...Object.fromEntries(foreign.map((name) => [name, undefined])),
    ...sandboxVariables(sandbox),
  });
}

interface LogEntry {
  level: string;
  msg: string;
  err?: { message: string };
}

function parseEntry(text: string): LogEntry | undefined {
  try {
    const value = JSON.parse(text) as LogEntry | null;
    return typeof value?.level === 'string' ? value : undefined;
  } catch {
    return undefined; // What Node itself prints.
  }
}
