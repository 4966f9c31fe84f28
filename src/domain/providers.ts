/**
 * Where training runs: what is known of each provider without asking it, and what a use case sets for it. A provider is
 * a service's list of jobs; SageMaker has one for each of its kinds. A new provider is a row here.
 */
import { HYPERPARAMETER_LIMITS } from './hyperparameters.ts';
import { podCalled } from './pod-names.ts';

interface MachineWords {
  /** Label of the field for what kind they are. */
  type: string;
  /** Label of the field for how many there are. */
  count: string;
  /** What a kind looks like, with the words for it; left out: the provider says what it has. */
  looksLike?: { pattern: RegExp; words: string };
}

interface ProviderWords {
  /** Alone, as in a table or a menu. */
  label: string;
  /** What one of its jobs is called, in a sentence. */
  thing: string;
  /** Of whose state is spoken: "Training failed". */
  work: string;
  /** It is one more kind of SageMaker's jobs: nothing is trained, started or compiled there by Signalbox. */
  isKind?: boolean;
  /** What it lists is there until somebody removes it: it may be silent for weeks, and begin again after an end. */
  stays?: boolean;
  /** It is made of jobs that have neither cards nor alerts of their own: it tells of them. */
  tellsOfParts?: boolean;
  /** Its list looks for a name only in what a page has already, so that finding one means going through all pages. */
  filtersPages?: boolean;
  /** What it logs is of several runs, or of none: nobody looks there for curves. */
  noCurves?: boolean;
  /** In a sentence: "the local runner has no such job". */
  called: string;
  /** Whether it can start an existing job again ("Run again"). */
  startsAgain: boolean;
  /** What such a run has in common with the old one, if it can: a sentence. */
  again?: string;
  /** Characters that a run's name may have. */
  nameCharacters: string;
  /** A job that has completed has left its model in S3. */
  modelsInS3?: boolean;
  /** What people called a job; left out: its name. Several may be called so. */
  givenName?: (job: string) => string;
  /** What its machines are called where people choose them; left out: there is nothing to choose. */
  machines?: MachineWords;
  /** Hyperparameters of one job at most; left out: no limit is known. */
  mostHyperparameters?: number;
  /** Whether a running job can be stopped from here. */
  stops: boolean;
  /** What is stopped with it, if it is not alone. */
  stopsToo?: string;
  /** Who shows the logs of its jobs, if that has a name of its own. */
  logsIn?: string;
  /** What its jobs print is sent to Signalbox, so nothing has to be fetched. */
  logArrives?: boolean;
  /** Its logs go with its machines, so each is copied from the start, whether or not somebody watches. */
  logGoes?: boolean;
  /** Its machines are rented until Signalbox gives them back. */
  rents?: boolean;
  /** Milliseconds between two looks for new jobs; left out: a minute, since others ask the service too. */
  listEvery?: number;
  /** Milliseconds between two looks at one of its jobs that has not ended; left out: as for every job. */
  lookEvery?: number;
  /** When a job's first line is to be expected: "usually …". */
  firstLine?: string;
}

/** Milliseconds. Most of what happens to these is sent as an event, and their lists have a quota that others use too. */
const KIND_LISTED_EVERY = 2 * 60_000;
const KIND_LOOKED_EVERY = 60_000;
const SERVICE_LISTED_EVERY = 5 * 60_000;

const KIND = {
  ...{ called: 'SageMaker', nameCharacters: 'letters, digits and dashes', logsIn: 'CloudWatch' },
  ...{ isKind: true, startsAgain: false, listEvery: KIND_LISTED_EVERY, lookEvery: KIND_LOOKED_EVERY },
} as const;
const SERVICE = {
  ...{ ...KIND, stays: true, stops: false, noCurves: true },
  ...{ listEvery: SERVICE_LISTED_EVERY, lookEvery: SERVICE_LISTED_EVERY },
} as const;

const WORDS = {
  sagemaker: {
    label: 'SageMaker',
    ...{ thing: 'training job', work: 'Training' },
    called: 'SageMaker',
    startsAgain: true,
    again: 'A new run with the same image, data, role and limits.',
    nameCharacters: 'letters, digits and dashes',
    modelsInS3: true,
    machines: {
      type: 'Instance type',
      count: 'Instances',
      looksLike: {
        pattern: /^ml\.[a-z0-9-]+\.[a-z0-9]+$/,
        words: 'an instance type such as ml.g5.2xlarge',
      },
    },
    mostHyperparameters: HYPERPARAMETER_LIMITS.count,
    stops: true,
    logsIn: 'CloudWatch',
    firstLine: 'usually 2 to 10 minutes after it was created',
  },
  processing: { ...KIND, label: 'Processing', thing: 'processing job', work: 'Processing', stops: true },
  transform: { ...KIND, label: 'Transform', thing: 'transform job', work: 'Transform', stops: true },
  tuning: {
    ...{ ...KIND, label: 'Tuning', thing: 'tuning job', work: 'Tuning' },
    ...{ stops: true, stopsToo: 'all its training jobs', noCurves: true, tellsOfParts: true },
  },
  compilation: {
    ...{ ...KIND, label: 'Compilation', thing: 'compilation job', work: 'Compilation' },
    ...{ stops: true, noCurves: true },
  },
  pipeline: {
    ...{ ...KIND, label: 'Pipeline', thing: 'pipeline execution', work: 'Pipeline' },
    ...{ stops: true, stopsToo: 'its running steps', noCurves: true, tellsOfParts: true },
  },
  endpoint: { ...SERVICE, label: 'Endpoint', thing: 'endpoint', work: 'Endpoint' },
  notebook: { ...SERVICE, label: 'Notebook', thing: 'notebook instance', work: 'Notebook' },
  cluster: {
    ...{ ...SERVICE, label: 'Cluster', thing: 'HyperPod cluster', work: 'Cluster' },
    filtersPages: true,
  },
  job: { ...KIND, label: 'Job', thing: 'SageMaker job', work: 'Job', stops: true },
  local: {
    label: 'Local runner',
    ...{ thing: 'training job', work: 'Training' },
    called: 'the local runner',
    startsAgain: true,
    again: 'A new run of the same template on the runner.',
    nameCharacters: 'letters, digits, dots, dashes and underscores',
    stops: true,
    firstLine: 'usually within a second',
    listEvery: 10_000,
  },
  runpod: {
    label: 'RunPod',
    ...{ thing: 'training job', work: 'Training' },
    called: 'RunPod',
    startsAgain: true,
    again: 'A new pod from the same template.',
    nameCharacters: 'letters, digits, dashes and underscores',
    givenName: podCalled,
    machines: { type: 'GPU', count: 'GPUs' },
    stops: true,
    firstLine: 'usually within a few minutes, once the image is there',
    logGoes: true,
    rents: true,
    listEvery: 30_000,
  },
  push: {
    label: 'Pushed',
    ...{ thing: 'training job', work: 'Training' },
    called: 'another machine',
    startsAgain: false,
    nameCharacters: 'letters, digits, dots, dashes and underscores',
    stops: false,
    logArrives: true,
  },
} satisfies Readonly<Record<string, ProviderWords>>;

export type ProviderName = keyof typeof WORDS;
/** Of SageMaker's jobs: `sagemaker` is training. */
export type SageMakerName = Exclude<ProviderName, 'local' | 'runpod' | 'push'>;
/** Of SageMaker's jobs other than training. */
export type KindName = Exclude<SageMakerName, 'sagemaker'>;

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
  /** `true`: its training jobs alone. */
  sagemaker: boolean | { kinds: readonly SageMakerName[] };
  local?: RunnerAddress | undefined;
  runpod?: RunPodSettings | undefined;
  /** It takes runs from anybody with the token. */
  push?: { token: NamedSecret } | undefined;
}

export interface RunPodSettings {
  /** Of the API, with its version. */
  apiUrl: string;
  apiKey?: NamedSecret | undefined;
  /** Patterns for names of pods that are jobs of the use case although Signalbox did not start them. */
  pods: readonly string[];
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

/** Where training runs, so without SageMaker's other kinds. */
export const TRAINER_NAMES = PROVIDER_NAMES.filter(
  (name): name is Exclude<ProviderName, KindName> => !PROVIDERS[name].isKind,
);

/** SageMaker's kinds of jobs, training first. */
export const SAGEMAKER_NAMES = PROVIDER_NAMES.filter(isSageMakers) as readonly SageMakerName[];

/** Whether its jobs are SageMaker's, of whatever kind. */
export function isSageMakers(name: ProviderName = 'sagemaker'): name is SageMakerName {
  return name === 'sagemaker' || PROVIDERS[name].isKind === true;
}

/** Whether kinds of SageMaker's jobs other than training are among them. */
export const haveKinds = (names: readonly ProviderName[]): boolean =>
  names.some((name) => PROVIDERS[name].isKind);

/** A provider as people write it: in any letter case, and SageMaker's training jobs also as `training`. */
export function providerCalled(word: string): ProviderName | undefined {
  const typed = word.toLowerCase();
  return typed === 'training' ? 'sagemaker' : PROVIDER_NAMES.find((name) => name === typed);
}

/** What it is called beside others: where there are other kinds of SageMaker's jobs, training is one of them. */
export function labelAmong(name: ProviderName, all: readonly ProviderName[]): string {
  return name === 'sagemaker' && haveKinds(all) ? 'Training' : PROVIDERS[name].label;
}

/** At the beginning of a sentence: "The local runner has no such job". */
export function providerWord(name: ProviderName): string {
  const { called } = PROVIDERS[name];
  return called.charAt(0).toUpperCase() + called.slice(1);
}

/** What a job there is called, at the beginning of a sentence: "Training job". */
export function thingWord(name: ProviderName): string {
  const { thing } = PROVIDERS[name];
  return thing.charAt(0).toUpperCase() + thing.slice(1);
}

/** Kinds of SageMaker's jobs that a role may not ask about: said beside the answers of the others. */
export function notLookedAt(kinds: readonly ProviderName[]): string {
  return `Not looked at: ${thingsOf(kinds)}, because the use case’s role may not. An admin can allow it or leave them out.`;
}

/** Where the configuration leaves `kinds` out: what was not found may be of another kind. */
export const ONLY_TRAINING =
  'Of SageMaker’s jobs only training jobs are looked at here. An admin of Signalbox adds processing, tuning and all other kinds with `providers: { sagemaker: { kinds: all } }` in signalbox.yaml.';

/** Kinds that a role may list and no more. */
export function onlyListed(kinds: readonly ProviderName[]): string {
  return `Only listed: ${thingsOf(kinds)}, because the use case’s role may not look at a single one, so why one failed is not known. An admin can allow it or leave them out.`;
}

/** Of kinds that a role may not see: what happens inside such a job is told nowhere else. @returns undefined: nothing of the sort */
export function untoldParts(kinds: readonly ProviderName[]): string | undefined {
  const tellers = kinds.filter((name) => PROVIDERS[name].tellsOfParts);
  return tellers.length === 0 ? undefined : `What fails inside ${thingsOf(tellers)} is not told of either.`;
}

/** "processing jobs and endpoints" */
export const thingsOf = (kinds: readonly ProviderName[]): string =>
  new Intl.ListFormat('en').format(kinds.map((name) => `${PROVIDERS[name].thing}s`));

/** In a sentence: "SageMaker and the local runner". */
export function providersCalled(names: readonly ProviderName[]): string {
  return new Intl.ListFormat('en').format([...new Set(names.map((name) => PROVIDERS[name].called))]);
}

/** Whether the models of its jobs are where Neo takes models from; nothing else can be compiled. */
export const isCompiledFrom = (name: ProviderName): boolean => PROVIDERS[name].modelsInS3 === true;

/** Why nothing of it can be compiled. */
export function noModelWords(name: ProviderName): string {
  const { isKind, thing, called } = PROVIDERS[name];
  return isKind
    ? `${thing}s leave no model to compile`
    : `jobs on ${called} leave no model in S3, where Neo takes models from`;
}

/** What can be compiled: "training jobs on SageMaker". */
export function compiledThings(): string {
  const things = PROVIDER_NAMES.filter(isCompiledFrom).map((name) => {
    const { thing, called } = PROVIDERS[name];
    return `${thing}s on ${called}`;
  });
  return new Intl.ListFormat('en').format(things);
}

/** ` on the local runner`; empty for SageMaker, which everybody expects. @param name left out in older records */
export function onProvider(name: ProviderName = 'sagemaker'): string {
  return isSageMakers(name) ? '' : ` on ${PROVIDERS[name].called}`;
}
