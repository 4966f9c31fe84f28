import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PAGE, withKinds, withKindTable } from '../../scripts/sagemaker-kinds.ts';
import { sessionPolicy } from '../../src/aws/session-policies.ts';
import { SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { KIND_NAMES, SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import type { SessionOperation } from '../../src/domain/session-name.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';

const OPERATIONS: readonly SessionOperation[] = ['logs', 'train', 'comp', 'pkg', 'gg', 'dev'];
const ROLE = 'arn:aws:iam::123456789012:role/SignalboxAccess';

const useCase = (outputS3 = 's3://line-3-models/compiled', region = 'eu-west-1'): UseCase => ({
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  compile: {
    roleArn: 'arn:aws:iam::123456789012:role/NeoExecution',
    outputS3,
    targets: [],
    auto: false,
    timeoutSeconds: 900,
  },
});

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

/** With every kind of SageMaker's jobs. */
const allKinds = (of = useCase()): UseCase => ({
  ...of,
  providers: { sagemaker: { kinds: SAGEMAKER_NAMES } },
});

const statements = (operation: SessionOperation, of = useCase()): Statement[] =>
  (JSON.parse(sessionPolicy(of, ROLE, operation)) as { Statement: Statement[] }).Statement;
const actionsOf = (given: readonly Statement[]): string[] => given.flatMap(({ Action }) => Action);

/** Every statement of the template's access role, whatever condition its policy is made under. */
function granted(): Statement[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../infra/use-case-account.yaml'), 'utf8');
  const found: Statement[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { PolicyDocument } = node as { PolicyDocument?: { Statement: Statement[] } };
    if (PolicyDocument) found.push(...PolicyDocument.Statement);
    for (const part of Object.values(node)) walk(part);
  };
  // CloudFormation's short tags (!Sub, !Ref) are not resolved: the text beneath them is enough here.
  const { Resources } = parse(text, { logLevel: 'silent' }) as { Resources: Record<string, unknown> };
  // Forwarding events is EventBridge's work, with a role of its own that nobody assumes a session of.
  const { ForwardingRole: _role, ForwardingRule: _rule, ...access } = Resources;
  walk(access);
  return found;
}

describe('session policies', () => {
  it('ask for nothing that the template of the role does not grant, and the template for nothing more', () => {
    const needed = new Set(OPERATIONS.flatMap((operation) => actionsOf(statements(operation, allKinds()))));
    expect([...new Set(actionsOf(granted()))].toSorted()).toEqual([...needed].toSorted());
  });

  it('[K2] grant each kind what its row says, in the session as in the template, and nothing of one left out', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../infra/use-case-account.yaml'), 'utf8');
    expect(withKinds(text)).toBe(text);
    for (const name of KIND_NAMES) {
      const only = { ...useCase(), providers: { sagemaker: { kinds: [name] } } };
      const { list, look, stop } = SAGEMAKER_KINDS[name].actions;
      const named = (actions: readonly string[]) => actions.map((action) => `sagemaker:${action}`);
      const training = actionsOf(statements('logs'));
      const asked = actionsOf(statements('logs', only)).filter((action) => !training.includes(action));
      const rest = named([...list, ...look]).filter((action) => !training.includes(action));
      expect(asked.toSorted()).toEqual([...new Set(rest)].toSorted());
      const trained = new Set([...actionsOf(statements('train')), ...named(look)]);
      expect(actionsOf(statements('train', only)).filter((action) => !trained.has(action))).toEqual(
        named(stop),
      );
    }
    expect(statements('comp', allKinds())).toEqual(statements('comp'));
  });

  it('[K2] are in the docs as they are', () => {
    const page = readFileSync(PAGE, 'utf8');
    expect(withKindTable(page)).toBe(page);
  });

  it('are no longer than a role may have in all, with everything that the template offers', () => {
    // Names stand for what is filled in: a role's inline policies have at most 10,240 characters, without spaces.
    const filled = JSON.stringify(granted()).replaceAll(/\$\{AWS::Partition\}/g, 'aws-us-gov');
    expect(filled.replaceAll(/\$\{AWS::AccountId\}/g, '123456789012').length).toBeLessThan(10_240);
  });

  it('hand roles over to SageMaker only: the compile role, and in this account those of training jobs', () => {
    const passing = (given: readonly Statement[]) =>
      given.filter(({ Action }) => [Action].flat().includes('iam:PassRole'));
    for (const [given, count] of [
      [statements('comp'), 1],
      [statements('train'), 1],
      [granted(), 2],
    ] as const) {
      expect(passing(given)).toHaveLength(count);
      for (const statement of passing(given)) {
        expect(statement).toMatchObject({
          Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
        });
        // The template names each role; a session, whose job's role is not known beforehand, only the account.
        expect([statement.Resource].flat()).not.toContain('*');
      }
    }
    expect(passing(statements('train'))[0]!.Resource).toEqual(['arn:aws:iam::123456789012:role/*']);
    for (const operation of OPERATIONS.filter((one) => one !== 'comp' && one !== 'train'))
      expect(actionsOf(statements(operation))).not.toContain('iam:PassRole');
  });

  it('let only "train" train, only "comp" compile, only "pkg" publish, and "logs" only read', () => {
    const doing = (action: string) =>
      OPERATIONS.filter((operation) => actionsOf(statements(operation)).includes(action));
    expect(doing('sagemaker:CreateCompilationJob')).toEqual(['comp']);
    expect(doing('sagemaker:CreateTrainingJob')).toEqual(['train']);
    expect(doing('sagemaker:AddTags')).toEqual(['train']);
    expect(doing('sagemaker:StopTrainingJob')).toEqual(['train']);
    expect(doing('greengrass:CreateComponentVersion')).toEqual(['pkg']);
    expect(doing('s3:GetObject')).toEqual(['comp', 'pkg']);
    expect(
      actionsOf(statements('logs')).filter((action) => !/:(Describe|Get|List|Filter)/.test(action)),
    ).toEqual([]);
  });

  it('open only what lies below compile.outputS3', () => {
    const objects = (output: string) =>
      statements('comp', useCase(output)).find(({ Action }) => [Action].flat().includes('s3:GetObject'))
        ?.Resource;
    expect(objects('s3://line-3-models/compiled/')).toEqual(['arn:aws:s3:::line-3-models/compiled/*']);
    expect(objects('s3://line-3-models')).toEqual(['arn:aws:s3:::line-3-models/*']);
    const none = { ...useCase(), compile: undefined };
    expect(actionsOf(statements('comp', none))).not.toContain('s3:GetObject');
    expect(actionsOf(statements('comp', none))).not.toContain('iam:PassRole');
  });

  it('stay within the 2,048 characters that STS takes, whatever the use case is called', () => {
    const text = (max: number) =>
      fc.string({ unit: fc.constantFrom(...'abcz09-'), minLength: 3, maxLength: max });
    fc.assert(
      fc.property(text(63), text(120), text(60), (bucket, prefix, role) => {
        const of = useCase(`s3://${bucket}/${prefix}`, 'ap-southeast-3');
        const compile = { ...of.compile!, roleArn: `arn:aws-us-gov:iam::123456789012:role/${role}` };
        for (const operation of OPERATIONS)
          expect(
            sessionPolicy({ ...allKinds(of), compile }, ROLE.replace('aws', 'aws-us-gov'), operation).length,
          ).toBeLessThan(2048);
      }),
      { numRuns: 100 },
    );
  });
});
