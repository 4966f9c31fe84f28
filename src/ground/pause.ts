/**
 * Waiting. One contract for abort in the whole house: what is aborted rejects with the signal's reason; whoever wants to
 * end quietly says so where it waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from './errors.ts';

/**
 * @param ms milliseconds
 * @throws the signal's reason as soon as it is aborted; a CancelledError where the reason is no Error
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
 * What `work` comes to if it does so in time; it goes on unheard otherwise.
 * @param ms milliseconds
 * @returns undefined: it did not come in time
 * @throws what `work` throws in time; what it throws later is nobody's concern any more
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
 * What `work` comes to unless the signal is aborted before; then it goes on unheard.
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

/** Resolves when the signal is aborted; at once where it is already. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
