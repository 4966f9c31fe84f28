/** `metrics` of a use case: what a file gives, and what is wrong with one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { testFolder } from '../fixtures/test-folder.ts';

function load(metrics: string) {
  const cwd = testFolder('metrics');
  writeFileSync(
    join(cwd, 'signalbox.yaml'),
    `
useCases:
  - id: line-3
    name: Line 3
    account: "123456789012"
    region: eu-west-1
    channels: [C0LINE3]
    access: {}
    metrics: ${metrics}
`,
  );
  return loadConfig({ env: {}, cwd }).useCases[0]!.metrics;
}

it('patterns are given as they stand in the file', () => {
  expect(
    load(
      '{ patterns: [{ name: cost, pattern: "cost (?P<value>[0-9.]+)" }, { pattern: "(?P<name>q)=(?P<value>.+)" }] }',
    ),
  ).toEqual({
    auto: undefined,
    patterns: [
      { name: 'cost', pattern: 'cost (?P<value>[0-9.]+)' },
      { pattern: '(?P<name>q)=(?P<value>.+)' },
    ],
  });
  expect(load('{ auto: false }')).toEqual({ auto: false, patterns: [] });
});

it.each([
  [
    '{ patterns: [{ name: a, pattern: "(?=x)(?P<value>1)" }] }',
    /metrics\.patterns\[0\]: .*RE2.*Example: \{ name: cost/s,
  ],
  [
    '{ patterns: [{ name: a, pattern: "loss (.*)" }] }',
    /metrics\.patterns\[0\]: there is no group \(\?P<value>…\)/,
  ],
  ['{ patterns: [{ pattern: "(?P<value>1)" }] }', /metrics\.patterns\[0\]: the metric has no name/],
  ['{ patterns: [{ name: a }] }', /metrics\.patterns\[0\]\.pattern.*an RE2 expression with a group/s],
  ['{ patterns: loss }', /metrics\.patterns.*a list of up to 20 patterns/s],
  ['{ pattern: x }', /metrics\.pattern/],
])('%s is refused with its key and what is wrong', (metrics, words) => {
  expect(() => load(metrics)).toThrow(words);
});
