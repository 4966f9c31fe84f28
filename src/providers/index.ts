/** Where training can run. A new provider is one file in this folder and one line here. */
import type { ProviderEntry } from '../ports/training-provider.ts';
import { local } from './local.ts';
import { sageMaker } from './sagemaker.ts';

/** Besides runs that are pushed: the gateway has to be given those. */
export const ALL_PROVIDERS: readonly ProviderEntry[] = [sageMaker, local];
