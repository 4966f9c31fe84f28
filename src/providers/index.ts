/** Where training can run. A new provider is one file in this folder and one line here. */
import type { ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Clock } from '../ground/time.ts';
import type { ProviderEntry } from '../ports/training-provider.ts';
import type { KeptRuns } from './kept-runs.ts';
import { local } from './local.ts';
import { pushed, takesPushes } from './push.ts';
import { runPod } from './runpod.ts';
import { sageMaker } from './sagemaker.ts';
import { sageMakerKinds } from './sagemaker-kinds/index.ts';

/** @param kept left out: pushed runs are not known, and of others only what their provider still has */
export function allProviders(clock: Clock, kept?: KeptRuns): readonly ProviderEntry[] {
  return [sageMaker, ...sageMakerKinds, local, runPod(kept), ...(kept ? [pushed(kept, clock)] : [])];
}

const HERE: readonly Pick<ProviderEntry, 'name' | 'trains'>[] = [
  sageMaker,
  ...sageMakerKinds,
  local,
  runPod(),
  { name: 'push', trains: takesPushes },
];

/** Where a use case trains by its settings; nothing is opened or asked. */
export function configuredProviders(useCase: UseCase): ProviderName[] {
  return HERE.filter((provider) => provider.trains(useCase)).map(({ name }) => name);
}
