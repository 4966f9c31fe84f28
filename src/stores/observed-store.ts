/** Any store, whose methods are observed by what kind of work they are. */
import { observedMethods } from '../ground/observed.ts';
import type { Store } from '../ports/store.ts';

/** No work on what is stored; the first answers at once. */
const APART: ReadonlySet<string> = new Set(['problem', 'close', 'under'] satisfies (keyof Store)[]);

/** The store itself when nobody watches. */
export function observedStore(store: Store): Store {
  const watched = observedMethods(store, (method) =>
    // By the first word of its name: there are some sixty methods, and a dozen of these.
    APART.has(method) ? undefined : { kind: 'store', name: /^[a-z]+/.exec(method)?.[0] ?? 'other' },
  );
  if (watched === store) return store;
  return new Proxy(watched, {
    get: (on, key) =>
      key === 'under'
        ? async (...fence: Parameters<Store['under']>) => observedStore(await store.under(...fence))
        : Reflect.get(on, key),
  });
}
