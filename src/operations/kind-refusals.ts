/**
 * Which of SageMaker's kinds of jobs a use case's role may not ask about. The background finds it out; it is in the store
 * because whoever answers `/jobs` may be another process.
 */
import { isSageMakers, type ProviderName, type SageMakerName } from '../domain/providers.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { toAppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { KindRefusal, RefusalStore } from '../ports/refusal-store.ts';

interface Asked {
  useCase: UseCase;
  provider: ProviderName;
  what: KindRefusal['what'];
}

/** Asks, and keeps in the store whether that was allowed. Throws what `ask` throws. */
export async function notingRefusals<T>(
  { store, clock }: { store: RefusalStore; clock: Clock },
  { useCase, provider, what }: Asked,
  ask: () => Promise<T>,
): Promise<T> {
  if (!isSageMakers(provider)) return ask();
  const about = { useCase: useCase.id, kind: provider, what };
  try {
    const answer = await ask();
    await store.removeKindRefusal(about);
    return answer;
  } catch (error) {
    if (toAppError(error).code === 'permission_denied')
      await store.putKindRefusal({ ...about, since: clock.now() });
    throw error;
  }
}

/** What a use case's role may not. Kinds that may not be listed are not said to be only listed as well. */
export interface RefusedKinds {
  useCase: UseCase;
  unlisted: readonly SageMakerName[];
  onlyListed: readonly SageMakerName[];
}

/** Those use cases that have any; kinds that one shows no longer do not count. */
export async function refusedKindsIn(
  store: RefusalStore,
  useCases: readonly UseCase[],
): Promise<readonly RefusedKinds[]> {
  const all = await store.listKindRefusals();
  return useCases
    .map((useCase) => {
      const of = (what: KindRefusal['what']) => (kind: SageMakerName) =>
        all.some((one) => one.useCase === useCase.id && one.kind === kind && one.what === what);
      const shown = sageMakerNames(useCase);
      const unlisted = shown.filter(of('list'));
      return {
        useCase,
        unlisted,
        onlyListed: shown.filter(of('look')).filter((kind) => !unlisted.includes(kind)),
      };
    })
    .filter(({ unlisted, onlyListed }) => unlisted.length + onlyListed.length > 0);
}
