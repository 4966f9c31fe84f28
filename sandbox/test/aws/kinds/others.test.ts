/** Endpoints, notebook instances, HyperPod clusters, generic jobs. */
import { DescribeLogStreamsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeClusterCommand,
  DescribeClusterNodeCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeJobCommand,
  DescribeNotebookInstanceCommand,
  type JobCategory,
  ListClusterEventsCommand,
  ListClusterNodesCommand,
  ListClustersCommand,
  ListEndpointsCommand,
  ListJobsCommand,
  ListNotebookInstancesCommand,
  ListTagsCommand,
  StopJobCommand,
  StopNotebookInstanceCommand,
} from '@aws-sdk/client-sagemaker';
import { beforeEach, describe, expect, it } from 'vitest';
import { writtenSeries } from '../../../src/aws/event-series.ts';
import type { KindSeeds } from '../../../src/aws/kinds/index.ts';
import { ACCOUNT, logsClient, REGION, refusal, sagemakerClient, sandbox, twoAccounts } from '../support.ts';
import { watched } from '../watched.ts';

let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = Date.now();
});

const BASE = `arn:aws:sagemaker:${REGION}:${ACCOUNT}`;
const started = async (kinds: KindSeeds, options = {}) => {
  const aws = await sandbox({ clock, world: twoAccounts({ kinds }), ...options });
  return { aws, client: sagemakerClient(aws) };
};
const stream = (name: string, createdAt = now - 60_000) => ({
  name,
  createdAt,
  series: writtenSeries(() => [{ at: createdAt, message: 'hello' }]),
});
const streamsOf = async (aws: Parameters<typeof logsClient>[0], logGroupName: string) =>
  (await logsClient(aws).send(new DescribeLogStreamsCommand({ logGroupName }))).logStreams!.map(
    ({ logStreamName }) => logStreamName,
  );

describe('[O7] endpoints', () => {
  const endpoints = (from = now): KindSeeds => ({
    endpoint: [
      {
        name: 'Inspection',
        configName: 'inspection-7',
        transitions: [
          { at: from - 9e6, status: 'Creating' },
          { at: from - 8e6, status: 'InService' },
          { at: from + 10_000, status: 'Updating' },
          { at: from + 20_000, status: 'InService' },
        ],
        variants: [
          {
            name: 'AllTraffic',
            modelName: 'defects',
            image: 'repo/serve:2',
            instanceType: 'ml.g5.xlarge',
            instanceCount: 2,
          },
        ],
        streams: [stream('AllTraffic/i-0123456789abcdef0')],
        tags: { team: 'ml' },
      },
      {
        name: 'broken',
        configName: 'broken-1',
        transitions: [
          { at: from - 9e6, status: 'Creating' },
          { at: from + 15_000, status: 'Failed' },
        ],
        failureReason:
          'The primary container for production variant AllTraffic did not pass the ping health check.',
        variants: [
          { name: 'AllTraffic', modelName: 'm', image: 'i', instanceType: 'ml.m5.xlarge', instanceCount: 1 },
        ],
      },
    ],
  });

  it('serve, with their variants and a configuration; an ARN is in lower case', async () => {
    const { aws, client } = await started(endpoints());
    expect(await client.send(new DescribeEndpointCommand({ EndpointName: 'Inspection' }))).toMatchObject({
      EndpointArn: `${BASE}:endpoint/inspection`,
      EndpointStatus: 'InService',
      EndpointConfigName: 'inspection-7',
      ProductionVariants: [{ VariantName: 'AllTraffic', CurrentInstanceCount: 2, CurrentWeight: 1 }],
    });
    expect(
      await client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: 'inspection-7' })),
    ).toMatchObject({
      ProductionVariants: [{ ModelName: 'defects', InstanceType: 'ml.g5.xlarge', InitialInstanceCount: 2 }],
    });
    expect(await streamsOf(aws, '/aws/sagemaker/Endpoints/Inspection')).toEqual([
      'AllTraffic/i-0123456789abcdef0',
    ]);
    const { Tags } = await client.send(new ListTagsCommand({ ResourceArn: `${BASE}:endpoint/inspection` }));
    expect(Tags).toEqual([{ Key: 'team', Value: 'ml' }]);
  });

  it('fail at their creation, and then have no variants', async () => {
    const { client } = await started(endpoints());
    now += 20_000;
    const told = await client.send(new DescribeEndpointCommand({ EndpointName: 'broken' }));
    expect(told).toMatchObject({
      EndpointStatus: 'Failed',
      FailureReason: expect.stringContaining('ping health check'),
    });
    expect(told.ProductionVariants).toBeUndefined();
    const { Endpoints } = await client.send(new ListEndpointsCommand({ StatusEquals: 'Failed' }));
    expect(Endpoints!.map(({ EndpointName }) => EndpointName)).toEqual(['broken']);
    expect(await refusal(client.send(new DescribeEndpointCommand({ EndpointName: 'nope' })))).toMatchObject({
      name: 'ValidationException',
      message: `Could not find endpoint "${BASE}:endpoint/nope".`,
    });
    expect(
      await refusal(client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: 'nope' }))),
    ).toMatchObject({ message: `Could not find endpoint configuration "${BASE}:endpoint-config/nope".` });
  });

  it('tell EventBridge in capitals, and of a deployment by an event more', async () => {
    const { time, received } = await watched({ kinds: endpoints() });
    await time.advance(30_000);
    const events = await received();
    expect(
      events.map(({ 'detail-type': type, detail }) => [type, detail.EndpointName, detail.EndpointStatus]),
    ).toEqual([
      ['SageMaker Endpoint State Change', 'Inspection', 'UPDATING'],
      ['SageMaker Endpoint Deployment State Change', 'Inspection', 'UPDATING'],
      ['SageMaker Endpoint State Change', 'broken', 'FAILED'],
      ['SageMaker Endpoint State Change', 'Inspection', 'IN_SERVICE'],
    ]);
    expect(events[2]).toMatchObject({
      resources: [`${BASE}:endpoint/broken`],
      detail: {
        FailureReason: expect.stringContaining('ping health check'),
        ProductionVariants: [{ DesiredWeight: 1, DesiredInstanceCount: 1 }],
        CreationTime: expect.any(Number),
      },
    });
  });
});

describe('[O7] notebook instances', () => {
  const notebooks: () => KindSeeds = () => ({
    notebook: [
      {
        name: 'ada-lab',
        transitions: [
          { at: now - 9e6, status: 'Pending' },
          { at: now - 8e6, status: 'InService' },
        ],
        details: { InstanceType: 'ml.t3.medium', NotebookInstanceLifecycleConfigName: 'lab-start' },
        streams: [stream('ada-lab/LifecycleConfigOnStart'), stream('ada-lab/jupyter.log')],
      },
      {
        name: 'ben-lab',
        transitions: [
          { at: now - 7e6, status: 'Pending' },
          { at: now - 6e6, status: 'Failed' },
        ],
        failureReason: "Notebook Instance Lifecycle Config 'lab-start' took longer than 5 minutes.",
      },
    ],
  });

  it('are listed, described and stopped', async () => {
    const { client } = await started(notebooks());
    const { NotebookInstances } = await client.send(
      new ListNotebookInstancesCommand({ NotebookInstanceLifecycleConfigNameContains: 'lab' }),
    );
    expect(NotebookInstances).toMatchObject([
      {
        NotebookInstanceName: 'ada-lab',
        NotebookInstanceStatus: 'InService',
        Url: `ada-lab.notebook.${REGION}.sagemaker.aws`,
      },
    ]);
    const describeIt = (NotebookInstanceName: string) =>
      client.send(new DescribeNotebookInstanceCommand({ NotebookInstanceName }));
    expect(await describeIt('ben-lab')).toMatchObject({
      FailureReason: expect.stringContaining('took longer'),
    });
    const stop = () => client.send(new StopNotebookInstanceCommand({ NotebookInstanceName: 'ada-lab' }));
    await stop();
    expect((await describeIt('ada-lab')).NotebookInstanceStatus).toBe('Stopping');
    now += 30_000;
    expect((await describeIt('ada-lab')).NotebookInstanceStatus).toBe('Stopped');
    expect(await refusal(stop())).toMatchObject({
      message: `Status (Stopped) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance (${BASE}:notebook-instance/ada-lab).`,
    });
    expect(await refusal(describeIt('nope'))).toMatchObject({
      name: 'ValidationException',
      message: 'RecordNotFound',
    });
  });
});

describe('[O7] HyperPod clusters', () => {
  const NODE = 'i-0a1b2c3d4e5f60718';
  const clusters = (from = now): KindSeeds => ({
    cluster: [
      {
        name: 'pretraining',
        transitions: [
          { at: from - 9e6, status: 'Creating' },
          { at: from - 8e6, status: 'InService' },
          { at: from + 20_000, status: 'Updating' },
        ],
        groups: [
          { name: 'workers', instanceType: 'ml.p5.48xlarge', count: 2, roleArn: 'role', scripts: 's3://s/' },
        ],
        nodes: [
          { group: 'workers', id: NODE, launchedAt: from - 9e6 },
          {
            group: 'workers',
            id: 'i-0a1b2c3d4e5f60719',
            launchedAt: from - 9e6,
            status: 'Failure',
            message: 'x',
          },
        ],
        events: [
          {
            at: from + 5_000,
            group: 'workers',
            node: NODE,
            description: `Instance lifecycle script execution for EC2InstanceId ${NODE} has Failed`,
            level: 'Error',
          },
          {
            at: from + 6_000,
            group: 'workers',
            node: NODE,
            description: 'Please Replace the Faulty Node.',
            level: 'Error',
            health: { status: 'Unhealthy', reason: 'fault type NvidiaErrorTerminate', repair: 'None' },
          },
        ],
        streams: [stream(`LifecycleConfig/workers/${NODE}`)],
      },
      {
        name: 'small',
        transitions: [{ at: from - 1e6, status: 'Creating' }],
        groups: [],
        nodes: [],
      },
    ],
  });

  it('are described by name and by ARN, with groups, nodes and events; the log group has the id', async () => {
    const { aws, client } = await started(clusters());
    const told = await client.send(new DescribeClusterCommand({ ClusterName: 'pretraining' }));
    expect(told).toMatchObject({
      ClusterName: 'pretraining',
      ClusterStatus: 'InService',
      InstanceGroups: [{ InstanceGroupName: 'workers', CurrentCount: 2, TargetCount: 2 }],
    });
    expect(told.ClusterArn).toMatch(/:cluster\/[a-z0-9]{12}$/);
    expect(
      (await client.send(new DescribeClusterCommand({ ClusterName: told.ClusterArn }))).ClusterName,
    ).toBe('pretraining');
    const id = told.ClusterArn!.split('/')[1];
    expect(await streamsOf(aws, `/aws/sagemaker/Clusters/pretraining/${id}`)).toEqual([
      `LifecycleConfig/workers/${NODE}`,
    ]);
    const { ClusterNodeSummaries } = await client.send(
      new ListClusterNodesCommand({ ClusterName: 'pretraining', InstanceGroupNameContains: 'work' }),
    );
    expect(ClusterNodeSummaries!.map(({ InstanceStatus }) => InstanceStatus!.Status)).toEqual([
      'Running',
      'Failure',
    ]);
    expect(
      await client.send(new DescribeClusterNodeCommand({ ClusterName: 'pretraining', NodeId: NODE })),
    ).toMatchObject({
      NodeDetails: { InstanceType: 'ml.p5.48xlarge', LifeCycleConfig: { SourceS3Uri: 's3://s/' } },
    });
    now += 10_000;
    const { Events } = await client.send(
      new ListClusterEventsCommand({ ClusterName: 'pretraining', ResourceType: 'Instance' }),
    );
    expect(Events!.map(({ EventLevel }) => EventLevel)).toEqual(['Error', 'Error']);
    expect(await refusal(client.send(new DescribeClusterCommand({ ClusterName: 'nope' })))).toMatchObject({
      name: 'ResourceNotFound',
    });
  });

  it('are filtered after a page was taken, as AWS documents: an empty page is not the last', async () => {
    const { client } = await started(clusters());
    const first = await client.send(new ListClustersCommand({ NameContains: 'small', MaxResults: 1 }));
    expect(first.ClusterSummaries).toEqual([]);
    const second = await client.send(
      new ListClustersCommand({ NameContains: 'small', MaxResults: 1, NextToken: first.NextToken }),
    );
    expect(second.ClusterSummaries!.map(({ ClusterName }) => ClusterName)).toEqual(['small']);
    expect(second.NextToken).toBeUndefined();
  });

  it('tell EventBridge of themselves, of their nodes and of those nodes’ health', async () => {
    const { time, received } = await watched({ kinds: clusters() });
    await time.advance(30_000);
    const events = await received();
    expect(events.map((event) => event['detail-type'])).toEqual([
      'SageMaker HyperPod Cluster Event',
      'SageMaker HyperPod Cluster Node Health Event',
      'SageMaker HyperPod Cluster State Change',
    ]);
    expect(events[0]!.detail).toMatchObject({
      EventDetails: {
        ClusterName: 'pretraining',
        InstanceGroupName: 'workers',
        InstanceId: NODE,
        ResourceType: 'Instance',
        EventLevel: 'Error',
        EventTime: expect.any(Number),
      },
    });
    expect(events[1]!.detail).toMatchObject({
      InstanceId: NODE,
      HealthSummary: { HealthStatus: 'Unhealthy', RepairAction: 'None' },
    });
    expect(events[2]!.detail).toMatchObject({ ClusterStatus: 'Updating', FailureMessage: '' });
  });
});

describe('[O7] generic jobs', () => {
  const jobs = (): KindSeeds => ({
    job: [
      ...['AgentRFT', 'AgentRFTEvaluation'].map((category) => ({
        name: `${category}/tune-helper`,
        roleArn: 'role',
        transitions: [
          { at: now - 60_000, status: 'InProgress', secondary: 'Starting' },
          { at: now - 50_000, status: 'InProgress', secondary: 'Training', message: 'Step 3 of 40' },
        ],
        streams: [stream('tune-helper/training-2026-11-29T10-00-00.1Z')],
        tags: { team: 'agents' },
      })),
    ],
  });
  const OF = { JobName: 'tune-helper', JobCategory: 'AgentRFT' } as const;

  it('are listed, described and stopped in their category, each with a log group', async () => {
    const { aws, client } = await started(jobs());
    const { JobSummaries } = await client.send(new ListJobsCommand({ JobCategory: 'AgentRFT' }));
    expect(JobSummaries).toMatchObject([
      {
        JobName: 'tune-helper',
        JobCategory: 'AgentRFT',
        JobArn: `${BASE}:job/AgentRFT/tune-helper`,
        JobStatus: 'InProgress',
        JobSecondaryStatus: 'Training',
      },
    ]);
    expect(await client.send(new DescribeJobCommand(OF))).toMatchObject({
      SecondaryStatus: 'Training',
      SecondaryStatusTransitions: [{ Status: 'Starting' }, { StatusMessage: 'Step 3 of 40' }],
      Tags: [{ Key: 'team', Value: 'agents' }],
    });
    expect(await streamsOf(aws, '/aws/sagemaker/Job/AgentRFT')).toEqual([
      'tune-helper/training-2026-11-29T10-00-00.1Z',
    ]);
    await client.send(new StopJobCommand(OF));
    now += 30_000;
    expect((await client.send(new DescribeJobCommand(OF))).JobStatus).toBe('Stopped');
    const other = await client.send(new DescribeJobCommand({ ...OF, JobCategory: 'AgentRFTEvaluation' }));
    expect(other.JobStatus).toBe('InProgress');
    expect(await refusal(client.send(new DescribeJobCommand({ ...OF, JobName: 'nope' })))).toMatchObject({
      name: 'ResourceNotFound',
    });
  });

  it('of a category that the service does not know are refused, until something is of it', async () => {
    const { aws, client } = await started(jobs());
    const JobCategory = 'DataQualityEvaluation' as JobCategory;
    const list = () => client.send(new ListJobsCommand({ JobCategory }));
    expect(await refusal(list())).toMatchObject({
      name: 'ValidationException',
      message:
        "1 validation error detected: Value 'DataQualityEvaluation' at 'jobCategory' failed to satisfy constraint: Member must satisfy enum value set: [AgentRFT, AgentRFTEvaluation]",
    });
    expect(await refusal(client.send(new ListJobsCommand({} as never)))).toMatchObject({
      message: expect.stringContaining("Value null at 'jobCategory'"),
    });
    aws.putKinds(ACCOUNT, REGION, {
      job: [
        {
          name: 'DataQualityEvaluation/rows',
          roleArn: 'role',
          transitions: [{ at: now, status: 'InProgress', secondary: 'Starting' }],
        },
      ],
    });
    expect((await list()).JobSummaries).toMatchObject([{ JobName: 'rows', JobCategory }]);
  });
});
