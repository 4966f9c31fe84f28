/** A use case's `metrics`: how curves are found and when they are shown. */
import { z } from 'zod';
import { MOST_METRIC_PATTERNS, metricPatternProblem } from '../domain/metric-patterns.ts';
import type { MetricSettings } from '../domain/use-cases.ts';
import { text } from './scalars.ts';

const pattern = z.strictObject({ pattern: text, name: text.optional() });

export const metricsSection = z.strictObject({
  auto: z.boolean().optional(),
  patterns: z.array(pattern).max(MOST_METRIC_PATTERNS).default([]),
});

export function toMetricSettings(entry: z.output<typeof metricsSection>): MetricSettings {
  return {
    auto: entry.auto,
    patterns: entry.patterns.map(({ pattern, name }) => ({ pattern, ...(name !== undefined && { name }) })),
  };
}

/** @param section as in the file, whatever its shape */
export function metricsProblems(section: unknown, at: string): { key: string; message: string }[] {
  const patterns = (section as { patterns?: unknown } | null | undefined)?.patterns;
  if (!Array.isArray(patterns)) return [];
  return patterns.flatMap((entry: unknown, index) => {
    const parsed = pattern.safeParse(entry);
    if (!parsed.success) return [];
    const { pattern: expression, name } = parsed.data;
    const problem = metricPatternProblem({ pattern: expression, ...(name !== undefined && { name }) });
    const key = `${at}.patterns[${index}]`;
    return problem === undefined ? [] : [{ key, message: `${key}: ${problem}. Example: ${EXAMPLE}` }];
  });
}

const EXAMPLE = '{ name: cost, pattern: "cost (?P<value>[0-9.]+) after (?P<step>[0-9]+)" }';
const AT = 'useCases[].metrics';

export const METRIC_GUIDES: Readonly<Record<string, { expected: string; example: string }>> = {
  [AT]: { expected: 'a section', example: 'metrics: { auto: true }' },
  [`${AT}.auto`]: {
    expected: 'true or false; left out: only where it costs no quota of AWS',
    example: 'auto: true',
  },
  [`${AT}.patterns`]: {
    expected: `a list of up to ${MOST_METRIC_PATTERNS} patterns`,
    example: `patterns: [${EXAMPLE}]`,
  },
  [`${AT}.patterns[]`]: { expected: 'a pattern, with a name or a group for it', example: EXAMPLE },
  [`${AT}.patterns[].pattern`]: {
    expected: 'an RE2 expression with a group (?P<value>…)',
    example: 'pattern: "cost (?P<value>[0-9.]+)"',
  },
  [`${AT}.patterns[].name`]: { expected: "the metric's name", example: 'name: cost' },
};
