/** [O2] The doctor on where a use case trains: with an AWS account, without one, and where one cannot be opened. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AwsWorld } from '#sandbox/seeds';
import { handClock } from '../../sandbox/test/aws/edge-support.ts';
import { sandbox } from '../../sandbox/test/aws/support.ts';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { checkUseCases } from '../../src/cli/doctor/use-case-checks.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';
import { PROVIDERS, SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { KIND_NAMES } from '../../src/domain/sagemaker-kinds.ts';
import type { TrainTemplate } from '../../src/domain/train-templates.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { ProviderEntry } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { sageMakerKinds } from '../../src/providers/sagemaker-kinds/index.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';

const BOT = { accessKeyId: 'AKIABOT', secretAccessKey: 'bot-secret' };
const LAB: UseCase = {
  ...{ id: 'lab', name: 'Lab', channels: ['C0LAB'], access: {} },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
const LINE_3: UseCase = {
  ...{ ...LAB, id: 'line-3', name: 'Line 3 defects' },
  aws: {
    ...{ account: '123456789012', region: 'eu-west-1', externalId: 'line-3-6f1d0c0e' },
    roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
  },
};
const WRONG: UseCase = { ...LINE_3, aws: { ...LINE_3.aws!, externalId: 'not-this-one' } };

const environment = { ...process.env };
const clock = handClock();
let aws: Awaited<ReturnType<typeof sandbox>>;
beforeEach(async () => {
  aws = await sandbox({ world: seededAwsWorld(clock.at, BOT), clock, quotas: 'off' });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: BOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: BOT.secretAccessKey,
  });
});
afterEach(async () => {
  process.env = environment;
  await aws.close();
});

/** `title` → `status: detail`, in the order of the report. */
async function examine(useCase: UseCase, providers: readonly ProviderEntry[]): Promise<[string, string][]> {
  const accounts = createAwsAccounts({ clock });
  const gateway = createUseCaseGateway({ clock, engine: NO_ENGINE, accounts, providers });
  const actor = { team: 'T0', user: 'U0ADA' };
  const checks = await checkUseCases([useCase], { gateway, accounts, actor });
  return checks.map(({ title, status, detail }) => [title, `${status}: ${detail}`]);
}

/** The same world, in which no role may do one thing. */
function withoutAction({ accounts }: AwsWorld, action: string): AwsWorld {
  return {
    accounts: accounts.map((account) => ({
      ...account,
      roles: (account.roles ?? []).map((role) => ({
        ...role,
        policy: {
          Statement: role.policy.Statement.map((one) => ({
            ...one,
            Action: [one.Action ?? []].flat().filter((each) => each !== action),
          })),
        },
      })),
    })),
  };
}

function runner(outage?: AppError): MemoryRunner {
  const made = new MemoryRunner('lab');
  made.put('press-1', 'EXECUTING', { createdAt: 1 });
  made.outage = outage;
  return made;
}

describe('[O2] the doctor on where a use case trains', () => {
  it('says that there is no AWS account to check, and checks the rest', async () => {
    expect(await examine(LAB, [runner()])).toEqual([
      ['AWS', 'skipped: this use case has no AWS account'],
      ['log access on the local runner', 'ok: streams can be listed and read'],
      ['training jobs on the local runner', 'ok: can be listed; the newest is press-1'],
    ]);
  });

  it('says what the provider says when it does not answer', async () => {
    const found = await examine(LAB, [runner(new AppError('unavailable', 'The lab does not answer.'))]);
    expect(Object.fromEntries(found)).toMatchObject({
      'training jobs on the local runner': 'failed: The lab does not answer.',
    });
  });

  it('checks the account and every provider where there are several', async () => {
    const found = Object.fromEntries(await examine(LINE_3, [sageMaker, runner()]));
    expect(Object.keys(found)).toEqual([
      ...['credentials', 'role', 'external id', 'log access', 'log group', 'training jobs'],
      ...['log access on the local runner', 'training jobs on the local runner'],
    ]);
    for (const words of Object.values(found)) expect(words).toMatch(/^ok/);
  });

  it('[K2] checks every kind of SageMaker’s jobs, and says what to do about one that the role may not see', async () => {
    const kinds = { ...LINE_3, providers: { sagemaker: { kinds: SAGEMAKER_NAMES } } };
    const found = Object.fromEntries(await examine(kinds, [sageMaker, ...sageMakerKinds]));
    for (const name of KIND_NAMES)
      expect(found[`${PROVIDERS[name].thing}s`]).toMatch(/^ok: can be listed; the newest is [\w-]+, /);
    await aws.close();
    aws = await sandbox({
      ...{ clock, quotas: 'off' as const },
      world: withoutAction(seededAwsWorld(clock.at, BOT), 'sagemaker:ListTransformJobs'),
    });
    process.env.AWS_ENDPOINT_URL = aws.url;
    const refused = await examine(kinds, [sageMaker, ...sageMakerKinds]);
    const failed = refused.filter(([, words]) => !words.startsWith('ok'));
    expect(failed.map(([title]) => title)).toEqual(['transform jobs']);
  });

  it('checks the account of a use case that only compiles there', async () => {
    const elsewhere = { ...LINE_3, providers: { sagemaker: false } };
    const titles = (await examine(elsewhere, [sageMaker, runner()])).map(([title]) => title);
    expect(titles).toEqual([
      ...['credentials', 'role', 'external id'],
      ...['log access on the local runner', 'training jobs on the local runner'],
    ]);
  });

  it('says once that the account is closed, and still checks who trains elsewhere', async () => {
    const found = await examine(WRONG, [sageMaker, runner()]);
    expect(found.map(([title, words]) => [title, words.split(':')[0]])).toEqual([
      ['credentials', 'ok'],
      ['role', 'failed'],
      ['log access on the local runner', 'ok'],
      ['training jobs on the local runner', 'ok'],
    ]);
  });

  it('checks what /train starts: that its provider has it, and that its variables are set', async () => {
    const press: TrainTemplate = {
      ...{ name: 'press', provider: 'local', local: { template: 'press' } },
      parameters: { lr: { type: 'number', default: '1' } },
    };
    const secret = { variable: 'LAB_KEY', read: () => undefined };
    const resnet = {
      ...{ name: 'resnet', provider: 'sagemaker', parameters: {} },
      sagemaker: { environment: { KEY: secret }, instanceTypes: ['ml.g5.xlarge'] },
    } as unknown as TrainTemplate;
    const training = { ...LINE_3, train: { templates: [press, resnet] } };
    const found = Object.fromEntries(await examine(training, [sageMaker, runner()]));
    expect(found['template press']).toBe('ok: asks for lr');
    expect(found['template resnet']).toBe('failed: it names LAB_KEY, not set in the environment');
    const down = runner(new AppError('unavailable', 'The lab does not answer.'));
    expect(Object.fromEntries(await examine(training, [sageMaker, down]))).toMatchObject({
      'template press': 'failed: The lab does not answer.',
    });
  });

  it('says that a use case trains nowhere', async () => {
    const found = Object.fromEntries(await examine(LAB, []));
    expect(found['training jobs']).toBe('failed: this use case does not train anywhere');
  });
});
