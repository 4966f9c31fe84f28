/** `signalbox run`: captures one command. Its output is shown as usual and kept as bytes; its exit code is ours. */
import { randomBytes } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { size as sizeWords } from '../blocks/text.ts';
import { requireRunId } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';
import { captureRun, shellExitCode } from '../runs/capture.ts';
import { commandProblem } from '../runs/commands.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';
import type { RunFlags } from './flags.ts';
import { type CliIo, line } from './io.ts';
import { OwnTerminal, showOn } from './own-terminal.ts';
import { type Pushing, pushing, resume, sendRest } from './push-run.ts';

const clock: Clock = { now: () => Date.now() };
const FOLDER = 'signalbox-runs';

/** @returns the command's own exit code; 128 + n where a signal ended it, as shells have it */
export async function run(words: readonly string[], flags: RunFlags, io: CliIo): Promise<number> {
  const [program, ...args] = words;
  const push = pushing(flags, io);
  const folder = resolve(io.cwd, flags.dir ?? FOLDER);
  if (flags.resume !== undefined) return await sendKept(flags.resume, { words, folder, push }, io);
  if (program === undefined || program === '')
    throw new AppError('invalid_input', 'There is no command to run.', {
      hint: 'Put it behind two dashes: signalbox run -- python train.py',
    });
  const command: [string, ...string[]] = [program, ...args];
  const problem = commandProblem(command, { cwd: io.cwd, path: io.env.PATH });
  if (problem) {
    line(io.stderr, `signalbox: ${problem.message}`);
    return problem.exitCode;
  }
  const store = await openFileRunLogs({ folder, clock, tidies: false });
  try {
    const id = await newRun(store, flags.name, command);
    return await capture({ store, id, command, folder, push }, flags, io);
  } finally {
    await store.close();
  }
}

interface Run {
  store: RunLogStore;
  id: string;
  command: [string, ...string[]];
  folder: string;
  push: Pushing | undefined;
}

async function capture(
  { store, id, command, folder, push }: Run,
  flags: RunFlags,
  io: CliIo,
): Promise<number> {
  const terminal = await OwnTerminal.look(flags.pipe ? 'pipe' : 'pty');
  const say = (words: string): void => {
    io.stderr.write(`signalbox: ${words}${terminal.newline}`);
  };
  const sending = await push?.begin(store, id, say);
  const sent = sending?.run();
  const release: (() => void)[] = [];
  io.ownSignals?.();
  try {
    const end = await captureRun({
      store,
      id,
      command,
      cwd: io.cwd,
      env: push?.env ?? io.env,
      terminal: flags.pipe ? 'pipe' : 'pty',
      size: terminal.size(),
      input: terminal.input,
      clock,
      show: showOn(io.stdout),
      onNote: say,
      onStart(process) {
        release.push(terminal.connect(process));
        const stop = (): void => process.signal('SIGTERM');
        io.signal.addEventListener('abort', stop);
        if (io.signal.aborted) stop();
        release.push(() => io.signal.removeEventListener('abort', stop));
      },
    });
    for (const free of release.splice(0)) free();
    const info = await store.info(id).catch(() => undefined);
    if (info) say(`${sizeWords(info.size)} of ${id} are kept in ${join(folder, id)}`);
    if (sending && sent) {
      const variable = flags.tokenEnv === undefined ? [] : ['--token-env', flags.tokenEnv];
      const words = ['run', '--push', flags.push!, ...variable, '--dir', folder, '--resume', id];
      await sendRest(sending, sent, { say, goOn: `signalbox ${words.map(shellWord).join(' ')}` });
    }
    return shellExitCode(end);
  } finally {
    sending?.stop();
    for (const free of release) free();
  }
}

async function sendKept(
  id: string,
  { words, folder, push }: { words: readonly string[]; folder: string; push: Pushing | undefined },
  io: CliIo,
): Promise<number> {
  if (!push || words.length > 0)
    throw new AppError('invalid_input', '--resume sends a log that is kept here, and runs no command.', {
      hint: 'For example: signalbox run --push https://signalbox.example.com --resume bert-1',
    });
  const store = await openFileRunLogs({ folder, clock, tidies: false });
  try {
    return await resume(id, { store, folder, pushing: push, clock }, io);
  } finally {
    await store.close();
  }
}

const shellWord = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** @throws AppError conflict: there is already a run of this name */
async function newRun(
  store: RunLogStore,
  name: string | undefined,
  command: readonly string[],
): Promise<string> {
  const id = name ?? ownName(command, clock.now());
  requireRunId(id);
  if (await store.info(id))
    throw new AppError('conflict', `There is a run named ${id} already.`, {
      hint: 'Give another --name, or another --dir.',
    });
  return id;
}

/** `train-20261129-084010-k3fa` of `python train.py`: several may begin in one second. */
function ownName([program = '', ...args]: readonly string[], now: number): string {
  const script = args.find((word) => /\.(?:py|[cm]?[jt]s|sh|R|jl|ipynb)$/.test(word)) ?? program;
  const stem = basename(script)
    .replace(/\.\w+$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 60);
  const [date = '', time = ''] = new Date(now).toISOString().replace(/[-:]/g, '').split('T');
  return `${stem || 'run'}-${date}-${time.slice(0, 6)}-${randomBytes(2).toString('hex')}`;
}
