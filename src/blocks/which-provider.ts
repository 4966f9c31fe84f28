/** A name that jobs of several providers have: which one is meant. */
import { readJobKey } from '../domain/job-keys.ts';
import { providerWord } from '../domain/providers.ts';
import type { Button, Message } from './message.ts';
import { actions, code, section } from './text.ts';

/** `The local runner`, on the button that chooses a job. @param key the job's */
export const providerOf = (key: string): string => providerWord(readJobKey(key).provider);

/** @param buttons one for each job; none where its value would be too long */
export function whichProvider(name: string, buttons: readonly (Button | undefined)[]): Message {
  const question = `${code(name)} is a job on more than one provider.`;
  return {
    text: question,
    blocks: [section(`:grey_question: *Which one?* ${question}`), ...actions(...buttons)],
  };
}
