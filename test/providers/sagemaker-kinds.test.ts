/** SageMaker's kinds of jobs other than training, against a server that speaks its protocol. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROVIDERS } from '../../src/domain/providers.ts';
import { KIND_NAMES, SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { KIND_FIXTURES } from '../fixtures/sagemaker-kinds.ts';
import { type KindServer, kindServer } from '../fixtures/sagemaker-server.ts';

let server: KindServer;
beforeEach(async () => {
  server = await kindServer();
});
afterEach(() => server.close());

describe('[K1, K2] every kind of the table', () => {
  it('has a row of its own in all three tables, and a fixture', () => {
    expect(Object.keys(KIND_FIXTURES).toSorted()).toEqual(KIND_NAMES.toSorted());
    for (const name of KIND_NAMES) {
      expect(PROVIDERS[name].isKind).toBe(true);
      expect(PROVIDERS[name].stops).toBe(SAGEMAKER_KINDS[name].actions.stop.length > 0);
    }
  });
});

describe('[K1] the log of a pipeline', () => {
  it('asks for the name of a step’s job once, and for the steps with every listing', async () => {
    const arn = 'arn:aws:sagemaker:eu-west-1:123456789012:training-job/pipelines-abc123def456-train-x1';
    server.answer({
      DescribePipelineExecution: { PipelineExecutionStatus: 'Executing' },
      ListPipelineExecutionSteps: {
        PipelineExecutionSteps: [
          { StepName: 'Train', StepStatus: 'Executing', Metadata: { TrainingJob: { Arn: arn } } },
        ],
      },
      DescribeTrainingJob: { TrainingJobName: 'pipelines-abc123def456-Train-x1' },
      DescribeLogStreams: {
        logStreams: [{ logStreamName: 'pipelines-abc123def456-Train-x1/algo-1-1795150455' }],
      },
    });
    const log = (await server.open('pipeline')).log('weld-abc123def456');
    for (const source of [log, log, log.inBackground!()])
      expect((await source.listStreams()).map(({ shortName }) => shortName)).toEqual(['Train/algo-1']);
    const asked = (of: string) => server.calls.filter(({ operation }) => operation === of).length;
    expect(asked('DescribeTrainingJob')).toBe(1);
    expect(asked('ListPipelineExecutionSteps')).toBe(3);
  });
});

describe('[K1] the list of SageMaker jobs', () => {
  it('is asked for by category, and sparingly not for those of which all is known', async () => {
    const of = (category: unknown, names: readonly string[]) => ({
      JobSummaries: names.map((JobName) => ({ JobName, JobCategory: category, JobStatus: 'Completed' })),
    });
    server.answer({
      ListJobs: ({ JobCategory, NameContains = '', NextToken }) => {
        if (JobCategory === 'AgentRFTEvaluation') return of(JobCategory, ['grade-welds', 'grade-seams']);
        const names = ['tune-welds', 'tune-seams'].filter((name) => name.includes(String(NameContains)));
        return NextToken || NameContains
          ? of(JobCategory, names)
          : { ...of(JobCategory, names), NextToken: 'x' };
      },
    });
    const { jobs } = await server.open('job');
    const asked = async (query: Parameters<typeof jobs.list>[0]) => {
      const before = server.calls.length;
      const names = (await jobs.list(query)).map(({ name }) => name).toSorted();
      return { names, categories: server.calls.slice(before).map(({ input }) => input.JobCategory) };
    };
    const sparingly = { nameContains: 'welds', limit: 9, sparing: true };
    const both = ['AgentRFT', 'AgentRFTEvaluation'];
    expect((await asked(sparingly)).categories.toSorted()).toEqual(both);
    expect((await asked({ limit: 2 })).categories.toSorted()).toEqual(both);
    expect(await asked(sparingly)).toEqual({
      names: ['grade-welds', 'tune-welds'],
      categories: ['AgentRFT'],
    });
    expect((await asked({ nameContains: 'welds', limit: 9 })).categories.toSorted()).toEqual(both);
  });
});

describe.each(KIND_NAMES)('[K1] the kind %s', (kind) => {
  const fixture = KIND_FIXTURES[kind];
  let provider: TrainingProvider;
  beforeEach(async () => {
    provider = await server.open(kind);
  });

  it('lists its jobs over empty pages, and stops at a token that comes back', async () => {
    server.answer(fixture.lists);
    const jobs = await provider.jobs.list({ limit: 5 });
    expect(jobs.map(({ name }) => name)).toEqual(fixture.listed);
    for (const job of jobs) expect(job).toMatchObject({ provider: kind, useCase: 'line-3' });
    for (const { operation } of server.calls) expect(SAGEMAKER_KINDS[kind].actions.list).toContain(operation);
  });

  it('describes one in our words and its own', async () => {
    server.answer(fixture.descriptions);
    expect(await provider.getStatus(fixture.failed.name)).toMatchObject({
      ...{ provider: kind, useCase: 'line-3', state: 'failed' },
      ...fixture.failed,
    });
    for (const { operation } of server.calls) expect(SAGEMAKER_KINDS[kind].actions.look).toContain(operation);
  });

  it('knows nothing of one that is not there, and asks nobody about what cannot be a name', async () => {
    server.answer({
      '*': { __type: 'ValidationException', status: 400, message: 'Requested resource not found.' },
    });
    expect(await provider.getStatus(fixture.failed.name)).toBeUndefined();
    const asked = server.calls.length;
    for (const name of ['', '../x', 'a b', 'x'.repeat(400), 'a/b'])
      expect(await provider.getStatus(name)).toBeUndefined();
    expect(server.calls).toHaveLength(asked);
  });

  it('says what it may not', async () => {
    server.answer({ '*': { __type: 'AccessDeniedException', status: 400, message: 'no' } });
    await expect(provider.jobs.list({ limit: 1 })).rejects.toMatchObject({
      ...{
        code: 'permission_denied',
        message: expect.stringContaining(`list the ${PROVIDERS[kind].thing}s`),
      },
      hint: expect.stringContaining(`sagemaker:${SAGEMAKER_KINDS[kind].actions.list[0]}`),
    });
    await expect(provider.getStatus(fixture.failed.name)).rejects.toMatchObject({
      hint: expect.stringContaining(`sagemaker:${SAGEMAKER_KINDS[kind].actions.look[0]}`),
    });
  });

  it('shows a state that is not in the table as it is', async () => {
    server.answer(fixture.descriptionsWith('Hibernating'));
    expect(await provider.getStatus(fixture.failed.name)).toMatchObject({
      state: 'unknown',
      status: 'Hibernating',
    });
  });

  it('cannot be started from here, nor stopped where others may use it', async () => {
    await expect(provider.setup('any')).rejects.toMatchObject({
      ...{ code: 'invalid_input', message: expect.stringContaining(PROVIDERS[kind].thing) },
    });
    if (!PROVIDERS[kind].stops)
      await expect(provider.cancel('any')).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it.runIf(PROVIDERS[kind].stops)('is stopped once', async () => {
    server.answer(fixture.descriptionsWith(fixture.running));
    await provider.cancel(fixture.failed.name);
    const stops = server.calls.filter(({ operation }) => operation.startsWith('Stop'));
    expect(stops.map(({ operation }) => operation)).toEqual(SAGEMAKER_KINDS[kind].actions.stop);
  });
});
