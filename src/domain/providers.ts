/** Where training runs: what is said of each provider without asking it. A new provider is a row here. */

export type ProviderName = 'sagemaker' | 'local' | 'runpod';

interface ProviderWords {
  /** In a sentence: "SageMaker has no such job". */
  called: string;
  /** Whether it can start an existing job again ("Run again"). */
  startsAgain: boolean;
}

export const PROVIDERS: Readonly<Record<ProviderName, ProviderWords>> = {
  sagemaker: { called: 'SageMaker', startsAgain: true },
  local: { called: 'the local runner', startsAgain: false },
  runpod: { called: 'RunPod', startsAgain: false },
};

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as readonly ProviderName[];

/** At the beginning of a sentence: "The local runner has no such job". */
export function providerWord(name: ProviderName): string {
  const { called } = PROVIDERS[name];
  return called.charAt(0).toUpperCase() + called.slice(1);
}
