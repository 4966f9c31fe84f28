/** Copies one run's log into the store, from where the copy ends until the run has ended. */
import { exitCodeOfReason } from '../domain/failure-exit.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS, providerWord } from '../domain/providers.ts';
import type { RunEnd } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { FollowWait } from '../ports/log-engine.ts';
import type { LogChunk } from '../ports/log-source.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import type { TrainingProvider } from '../ports/training-provider.ts';

export interface RunCopyOptions {
  /** Of the copy as it is now. */
  info: RunLogInfo;
  provider: TrainingProvider;
  job: string;
  logs: RunLogStore;
  clock: Clock;
  /** Called when something was copied, or all of it. @param at when the last of it was printed, where the provider says */
  progress(info: RunLogInfo, at: EpochMs | undefined): void;
}

/** Milliseconds between two checks of the job's state. */
const LOOK_EVERY = 10_000;

export class RunCopy {
  readonly #options: RunCopyOptions;
  #info: RunLogInfo;
  #job: TrainingJob | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** When the job was found to be gone. */
  #goneAt: EpochMs | undefined;
  #wait: FollowWait | undefined;
  #note: string | undefined;

  constructor(options: RunCopyOptions) {
    this.#options = options;
    this.#info = options.info;
    this.#note = options.info.note;
  }

  /** @throws AppError as the provider and the store do: it can continue from what was copied */
  async run(signal: AbortSignal): Promise<void> {
    const { provider, job, logs, clock, progress } = this.#options;
    await this.#look(signal);
    if (!this.#job && this.#info.size === 0 && (await provider.log(job).listStreams(signal)).length === 0)
      throw new AppError('not_found', `${providerWord(provider.name)} has no job ${job}.`, {
        hint: 'It was deleted, or never started.',
      });
    for await (const chunk of this.#chunks(signal)) await this.#keep(chunk);
    signal.throwIfAborted();
    await this.#look(signal);
    if (this.#job && !isFinished(this.#job))
      throw new AppError('unavailable', `${providerWord(provider.name)} has cut the log of ${job} off.`);
    this.#info = await logs.finish(this.#info.id, endOf(this.#job, this.#goneAt ?? clock.now()));
    progress(this.#info, undefined);
  }

  #chunks(signal: AbortSignal): AsyncIterable<LogChunk> {
    const { provider, job } = this.#options;
    const { size: offset, cursor } = this.#info;
    return provider.readLog(job, { offset, cursor }, signal, {
      endedAt: (aborted) => this.#endedAt(aborted),
      onWait: (wait) => {
        this.#wait = wait;
        this.#say();
      },
    });
  }

  async #keep({ offset, bytes, cursor, at, parts = [] }: LogChunk): Promise<void> {
    const { logs, progress } = this.#options;
    const { id, size } = this.#info;
    // What the provider itself has lost.
    if (offset > size) this.#info = await logs.skip(id, size, offset);
    const fresh = bytes.subarray(Math.max(0, size - offset));
    this.#info = await logs.append(id, this.#info.size, fresh, cursor);
    this.#wait = undefined;
    this.#say();
    for (const [end, then] of parts) if (end > size) progress({ ...this.#info, size: end }, then);
    progress(this.#info, at);
  }

  async #endedAt(signal: AbortSignal): Promise<EpochMs | undefined> {
    const { clock } = this.#options;
    const isOver = (): boolean =>
      this.#goneAt !== undefined || (this.#job !== undefined && isFinished(this.#job));
    if (!isOver() && clock.now() - this.#lookedAt >= LOOK_EVERY) await this.#look(signal);
    return isOver() ? (this.#goneAt ?? this.#job?.endedAt ?? this.#lookedAt) : undefined;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { provider, job, clock } = this.#options;
    const at = clock.now();
    this.#job = await provider.getStatus(job, signal);
    this.#lookedAt = at;
    this.#goneAt = this.#job ? undefined : (this.#goneAt ?? at);
    this.#say();
  }

  /** In the background: the store keeps the order. A note that is lost is repeated with the next change. */
  #say(): void {
    const note = this.#wait ? waitWords(this.#wait) : this.#info.size === 0 ? this.#nothingYet() : undefined;
    if (note === this.#note) return;
    this.#note = note;
    this.#options.logs.note(this.#info.id, note).catch(() => {
      this.#note = undefined;
    });
  }

  #nothingYet(): string | undefined {
    const job = this.#job;
    if (!job || isFinished(job)) return undefined;
    const where = PROVIDERS[job.provider];
    const status = job.secondaryStatus ?? job.status;
    const first = where.firstLine ? ` Its first line comes ${where.firstLine}.` : '';
    return `${job.name} has not printed anything yet (${status}).${first}`;
  }
}

function waitWords(wait: FollowWait): string {
  if (wait.kind === 'refused') {
    return `${wait.error.message} It goes on by itself as soon as it can.`;
  }
  const slow = wait.throttled ? ' The service slows Signalbox down.' : '';
  // In steps: each is written to disk.
  return `What was printed before is being fetched: ${Math.floor(wait.fraction * 10) * 10} %.${slow}`;
}

/** @param job undefined: it is gone, and it is not known how it ended */
function endOf(job: TrainingJob | undefined, now: EpochMs): RunEnd {
  if (!job || !isFinished(job) || job.exit === 'lost')
    return { state: 'lost', exitCode: null, signal: null, at: job?.endedAt ?? now };
  const { state, exit, failureReason = '', endedAt = now } = job;
  return {
    state: state === 'completed' || state === 'stopped' ? state : 'failed',
    exitCode: exit ? exit.code : (exitCodeOfReason(failureReason) ?? null),
    signal: exit?.signal ?? null,
    at: endedAt,
  };
}
