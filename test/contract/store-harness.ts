/** How the contract suites of stores come by a store for each test. */
import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../src/ports/store.ts';

export interface StoreHarness<S = Store> {
  /** Opens the same state again after a close. */
  open(): Promise<S>;
  dispose(): Promise<void>;
}

/**
 * Opens a store on a state of its own before each test of the `describe` that it is called in, and closes it afterwards.
 * @param opened takes the store, also each time that it is opened anew
 * @returns closes the store and opens its state again, as a new process does
 */
export function eachTestHasStore<S extends { close(): Promise<void> }>(
  harness: () => Promise<StoreHarness<S>>,
  opened: (store: S) => void,
): () => Promise<void> {
  let state: StoreHarness<S>;
  let store: S;
  const open = async (): Promise<void> => {
    store = await state.open();
    opened(store);
  };
  beforeEach(async () => {
    state = await harness();
    await open();
  });
  afterEach(async () => {
    await store.close();
    await state.dispose();
  });
  return async () => {
    await store.close();
    await open();
  };
}
