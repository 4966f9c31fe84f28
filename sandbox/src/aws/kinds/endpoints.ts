/** Endpoints, and the configurations that they were made of. */
import { AwsError } from '../errors.ts';
import type { AwsOperation } from '../service.ts';
import type { Kind, KindChange, KindTools } from './kind.ts';
import { INVALID, JOB_TIMES } from './list.ts';
import { secondMark } from './marks.ts';
import { JOB_NAME, reading } from './request.ts';
import { seconds, type Work, type WorkSeed } from './work.ts';

export interface EndpointSeed extends WorkSeed {
  configName: string;
  variants: readonly VariantSeed[];
}

export interface VariantSeed {
  name: string;
  modelName: string;
  image: string;
  instanceType: string;
  instanceCount: number;
  /** Left out: 1. */
  weight?: number;
}

const STATUSES = [
  'OutOfService',
  'Creating',
  'Updating',
  'SystemUpdating',
  'RollingBack',
  'InService',
  'Deleting',
  'Failed',
  'UpdateRollbackFailed',
];
/** Machines are there. */
const SERVING = ['InService', 'Updating', 'SystemUpdating', 'RollingBack', 'UpdateRollbackFailed'];
/** Told by a second event, with what is going on. */
const DEPLOYING = ['Creating', 'Updating', 'RollingBack'];

export const endpoint: Kind<EndpointSeed> = {
  words: 'endpoint',
  resource: 'endpoint',
  // Endpoints keep their name's case, their ARNs do not.
  arnOf: (name) => name.toLowerCase(),
  name: { member: 'EndpointName', rule: { ...JOB_NAME, min: 0 } },
  members: {
    arn: 'EndpointArn',
    status: 'EndpointStatus',
    modified: 'LastModifiedTime',
    failure: 'FailureReason',
  },
  ends: ['Failed'],
  operations: { describe: 'DescribeEndpoint' },
  list: {
    operation: 'ListEndpoints',
    answer: 'Endpoints',
    sortBy: { Name: 'EndpointName', CreationTime: 'CreationTime', Status: 'EndpointStatus' },
    defaultSort: 'CreationTime',
    defaultOrder: 'Descending',
    key: 'EndpointName',
    name: { member: 'NameContains' },
    status: { of: 'EndpointStatus', values: STATUSES },
    times: JOB_TIMES,
  },
  summary: ['EndpointName', 'EndpointArn', 'CreationTime', 'LastModifiedTime', 'EndpointStatus'],
  group: ({ name }) => `/aws/sagemaker/Endpoints/${name}`,
  describe: ({ configName, variants }, { status }) => ({
    EndpointConfigName: configName,
    ...(SERVING.includes(status) ? { ProductionVariants: variants.map(serving) } : {}),
  }),
  missing: (_, arn) => new AwsError(INVALID, `Could not find endpoint "${arn}".`),
  more: endpointOperations,
  event: {
    detailType: 'SageMaker Endpoint State Change',
    detail: (told, work) => ({
      ...told,
      // What was asked for, from the first event on.
      ProductionVariants: told.ProductionVariants ?? work.variants.map(wanted),
      EndpointStatus: upperSnake(String(told.EndpointStatus)),
      Tags: { ...work.tags },
    }),
  },
  changes: deploymentChanges,
};

const wanted = ({ instanceCount, weight = 1 }: VariantSeed) => ({
  DesiredWeight: weight,
  DesiredInstanceCount: instanceCount,
});

const serving = (variant: VariantSeed) => ({
  VariantName: variant.name,
  DeployedImages: [{ SpecifiedImage: variant.image, ResolvedImage: variant.image }],
  CurrentWeight: variant.weight ?? 1,
  ...wanted(variant),
  CurrentInstanceCount: variant.instanceCount,
});

/** `InService` is `IN_SERVICE` in events. */
const upperSnake = (status: string) => status.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

function endpointOperations({ works, placeOf }: KindTools<EndpointSeed>): Record<string, AwsOperation> {
  const configArn = ({ account, region }: { account: string; region: string }, name: string) =>
    `arn:aws:sagemaker:${region}:${account}:endpoint-config/${name.toLowerCase()}`;
  return {
    DescribeEndpointConfig: {
      action: 'sagemaker:DescribeEndpointConfig',
      resources: (call) => [configArn(placeOf(call), String(call.input.EndpointConfigName))],
      handle: (call) => {
        const read = reading(call);
        const name = read.need('EndpointConfigName', { ...JOB_NAME, min: 0 });
        read.check();
        const arn = configArn(placeOf(call), name);
        const of = works(call)
          .all(call.now)
          .find(({ configName }) => configName === name);
        if (!of) throw new AwsError(INVALID, `Could not find endpoint configuration "${arn}".`);
        return {
          body: {
            EndpointConfigName: name,
            EndpointConfigArn: arn,
            ProductionVariants: of.variants.map((variant) => ({
              VariantName: variant.name,
              ModelName: variant.modelName,
              InitialInstanceCount: variant.instanceCount,
              InstanceType: variant.instanceType,
              InitialVariantWeight: variant.weight ?? 1,
            })),
            CreationTime: seconds(of.transitions[0]!.at - 1000),
          },
        };
      },
    },
  };
}

function* deploymentChanges(work: Work<EndpointSeed>, arn: string, now: number): Generator<KindChange> {
  for (const [index, transition] of work.transitions.entries()) {
    const { at, status } = transition;
    if (at > now) break;
    if (!DEPLOYING.includes(status)) continue;
    yield {
      mark: secondMark(transition),
      key: `endpoint/${work.name}/deployment/${index}`,
      at,
      detailType: 'SageMaker Endpoint Deployment State Change',
      resources: [arn],
      detail: () => ({
        EndpointName: work.name,
        EndpointArn: arn,
        EndpointConfigName: work.configName,
        ProductionVariants: work.variants.map((variant) => ({
          ...serving(variant),
          CurrentInstanceCount: status === 'Creating' ? 0 : variant.instanceCount,
          VariantStatus: [
            {
              Status: status === 'Creating' ? 'Creating' : 'Updating',
              StatusMessage: `Launching ${variant.instanceCount} instance(s).`,
              StartTime: at,
            },
          ],
        })),
        EndpointStatus: upperSnake(status),
        CreationTime: work.transitions[0]!.at,
        LastModifiedTime: at,
        Tags: { ...work.tags },
      }),
    };
  }
}
