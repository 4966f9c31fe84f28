/** A team's own patterns for metrics, and what makes one usable. */
import { RE2JS } from 're2js';
import type { MetricPattern } from './metrics.ts';

const LONGEST_METRIC_PATTERN = 1000;
export const MOST_METRIC_PATTERNS = 20;
const LONGEST_NAME = 64;

/** @returns what is wrong with it and what was expected; undefined: it can be used */
export function metricPatternProblem({ pattern, name }: MetricPattern): string | undefined {
  if (pattern.length > LONGEST_METRIC_PATTERN)
    return `the pattern has ${pattern.length} characters; ${LONGEST_METRIC_PATTERN} are the most`;
  let groups: Record<string, number>;
  try {
    groups = RE2JS.compile(pattern).namedGroups();
  } catch (error) {
    return `${(error as Error).message}. The syntax is RE2: no look-ahead and no back-references`;
  }
  if (!('value' in groups)) return 'there is no group (?P<value>…), which finds the number';
  if (name === undefined && !('name' in groups))
    return 'the metric has no name: expected name:, or a group (?P<name>…) in the pattern';
  if (name !== undefined && name.length > LONGEST_NAME)
    return `the name has ${name.length} characters; ${LONGEST_NAME} are the most`;
  return undefined;
}
