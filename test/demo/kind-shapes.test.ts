/** What the sandbox answers of SageMaker's kinds is what the service's model has: no member more, whatever the depth. */
import * as sdk from '@aws-sdk/client-sagemaker';
import { NormalizedSchema } from '@smithy/core/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsSandbox, startAwsSandbox } from '#sandbox';
import { signedFetch } from '../../sandbox/test/aws/signed-fetch.ts';
import { KEYS } from '../../sandbox/test/aws/support.ts';
import { line3Kinds } from '../../src/demo/kinds/index.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';

const STARTED = Date.now();
const ACCOUNT = '123456789012';
const ARN = `arn:aws:sagemaker:eu-west-1:${ACCOUNT}`;
let aws: AwsSandbox;

beforeAll(async () => {
  const bot = { accessKeyId: 'AKIABOT0000000000001', secretAccessKey: 'bot-secret' };
  aws = await startAwsSandbox({ world: seededAwsWorld(STARTED, bot, { [ACCOUNT]: KEYS }), quotas: 'off' });
});
afterAll(() => aws.close());

/** Operation schemas begin with this number. */
const OPERATION = 9;
const outputs = new Map<string, NormalizedSchema>();
for (const value of Object.values(sdk) as unknown[])
  if (Array.isArray(value) && value[0] === OPERATION)
    outputs.set(String(value[2]), NormalizedSchema.of((value[5] as () => never)()));

/** @returns the paths of members that the schema does not have */
function strangers(schema: NormalizedSchema, value: unknown, at: string): string[] {
  if (value === null || typeof value !== 'object') return [];
  if (schema.isListSchema())
    return (value as unknown[]).flatMap((one) => strangers(schema.getValueSchema(), one, `${at}[]`));
  if (schema.isMapSchema())
    return Object.values(value).flatMap((one) => strangers(schema.getValueSchema(), one, `${at}{}`));
  if (!schema.isStructSchema()) return [`${at} is no structure`];
  const members = new Map(schema.structIterator());
  return Object.entries(value).flatMap(([name, one]) => {
    const of = members.get(name);
    return of === undefined ? [`${at}.${name}`] : strangers(of, one, `${at}.${name}`);
  });
}

const answer = async (operation: string, input: object): Promise<Record<string, unknown>> => {
  const response = await signedFetch(aws, 'sagemaker', {
    target: `SageMaker.${operation}`,
    body: JSON.stringify(input),
  });
  const body = (await response.json()) as Record<string, unknown>;
  expect(response.status, `${operation}: ${JSON.stringify(body)}`).toBe(200);
  return body;
};

/** Each of the demo's, by each operation that there is for its kind. */
function questions(): [operation: string, input: object][] {
  const { kinds } = line3Kinds(STARTED);
  const each = (operation: string, member: string, works: readonly { name: string }[] = []) =>
    works.map(({ name }): [string, object] => [operation, { [member]: name }]);
  const executions = (kinds.pipeline ?? []).map(({ name }) => ({ name: `${ARN}:pipeline/${name}` }));
  const jobs = (kinds.job ?? []).map(({ name }): [string, object] => {
    const [JobCategory, JobName] = name.split('/');
    return ['DescribeJob', { JobCategory, JobName }];
  });
  return [
    ...[
      'ListProcessingJobs',
      'ListTransformJobs',
      'ListHyperParameterTuningJobs',
      'ListPipelines',
      'ListEndpoints',
      'ListNotebookInstances',
      'ListClusters',
      'ListTrainingJobs',
      'ListCompilationJobs',
    ].map((operation): [string, object] => [operation, { MaxResults: 100 }]),
    ['ListJobs', { JobCategory: 'AgentRFT' }],
    ['ListPipelineExecutions', { PipelineName: 'line-3-retrain' }],
    ['DescribePipeline', { PipelineName: 'line-3-retrain' }],
    ['DescribeEndpointConfig', { EndpointConfigName: 'inspection-6' }],
    ...each('DescribeProcessingJob', 'ProcessingJobName', kinds.processing?.slice(0, 8)),
    ...each('DescribeTransformJob', 'TransformJobName', kinds.transform),
    ...each('DescribeHyperParameterTuningJob', 'HyperParameterTuningJobName', kinds.tuning),
    ...each('ListTrainingJobsForHyperParameterTuningJob', 'HyperParameterTuningJobName', kinds.tuning),
    ...each('DescribePipelineExecution', 'PipelineExecutionArn', executions),
    ...each('ListPipelineExecutionSteps', 'PipelineExecutionArn', executions),
    ...each('DescribeEndpoint', 'EndpointName', kinds.endpoint),
    ...each('DescribeNotebookInstance', 'NotebookInstanceName', kinds.notebook),
    ...each('DescribeCluster', 'ClusterName', kinds.cluster),
    ...each('ListClusterNodes', 'ClusterName', kinds.cluster),
    ...each('ListClusterEvents', 'ClusterName', kinds.cluster),
    ...jobs,
  ];
}

describe('[O7] the answers about the demo’s kinds of work', () => {
  it.each(questions())('have no member of their own: %s %o', async (operation, input) => {
    expect(strangers(outputs.get(operation)!, await answer(operation, input), operation)).toEqual([]);
  });
});
