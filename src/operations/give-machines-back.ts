/**
 * Gives back machines that Signalbox rented: once what they were rented for has ended and its log is kept, or when their
 * time is up. What cannot be given back is told, because it goes on costing money.
 */
import type { UseCase } from '../domain/use-cases.ts';
import { type AppError, isPassing, toAppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { RentedMachine, RentedMachines, TrainingProvider } from '../ports/training-provider.ts';

export interface MachineTrouble {
  /** Undefined: since this process began nobody could say which there are. */
  machine: RentedMachine | undefined;
  provider: TrainingProvider['name'];
  error: AppError;
  /** Since when it should be gone. */
  since: EpochMs;
}

/** Milliseconds beyond its time: it ends by itself, and may need a minute to save what it has. */
const GRACE = 2 * 60_000;
/** Milliseconds that the log of one that has ended is waited for while it runs on, and while it only has its disk. */
const LOG_WITHIN = 10 * 60_000;
const LOG_WITHIN_STOPPED = 60 * 60_000;
/** Milliseconds of trouble before anybody is told: a service may be away for a moment. */
const PATIENCE = 5 * 60_000;

/** A machine that should be stopped or gone. */
interface Due {
  since: EpochMs;
  /** Why it is still there. */
  refused?: { error: AppError };
}

export class MachineReturns {
  readonly #clock: Clock;
  readonly #due = new Map<string, Due>();
  /** Provider → since when it gives no answer. */
  readonly #silent = new Map<string, EpochMs>();
  /** Of the last answer. */
  readonly #known = new Map<string, readonly RentedMachine[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @returns what could not be given back for a while, each time anew
   * @throws the signal's reason
   */
  async round(useCase: UseCase, provider: TrainingProvider, signal: AbortSignal): Promise<MachineTrouble[]> {
    const { machines, name } = provider;
    if (!machines) return [];
    const place = `${useCase.id} ${name}`;
    const now = this.#clock.now();
    let list: readonly RentedMachine[];
    try {
      list = await machines.list(signal);
    } catch (error) {
      signal.throwIfAborted();
      const since = this.#silent.get(place) ?? now;
      this.#silent.set(place, since);
      if (now - since < PATIENCE) return [];
      const why = toAppError(error);
      const known = this.#known.get(place);
      // Of a service that is away for a while when this process begins, there is nothing that anybody could do.
      if (!known) return isPassing(why) ? [] : [{ machine: undefined, provider: name, error: why, since }];
      return known
        .filter(({ isDone, until }) => isDone || (until !== undefined && until + GRACE <= now))
        .map((machine) => ({
          ...{ machine, provider: name, error: why, since },
          ...this.#due.get(`${place} ${machine.id}`)?.refused,
        }));
    }
    this.#silent.delete(place);
    this.#known.set(place, list);
    const there = new Set(list.map(({ id }) => id));
    for (const id of this.#due.keys())
      if (id.startsWith(`${place} `) && !there.has(id.slice(place.length + 1))) this.#due.delete(id);
    const troubles: MachineTrouble[] = [];
    for (const machine of list) {
      const trouble = await this.#handle(place, machines, machine, signal);
      if (trouble) troubles.push({ machine, provider: name, ...trouble });
    }
    return troubles;
  }

  async #handle(
    place: string,
    machines: RentedMachines,
    machine: RentedMachine,
    signal: AbortSignal,
  ): Promise<Pick<MachineTrouble, 'error' | 'since'> | undefined> {
    const now = this.#clock.now();
    const { id, isRunning, isDone, logIsIn, until } = machine;
    const isLate = until !== undefined && now >= until + GRACE;
    if (!isDone && !isLate) return undefined;
    const key = `${place} ${id}`;
    const due = this.#due.get(key) ?? { since: now };
    this.#due.set(key, due);
    const { since } = due;
    try {
      if (isDone && (logIsIn || (!isRunning && now - since > LOG_WITHIN_STOPPED)))
        await machines.giveBack(id, signal);
      else if (isRunning && (isLate || now - since > LOG_WITHIN)) await machines.stop(id, signal);
      else return undefined;
    } catch (error) {
      signal.throwIfAborted();
      const why = toAppError(error);
      // What passes by itself is told only where nothing else stands in the way.
      if (!due.refused || !isPassing(why)) due.refused = { error: why };
      if (now - since >= PATIENCE) return { ...due.refused, since };
    }
    return undefined;
  }
}
