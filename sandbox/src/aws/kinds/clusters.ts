/** HyperPod clusters: instance groups, their nodes, and what happened to them. */
import { createHash } from 'node:crypto';
import type { EpochMs } from '../../time.ts';
import { AwsError } from '../errors.ts';
import type { AwsOperation } from '../service.ts';
import { TRAINING_PLAN_ARN } from '../training-request.ts';
import type { Kind, KindChange, KindTools } from './kind.ts';
import type { ListRow } from './list.ts';
import { inMilliseconds } from './milliseconds.ts';
import { listOperation } from './operations.ts';
import { reading } from './request.ts';
import { seconds, type Work, type WorkSeed } from './work.ts';

export interface ClusterSeed extends WorkSeed {
  groups: readonly ClusterGroup[];
  nodes: readonly ClusterNode[];
  /** What `ListClusterEvents` and EventBridge tell of single nodes and groups. */
  events?: readonly ClusterEvent[];
}

export interface ClusterGroup {
  name: string;
  instanceType: string;
  /** How many instances there should be. */
  count: number;
  roleArn: string;
  /** S3 folder of its lifecycle scripts. */
  scripts: string;
  status?: 'InService' | 'Creating' | 'Updating' | 'Failed' | 'Degraded' | 'SystemUpdating' | 'Deleting';
}

export interface ClusterNode {
  group: string;
  /** `i-` and 17 hexadecimal digits. */
  id: string;
  launchedAt: EpochMs;
  /** Left out: `Running`. */
  status?: string;
  message?: string;
}

export interface ClusterEvent {
  at: EpochMs;
  /** Left out: the cluster itself. */
  group?: string;
  node?: string;
  description: string;
  level: 'Info' | 'Warn' | 'Error';
  /** The health monitoring agent's own: an event of another type. */
  health?: { status: 'Healthy' | 'Unhealthy'; reason: string; repair: string };
}

const CLUSTER_NAME = {
  max: 256,
  pattern:
    '(arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:cluster/[a-z0-9]{12})|([a-zA-Z0-9](-*[a-zA-Z0-9]){0,62})',
};
const GROUP_NAME = { min: 1, max: 63, pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9])*' };
const NODE_ID = { min: 1, max: 256, pattern: 'i-[a-f0-9]{8}(?:[a-f0-9]{9})?' };

const clusterIds = new Map<string, string>();

/** The end of its ARN, and of its log group's name. */
export function clusterId(name: string): string {
  let id = clusterIds.get(name);
  if (id === undefined) {
    const digest = createHash('sha256').update(name).digest('hex');
    id = BigInt(`0x${digest}`).toString(36).slice(0, 12);
    clusterIds.set(name, id);
  }
  return id;
}

export const cluster: Kind<ClusterSeed> = {
  words: 'cluster',
  resource: 'cluster',
  arnOf: clusterId,
  name: { member: 'ClusterName', rule: CLUSTER_NAME },
  members: { arn: 'ClusterArn', status: 'ClusterStatus', failure: 'FailureMessage' },
  ends: ['Failed'],
  operations: { describe: 'DescribeCluster' },
  list: {
    operation: 'ListClusters',
    answer: 'ClusterSummaries',
    sortBy: { CREATION_TIME: 'CreationTime', NAME: 'ClusterName' },
    defaultSort: 'CREATION_TIME',
    key: 'ClusterName',
    name: { member: 'NameContains' },
    times: [{ asked: 'CreationTime', of: 'CreationTime' }],
    equals: [
      {
        member: 'TrainingPlanArn',
        of: ({ TrainingPlanArns }, wanted) =>
          ((TrainingPlanArns ?? []) as string[]).find((one) => one === wanted),
        rule: { min: 50, max: 2048, pattern: TRAINING_PLAN_ARN },
      },
    ],
    late: 'all',
  },
  summary: ['ClusterName', 'ClusterArn', 'CreationTime', 'ClusterStatus', 'TrainingPlanArns'],
  group: ({ name }) => `/aws/sagemaker/Clusters/${name}/${clusterId(name)}`,
  describe: ({ groups, nodes }, { status }, _, now) => ({
    InstanceGroups: groups.map((group) => ({
      InstanceGroupName: group.name,
      InstanceType: group.instanceType,
      CurrentCount: nodes.filter((node) => node.group === group.name && node.launchedAt <= now).length,
      TargetCount: group.count,
      ExecutionRole: group.roleArn,
      LifeCycleConfig: { SourceS3Uri: group.scripts, OnCreate: 'on_create.sh' },
      Status: group.status ?? (status === 'Creating' ? 'Creating' : 'InService'),
      ThreadsPerCore: 1,
    })),
    NodeRecovery: 'Automatic',
  }),
  missing: (name) => new AwsError('ResourceNotFound', `Cluster with name ${name} not found.`),
  more: clusterOperations,
  event: {
    detailType: 'SageMaker HyperPod Cluster State Change',
    detail: (told) => ({ FailureMessage: '', ...told }),
  },
  changes: eventChanges,
};

const NODES: ListRow = {
  operation: 'ListClusterNodes',
  answer: 'ClusterNodeSummaries',
  sortBy: { CREATION_TIME: 'LaunchTime', NAME: 'InstanceId' },
  defaultSort: 'CREATION_TIME',
  key: 'InstanceId',
  contains: [{ member: 'InstanceGroupNameContains', of: 'InstanceGroupName', rule: GROUP_NAME }],
  times: [{ asked: 'CreationTime', of: 'LaunchTime' }],
};

const EVENTS: ListRow = {
  operation: 'ListClusterEvents',
  answer: 'Events',
  sortBy: { EventTime: 'EventTime' },
  defaultSort: 'EventTime',
  defaultOrder: 'Descending',
  key: 'EventId',
  times: [{ asked: 'EventTime', of: 'EventTime' }],
  equals: [
    { member: 'InstanceGroupName', of: ({ InstanceGroupName }) => InstanceGroupName, rule: GROUP_NAME },
    { member: 'NodeId', of: ({ InstanceId }) => InstanceId, rule: NODE_ID },
    {
      member: 'ResourceType',
      of: ({ ResourceType }) => ResourceType,
      rule: { values: ['Cluster', 'InstanceGroup', 'Instance'] },
    },
  ],
};

function clusterOperations({ works, settings }: KindTools<ClusterSeed>): Record<string, AwsOperation> {
  return {
    [NODES.operation]: listOperation(NODES, settings, (call, read) => {
      const name = read.need('ClusterName', CLUSTER_NAME);
      // The sandbox's nodes have no logical ids.
      read.flag('IncludeNodeLogicalIds');
      return () => nodesOf(works(call).named(name, call.now), call.now).map((node) => nodeSummary(node));
    }),
    [EVENTS.operation]: listOperation(EVENTS, settings, (call, read) => {
      const name = read.need('ClusterName', CLUSTER_NAME);
      return () => {
        const store = works(call);
        const of = store.named(name, call.now);
        return (of.events ?? [])
          .filter(({ at }) => at <= call.now)
          .map((event, index) => eventSummary(event, of, store.arn(of.name), index));
      };
    }),
    DescribeClusterNode: {
      action: 'sagemaker:DescribeClusterNode',
      resources: (call) => [works(call).arn(String(call.input.ClusterName))],
      handle: (call) => {
        const read = reading(call);
        const name = read.need('ClusterName', CLUSTER_NAME);
        const id = read.need('NodeId', NODE_ID);
        read.check();
        const of = works(call).named(name, call.now);
        const node = nodesOf(of, call.now).find((one) => one.id === id);
        if (!node) throw new AwsError('ResourceNotFound', `Instance ${id} not found in cluster ${of.name}.`);
        const { scripts } = of.groups.find((group) => group.name === node.group)!;
        return {
          body: {
            NodeDetails: {
              ...nodeSummary(node),
              LifeCycleConfig: { SourceS3Uri: scripts, OnCreate: 'on_create.sh' },
            },
          },
        };
      },
    },
  };
}

interface PlacedNode extends ClusterNode {
  instanceType: string;
}

const nodesOf = ({ nodes, groups }: ClusterSeed, now: EpochMs): PlacedNode[] =>
  nodes
    .filter(({ launchedAt }) => launchedAt <= now)
    .map((node) => ({
      ...node,
      instanceType: groups.find(({ name }) => name === node.group)?.instanceType ?? '',
    }));

const nodeSummary = (node: PlacedNode) => ({
  InstanceGroupName: node.group,
  InstanceId: node.id,
  InstanceType: node.instanceType,
  LaunchTime: seconds(node.launchedAt),
  InstanceStatus: {
    Status: node.status ?? 'Running',
    ...(node.message === undefined ? {} : { Message: node.message }),
  },
});

function eventSummary(event: ClusterEvent, { name }: { name: string }, arn: string, index: number) {
  const digest = createHash('sha256').update(`${arn}/${index}`).digest('hex');
  return {
    EventId: digest.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    ClusterArn: arn,
    ClusterName: name,
    ...(event.group === undefined ? {} : { InstanceGroupName: event.group }),
    ...(event.node === undefined ? {} : { InstanceId: event.node }),
    ResourceType: event.node ? 'Instance' : event.group ? 'InstanceGroup' : 'Cluster',
    EventTime: seconds(event.at),
    Description: event.description,
    EventLevel: event.level,
  };
}

function* eventChanges(work: Work<ClusterSeed>, arn: string, now: EpochMs): Generator<KindChange> {
  for (const [index, event] of (work.events ?? []).entries()) {
    if (event.at > now) continue;
    const change = {
      mark: event,
      key: `cluster/${work.name}/event/${index}`,
      at: event.at,
      resources: [arn],
    };
    const { health } = event;
    if (health === undefined)
      yield {
        ...change,
        detailType: 'SageMaker HyperPod Cluster Event',
        detail: () => ({ EventDetails: inMilliseconds(eventSummary(event, work, arn, index)) }),
      };
    else
      yield {
        ...change,
        detailType: 'SageMaker HyperPod Cluster Node Health Event',
        detail: () => ({
          ClusterName: work.name,
          ClusterArn: arn,
          InstanceId: event.node,
          Tags: { ...work.tags },
          HealthSummary: {
            HealthStatus: health.status,
            HealthStatusReason: health.reason,
            RepairAction: health.repair,
            Recommendation: event.description,
          },
        }),
      };
  }
}
