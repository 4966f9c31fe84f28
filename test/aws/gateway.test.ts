import { describe, expect, it } from 'vitest';
import { createUseCaseGateway } from '../../src/aws/gateway.ts';
import { RoleSessions } from '../../src/aws/sessions.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import type { JobCatalog, TrainingProvider } from '../../src/ports/training.ts';

const useCase: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  account: '123456789012',
  region: 'eu-west-1',
  roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
const ADA = { team: 'T0LINE', user: 'U0ADA' };

function gateway() {
  const clock = { now: () => Date.UTC(2026, 10, 21) };
  const made: JobCatalog[] = [];
  const sessions = new RoleSessions({
    clock,
    assumeRole: async () => ({ accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' }),
  });
  const createProvider = (): { jobs: JobCatalog; training: TrainingProvider } => {
    const jobs: JobCatalog = { find: async () => undefined, list: async () => [], tags: async () => ({}) };
    made.push(jobs);
    return {
      jobs,
      training: {
        name: 'sagemaker',
        begins: sageMakerState('InProgress'),
        setup: async () => undefined,
        deploy: async ({ name }) => name,
      },
    };
  };
  return { made, open: createUseCaseGateway({ clock, sessions, createProvider }).open };
}

describe('opening a use case', () => {
  it('gives its jobs and logs under one session name', async () => {
    const { open } = gateway();
    const session = await open(useCase, ADA, 'logs');
    expect(session.sessionName).toMatch(/^logs-U0ADA\.T0LINE-/);
    expect(session.trainingLog('train-a').id).toBe(
      '123456789012/eu-west-1/aws/sagemaker/TrainingJobs/train-a',
    );
  });

  it('keeps the clients of a session while it lasts', async () => {
    const { made, open } = gateway();
    const [first, again] = [await open(useCase, ADA, 'logs'), await open(useCase, ADA, 'logs')];
    expect(again.jobs).toBe(first.jobs);
    await open(useCase, { team: 'T0LINE', user: 'U0BEN' }, 'logs');
    expect(made).toHaveLength(2);
  });

  it('says so where a use case does not train on SageMaker', async () => {
    const { open } = gateway();
    await expect(open({ ...useCase, providers: { sagemaker: false } }, ADA, 'logs')).rejects.toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('sagemaker: true'),
    });
  });
});
