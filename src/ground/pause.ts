/**
 * Waiting. The contract for abort everywhere: an aborted wait rejects with the signal's reason; a caller that wants to
 * end quietly catches it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from './errors.ts';

/**
 * @param ms milliseconds
 * @throws the signal's reason as soon as it is aborted; a CancelledError if the reason is not an Error
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.reason instanceof Error && signal.reason.name !== 'AbortError'
      ? signal.reason
      : new CancelledError(undefined, { cause: error });
  }
}

/**
 * The result of `work` if it arrives in time; otherwise `work` continues and its result is ignored.
 * @param ms milliseconds
 * @returns undefined: it was too late
 * @throws what `work` throws in time; later errors are ignored
 */
export async function inTime<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The result of `work`, unless the signal is aborted first; then `work` continues and its result is ignored.
 * @throws the signal's reason
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
  }
}

/** Resolves when the signal is aborted; at once if it already is. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
