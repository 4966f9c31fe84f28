/** Where training can run. A new provider is one file in this folder and one line here. */
import type { ProviderEntry } from '../ports/training-provider.ts';
import { local } from './local.ts';
import { sageMaker } from './sagemaker.ts';

/** All but pushed runs, which must be given to the gateway. */
export const ALL_PROVIDERS: readonly ProviderEntry[] = [sageMaker, local];
