/** The subcommands. Each loads its modules only when it runs, so that `--help` and short commands start at once. */
import { setMaxListeners } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { LOG_FLAGS } from '../domain/log-query.ts';
import { CancelledError, toAppError } from '../ground/errors.ts';
import { reportFailure } from './failures.ts';
import type { DemoFlags, LogsFlags, RunFlags, RunnerFlags, SandboxFlags, StartFlags } from './flags.ts';
import type { CliIo } from './io.ts';

/** Runs one command line. @returns the exit code */
export async function runProgram(args: readonly string[], given: Partial<CliIo> = {}): Promise<number> {
  const interruption = given.signal ? undefined : listenForInterruption();
  const io: CliIo = {
    stdout: given.stdout ?? process.stdout,
    stderr: given.stderr ?? process.stderr,
    env: given.env ?? {},
    cwd: given.cwd ?? process.cwd(),
    signal: given.signal ?? interruption!.signal,
    ownSignals: interruption?.stop,
  };
  try {
    return await run(args, io, given.env === undefined);
  } finally {
    interruption?.stop();
  }
}

async function run(args: readonly string[], io: CliIo, ownEnvironment: boolean): Promise<number> {
  let exitCode = 0;
  const perform: Perform = async (work, { dotEnv = true } = {}) => {
    const { debugging, environment, prepareEnvironment } = await import('../config.ts');
    let complete = io;
    if (ownEnvironment) {
      if (dotEnv) prepareEnvironment(io.cwd);
      complete = { ...io, env: environment() };
    }
    try {
      exitCode = (await work(complete)) ?? 0;
    } catch (error) {
      // Any other failure caused by a signal is the same cancellation.
      const cancelled = io.signal.aborted && toAppError(error).code === 'internal';
      exitCode = reportFailure(
        cancelled ? new CancelledError('Cancelled', { cause: error }) : error,
        complete,
        debugging(complete.env),
      );
    }
  };

  const program = buildProgram(io, perform);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version exit with 0; a wrong flag is invalid input.
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}

/** From this package's package.json, in the folder that contains src/ or dist/. */
function ownVersion(): string {
  // This file is in src/cli, the built program in dist.
  for (const path of ['../package.json', '../../package.json']) {
    const file = new URL(path, import.meta.url);
    if (!existsSync(file)) continue;
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version: string };
    if (name === 'signalbox') return version;
  }
  return 'unknown';
}

/** A subcommand's work resolves to its exit code, or to nothing for 0. `dotEnv: false`: what .env sets is not for it. */
type Perform = (
  work: (io: CliIo) => Promise<number | undefined>,
  options?: { dotEnv?: boolean },
) => Promise<void>;

function buildProgram(io: CliIo, perform: Perform): Command {
  const program = new Command('signalbox')
    .description('Training logs, whole, in the Slack channel where your team already talks.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .version(ownVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    // Flags behind the command of `run` are that command's.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('Run `signalbox --help` for everything it can do.')
    .helpCommand(false);

  program
    .command('demo')
    .description('the bot and a local Slack, AWS and RunPod together, with training jobs to try it on')
    .addOption(portOption())
    .option('--data <dir>', 'folder for what the demo keeps (default: a temporary one)')
    .action((options: DemoFlags) => perform(async (io) => (await import('./demo.ts')).demo(options, io)));

  program
    .command('sandbox')
    .description('the local Slack, AWS and RunPod without the bot, for any bot or client to be pointed at')
    .addOption(portOption())
    .option('--data <dir>', 'folder for what the sandbox keeps (default: a temporary one)')
    .option('--manifest <file>', 'the Slack app to enforce (default: the manifest.yml of this package)')
    .option('--request-url <url>', 'send Slack requests there, signed, instead of over Socket Mode')
    .addOption(portOption('--aws-port <port>', 'port of the AWS endpoint (default: any free one)'))
    .addOption(portOption('--runpod-port <port>', "port of RunPod's API (default: any free one)"))
    .action((options: SandboxFlags) =>
      perform(async (io) => (await import('./demo.ts')).sandbox(options, io)),
    );

  program
    .command('start')
    .description('the bot, from signalbox.yaml (SIGNALBOX_CONFIG for another path) and the environment')
    .addOption(
      new Option(
        '--only <part>',
        'front: what people ask for; watch: events, looks at AWS and notifications (with DATABASE_URL; default: both)',
      ).choices(['front', 'watch']),
    )
    .action((options: StartFlags) => perform(async (io) => (await import('./start.ts')).start(options, io)));

  const logs = program
    .command('logs')
    .description('the whole log of a training job as a file; its path goes to standard output')
    .argument('<job>', "the training job's name")
    .argument('[flags...]')
    .usage('<job> [--use-case <id>] [--out <file>] [flags]')
    .allowUnknownOption()
    .allowExcessArguments()
    .option('--out <file>', 'where to write it, replacing what is there; a folder; or - for standard output')
    .option('--force', 'replace an existing file of the default name')
    .configureHelp({ visibleArguments: () => [] })
    .action((_job, _flags, options: LogsFlags) =>
      perform(async (io) => (await import('./logs.ts')).logs(logs.args, options, io)),
    );
  logs.addHelpText(
    'after',
    `
${logFlagsHelp()}

Exit codes: 0 done, 2 invalid input, 3 not found, 4 permission denied, 5 unavailable or throttled, 1 internal.`,
  );

  const run = program
    .command('run')
    .description('run a command and keep all that it prints; ends with its exit code')
    .argument('[command...]')
    .usage('[flags] -- <command> [arguments]')
    .passThroughOptions()
    .option('--name <name>', "the run's name (default: the program's, with the time)")
    .option('--pipe', 'capture through a pipe instead of a terminal: no colours, no bars that move')
    .option('--dir <dir>', 'folder for the logs of runs (default: signalbox-runs)')
    .option('--push <url>', "Signalbox's address: send the log there while it is printed")
    .option(
      '--token-env <variable>',
      'the variable that holds the push token (default: SIGNALBOX_PUSH_TOKEN)',
    )
    .option('--resume <name>', 'with --push: send what is kept of a run that has ended, instead of a command')
    .configureHelp({ visibleArguments: () => [] })
    .action((command: string[], options: RunFlags) =>
      perform(async (io) => (await import('./run.ts')).run(command, options, io), { dotEnv: false }),
    );
  run.addHelpText(
    'after',
    `
Exit codes: the command's own; 128 + n if signal n ended it; 127 command not found, 126 not executable; otherwise, and
before it is started, 2 invalid input, 5 the folder cannot be written, 1 internal.`,
  );

  program
    .command('runner')
    .description('starts training on this machine, from the templates in runner.yaml, and serves its logs')
    .option('--config <file>', 'the configuration (default: runner.yaml)')
    .action((options: RunnerFlags) =>
      perform(async (io) => (await import('./runner.ts')).runner(options, io)),
    );

  program
    .command('captured-run <folder> <logsFolder>', { hidden: true })
    .action((folder: string, logsFolder: string) =>
      perform(async (io) => (await import('./captured-run.ts')).capturedRun({ folder, logsFolder }, io)),
    );

  program
    .command('check-config')
    .description('read signalbox.yaml and the environment, and say everything that is wrong')
    .action(() => perform(async (io) => (await import('./check-config.ts')).checkConfig(io)));

  program
    .command('manifest')
    .description('print the Slack app for "Create New App → From a manifest"')
    .option('--prefix <prefix>', 'put this before every command, for a workspace that has /logs already: ml-')
    .action((options: { prefix?: string }) =>
      perform(async (io) => (await import('./manifest.ts')).manifest(options, io)),
    );

  const events = program
    .command('events')
    .description('the way of events from AWS to the bot')
    .helpCommand(false);
  events
    .command('setup')
    .description('make the queue, its policy, the EventBridge rule and its target; print what was done')
    .action(() => perform(async (io) => (await import('./events.ts')).eventsSetup(io)));
  events
    .command('replay')
    .description('send recorded events to the queue, or to a running bot')
    .argument('<file>', 'JSON lines, a JSON array or one event; - for standard input')
    .option('--url <url>', "a running bot's address, with SIGNALBOX_EVENTS_SECRET set, instead of the queue")
    .option('--fresh', 'give them new ids and the present time, so that they are not taken for duplicates')
    .action((file: string, options: { url?: string; fresh?: boolean }) =>
      perform(async (io) => (await import('./events.ts')).eventsReplay(file, options, io)),
    );

  program
    .command('migrate')
    .description(
      'bring the tables of DATABASE_URL up to date; with --from, move an embedded store and logs of runs into them',
    )
    .option('--from <dir>', 'the data folder of a bot that has been stopped')
    .action((options: { from?: string }) =>
      perform(async (io) => (await import('./migrate.ts')).migrate(options, io)),
    );

  program
    .command('backup')
    .description('copy all that the bot has stored into one file, also while it runs')
    .argument('<file>', 'where to write it: signalbox-2026-11-29.tar.gz')
    .option('--force', 'replace an existing file')
    .action((file: string, options: { force?: boolean }) =>
      perform(async (io) => (await import('./backup.ts')).backup(file, options, io)),
    );
  program
    .command('restore')
    .description('unpack a backup into an empty data folder')
    .argument('<file>', 'what `signalbox backup` wrote')
    .option('--to <folder>', 'the folder (default: the data folder of the configuration)')
    .action((file: string, options: { to?: string }) =>
      perform(async (io) => (await import('./backup.ts')).restore(file, options, io)),
    );

  program
    .command('doctor')
    .description('check Slack and every use case, and say what is wrong and how to mend it')
    .option('--json', 'the checks as JSON')
    .action((options: { json?: boolean }) =>
      perform(async (io) => (await import('./doctor.ts')).doctor(options, io)),
    );

  for (const one of program.commands)
    one.showHelpAfterError(`Run \`signalbox ${one.name()} --help\` for its flags.`);
  return program;
}

function portOption(
  flags = '--port <port>',
  description = 'port of the page (default: 4400, or the next free one)',
): Option {
  return new Option(flags, description).argParser((text) => {
    const port = Number(text);
    if (/^\d+$/.test(text) && port <= 65_535) return port;
    throw new InvalidArgumentError('Expected a number from 0 to 65535.');
  });
}

/** Listed here for help; parsed by the same parser as Slack's command. */
function logFlagsHelp(): string {
  const flags = LOG_FLAGS.filter(({ name }) => name !== '--dm').map((flag) =>
    flag.name === '--use-case'
      ? { ...flag, description: 'which use case, where several have a job of this name' }
      : flag,
  );
  const lines = flags.map(({ name, value, description }) => {
    const usage = value === undefined ? name : `${name} <${value}>`;
    return `  ${usage.padEnd(20)} ${description}`;
  });
  return ['Flags:', ...lines].join('\n');
}

/** Ctrl-C asks to end, a second one ends at once; a reader that went away (`| head -1`) asks too. */
function listenForInterruption(): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  // Every request in progress listens to it.
  setMaxListeners(0, controller.signal);
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new CancelledError());
  };
  const onBrokenPipe = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
    if (!controller.signal.aborted) controller.abort(new CancelledError());
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  process.stdout.on('error', onBrokenPipe);
  process.stderr.on('error', onBrokenPipe);
  return {
    signal: controller.signal,
    // The streams keep their listeners, because the last writes may still fail.
    stop: () => void process.off('SIGINT', interrupt).off('SIGTERM', interrupt),
  };
}
