import { describe, expect, it } from 'vitest';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { RoleSessions } from '../../src/aws/sessions.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { Clock } from '../../src/ground/time.ts';
import type { ProviderEntry } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';

const useCase: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: {
    account: '123456789012',
    region: 'eu-west-1',
    roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
  },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
const ADA = { team: 'T0LINE', user: 'U0ADA' };

const sessionsAt = (clock: Clock) =>
  new RoleSessions({
    clock,
    assumeRole: async () => ({ accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' }),
  });

function gateway() {
  const clock = { now: () => Date.UTC(2026, 10, 21) };
  let made = 0;
  const sessions = sessionsAt(clock);
  const counted: typeof sageMaker = {
    ...sageMaker,
    open: (opening) => {
      made += 1;
      return sageMaker.open(opening);
    },
  };
  const accounts = createAwsAccounts({ clock, sessions });
  return {
    made: () => made,
    ...createUseCaseGateway({ clock, engine: NO_ENGINE, accounts, providers: [counted] }),
  };
}

describe('opening a use case', () => {
  it('gives its jobs and logs under one session name', async () => {
    const session = await gateway().open(useCase, ADA, 'logs');
    expect(session.sessionName).toMatch(/^logs-U0ADA\.T0LINE-/);
    expect(session.providers[0]!.log('train-a').id).toBe(
      '123456789012/eu-west-1/aws/sagemaker/TrainingJobs/train-a',
    );
  });

  it('keeps the clients of a session while it lasts', async () => {
    const { made, open } = gateway();
    const [first, again] = [await open(useCase, ADA, 'logs'), await open(useCase, ADA, 'logs')];
    expect(again.providers[0]!.jobs).toBe(first.providers[0]!.jobs);
    await open(useCase, { team: 'T0LINE', user: 'U0BEN' }, 'logs');
    expect(made()).toBe(2);
  });

  it('tries again what could not be opened, instead of keeping it closed with the rest', async () => {
    const clock = { now: () => Date.UTC(2026, 10, 21) };
    const local = new MemoryRunner('line-3');
    let problem: AppError | undefined = new AppError('invalid_input', 'The token is not set.');
    const late: ProviderEntry = {
      ...{ name: 'local', trains: () => true, links: () => ({ site: 'the lab' }) },
      open() {
        if (problem) throw problem;
        return local.open();
      },
    };
    const { open } = createUseCaseGateway({
      ...{ clock, engine: NO_ENGINE, providers: [sageMaker, late] },
      accounts: createAwsAccounts({ clock, sessions: sessionsAt(clock) }),
    });
    const found = async () => (await open(useCase, ADA, 'logs')).providers[1]!.getStatus('press-1');
    await expect(found()).rejects.toThrow('The token is not set.');
    problem = undefined;
    expect(await found()).toBeUndefined();
  });

  it('says so where a use case does not train on SageMaker', async () => {
    const { open } = gateway();
    await expect(open({ ...useCase, providers: { sagemaker: false } }, ADA, 'logs')).rejects.toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('sagemaker: true'),
    });
  });
});
