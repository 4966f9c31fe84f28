/**
 * SageMaker's metric definitions as patterns of ours. There a regular expression's first group is the value, and Python's
 * syntax is used; here the group is called `value`, and RE2 has no look-around.
 */
import type { MetricPattern } from './metrics.ts';

export interface MetricDefinition {
  name: string;
  regex: string;
}

/** Characters of a definition's expression: SageMaker allows 500. */
const LONGEST = 500;

/** @returns undefined for one without a group, or with what RE2 cannot do */
export function patternOf({ name, regex }: MetricDefinition): MetricPattern | undefined {
  if (name === '' || regex.length > LONGEST || /\(\?(?:[=!]|<[=!]|P=|\()|(?<!\\)\\[1-9]/.test(regex))
    return undefined;
  const at = firstGroup(regex);
  if (at === undefined) return undefined;
  const named = /^\(\?P?<\w+>/.exec(regex.slice(at))?.[0];
  return { name, pattern: `${regex.slice(0, at)}(?<value>${regex.slice(at + (named?.length ?? 1))}` };
}

/** Where the first group that catches something begins. */
function firstGroup(regex: string): number | undefined {
  let inClass = false;
  for (let at = 0; at < regex.length; at += 1) {
    const sign = regex[at];
    if (sign === '\\') at += 1;
    // `[]a]` and `[^]a]` begin with a bracket that is one of them.
    else if (sign === '[' && !inClass) {
      inClass = true;
      if (regex[at + 1] === '^') at += 1;
      if (regex[at + 1] === ']') at += 1;
    } else if (sign === ']') inClass = false;
    else if (sign === '(' && !inClass && (regex[at + 1] !== '?' || /^\(\?P?<\w/.test(regex.slice(at))))
      return at;
  }
  return undefined;
}
