import { describe, expect, it } from 'vitest';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { RoleSessions } from '../../src/aws/sessions.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';

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

function gateway() {
  const clock = { now: () => Date.UTC(2026, 10, 21) };
  let made = 0;
  const sessions = new RoleSessions({
    clock,
    assumeRole: async () => ({ accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' }),
  });
  const counted: typeof sageMaker = {
    ...sageMaker,
    open: (opening) => {
      made += 1;
      return sageMaker.open(opening);
    },
  };
  const accounts = createAwsAccounts({ clock, sessions });
  return { made: () => made, ...createUseCaseGateway({ clock, accounts, providers: [counted] }) };
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

  it('says so where a use case does not train on SageMaker', async () => {
    const { open } = gateway();
    await expect(open({ ...useCase, providers: { sagemaker: false } }, ADA, 'logs')).rejects.toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('sagemaker: true'),
    });
  });
});
