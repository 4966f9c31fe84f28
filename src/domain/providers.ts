/**
 * Where training runs: what is known of each provider without asking it, and what a use case sets for it. A new
 * provider is a row here.
 */

interface ProviderWords {
  /** Alone, as in a table or a menu. */
  label: string;
  /** In a sentence: "the local runner has no such job". */
  called: string;
  /** Whether it can start an existing job again ("Run again"). */
  startsAgain: boolean;
  /** Who shows the logs of its jobs, if that has a name of its own. */
  logsIn?: string;
  /** What its jobs print is sent to Signalbox, so nothing has to be fetched. */
  logArrives?: boolean;
  /** Milliseconds between two looks for new jobs; left out: a minute, since others ask the service too. */
  listEvery?: number;
  /** When a job's first line is to be expected: "usually …". */
  firstLine?: string;
}

const WORDS = {
  sagemaker: {
    label: 'SageMaker',
    called: 'SageMaker',
    startsAgain: true,
    logsIn: 'CloudWatch',
    firstLine: 'usually 2 to 10 minutes after it was created',
  },
  local: {
    label: 'Local runner',
    called: 'the local runner',
    startsAgain: false,
    firstLine: 'usually within a second',
    listEvery: 10_000,
  },
  runpod: { label: 'RunPod', called: 'RunPod', startsAgain: false },
  push: { label: 'Pushed', called: 'another machine', startsAgain: false, logArrives: true },
} satisfies Readonly<Record<string, ProviderWords>>;

export type ProviderName = keyof typeof WORDS;

export const PROVIDERS: Readonly<Record<ProviderName, ProviderWords>> = WORDS;

/** A secret of the environment. It is read where it is used, so that no use case that is logged or sent shows it. */
export interface NamedSecret {
  /** The variable's name. */
  variable: string;
  /** @returns undefined when the variable is not set */
  read(): string | undefined;
}

/** A use case's `providers:` settings; it does not train on those left out. */
export interface ProviderSettings {
  sagemaker: boolean;
  local?: RunnerAddress | undefined;
  runpod?: { apiKey?: NamedSecret | undefined } | undefined;
  /** It takes runs from anybody with the token. */
  push?: { token: NamedSecret } | undefined;
}

/** Where a runner answers, and what must be sent to it. */
export interface RunnerAddress {
  /** http or https. */
  baseUrl: string;
  /** Left out: the runner asks for none. */
  token?: NamedSecret | undefined;
  /** Sent with the token, for a proxy that may be in front of the runner. */
  headers?: Readonly<Record<string, string>> | undefined;
}

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as readonly ProviderName[];

/** At the beginning of a sentence: "The local runner has no such job". */
export function providerWord(name: ProviderName): string {
  const { called } = PROVIDERS[name];
  return called.charAt(0).toUpperCase() + called.slice(1);
}

/** In a sentence: "SageMaker and the local runner". */
export function providersCalled(names: readonly ProviderName[]): string {
  return new Intl.ListFormat('en').format(names.map((name) => PROVIDERS[name].called));
}

/** ` on the local runner`; empty for SageMaker, which everybody expects. @param name left out in older records */
export function onProvider(name: ProviderName = 'sagemaker'): string {
  return name === 'sagemaker' ? '' : ` on ${PROVIDERS[name].called}`;
}
