/** Work that nobody waits for, but that must keep its order. */

/**
 * @param onError is told what failed; the next comes all the same
 * @returns runs `work` once all that was given before it has ended. Never rejects
 */
export function inTurn(onError: (error: unknown) => void): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve();
  return (work) => {
    last = last.then(work).catch(onError);
    return last;
  };
}
