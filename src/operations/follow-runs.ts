/**
 * Copies what runs print from where they run into the store of run logs, for as long as somebody watches. However many
 * people watch, in however many processes, one follower reads a run: the one that holds its lease. What it has read is
 * kept with the place to continue from, so that the next one, or the next process, goes on at the right byte.
 */
import { backgroundActor } from '../domain/background-actor.ts';
import { PROVIDERS, type ProviderName } from '../domain/providers.ts';
import { readRunId, requireRunId } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { backoff, jittered } from '../ground/backoff.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import type { UseCaseGateway } from '../ports/use-case-session.ts';
import { RunCopy, type RunCopyOptions } from './copy-run.ts';
import { providerNamed } from './job-places.ts';

export interface RunFollowerOptions {
  logs: RunLogStore;
  gateway: UseCaseGateway;
  coordination: Coordination;
  useCases: readonly UseCase[];
  clock: Clock;
  /** Slack team: the background's role sessions carry it. */
  team(): string | undefined;
  /** A run could not be followed; it is tried again. A note tells those who watch it. */
  onError(error: unknown, context: { run: string }): void;
  /** Called when something was copied. @param at when the last of it was printed, where the provider says */
  onCopied?: ((info: RunLogInfo, at: EpochMs | undefined) => void) | undefined;
  /** Left out: the system's timers. @throws the signal's reason */
  wait?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** Whether the logs of its jobs are read here. Others are sent to us. */
export const isFollowed = (provider: ProviderName): boolean => PROVIDERS[provider].logArrives !== true;

/** Its holder copies the run. */
export const followLease = (run: string): string => `follow ${run}`;

/** Milliseconds for which a run is still followed after its last viewer left: a page may be reloaded. */
const LINGER = 60_000;
/** Milliseconds after a follower's last sign of life until another may follow the run. */
const LEASE = 15_000;
/** Milliseconds between tries. */
const TRIES = [2_000, 60_000] as const;

export class RunFollower {
  readonly #options: Required<Pick<RunFollowerOptions, 'wait'>> & RunFollowerOptions;
  readonly #runs = new Map<string, Following>();
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: RunFollowerOptions) {
    this.#options = { ...options, wait: options.wait ?? pause };
  }

  /**
   * Somebody watches a run: what it prints is copied into the store until a minute after the last one has gone, or
   * until it has ended. What keeps it from that stands in the run's note.
   * @param run an id of domain/runs.ts, of a job that there is: a log is made for it
   * @returns a function to call when they stop watching; safe to call twice
   * @throws AppError not_found: not the id of a run
   */
  wanted(run: string): () => void {
    requireRunId(run);
    const { provider } = readRunId(run);
    if (this.#isClosed || !isFollowed(provider)) return () => undefined;
    const following = this.#runs.get(run) ?? this.#begin(run);
    following.watchers += 1;
    following.lingering?.abort();
    let isGone = false;
    return () => {
      if (isGone) return;
      isGone = true;
      following.watchers -= 1;
      if (following.watchers === 0) this.#linger(run, following);
    };
  }

  /** Stops copying; the next follower continues from there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [run, following] of this.#runs) this.#end(run, following);
    await Promise.all(this.#ending);
  }

  #begin(run: string): Following {
    const following: Following = { watchers: 0, stop: new AbortController() };
    this.#runs.set(run, following);
    const done = this.#follow(run, following.stop.signal)
      .catch((error: unknown) => this.#options.onError(error, { run }))
      .finally(() => {
        this.#ending.delete(done);
        // Whoever goes now, or has just gone, is waited for no more.
        following.stop.abort();
        if (this.#runs.get(run) === following) this.#runs.delete(run);
      });
    this.#ending.add(done);
    return following;
  }

  #linger(run: string, following: Following): void {
    const lingering = new AbortController();
    following.lingering = lingering;
    this.#options
      .wait(LINGER, AbortSignal.any([lingering.signal, following.stop.signal]))
      .then(() => {
        if (!lingering.signal.aborted) this.#end(run, following);
      })
      // Somebody came back, or it has ended.
      .catch(() => undefined);
  }

  #end(run: string, following: Following): void {
    // Anybody who comes now starts over once this one has released the lease.
    if (this.#runs.get(run) === following) this.#runs.delete(run);
    following.stop.abort();
  }

  async #follow(run: string, signal: AbortSignal): Promise<void> {
    const { coordination, wait, onError, onCopied } = this.#options;
    let failures = 0;
    while (!signal.aborted)
      try {
        const lease = await coordination.lease(followLease(run), LEASE, signal);
        try {
          const logs = await this.#options.logs.under({ lease: lease.name, fence: lease.fence });
          await this.#copy(run, logs, AbortSignal.any([signal, lease.lost]), (info, at) => {
            failures = 0;
            onCopied?.(info, at);
          });
          return;
        } finally {
          // The next holder of the lease writes.
          await this.#options.logs.release(run).catch(() => undefined);
          await lease.release();
        }
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        onError(error, { run });
        const { retryAfterMs = 0 } = toAppError(error);
        await wait(Math.max(jittered(backoff(TRIES, failures)), retryAfterMs), signal).catch(() => undefined);
      }
  }

  /** @throws whatever keeps it from being followed; a note says so */
  async #copy(
    run: string,
    logs: RunLogStore,
    signal: AbortSignal,
    progress: RunCopyOptions['progress'],
  ): Promise<void> {
    const { clock } = this.#options;
    const info = await logs.create(run);
    if (info.end) return;
    try {
      const { job } = readRunId(run);
      const provider = await this.#open(run);
      await new RunCopy({ info, provider, job, logs, clock, progress }).run(signal);
    } catch (error) {
      // Nobody watches any more, or another process took over: it will report its own trouble.
      const note = signal.aborted ? undefined : words(toAppError(error));
      await logs.note(run, note).catch(() => undefined);
      throw error;
    }
  }

  async #open(run: string) {
    const { useCase: id, provider } = readRunId(run);
    const { useCases, gateway, team } = this.#options;
    const useCase = useCases.find((one) => one.id === id);
    if (!useCase)
      throw new AppError('not_found', `There is no use case ${id} any more.`, {
        hint: 'It was taken out of signalbox.yaml.',
      });
    const slackTeam = team();
    if (slackTeam === undefined) throw new AppError('unavailable', 'Signalbox is still starting.');
    const session = await gateway.open(useCase, backgroundActor(slackTeam), 'logs');
    return providerNamed(session, provider);
  }
}

/** A run that somebody watches. */
interface Following {
  watchers: number;
  readonly stop: AbortController;
  /** Aborted when somebody comes back. */
  lingering?: AbortController;
}

const words = ({ message, hint }: AppError): string => (hint ? `${message} ${hint}` : message);
