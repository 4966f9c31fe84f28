/** Inputs are held against the services' own models, and no filter is quietly ignored. */
import { readFileSync } from 'node:fs';
import {
  CreateLogGroupCommand,
  DescribeLogGroupsCommand,
  type DescribeLogGroupsCommandInput,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTrainingJobCommand,
  DescribeTrainingJobCommand,
  ListTrainingJobsCommand,
  type ListTrainingJobsCommandInput,
} from '@aws-sdk/client-sagemaker';
import { describe, expect, it } from 'vitest';
import { MODELS_FILE, readModels } from '../../scripts/aws-models.ts';
import { checkMembers } from '../../src/aws/service-model.ts';
import { signedFetch } from './signed-fetch.ts';
import { ACCOUNT, GROUP, logsClient, refusal, sagemakerClient, sandbox, twoAccounts } from './support.ts';

const GROUPS = [
  { name: GROUP, createdAt: 0 },
  { name: '/rare', createdAt: 0, class: 'INFREQUENT_ACCESS' as const },
];
const PLAN = `arn:aws:sagemaker:eu-west-1:${ACCOUNT}:training-plan/night-and-weekend`;

describe('[O7] the model of each service', () => {
  it('is the one that the installed SDK carries', async () => {
    const aws = await sandbox();
    expect(JSON.parse(readFileSync(MODELS_FILE, 'utf8'))).toEqual(await readModels(aws.operations));
  });

  it('knows every operation that is here', async () => {
    const models = JSON.parse(readFileSync(MODELS_FILE, 'utf8'));
    for (const [service, operations] of Object.entries((await sandbox()).operations))
      expect(models[service].operations).toEqual(expect.arrayContaining(operations));
  });
});

describe('[O7] members that a service does not have', () => {
  it.each([
    [
      'logs',
      'Logs_20140328.DescribeLogGroups',
      { logGroupPrefix: '/aws' },
      '"logGroupPrefix" in DescribeLogGroups',
    ],
    [
      'sagemaker',
      'SageMaker.CreateTrainingJob',
      { ResourceConfig: { InstanceTyp: 'ml.g5.xlarge' } },
      '"InstanceTyp" in CreateTrainingJob.ResourceConfig',
    ],
    [
      'sagemaker',
      'SageMaker.CreateTrainingJob',
      { InputDataConfig: [{ ChannelName: 'train', DataSource: { S3: {} } }] },
      '"S3" in CreateTrainingJob.InputDataConfig[0].DataSource',
    ],
    ['events', 'AWSEvents.PutRule', { Name: 'r', Pattern: '{}' }, '"Pattern" in PutRule'],
  ])('are refused by %s, saying where: %#', async (service, target, input, words) => {
    const aws = await sandbox({ world: twoAccounts({ logGroups: GROUPS }) });
    const answer = await signedFetch(aws, service, { target, body: JSON.stringify(input) });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      __type: 'SerializationException',
      message: expect.stringContaining(`Unknown member ${words}: expected one of `),
    });
  });

  it('are refused in a query and in a path too', () => {
    const sts = { name: 'sts', protocol: 'query' as const, signingName: 'sts', target: '', operations: {} };
    expect(() => checkMembers(sts, 'AssumeRole', { RoleArn: 'a', 'Tags.member.1.Key': 'k' })).not.toThrow();
    expect(() => checkMembers(sts, 'AssumeRole', { Rolearn: 'a' })).toThrow('"Rolearn" in AssumeRole');
    const greengrass = { ...sts, name: 'greengrassv2', protocol: 'rest-json' as const };
    expect(() => checkMembers(greengrass, 'ListCoreDevices', { healthy: 'yes' })).toThrow(
      '"healthy" in ListCoreDevices',
    );
  });

  it('are a map’s own affair where a map is meant', () => {
    const sagemaker = {
      name: 'sagemaker',
      protocol: 'json' as const,
      signingName: '',
      target: '',
      operations: {},
    };
    expect(() =>
      checkMembers(sagemaker, 'CreateTrainingJob', { HyperParameters: { anything: '1' } }),
    ).not.toThrow();
  });
});

describe('[O7] filters', () => {
  it('of log groups are obeyed: by identifier, and by class', async () => {
    const client = logsClient(await sandbox({ world: twoAccounts({ logGroups: GROUPS }) }));
    await client.send(
      new CreateLogGroupCommand({ logGroupName: '/own', logGroupClass: 'INFREQUENT_ACCESS' }),
    );
    const names = async (input: DescribeLogGroupsCommandInput) =>
      (await client.send(new DescribeLogGroupsCommand(input))).logGroups!.map(
        ({ logGroupName }) => logGroupName,
      );
    expect(await names({ logGroupClass: 'INFREQUENT_ACCESS' })).toEqual(['/own', '/rare']);
    expect(await names({ logGroupClass: 'STANDARD' })).toEqual([GROUP]);
    expect(
      await names({ logGroupIdentifiers: ['/rare', `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:/own`] }),
    ).toEqual(['/own', '/rare']);
    expect(await refusal(names({ logGroupIdentifiers: ['/rare'], limit: 1 }))).toMatchObject({
      name: 'InvalidParameterException',
    });
  });

  it('that are known and not obeyed here are refused, not passed over', async () => {
    const client = logsClient(
      await sandbox({
        world: twoAccounts({ logGroups: [{ name: GROUP, createdAt: 0 }] }),
      }),
    );
    const refused = await refusal(
      client.send(
        new DescribeLogGroupsCommand({ accountIdentifiers: ['210987654321'], includeLinkedAccounts: true }),
      ),
    );
    expect(refused).toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining('accountIdentifiers'),
    });
    // What asks for nothing is no filter.
    await client.send(new DescribeLogGroupsCommand({ includeLinkedAccounts: false }));
    expect(
      await refusal(
        client.send(new GetLogEventsCommand({ logGroupName: GROUP, logStreamName: 's', unmask: true })),
      ),
    ).toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('of training jobs are obeyed: warm pools and training plans', async () => {
    let now = Date.now();
    const client = sagemakerClient(await sandbox({ clock: { now: () => now } }));
    const create = (name: string, ResourceConfig: object) =>
      client.send(
        new CreateTrainingJobCommand({
          TrainingJobName: name,
          RoleArn: `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`,
          AlgorithmSpecification: { TrainingImage: 'repo/image:1', TrainingInputMode: 'File' },
          OutputDataConfig: { S3OutputPath: 's3://models/' },
          ResourceConfig: {
            InstanceType: 'ml.g5.xlarge',
            InstanceCount: 1,
            VolumeSizeInGB: 50,
            ...ResourceConfig,
          },
          StoppingCondition: { MaxRuntimeInSeconds: 3600 },
          HyperParameters: { epochs: '1' },
        }),
      );
    await create('plain', {});
    await create('pooled', { KeepAlivePeriodInSeconds: 600 });
    await create('planned', { TrainingPlanArn: PLAN });
    const names = async (input: ListTrainingJobsCommandInput) =>
      (await client.send(new ListTrainingJobsCommand(input))).TrainingJobSummaries!.map(
        ({ TrainingJobName }) => TrainingJobName,
      );
    expect(await names({ TrainingPlanArnEquals: PLAN })).toEqual(['planned']);
    expect(await names({ WarmPoolStatusEquals: 'InUse' })).toEqual(['pooled']);
    now += 60_000;
    expect(await names({ WarmPoolStatusEquals: 'Available' })).toEqual(['pooled']);
    now += 600_000;
    expect(await names({ WarmPoolStatusEquals: 'Available' })).toEqual([]);
    expect(await names({ WarmPoolStatusEquals: 'Terminated' })).toEqual(['pooled']);
  });
});

describe('[O7] a training job’s model', () => {
  it.each([
    [
      'a bucket that is not there',
      { OutputDataConfig: { S3OutputPath: 's3://no-such-bucket/out' } },
      'NoSuchBucket (404)',
    ],
    [
      'a bucket that the role may not write to',
      { RoleArn: `arn:aws:iam::${ACCOUNT}:role/Idle` },
      'AccessDenied (403): Access Denied',
    ],
  ])('cannot be written to %s: the job fails at its end', async (_, changes, words) => {
    let now = Date.now();
    const world = twoAccounts();
    const [home, other] = world.accounts;
    const idle = { ...home!.roles![0]!, name: 'Idle', policy: { Statement: [] } };
    const client = sagemakerClient(
      await sandbox({
        clock: { now: () => now },
        world: { accounts: [{ ...home!, roles: [...home!.roles!, idle] }, other!] },
      }),
    );
    await client.send(
      new CreateTrainingJobCommand({
        TrainingJobName: 'homeless',
        RoleArn: `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`,
        AlgorithmSpecification: { TrainingImage: 'repo/image:1', TrainingInputMode: 'File' },
        OutputDataConfig: { S3OutputPath: 's3://models/' },
        ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 50 },
        StoppingCondition: { MaxRuntimeInSeconds: 3600 },
        HyperParameters: { epochs: '1' },
        ...changes,
      }),
    );
    const describeJob = () => client.send(new DescribeTrainingJobCommand({ TrainingJobName: 'homeless' }));
    now += 9_000;
    expect(await describeJob()).toMatchObject({
      TrainingJobStatus: 'InProgress',
      SecondaryStatus: 'Training',
    });
    now += 60_000;
    const job = await describeJob();
    expect(job).toMatchObject({ TrainingJobStatus: 'Failed', ModelArtifacts: {} });
    expect(job.FailureReason).toMatch(/^ClientError: Artifact upload failed:/);
    expect(job.FailureReason).toContain(words);
  });
});

describe('[O7] a service that is not here', () => {
  it('is refused in the protocol that it was asked in', async () => {
    const aws = await sandbox();
    const query = await signedFetch(aws, 'ec2', {
      type: 'application/x-www-form-urlencoded',
      body: 'Action=DescribeInstances&Version=2016-11-15',
    });
    expect(query.status).toBe(404);
    expect(query.headers.get('content-type')).toMatch(/xml/);
    expect(await query.text()).toContain('<Code>UnknownOperation</Code>');
    const json = await signedFetch(aws, 'dynamodb', { target: 'DynamoDB_20120810.ListTables', body: '{}' });
    expect(await json.json()).toMatchObject({ __type: 'UnknownOperationException' });
  });
});
