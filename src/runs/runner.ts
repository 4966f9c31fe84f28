/**
 * Starts training from templates on this machine. Each run has a process of its own that captures it (captured-run.ts) and
 * does not end with this one: what a run is known by is in its folder, so a runner that was killed finds all of them
 * again, those that ended meanwhile included. docs/runner.md says what holds.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fillCommand, type RunTemplate } from '../domain/run-templates.ts';
import type { RunEnd } from '../domain/runs.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { KeyQueue, SingleFlight } from '../ground/key-queue.ts';
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import type { RunnerConfig } from '../ports/runner-config.ts';
import type { RunLines, RunnerRun, RunRequest, TrainingRunner } from '../ports/training-runner.ts';
import { lastErrorOf } from './last-error-of.ts';
import { LogLines } from './log-lines.ts';
import { isRunning, type ProcessId, type RunFile, RunRecords, TIMES } from './run-records.ts';
import { checkedRequest, requireSame } from './run-requests.ts';
import { TimeTables } from './run-times.ts';
import { requireRoom } from './runner-room.ts';

export interface LocalRunnerOptions
  extends Pick<RunnerConfig, 'dataDir' | 'limits' | 'graceMs' | 'templates'> {
  clock: Clock;
  /** Of `logsFolder(dataDir)` (runner-room.ts). */
  logs: RunLogStore;
  /**
   * Starts the process that captures a run, independent of this one.
   * @param run its folder
   * @param template whose environment it gets
   * @returns resolves when that process has ended, as far as this one sees it
   */
  launch(run: string, template: RunTemplate): Promise<unknown>;
  log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
}

const runsFolder = (dataDir: string): string => join(dataDir, 'runs');

/** Milliseconds between checks of runs whose end nothing reports. */
const LOOK_EVERY = 1_000;
const ENDED_EVERY = 50;
/** The capturing process has made itself known after so long, or is given up. */
const BEGIN_WITHIN = 30_000;

interface Known {
  request: RunFile<'request'>;
  /** Its process has ended, and was seen to: nothing of it changes any more. */
  final?: RunLogInfo | undefined;
  training?: RunFile<'training'> | undefined;
  cancelled: boolean;
  /** The capturing process has ended, as this one saw. */
  isGone?: boolean;
  /** Its output is no longer recorded, although it is still running. */
  isUncaptured?: boolean | undefined;
  /** Of a run that did not begin. */
  notes?: string | undefined;
  /** Of a run that failed: what its log says last of why, if anything. */
  error?: { text: string | undefined };
}

export class LocalRunner implements TrainingRunner {
  readonly #options: LocalRunnerOptions;
  readonly #records: RunRecords;
  readonly #runs = new Map<string, Known>();
  readonly #starting = new KeyQueue<'start'>();
  readonly #settling = new SingleFlight<string>();
  readonly #lines: LogLines;
  readonly #times = new TimeTables();
  /** Runs whose group is told once more, harder, when their grace is over. */
  readonly #kills = new Map<string, NodeJS.Timeout>();
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(options: LocalRunnerOptions) {
    this.#options = options;
    this.#records = new RunRecords(runsFolder(options.dataDir));
    this.#lines = new LogLines(options.logs);
  }

  /** Finds every run again. @throws AppError unavailable */
  static async open(options: LocalRunnerOptions): Promise<LocalRunner> {
    await mkdir(runsFolder(options.dataDir), { recursive: true, mode: 0o700 });
    const runner = new LocalRunner(options);
    for (const id of await runner.#records.list()) await runner.#learn(id);
    await runner.#look();
    return runner;
  }

  async #learn(id: string): Promise<void> {
    const request = await this.#records.read(id, 'request');
    if (request?.id !== id) {
      this.#options.log.error({ run: id }, 'a run whose record cannot be read is left alone');
      return;
    }
    const cancelled = (await this.#records.read(id, 'cancel')) !== undefined;
    this.#runs.set(id, { request, cancelled });
    await this.#settle(id);
    const known = this.#runs.get(id)!;
    if (known.cancelled && !known.final) await this.#end(known);
  }

  templates(): readonly RunTemplate[] {
    return this.#options.templates;
  }

  start(request: RunRequest): Promise<{ run: RunnerRun; isNew: boolean }> {
    return this.#starting.run('start', () => this.#start(request));
  }

  async #start(asked: RunRequest): Promise<{ run: RunnerRun; isNew: boolean }> {
    const { templates, limits, dataDir, graceMs, clock, log } = this.#options;
    const { template, parameters } = checkedRequest(asked, templates);
    const known = this.#runs.get(asked.name);
    if (known) {
      requireSame(known.request, template.name, parameters);
      return { run: await this.#show(known), isNew: false };
    }
    for (const id of this.#unfinished()) await this.#settle(id);
    const running = this.#unfinished().map((id) => this.#runs.get(id)!.request);
    await requireRoom(running, { dataDir, limits });
    const request: RunFile<'request'> = {
      id: asked.name,
      template: template.name,
      parameters,
      command: fillCommand(template, parameters),
      cwd: template.cwd,
      terminal: template.terminal,
      cap: limits.bytesPerRun,
      graceMs,
      createdAt: clock.now(),
    };
    if (!(await this.#records.create(request)))
      throw new AppError('conflict', `There is a run ${asked.name} already.`, {
        hint: 'Its record cannot be read, or its name differs in letter case only. Choose another name.',
      });
    // So that it can be read and followed from now on.
    try {
      await this.#options.logs.create(asked.name);
    } catch (error) {
      await this.#records.remove(asked.name);
      throw error;
    }
    const run: Known = { request, cancelled: false };
    this.#runs.set(asked.name, run);
    const ended = this.#options.launch(this.#records.folderOf(asked.name), template);
    const look = (): Promise<void> => {
      run.isGone = true;
      return this.#settle(asked.name);
    };
    ended
      .then(look, look)
      .catch((error: unknown) => log.error({ err: error }, 'a run could not be looked at'));
    this.#lookLater();
    log.info({ run: asked.name, template: template.name }, 'started a run');
    return { run: await this.#show(run), isNew: true };
  }

  async find(id: string): Promise<RunnerRun | undefined> {
    const known = this.#runs.get(id);
    if (!known) return undefined;
    await this.#settle(id);
    if (known.final?.end?.state === 'failed')
      known.error ??= { text: await lastErrorOf(this.#options.logs, known.final) };
    return await this.#show(known);
  }

  async list(): Promise<RunnerRun[]> {
    await Promise.all(this.#unfinished().map((id) => this.#settle(id)));
    const runs = await Promise.all([...this.#runs.values()].map((known) => this.#show(known)));
    return runs.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
  }

  async cancel(id: string): Promise<RunnerRun> {
    const known = this.#require(id);
    await this.#settle(id);
    if (!known.final) {
      if (!known.cancelled) this.#options.log.info({ run: id }, 'cancelling a run');
      // Recorded first, so that the next runner to find the run knows that it is to end.
      await this.#records.write(id, 'cancel', { at: this.#options.clock.now() });
      known.cancelled = true;
      await this.#end(known);
    }
    return await this.#show(known);
  }

  /** Tells the process that captures it; if there is none, the training itself. */
  async #end(known: Known): Promise<void> {
    const { id } = known.request;
    const capture = await this.#records.read(id, 'capture');
    if (capture && 'pid' in capture && (await isRunning(capture))) {
      signal(capture.pid, 'SIGTERM');
      return;
    }
    const training = await this.#training(known);
    if (!training || this.#kills.has(id) || !(await isRunning(training))) return;
    signal(-training.pid, 'SIGTERM');
    const kill = async (): Promise<void> => {
      this.#kills.delete(id);
      if (await isRunning(training)) signal(-training.pid, 'SIGKILL');
    };
    this.#kills.set(
      id,
      setTimeout(() => void kill(), known.request.graceMs),
    );
  }

  /** Resolves when it has. @throws AppError not_found · whatever `signal` says */
  async ended(id: string, signal?: AbortSignal): Promise<RunnerRun> {
    const known = this.#require(id);
    for (;;) {
      await this.#settle(id);
      if (known.final) return await this.#show(known);
      await pause(ENDED_EVERY, signal);
    }
  }

  async remove(id: string): Promise<void> {
    const known = this.#require(id);
    await this.#settle(id);
    if (!known.final)
      throw new AppError('conflict', `The run ${id} is still going on.`, {
        hint: 'Cancel it first, and remove it once it has ended.',
      });
    await this.#options.logs.remove(id);
    await this.#records.remove(id);
    this.#runs.delete(id);
    this.#lines.forget(id);
  }

  async lines(id: string, limit: number, offset?: number): Promise<RunLines> {
    const known = this.#require(id);
    const info = known.final ?? (await this.#options.logs.info(id));
    const { createdAt } = known.request;
    if (!info) return { lines: [], times: [], offset: 0, total: 0, unfinished: false };
    const { lines, ends, ...rest } = await this.#lines.read(info, limit, offset);
    const times = await this.#times.read(join(this.#records.folderOf(id), TIMES), {
      first: createdAt,
      last: info.end?.at ?? info.updatedAt,
    });
    return { ...rest, lines, times: ends.map((end) => times.at(end)) };
  }

  /** Runs go on; only looking at them ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#looking);
    for (const timer of this.#kills.values()) clearTimeout(timer);
    await this.#starting.idle();
    await this.#settling.idle();
  }

  #require(id: string): Known {
    const known = this.#runs.get(id);
    if (known) return known;
    throw new AppError('not_found', 'There is no such run.', { hint: 'GET /runs lists them.' });
  }

  #unfinished(): string[] {
    return [...this.#runs].flatMap(([id, { final }]) => (final ? [] : [id]));
  }

  #lookLater(): void {
    if (this.#looking || this.#isClosed || this.#unfinished().length === 0) return;
    this.#looking = setTimeout(() => void this.#look(), LOOK_EVERY);
  }

  async #look(): Promise<void> {
    await Promise.all(
      this.#unfinished().map((id) =>
        this.#settle(id).catch((error: unknown) =>
          this.#options.log.error({ err: error, run: id }, 'a run could not be looked at'),
        ),
      ),
    );
    this.#looking = undefined;
    this.#lookLater();
  }

  #settle(id: string): Promise<void> {
    return this.#settling.run(id, async () => {
      const known = this.#runs.get(id);
      if (known && !known.final) await this.#lookAt(known);
    });
  }

  async #lookAt(known: Known): Promise<void> {
    const { logs } = this.#options;
    const { id } = known.request;
    if (await this.#hasEnded(known)) return;
    const capture = await this.#records.read(id, 'capture');
    if (!capture) {
      const waits = this.#options.clock.now() - known.request.createdAt < BEGIN_WITHIN;
      if (waits && !known.isGone) return;
      // If it does begin at this moment after all, it is the one that made the file.
      if (!(await this.#records.write(id, 'capture', { nobody: true }))) return;
    } else if ('pid' in capture && (await isRunning(capture))) return;
    // It may have ended in order between the two looks.
    if (await this.#hasEnded(known)) return;
    const end = await this.#records.read(id, 'end');
    if (!end && (await this.#runsOn(known))) return;
    known.notes = await this.#records.notes(id);
    await logs.create(id);
    await logs.finish(id, end ?? this.#lost());
    await this.#hasEnded(known);
  }

  async #hasEnded(known: Known): Promise<boolean> {
    const info = await this.#options.logs.info(known.request.id);
    if (!info?.end) return false;
    await this.#training(known);
    known.final = info;
    const timer = this.#kills.get(info.id);
    clearTimeout(timer);
    this.#kills.delete(info.id);
    this.#options.log.info({ run: info.id, ...info.end }, 'a run has ended');
    return true;
  }

  /** The capturing process is gone, but the training itself is not: it is not lost yet, and can be cancelled. */
  async #runsOn(known: Known): Promise<boolean> {
    const training = await this.#training(known);
    if (!training || !(await isRunning(training))) return false;
    if (!known.isUncaptured)
      this.#options.log.error({ run: known.request.id }, 'a run goes on, but nobody captures it any more');
    known.isUncaptured = true;
    return true;
  }

  async #training(known: Known): Promise<(ProcessId & { at: number }) | undefined> {
    known.training ??= await this.#records.read(known.request.id, 'training');
    return known.training;
  }

  #lost(): RunEnd {
    return { state: 'lost', exitCode: null, signal: null, at: this.#options.clock.now() };
  }

  async #show(known: Known): Promise<RunnerRun> {
    const { request, cancelled } = known;
    const info = known.final ?? (await this.#options.logs.info(request.id));
    const training = await this.#training(known);
    return {
      id: request.id,
      template: request.template,
      parameters: request.parameters,
      state: known.final?.end?.state ?? (cancelled ? 'stopping' : 'running'),
      createdAt: request.createdAt,
      startedAt: training?.at,
      end: known.final?.end,
      reason: reasonOf(known),
      size: info?.size ?? 0,
      updatedAt: info?.updatedAt ?? request.createdAt,
    };
  }
}

function reasonOf({ final, isUncaptured, notes, training, error }: Known): string | undefined {
  const end = final?.end;
  if (!end)
    return isUncaptured
      ? 'The process that kept its log is gone: what it prints is lost, and how it ends will not be known.'
      : undefined;
  if (end.state === 'completed') return undefined;
  if (end.state === 'lost')
    return training
      ? 'Its process is gone, and nobody saw how it ended.'
      : `It could not be started. ${notes ?? ''}`.trim();
  if (end.signal !== null) return `It was ended by ${end.signal}.`;
  if (end.exitCode === null) return 'It was cancelled before it began.';
  return `It exited with code ${end.exitCode}${error?.text ? `: ${error.text}` : '.'}`;
}

/** @param pid negative: a whole process group */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // Gone meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw toAppError(error);
  }
}
