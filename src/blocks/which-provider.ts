/** A name that jobs of several providers have: which one is meant. */
import { readJobKey } from '../domain/job-keys.ts';
import { haveKinds, isSageMakers, providerWord, thingWord } from '../domain/providers.ts';
import type { Button, Message } from './message.ts';
import { actions, code, section } from './text.ts';

/** `The local runner`, or `Processing job`, on the button that chooses one of several jobs. @param key the job's */
export function providerOf(key: string, all: readonly string[]): string {
  const { provider } = readJobKey(key);
  const byKind = isSageMakers(provider) && ofKinds(all);
  return byKind ? thingWord(provider) : providerWord(provider);
}

/**
 * @param jobs keys of all that may be meant
 * @param buttons one for each job; none where its value would be too long
 */
export function whichProvider(
  name: string,
  jobs: readonly string[],
  buttons: readonly (Button | undefined)[],
): Message {
  const question = ofKinds(jobs)
    ? `${jobs.length} jobs are called ${code(name)}.`
    : `${code(name)} is a job on more than one provider.`;
  return {
    text: question,
    blocks: [section(`:grey_question: *Which one?* ${question}`), ...actions(...buttons)],
  };
}

const ofKinds = (keys: readonly string[]): boolean => haveKinds(keys.map((key) => readJobKey(key).provider));
