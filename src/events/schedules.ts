/**
 * Things to be done at a time. Single ones are stored, and so survive restarts: what became due meanwhile is done
 * at the start. Recurring ones go by cron.
 */
import { schedule } from 'node-cron';
import type { Clock, EpochMs, Timer, TimerStore } from '../ports.ts';
import type { IngestLog } from './ingest.ts';

/** Must not mind a second call for the same due time: a crash may come between it and its record. */
export type TimerHandler = (timer: Timer, now: EpochMs) => Promise<void>;

/** Calls back by a cron expression in a time zone. */
export type Cron = (expression: string, timeZone: string, tick: () => void) => { stop(): void };

export interface SchedulesOptions {
  store: TimerStore;
  clock: Clock;
  log: IngestLog;
  /** Default: node-cron. */
  cron?: Cron;
  /** Calls back at a steady beat; default: every second. */
  beat?: (tick: () => void) => { stop(): void };
  /** Milliseconds before a handler that failed is called again; doubles up to the second. Default 5 s and 10 min. */
  backoff?: readonly [first: number, most: number];
}

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #handlers = new Map<string, TimerHandler>();
  /** A copy of what is stored: looked at each second. */
  readonly #timers = new Map<string, Timer>();
  readonly #crons = new Map<string, { stop(): void }>();
  /** Id → failures so far, and when it is tried again. */
  readonly #failing = new Map<string, { failures: number; again: EpochMs }>();
  readonly #running = new Map<string, Promise<void>>();
  #beat: { stop(): void } | undefined;
  #stopped = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** One for each kind, before the start. */
  on(kind: string, handler: TimerHandler): void {
    this.#handlers.set(kind, handler);
  }

  async start(): Promise<void> {
    for (const timer of await this.#options.store.listTimers()) this.#timers.set(timer.id, timer);
    const beat = this.#options.beat ?? everySecond;
    this.#beat = beat(() => this.tick());
    this.tick();
  }

  /** Stored when it returns. The same id moves it. A time in the past is now. */
  async at(timer: Timer): Promise<void> {
    await this.#options.store.putTimer(timer);
    this.#timers.set(timer.id, timer);
    this.#failing.delete(timer.id);
  }

  async cancel(id: string): Promise<void> {
    await this.#options.store.removeTimer(id);
    this.#timers.delete(id);
    this.#failing.delete(id);
  }

  /**
   * By a cron expression of five fields. The same id replaces it. Not stored: what a stop misses is not made up for.
   * @throws Error by node-cron for an expression that it does not understand (`isCron` tells beforehand)
   */
  every(id: string, expression: string, timeZone: string, work: () => Promise<void>): void {
    this.#crons.get(id)?.stop();
    const cron = this.#options.cron ?? byNodeCron;
    this.#crons.set(
      id,
      cron(expression, timeZone, () => {
        if (this.#stopped || this.#running.has(id)) return;
        this.#run(id, work).catch((error: unknown) =>
          this.#options.log.error({ err: error, id }, 'a recurring task failed'),
        );
      }),
    );
  }

  /** Ends a recurring one. */
  never(id: string): void {
    this.#crons.get(id)?.stop();
    this.#crons.delete(id);
  }

  /** Does what is due. For the beat, and for tests. */
  tick(): void {
    if (this.#stopped) return;
    const now = this.#options.clock.now();
    for (const timer of this.#timers.values()) {
      if (timer.dueAt > now || this.#running.has(timer.id)) continue;
      if ((this.#failing.get(timer.id)?.again ?? 0) > now) continue;
      const handler = this.#handlers.get(timer.kind);
      if (!handler) continue; // Of a later version, or of a part that is not on: it stays.
      this.#run(timer.id, () => this.#fire(timer, handler)).catch((error: unknown) =>
        this.#failed(timer, error),
      );
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values()]);
  }

  /** Nothing begins any more; what is under way is waited for. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#beat?.stop();
    for (const cron of this.#crons.values()) cron.stop();
    await this.idle();
  }

  #run(id: string, work: () => Promise<void>): Promise<void> {
    const run = work().finally(() => this.#running.delete(id));
    this.#running.set(id, run);
    return run;
  }

  async #fire(timer: Timer, handler: TimerHandler): Promise<void> {
    await handler(timer, this.#options.clock.now());
    // The handler may have set it again: then it stays, with its new time.
    await this.#options.store.removeTimer(timer.id, timer.dueAt);
    if (this.#timers.get(timer.id)?.dueAt === timer.dueAt) this.#timers.delete(timer.id);
    this.#failing.delete(timer.id);
  }

  #failed(timer: Timer, error: unknown): void {
    const [first, most] = this.#options.backoff ?? [5_000, 600_000];
    const failures = (this.#failing.get(timer.id)?.failures ?? 0) + 1;
    const again = this.#options.clock.now() + Math.min(most, first * 2 ** Math.min(20, failures - 1));
    this.#failing.set(timer.id, { failures, again });
    this.#options.log.error(
      { err: error, id: timer.id, kind: timer.kind, failures },
      'a timer is tried again',
    );
  }
}

function everySecond(tick: () => void): { stop(): void } {
  const timer = setInterval(tick, 1000);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function byNodeCron(expression: string, timeZone: string, tick: () => void): { stop(): void } {
  const task = schedule(expression, tick, { timezone: timeZone, noOverlap: true });
  return { stop: () => void task.destroy() };
}
