/**
 * What a training job is known by within its use case: two providers may each have a job of the same name. The key is
 * what is stored and sent (records, claims, alerts, outbox, buttons); people see and write it too, as `local:press-1`.
 */
import { modelName } from './components.ts';
import { readExecutionName } from './pipeline-names.ts';
import { haveKinds, PROVIDERS, type ProviderName, providerCalled } from './providers.ts';

/** A job as people write it. Without a provider, the name alone decides. */
export interface JobWord {
  provider?: ProviderName | undefined;
  name: string;
}

/** Where it runs and its name there. */
export interface JobPlace {
  provider: ProviderName;
  name: string;
}

/**
 * `press-1` on SageMaker, as every record before there were other providers; `local:press-1` elsewhere. Different
 * jobs have different keys, whatever they are called.
 * @param job without a provider in records of earlier versions: SageMaker's
 */
export function jobKey({ provider = 'sagemaker', name }: JobWord): string {
  return provider === 'sagemaker' && !name.includes(':') ? name : `${provider}:${name}`;
}

export function readJobKey(key: string): JobPlace {
  const { provider = 'sagemaker', name } = readJobWord(key);
  return { provider, name };
}

/** The name alone, as its provider knows it. */
export const nameOfJob = (key: string): string => readJobKey(key).name;

/**
 * `local:press-1`, or `press-1` on whichever provider has it. Any letter case of a provider is the provider, and
 * `training:` is SageMaker's training jobs.
 */
export function readJobWord(word: string): JobWord {
  const colon = word.indexOf(':');
  const provider = providerCalled(word.slice(0, Math.max(0, colon)));
  return provider ? { provider, name: word.slice(colon + 1) } : { name: word };
}

/** A key as a word that means no other job in any use case: `sagemaker:press-1`. */
export function exactWord(key: string): string {
  const { provider, name } = readJobKey(key);
  return `${provider}:${name}`;
}

/**
 * A key as a word to be typed that can mean no other job; SageMaker's training jobs among other kinds are `training:`.
 * @param trainsOn the use case's providers: where there is one, the name says it all
 */
export function wordOfJob(key: string, trainsOn: readonly ProviderName[]): string {
  const { provider, name } = readJobKey(key);
  if (provider === 'sagemaker' && haveKinds(trainsOn)) return `training:${name}`;
  return shortWord(exactWord(key), trainsOn);
}

/** A key as lists show the job: by its name, where there are several providers SageMaker's training jobs alone. */
export function labelOfJob(key: string, trainsOn: readonly ProviderName[]): string {
  return trainsOn.length > 1 ? key : readJobKey(key).name;
}

/**
 * What somebody looked for who wrote this word: "processing job", or "job" where it may be of several kinds.
 * @param trainsOn all providers that were asked
 */
export function thingMeant(word: string, trainsOn: readonly ProviderName[]): string {
  const { provider } = readJobWord(word);
  if (provider) return PROVIDERS[provider].thing;
  return haveKinds(trainsOn) ? 'job' : 'training job';
}

/** Without its provider where the use case has no other one. */
export function shortWord(word: string, trainsOn: readonly ProviderName[]): string {
  const { provider, name } = readJobWord(word);
  const only = trainsOn.length === 1 && trainsOn[0] === provider && !name.includes(':');
  return only ? name : word;
}

/** What people called it: of a pod without its id, which is of that pod alone. */
export function calledName(key: string): string {
  const { provider, name } = readJobKey(key);
  return givenName(provider, name);
}

/** @param name of a job, as its provider knows it */
export function givenName(provider: ProviderName, name: string): string {
  return PROVIDERS[provider].givenName?.(name) ?? name;
}

/** Whether people may have called a job so that has another name on the provider: `press-7` a pod. */
export function mayBeGiven(provider: ProviderName, name: string): boolean {
  return PROVIDERS[provider].givenName?.(name) === name;
}

/** What jobs whose names differ only in the date train, on one provider: one's success resolves another's failure. */
export function pipelineOf(key: string): string {
  const { provider, name } = readJobKey(key);
  const execution = provider === 'pipeline' ? readExecutionName(name) : undefined;
  return jobKey({ provider, name: execution?.pipeline ?? modelName(calledName(key)) });
}
