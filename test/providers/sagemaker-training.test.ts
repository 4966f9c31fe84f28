/** SageMaker as a training provider, on the sandbox's AWS with the real SDK. */

import { AddTagsCommand, DescribeTrainingJobCommand, ListTagsCommand } from '@aws-sdk/client-sagemaker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AwsWorld } from '#sandbox/seeds';
import { handClock } from '../../sandbox/test/aws/edge-support.ts';
import { assume, sagemakerClient, sandbox } from '../../sandbox/test/aws/support.ts';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import type { AppError } from '../../src/ground/errors.ts';
import type { AgainOrder, TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';

const BOT = { accessKeyId: 'AKIASIGNALBOXBOT0001', secretAccessKey: 'bot-secret' };
const ROLE = 'arn:aws:iam::123456789012:role/SignalboxAccess';
const LINE_3: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1', roleArn: ROLE, externalId: 'line-3-6f1d0c0e' },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
const OLD = 'defects-swin-4k';

const environment = { ...process.env };
let clock: ReturnType<typeof handClock>;
beforeEach(() => {
  clock = handClock();
  process.env.AWS_ACCESS_KEY_ID = BOT.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = BOT.secretAccessKey;
});
afterEach(() => {
  process.env = { ...environment };
});

async function provider(change: (world: AwsWorld) => AwsWorld = (world) => world) {
  const aws = await sandbox({ world: change(seededAwsWorld(clock.at, BOT)), clock });
  process.env.AWS_ENDPOINT_URL = aws.url;
  const gateway = createUseCaseGateway({ clock, engine: NO_ENGINE, accounts: createAwsAccounts({ clock }) });
  const session = await gateway.open(LINE_3, { team: 'T0', user: 'U0ADA' }, 'train');
  const credentials = await assume(
    aws,
    { RoleArn: ROLE, ExternalId: LINE_3.aws?.externalId },
    { credentials: BOT },
  );
  const client = sagemakerClient(aws, { credentials });
  const described = (TrainingJobName: string) =>
    client.send(new DescribeTrainingJobCommand({ TrainingJobName }));
  return { aws, client, described, session, training: session.providers[0]! };
}

const order = (changes: Partial<AgainOrder> = {}): AgainOrder => ({
  kind: 'again',
  name: 'swin-again',
  again: OLD,
  hyperparameters: { backbone: 'swin-b', workers: '4' },
  machines: { type: 'ml.g5.xlarge', count: 1 },
  askedAt: clock.at,
  ...changes,
});

async function refusal(training: TrainingProvider, changes: Partial<AgainOrder>): Promise<AppError> {
  try {
    await training.deploy(order(changes));
  } catch (error) {
    return error as AppError;
  }
  throw new Error('It was not refused');
}

describe('SageMaker as a provider', () => {
  it('[S1] starts an existing job again under a session of its own kind, with its tags but for AWS’s own', async () => {
    const { client, described, session, training } = await provider();
    expect(session.sessionName).toMatch(/^train-U0ADA\.T0-/);
    const old = await described(OLD);
    await client.send(
      new AddTagsCommand({
        ResourceArn: old.TrainingJobArn,
        Tags: [{ Key: 'sagemaker:pipeline-execution-arn', Value: 'x' }],
      }),
    );
    const setup = await training.setup(OLD);
    expect(setup).toMatchObject({
      hyperparameters: old.HyperParameters,
      machines: { type: 'ml.g5.xlarge', count: 1 },
    });
    expect(await training.deploy(order())).toBe('swin-again');
    const made = await described('swin-again');
    expect(made).toMatchObject({
      TrainingJobStatus: 'InProgress',
      SecondaryStatus: 'Starting',
      HyperParameters: { backbone: 'swin-b', workers: '4' },
      RoleArn: old.RoleArn,
      InputDataConfig: old.InputDataConfig,
    });
    const { Tags } = await client.send(new ListTagsCommand({ ResourceArn: made.TrainingJobArn }));
    expect(Tags?.map(({ Key }) => Key)).toContain('owner');
    expect(Tags?.map(({ Key }) => Key)).not.toContain('sagemaker:pipeline-execution-arn');
    expect(await training.setup('nowhere')).toBeUndefined();
    expect(await training.setup('no_name_of_a_job')).toBeUndefined();
  });

  it('starts nothing twice, and tells its own run from another job of that name', async () => {
    const { training, described } = await provider();
    const both = await Promise.all([training.deploy(order()), training.deploy(order())]);
    expect(both).toEqual(['swin-again', 'swin-again']);
    const created = (await described('swin-again')).CreationTime;
    clock.pass(60_000);
    // The same form submitted once more; then one with another batch under the taken name.
    expect(await training.deploy(order({ askedAt: clock.at - 60_000 }))).toBe('swin-again');
    expect((await described('swin-again')).CreationTime).toEqual(created);
    expect(await refusal(training, { hyperparameters: { workers: '2' } })).toMatchObject({
      code: 'conflict',
    });
    // Equal, but from long before this was asked for: somebody else's.
    clock.pass(3_600_000);
    const taken = await refusal(training, {});
    expect(taken.message).toContain('Another training job is called swin-again');
  });

  it('leaves out the metrics of SageMaker’s own algorithms, which answers have and requests must not', async () => {
    const { training, described } = await provider();
    const metrics = async (name: string) =>
      (await described(name)).AlgorithmSpecification?.MetricDefinitions?.length;
    expect(await metrics('colour-drift-xgb')).toBeGreaterThan(0);
    const machines = { type: 'ml.m5.2xlarge', count: 1 };
    await training.deploy(order({ name: 'xgb-again', again: 'colour-drift-xgb', machines }));
    expect(await metrics('xgb-again')).toBeGreaterThan(0);
  });

  it('[L9] explains what AWS refuses: a quota, a wrong value, the right to hand over the role', async () => {
    const { training } = await provider();
    const quota = await refusal(training, { machines: { type: 'ml.p5.48xlarge', count: 1 } });
    expect(quota).toMatchObject({ code: 'rate_limited' });
    expect(quota.message).toContain('“ml.p5.48xlarge for training job usage” is 0, and 0 are in use');
    expect(quota.hint).toContain('raise the quota');

    const value = await refusal(training, { hyperparameters: { text: 'x'.repeat(2501) } });
    expect(value).toMatchObject({ code: 'invalid_input' });
    expect(value.message).toContain('2500');

    expect(await refusal(training, { again: 'nowhere' })).toMatchObject({ code: 'not_found' });

    const { training: narrow } = await provider((world) => withoutPassRole(world));
    const passing = await refusal(narrow, {});
    expect(passing).toMatchObject({ code: 'permission_denied' });
    expect(passing.message).toContain("may not hand the job's own role to SageMaker (iam:PassRole)");
    expect(passing.hint).toContain('TrainingRoleArns');
    expect(passing.adminHint).toContain('role/TrainingExecution');
  });

  it('does not repeat what only means something within what started it', async () => {
    const { training } = await provider((world) =>
      withDetails(world, { AutoMLJobArn: 'arn:aws:sagemaker:eu-west-1:123456789012:automl-job/pilot' }),
    );
    expect((await training.setup(OLD))?.refusal?.reason).toContain('AutoML job pilot');
    expect(await refusal(training, {})).toMatchObject({ code: 'conflict' });
  });
});

/** The world, but that line 3's role may pass no role. */
function withoutPassRole(world: AwsWorld): AwsWorld {
  return {
    accounts: world.accounts.map((account) => ({
      ...account,
      roles: account.roles?.map((role) => ({
        ...role,
        policy: {
          ...role.policy,
          Statement: role.policy.Statement.filter(({ Action }) => Action !== 'iam:PassRole'),
        },
      })),
    })) as AwsWorld['accounts'],
  };
}

/** The world, with more that is told of the old job. */
function withDetails(world: AwsWorld, details: Record<string, unknown>): AwsWorld {
  return {
    accounts: world.accounts.map((account) => ({
      ...account,
      regions: Object.fromEntries(
        Object.entries(account.regions ?? {}).map(([region, seed]) => [
          region,
          {
            ...seed,
            trainingJobs: (seed.trainingJobs ?? []).map((job) =>
              job.name === OLD ? { ...job, details } : job,
            ),
          },
        ]),
      ),
    })),
  };
}
