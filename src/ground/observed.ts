/**
 * What is being done, for whoever counts, times or traces it. Nobody does until metrics or traces are configured
 * (telemetry/), and then each of these costs one comparison. It belongs to the process, as its metrics do.
 */

import { AppError, CancelledError } from './errors.ts';

/**
 * `command`: somebody's command, click or window · `ack`: Slack waits to hear that something was received · `slack`, `aws`:
 * one request to them · `operation`: a provider is asked for something · `download`: a log is fetched · `viewer`: somebody
 * looks at a run · `store`: one method of the store · `event`: one comes in.
 */
export type WorkKind =
  | 'command'
  | 'ack'
  | 'slack'
  | 'aws'
  | 'operation'
  | 'download'
  | 'viewer'
  | 'store'
  | 'event';

export interface Work {
  kind: WorkKind;
  /** One of few: a command, an API, a method. Never the name of a job or a person. */
  name: string;
  /** Of a few values each, as the name. */
  labels?: Readonly<Record<string, string>>;
}

/** How it ended. */
export interface Ending {
  /** What was thrown; undefined: nothing. */
  error: unknown;
  /** `ok`, or a word for the error from a small set. */
  outcome: string;
  /** What there is to count of the result: `{ bytes: 1200 }`. */
  amounts: Readonly<Record<string, number>>;
}

export interface Observer {
  /** @returns who hears of the end, and may run the work in a context of its own; undefined: not interested */
  begin(work: Work): { within?<T>(run: () => T): T; end(ending: Ending): void } | undefined;
}

export interface Reading<T> {
  /** Of what was returned. */
  result?: (result: T) => { outcome?: string; amounts?: Readonly<Record<string, number>> };
  /** Of what was thrown; default: `outcomeOf`. */
  error?: (error: unknown) => string;
}

const observers = new Set<Observer>();

/** @returns ends it */
export function observe(observer: Observer): () => void {
  observers.add(observer);
  return () => observers.delete(observer);
}

/** Whether anybody listens: what is only worth doing for them can be left out otherwise. */
export const isObserved = (): boolean => observers.size > 0;

/** Does the work, and tells how it ended. */
export function observed<T>(work: Work, run: () => Promise<T>, reading: Reading<T> = {}): Promise<T> {
  if (observers.size === 0) return run();
  const watching = [...observers].flatMap((observer) => observer.begin(work) ?? []);
  const end = (ending: Ending): void => {
    for (const one of watching.toReversed()) one.end(ending);
  };
  const inside = watching.reduceRight<() => Promise<T>>(
    (next, { within }) => (within ? () => within(next) : next),
    run,
  );
  return inside().then(
    (result) => {
      const { outcome = 'ok', amounts = {} } = reading.result?.(result) ?? {};
      end({ error: undefined, outcome, amounts });
      return result;
    },
    (error: unknown) => {
      end({ error, outcome: (reading.error ?? outcomeOf)(error), amounts: {} });
      throw error;
    },
  );
}

/** For what is no promise. @returns tells that it has ended; a second time is ignored */
export function begun(work: Work): (outcome?: string) => void {
  const watching = [...observers].flatMap((observer) => observer.begin(work) ?? []);
  let isOver = false;
  return (outcome = 'ok') => {
    if (isOver) return;
    isOver = true;
    for (const one of watching.toReversed()) one.end({ error: undefined, outcome, amounts: {} });
  };
}

/** A word of few for what a caller of this house is told: an error's code, or that it was cancelled. */
function outcomeOf(error: unknown): string {
  if (error instanceof CancelledError) return 'cancelled';
  return error instanceof AppError ? error.code : 'internal';
}

/**
 * The same object with observed methods; the object itself when nobody listens.
 * @param workOf undefined: not this one. It is for methods that return promises
 */
export function observedMethods<T extends object>(
  target: T,
  workOf: (method: string) => Work | undefined,
  reading: Reading<unknown> = {},
): T {
  if (!isObserved()) return target;
  const wrapped = new Map<string, unknown>();
  return new Proxy(target, {
    get(on, key) {
      const value: unknown = Reflect.get(on, key, on);
      if (typeof key !== 'string' || typeof value !== 'function') return value;
      const known = wrapped.get(key);
      if (known) return known;
      const work = workOf(key);
      const method = (...given: unknown[]): unknown => {
        if (!work) return value.apply(on, given);
        return observed(work, () => value.apply(on, given) as Promise<unknown>, reading);
      };
      wrapped.set(key, method);
      return method;
    },
  });
}
