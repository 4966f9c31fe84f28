/** Where training can run. A new provider is one file in this folder and one line here. */
import type { ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { ProviderEntry } from '../ports/training-provider.ts';
import { local } from './local.ts';
import { takesPushes } from './push.ts';
import { sageMaker } from './sagemaker.ts';

/** All but pushed runs, which must be given to the gateway. */
export const ALL_PROVIDERS: readonly ProviderEntry[] = [sageMaker, local];

/** Where a use case trains by its settings, pushed runs included; nothing is opened or asked. */
export function configuredProviders(useCase: UseCase): ProviderName[] {
  const names = ALL_PROVIDERS.filter((provider) => provider.trains(useCase)).map(({ name }) => name);
  return takesPushes(useCase) ? [...names, 'push'] : names;
}
