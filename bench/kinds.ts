/**
 * How long the lists of SageMaker's kinds take beside training's alone: what a use case with every kind waits for when it
 * looks for a name. `npx tsx bench/kinds.ts`; 400 jobs of each kind, 150 ms for each answer. Prints ratios.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAwsAccounts } from '../src/aws/accounts.ts';
import { SAGEMAKER_NAMES } from '../src/domain/providers.ts';
import type { UseCase } from '../src/domain/use-cases.ts';
import { createLogEngine } from '../src/logs/index.ts';
import { listJobs } from '../src/operations/job-places.ts';
import { createUseCaseGateway } from '../src/providers/gateway.ts';

const LATENCY = 150;
const JOBS = 400;
const ROUNDS = 9;

const KEYS: Readonly<Record<string, readonly [key: string, word: string]>> = {
  ListTrainingJobs: ['TrainingJobSummaries', 'TrainingJob'],
  ListProcessingJobs: ['ProcessingJobSummaries', 'ProcessingJob'],
  ListTransformJobs: ['TransformJobSummaries', 'TransformJob'],
  ListHyperParameterTuningJobs: ['HyperParameterTuningJobSummaries', 'HyperParameterTuningJob'],
  ListCompilationJobs: ['CompilationJobSummaries', 'CompilationJob'],
  ListEndpoints: ['Endpoints', 'Endpoint'],
  ListNotebookInstances: ['NotebookInstances', 'NotebookInstance'],
  ListClusters: ['ClusterSummaries', 'Cluster'],
  ListJobs: ['JobSummaries', 'Job'],
};

let requests = 0;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    requests += 1;
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const { MaxResults = 10, NextToken } = JSON.parse(body) as { MaxResults?: number; NextToken?: string };
    const from = Number(NextToken ?? 0);
    const names = Array.from(
      { length: Math.min(MaxResults, JOBS - from) },
      (_, at) => `job-${JOBS - from - at}`,
    );
    const next = from + names.length < JOBS ? { NextToken: String(from + names.length) } : {};
    const time = (at: number) => 1_763_715_000 - from - at;
    let answer: object;
    if (operation === 'ListPipelines')
      answer = { PipelineSummaries: [{ PipelineName: 'weld', LastExecutionTime: time(0) }] };
    else if (operation === 'ListPipelineExecutions')
      answer = {
        PipelineExecutionSummaries: names.map((_, at) => ({
          PipelineExecutionArn: `arn:aws:sagemaker:eu-west-1:123456789012:pipeline/weld/execution/${String(JOBS - from - at).padStart(12, 'a')}`,
          ...{ PipelineExecutionStatus: 'Succeeded', StartTime: time(at) },
        })),
        ...next,
      };
    else {
      const [key = '', word = ''] = KEYS[operation] ?? [];
      answer = {
        [key]: names.map((name, at) => ({
          ...{ [`${word}Name`]: name, [`${word}Status`]: 'Completed', CreationTime: time(at) },
        })),
        ...next,
      };
    }
    setTimeout(
      () =>
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer)),
      LATENCY,
    );
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
Object.assign(process.env, {
  AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  ...{ AWS_ACCESS_KEY_ID: 'AKIABENCH', AWS_SECRET_ACCESS_KEY: 'secret' },
});

const useCase = (all: boolean): UseCase => ({
  ...{ id: all ? 'all' : 'training', name: 'Bench', channels: ['C0'], access: {} },
  aws: { account: '123456789012', region: 'eu-west-1' },
  providers: { sagemaker: all ? { kinds: SAGEMAKER_NAMES } : true },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
});
const clock = { now: () => Date.now() };

async function measure(all: boolean, limit: number): Promise<{ ms: number; asked: number; jobs: number }> {
  const times: number[] = [];
  let jobs = 0;
  requests = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const gateway = createUseCaseGateway({
      ...{ clock, accounts: createAwsAccounts({ clock }) },
      engine: createLogEngine({ spoolDir: '/tmp' }),
    });
    const session = await gateway.open(useCase(all), { team: 'T', user: 'U' }, 'logs');
    const begun = performance.now();
    jobs = (await listJobs(session, { limit })).jobs.length;
    // The first loads the SDK.
    if (round > 0) times.push(performance.now() - begun);
  }
  return { ms: times.sort((a, b) => a - b)[ROUNDS >> 1]!, asked: requests / (ROUNDS + 1), jobs };
}

for (const [what, limit] of [
  ['the newest 100 of each (suggestions, looking for new jobs)', 100],
  ['all 400 of each', JOBS],
] as const) {
  const training = await measure(false, limit);
  const every = await measure(true, limit);
  const round = (ms: number) => `${Math.round(ms)} ms`;
  console.log(what);
  console.log(`  training alone  ${round(training.ms)}, ${training.jobs} jobs, ${training.asked} requests`);
  console.log(`  every kind      ${round(every.ms)}, ${every.jobs} jobs, ${every.asked} requests`);
  console.log(`  ratio           ${(every.ms / training.ms).toFixed(2)}`);
}
server.closeAllConnections();
server.close();
