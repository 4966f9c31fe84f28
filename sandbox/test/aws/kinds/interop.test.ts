/** boto3 and the AWS CLI on SageMaker's kinds of work, where they are installed. */
import { describe, expect, it } from 'vitest';
import type { KindSeeds } from '../../../src/aws/kinds/index.ts';
import { clientEnvironment, hasBoto3, hasCli, python, run } from '../other-clients.ts';
import { ACCOUNT, REGION, sandbox, twoAccounts } from '../support.ts';

const NOW = Date.now();
const ARN = `arn:aws:sagemaker:${REGION}:${ACCOUNT}`;
const ended = (name: string, hours: number, status = 'Completed') => ({
  name,
  transitions: [
    { at: NOW - hours * 3_600_000, status: 'InProgress', secondary: 'Starting' },
    { at: NOW - hours * 3_600_000 + 60_000, status: 'InProgress', secondary: 'Running' },
    { at: NOW - hours * 3_600_000 + 120_000, status },
  ],
});

const KINDS: KindSeeds = {
  processing: Array.from({ length: 23 }, (_, hour) => ended(`prepare-${hour}`, hour + 1)),
  transform: [ended('predict', 3, 'Failed')],
  endpoint: [
    {
      name: 'Inspection',
      configName: 'inspection-1',
      transitions: [
        { at: NOW - 9e6, status: 'Creating' },
        { at: NOW - 8e6, status: 'InService' },
      ],
      variants: [
        { name: 'AllTraffic', modelName: 'm', image: 'i', instanceType: 'ml.m5.xlarge', instanceCount: 1 },
      ],
    },
  ],
  pipeline: [
    {
      name: 'retrain/execution/aaaaaaaaaaa1',
      pipeline: { name: 'retrain', roleArn: `arn:aws:iam::${ACCOUNT}:role/Pipelines`, createdAt: NOW - 9e8 },
      transitions: [
        { at: NOW - 9e6, status: 'Executing' },
        { at: NOW - 8e6, status: 'Failed' },
      ],
      steps: [
        {
          name: 'Prepare',
          type: 'Processing',
          transitions: [
            { at: NOW - 9e6, status: 'Starting' },
            { at: NOW - 8e6, status: 'Failed' },
          ],
          failureReason: 'ClientError: AlgorithmError: , exit code: 1',
          metadata: { ProcessingJob: { Arn: `${ARN}:processing-job/prepare-2` } },
        },
      ],
    },
  ],
  cluster: [
    {
      name: 'pretraining',
      transitions: [{ at: NOW - 9e6, status: 'InService' }],
      groups: [{ name: 'w', instanceType: 'ml.g5.xlarge', count: 1, roleArn: 'role', scripts: 's3://s/' }],
      nodes: [{ group: 'w', id: 'i-0a1b2c3d4e5f60718', launchedAt: NOW - 9e6 }],
    },
  ],
};

const BOTO3 = `
import boto3, json
from botocore.exceptions import ClientError, PaginationError, WaiterError
sm = boto3.client("sagemaker")
def names(operation, member, name, **asked):
    return [one[name] for page in sm.get_paginator(operation).paginate(**asked) for one in page[member]]
out = {"processing": names("list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobName", SortOrder="Descending")}
out["nodes"] = names("list_cluster_nodes", "ClusterNodeSummaries", "InstanceId", ClusterName="pretraining")
out["executions"] = names("list_pipeline_executions", "PipelineExecutionSummaries", "PipelineExecutionArn", PipelineName="retrain")
steps = names("list_pipeline_execution_steps", "PipelineExecutionSteps", "Metadata", PipelineExecutionArn=out["executions"][0])
out["steps"] = steps
sm.get_waiter("processing_job_completed_or_stopped").wait(ProcessingJobName="prepare-1")
sm.get_waiter("endpoint_in_service").wait(EndpointName="Inspection")
try: sm.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="predict")
except WaiterError as error: out["failed"] = error.last_response["TransformJobStatus"]
for call, asked in {"describe_processing_job": {"ProcessingJobName": "nope"}, "describe_hyper_parameter_tuning_job": {"HyperParameterTuningJobName": "nope"}, "describe_endpoint": {"EndpointName": "nope"}, "describe_notebook_instance": {"NotebookInstanceName": "nope"}, "describe_cluster": {"ClusterName": "nope"}}.items():
    try: getattr(sm, call)(**asked)
    except ClientError as error: out[call] = error.response["Error"]["Code"]
role = "arn:aws:iam::${ACCOUNT}:role/TrainingExecution"
out["created"] = sm.create_processing_job(ProcessingJobName="made", RoleArn=role, AppSpecification={"ImageUri": "repo/prepare:1"},
    ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}}, Environment={"PARTS": "50"})["ProcessingJobArn"]
sm.stop_processing_job(ProcessingJobName="made")
out["status"] = sm.describe_processing_job(ProcessingJobName="made")["ProcessingJobStatus"]
print(json.dumps(out))
`;

describe('[O7] other clients on SageMaker’s kinds of work', () => {
  it.skipIf(!hasBoto3)(
    'page through empty pages, wait, are refused, create and stop (needs boto3)',
    async () => {
      const aws = await sandbox({ world: twoAccounts({ kinds: KINDS }), emptyListPages: 1 });
      expect(await python(BOTO3, aws)).toEqual({
        processing: KINDS.processing!.map(({ name }) => name),
        nodes: ['i-0a1b2c3d4e5f60718'],
        executions: [`${ARN}:pipeline/retrain/execution/aaaaaaaaaaa1`],
        steps: [{ ProcessingJob: { Arn: `${ARN}:processing-job/prepare-2` } }],
        failed: 'Failed',
        describe_processing_job: 'ValidationException',
        describe_hyper_parameter_tuning_job: 'ResourceNotFound',
        describe_endpoint: 'ValidationException',
        describe_notebook_instance: 'ValidationException',
        describe_cluster: 'ResourceNotFound',
        created: `${ARN}:processing-job/made`,
        status: 'Stopping',
      });
    },
    60_000,
  );

  it.skipIf(!hasBoto3)(
    'notice a token that comes again (needs boto3)',
    async () => {
      const aws = await sandbox({ world: twoAccounts({ kinds: KINDS }), repeatedListTokens: true });
      const said = await python(
        `
import boto3, json
from botocore.exceptions import PaginationError
try: list(boto3.client("sagemaker").get_paginator("list_processing_jobs").paginate())
except PaginationError as error: print(json.dumps(str(error)))
`,
        aws,
      );
      expect(said).toContain('The same next token was received twice');
    },
    60_000,
  );

  it.skipIf(!hasCli)(
    'read what the CLI reads (needs the AWS CLI)',
    async () => {
      const aws = await sandbox({ world: twoAccounts({ kinds: KINDS }) });
      const cli = async (...words: string[]) => {
        const { stdout } = await run('aws', ['sagemaker', ...words, '--output', 'json'], {
          env: clientEnvironment(aws),
        });
        return JSON.parse(stdout) as unknown;
      };
      const execution = `${ARN}:pipeline/retrain/execution/aaaaaaaaaaa1`;
      const [endpoints, steps, clusters] = await Promise.all([
        cli('list-endpoints', '--status-equals', 'InService'),
        cli('list-pipeline-execution-steps', '--pipeline-execution-arn', execution),
        cli('describe-cluster', '--cluster-name', 'pretraining'),
      ]);
      expect(endpoints).toMatchObject({ Endpoints: [{ EndpointArn: `${ARN}:endpoint/inspection` }] });
      expect(steps).toMatchObject({
        PipelineExecutionSteps: [{ StepName: 'Prepare', StepStatus: 'Failed', AttemptCount: 1 }],
      });
      expect(clusters).toMatchObject({ InstanceGroups: [{ CurrentCount: 1, TargetCount: 1 }] });
    },
    60_000,
  );
});
