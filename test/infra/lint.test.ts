/** The templates hold together, and AWS's own linter has nothing against them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INFRA, template, templateNames, templateText } from '../fixtures/templates.ts';

const cfnLint = spawnSync('cfn-lint', ['--version']).status === 0;
if (!cfnLint) console.log('skipped: cfn-lint is not installed (pip install cfn-lint)');

interface Finding {
  Rule: { Id: string };
  Message: string;
  Filename: string;
}

/** What cfn-lint 1.51.0 says that is not so, by rule and the beginning of its words. */
const NOT_SO: readonly [rule: string, words: RegExp, because: string][] = [
  [
    'W3037',
    /^'(list|describe|stop)jobs?' is not one of/,
    'its list of actions is older than the Job API (SDK 3.1142)',
  ],
  [
    'W3691',
    /^Engine version '17'/,
    'RDS takes a major version alone for the newest of it; the list has minor ones',
  ],
  ['W1030', /'LoadBalancerSecurityGroupId'/, 'it is empty only where the condition Balanced is false'],
];

describe.each(templateNames)('[O3] infra/%s', (name) => {
  const { Parameters, Resources, ...rest } = template(name);

  it('names in its references only what it has, and uses every parameter and condition', () => {
    const text = templateText(name);
    const body = JSON.stringify({ Resources, ...rest });
    const conditions = Object.keys((rest as { Conditions?: object }).Conditions ?? {});
    // A list after !Sub gives names of its own: "- Bucket: !Select …".
    const own = [...text.matchAll(/^ +- ([A-Z][A-Za-z]+): !/gm)].map(([, one]) => one!);
    const has = new Set([...Object.keys(Parameters), ...Object.keys(Resources), ...conditions, ...own]);
    const named = [
      ...[...text.matchAll(/!(?:Ref|Condition) ([A-Za-z0-9:]+)/g)].map(([, one]) => one!),
      ...[...text.matchAll(/!GetAtt ([A-Za-z0-9]+)/g)].map(([, one]) => one!),
      ...[...text.matchAll(/\$\{([A-Za-z0-9:]+)[}.]/g)].map(([, one]) => one!),
      ...[...text.matchAll(/Condition: ([A-Za-z0-9]+)$/gm)].map(([, one]) => one!),
    ].filter((one) => !one.startsWith('AWS::') && one !== 'process');
    expect([...new Set(named)].filter((one) => !has.has(one))).toEqual([]);
    expect(Object.keys(Parameters).filter((one) => !named.includes(one))).toEqual([]);
    expect(conditions.filter((one) => !new RegExp(`\\b${one}\\b`).test(body))).toEqual([]);
  });

  it('can be deployed from a file, which CloudFormation takes up to 51,200 bytes of', () => {
    expect(Buffer.byteLength(templateText(name))).toBeLessThan(51_200);
  });

  it.skipIf(!cfnLint)('is one that cfn-lint accepts', () => {
    const { stdout } = spawnSync(
      'cfn-lint',
      ['--format', 'json', '--regions', 'eu-west-1', '--', join(INFRA, name)],
      {
        encoding: 'utf8',
      },
    );
    const findings = JSON.parse(stdout || '[]') as Finding[];
    const left = findings.filter(
      ({ Rule, Message }) => !NOT_SO.some(([rule, words]) => Rule.Id === rule && words.test(Message)),
    );
    expect(left.map(({ Rule, Message }) => `${Rule.Id} ${Message.slice(0, 300)}`)).toEqual([]);
  });
});

it.skipIf(!cfnLint)('cfn-lint finds a property that does not exist', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cfn-lint-'));
  try {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, templateText('bot-account.yaml').replace('SqsManagedSseEnabled', 'SqsManagedSse'));
    const { stdout } = spawnSync('cfn-lint', ['--format', 'json', '--', file], { encoding: 'utf8' });
    expect(stdout).toContain("'SqsManagedSse' was unexpected");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
