import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import type { JobCatalog, TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';

const useCase: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};

interface Call {
  operation: string;
  input: Record<string, unknown>;
  userAgent: string;
}

/** Speaks SageMaker's JSON 1.1 protocol; answers with what stands next in `answers`. */
let server: Server;
let calls: Call[];
let answers: (object | { __type: string; status: number })[];
let catalog: JobCatalog & Pick<TrainingProvider, 'getStatus'>;
const before = { ...process.env };

beforeEach(async () => {
  calls = [];
  answers = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      calls.push({
        operation: String(request.headers['x-amz-target']).split('.')[1] ?? '',
        input: JSON.parse(body) as Record<string, unknown>,
        userAgent: String(request.headers['user-agent']),
      });
      const { status = 200, ...answer } = (answers.shift() ?? {}) as { status?: number };
      response
        .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.AWS_ACCESS_KEY_ID = 'AKIATEST';
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  const clock = { now: () => Date.now() };
  const session = await createUseCaseGateway({
    clock,
    engine: NO_ENGINE,
    accounts: createAwsAccounts({ clock }),
  }).open(useCase, { team: 'T0LINE', user: 'U0ADA' }, 'logs');
  const { getStatus, jobs } = session.providers[0]!;
  catalog = { ...jobs, getStatus };
});
afterEach(async () => {
  process.env = before;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const summary = (name: string) => ({
  TrainingJobName: name,
  TrainingJobArn: `arn:aws:sagemaker:eu-west-1:123456789012:training-job/${name}`,
  TrainingJobStatus: 'Completed',
  CreationTime: 1_763_715_000,
});

describe('finding a job', () => {
  it('gives its facts, and leaves a trace of the session in the user agent', async () => {
    answers = [
      {
        ...summary('train-a'),
        TrainingJobStatus: 'Failed',
        SecondaryStatus: 'Failed',
        FailureReason: 'AlgorithmError: exit code 1',
        ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 4, VolumeSizeInGB: 50 },
        TrainingStartTime: 1_763_715_100,
        TrainingEndTime: 1_763_715_200,
      },
    ];
    expect(await catalog.getStatus('train-a')).toEqual({
      name: 'train-a',
      useCase: 'line-3',
      provider: 'sagemaker',
      arn: 'arn:aws:sagemaker:eu-west-1:123456789012:training-job/train-a',
      state: 'failed',
      status: 'Failed',
      secondaryStatus: 'Failed',
      failureReason: 'AlgorithmError: exit code 1',
      instanceType: 'ml.g5.xlarge',
      instanceCount: 4,
      createdAt: 1_763_715_000_000,
      startedAt: 1_763_715_100_000,
      endedAt: 1_763_715_200_000,
    });
    expect(calls[0]?.userAgent).toMatch(/signalbox\/logs-U0ADA\.T0LINE-/);
  });

  it('[K4] names every machine of a cluster of several kinds, not the first one’s type for all', async () => {
    answers = [
      {
        ...summary('train-a'),
        ResourceConfig: {
          VolumeSizeInGB: 1,
          InstanceGroups: [
            { InstanceType: 'ml.p4d.24xlarge', InstanceCount: 2, InstanceGroupName: 'a' },
            { InstanceType: 'ml.c5.xlarge', InstanceCount: 1, InstanceGroupName: 'b' },
          ],
        },
      },
    ];
    expect(await catalog.getStatus('train-a')).toMatchObject({
      instanceType: '2 × ml.p4d.24xlarge + 1 × ml.c5.xlarge',
    });
  });

  it('knows "Requested resource not found." for what it is', async () => {
    answers = [{ status: 400, __type: 'ValidationException', message: 'Requested resource not found.' }];
    expect(await catalog.getStatus('nobody')).toBeUndefined();
  });

  it.each(['<!channel>', '../../x', 'a'.repeat(64), '', 'a b', '-a', '`x`'])(
    'does not ask AWS about what no job can be called: %j',
    async (name) => {
      expect(await catalog.getStatus(name)).toBeUndefined();
      expect(calls).toEqual([]);
    },
  );

  it('throws any other refusal', async () => {
    answers = [{ status: 400, __type: 'AccessDeniedException', message: 'no' }];
    await expect(catalog.getStatus('train-a')).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('[L9] asks again when it is throttled', async () => {
    answers = [
      { status: 400, __type: 'ThrottlingException', message: 'Rate exceeded' },
      { status: 400, __type: 'ThrottlingException', message: 'Rate exceeded' },
      summary('train-a'),
    ];
    expect(await catalog.getStatus('train-a')).toMatchObject({ name: 'train-a' });
    expect(calls).toHaveLength(3);
  });
});

describe('listing jobs', () => {
  it('asks for the newest first and narrows by name', async () => {
    answers = [{ TrainingJobSummaries: [summary('train-b'), summary('train-a')] }];
    const jobs = await catalog.list({ nameContains: 'train', limit: 20 });
    expect(jobs.map(({ name }) => name)).toEqual(['train-b', 'train-a']);
    expect(calls[0]?.input).toEqual({
      SortBy: 'CreationTime',
      SortOrder: 'Descending',
      MaxResults: 20,
      NameContains: 'train',
    });
  });

  it('goes on through empty pages and stops at the limit', async () => {
    answers = [
      { TrainingJobSummaries: [], NextToken: 't1' },
      { TrainingJobSummaries: [summary('a'), summary('b')], NextToken: 't2' },
      { NextToken: 't3' },
      { TrainingJobSummaries: [summary('c'), summary('d')], NextToken: 't4' },
    ];
    expect((await catalog.list({ limit: 3 })).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(calls.map(({ input }) => input.NextToken)).toEqual([undefined, 't1', 't2', 't3']);
  });

  it('ends at a token that comes back again', async () => {
    answers = [
      { TrainingJobSummaries: [summary('a')], NextToken: 't1' },
      { TrainingJobSummaries: [summary('b')], NextToken: 't1' },
    ];
    expect(await catalog.list({ limit: 100 })).toHaveLength(2);
  });

  it('has nothing for a text that stands in no name, without asking', async () => {
    expect(await catalog.list({ nameContains: '<!channel>', limit: 10 })).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(catalog.list({ limit: 10 }, controller.signal)).rejects.toMatchObject({
      name: 'CancelledError',
    });
  });
});
