/** The templates become stacks in an AWS emulator that is not ours, and what they make there is what it should be. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUpEvents } from '../../src/aws/event-setup.ts';
import { hasMoto, type Moto, startMoto } from '../fixtures/moto.ts';
import { actionsIn, type Resource, template, templateText } from '../fixtures/templates.ts';

const REGION = 'eu-west-1';
const ACCOUNT = '123456789012';
/** What moto 5.2.1 passes over in a template: it says CREATE_COMPLETE and makes nothing. */
const PASSED_OVER = [
  'AWS::Events::EventBusPolicy',
  'AWS::IAM::RolePolicy',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::QueuePolicy',
];
const SECRET = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:signalbox-abcdef`;

let moto: Moto;

/** A request of the query protocol. @returns the answer's XML */
async function query(service: string, version: string, parameters: Record<string, string>): Promise<string> {
  const answer = await fetch(moto.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261129/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams({ Version: version, ...parameters }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${parameters.Action}: ${answer.status} ${text}`);
  return text;
}

async function ecs(operation: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(moto.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AmazonEC2ContainerServiceV20141113.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261129/${REGION}/ecs/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
}

const all = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, text]) => text!);

const cloudFormation = (parameters: Record<string, string>) =>
  query('cloudformation', '2010-05-15', parameters);

/** Makes a stack. @returns its outputs by name */
async function make(
  stack: string,
  file: string,
  given: Record<string, string>,
): Promise<Record<string, string>> {
  const parameters = Object.entries(given).flatMap(([name, value], index) => [
    [`Parameters.member.${index + 1}.ParameterKey`, name],
    [`Parameters.member.${index + 1}.ParameterValue`, value],
  ]);
  await cloudFormation({
    Action: 'CreateStack',
    StackName: stack,
    TemplateBody: templateText(file),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    ...Object.fromEntries(parameters),
  });
  const described = await cloudFormation({ Action: 'DescribeStacks', StackName: stack });
  expect(all(described, 'StackStatus')).toEqual(['CREATE_COMPLETE']);
  const keys = all(described, 'OutputKey');
  return Object.fromEntries(keys.map((key, index) => [key, all(described, 'OutputValue')[index]!]));
}

/** Every resource that the stack should have is there, but for those that moto passes over. */
async function expectMade(stack: string, wanted: Record<string, Resource>): Promise<void> {
  const listed = await cloudFormation({ Action: 'ListStackResources', StackName: stack });
  const made = all(listed, 'LogicalResourceId').filter((name) => name !== '');
  const missing = Object.entries(wanted).filter(([name]) => !made.includes(name));
  expect(missing.filter(([, { Type }]) => !PASSED_OVER.includes(Type)).map(([name]) => name)).toEqual([]);
  expect(made.filter((name) => !(name in wanted))).toEqual([]);
}

const without = (resources: Record<string, Resource>, ...conditions: string[]): Record<string, Resource> =>
  Object.fromEntries(
    Object.entries(resources).filter(([, { Condition }]) => !conditions.includes(Condition ?? '')),
  );

describe.skipIf(!hasMoto)('[O3] the templates in another emulator', () => {
  let bot: Record<string, string>;
  beforeAll(async () => {
    moto = await startMoto();
    bot = await make('bot', 'bot-account.yaml', {});
  });
  afterAll(() => moto.stop());

  it('make queue, dead-letter queue, rule and target as the setup wants them, but for the policies that moto leaves out', async () => {
    await expectMade('bot', without(template('bot-account.yaml').Resources, 'HasOtherRegions'));
    const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
    const clients = {
      sqs: new SQSClient({ region: REGION, endpoint: moto.endpoint, credentials }),
      eventBridge: new EventBridgeClient({ region: REGION, endpoint: moto.endpoint, credentials }),
    };
    const place = { queueUrl: bot.QueueUrl!, region: REGION, rule: 'signalbox-events', sources: [] };
    const { steps } = await setUpEvents(place, clients);
    const changed = steps.filter(({ state }) => state !== 'unchanged').map(({ what }) => what);
    expect(changed).toEqual(['policy of signalbox-events-dlq', 'policy of signalbox-events']);
    const { Attributes } = await clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: bot.QueueUrl, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({ SqsManagedSseEnabled: 'true', MessageRetentionPeriod: '1209600' });
  });

  it('give the bot a policy that IAM takes, with what the template says', async () => {
    const version = await query('iam', '2010-05-08', {
      Action: 'GetPolicyVersion',
      PolicyArn: bot.BotPolicyArn!,
      VersionId: 'v1',
    });
    const document = decodeURIComponent(all(version, 'Document')[0]!);
    const wanted = [...actionsIn(template('bot-account.yaml').Resources.BotPolicy)];
    expect(wanted.filter((action) => !document.includes(`"${action}"`))).toEqual([]);
    expect(document).toContain('role/SignalboxAccess*');
    expect(document).toContain('arn:aws:sqs:eu-west-1:123456789012:signalbox-events"');
  });

  it('make the role of a use case and its forwarding rule, with everything or with as little as possible', async () => {
    const { Resources } = template('use-case-account.yaml');
    const conditions = new Set(Object.values(Resources).flatMap(({ Condition }) => Condition ?? []));
    const principal = { BotPrincipalArn: `arn:aws:iam::${ACCOUNT}:role/bot`, ExternalId: 'long-and-random' };
    const kinds = ['Processing', 'Transform', 'Tuning', 'Compilation', 'Pipeline', 'Job'];
    const looked = ['Endpoint', 'Notebook', 'Cluster'];
    const every = (names: string[], value: string) => Object.fromEntries(names.map((name) => [name, value]));
    const least = await make('least', 'use-case-account.yaml', {
      ...principal,
      RoleName: 'SignalboxAccess-least',
      ...every([...kinds, ...looked], 'no'),
    });
    expect(least.RoleArn).toBe(`arn:aws:iam::${ACCOUNT}:role/SignalboxAccess-least`);
    await expectMade('least', without(Resources, ...conditions));
    await make('everything', 'use-case-account.yaml', {
      ...principal,
      TrainingRoleArns: `arn:aws:iam::${ACCOUNT}:role/Training`,
      CompileRoleArn: `arn:aws:iam::${ACCOUNT}:role/NeoExecution`,
      CompiledModels: 'line-3-models/compiled',
      Greengrass: 'publish',
      ...every(kinds, 'stop'),
      EventTargetArn: bot.QueueArn!,
      FurtherEventTargetArns: `arn:aws:events:eu-west-1:${ACCOUNT}:event-bus/default`,
    });
    await expectMade('everything', Resources);
    const forwarding = { RoleName: 'SignalboxEventForwarding', PolicyName: 'ForwardEvents' };
    const policy = await query('iam', '2010-05-08', { Action: 'GetRolePolicy', ...forwarding });
    // moto 5.2.1 gives it out as Python writes it, not as JSON.
    const text = decodeURIComponent(all(policy, 'PolicyDocument')[0]!);
    expect(text.match(/arn:aws:(?:sqs|events):[\w:/-]+/g)).toEqual([
      bot.QueueArn,
      `arn:aws:events:eu-west-1:${ACCOUNT}:event-bus/default`,
    ]);
    await make('further', 'use-case-region.yaml', { EventTargetArn: bot.QueueArn! });
    await expectMade('further', without(template('use-case-region.yaml').Resources, 'MakesRole'));
    const role = await query('iam', '2010-05-08', { Action: 'GetRole', RoleName: 'SignalboxAccess' });
    const trust = JSON.parse(decodeURIComponent(all(role, 'AssumeRolePolicyDocument')[0]!)) as object;
    expect(trust).toMatchObject({
      Statement: [
        {
          Principal: { AWS: principal.BotPrincipalArn },
          Condition: { StringEquals: { 'sts:ExternalId': 'long-and-random' } },
        },
      ],
    });
  });

  it('run the bot as a service that may write nowhere but in its data folder, with or without a database of its own', async () => {
    const ec2 = (action: string) => query('ec2', '2016-11-15', { Action: action });
    const given = {
      BotPolicyArn: bot.BotPolicyArn!,
      Image: 'registry.example.com/signalbox:1',
      VpcId: all(await ec2('DescribeVpcs'), 'vpcId')[0]!,
      SubnetIds: all(await ec2('DescribeSubnets'), 'subnetId')
        .slice(0, 2)
        .join(','),
      ConfigurationArn: SECRET,
      EnvironmentArn: SECRET,
    };
    const { Resources } = template('bot-service.yaml');
    const made = await make('service', 'bot-service.yaml', given);
    await expectMade('service', Resources);
    const described = await ecs('DescribeTaskDefinition', { taskDefinition: made.TaskDefinitionArn });
    expect(described.taskDefinition).toMatchObject({
      // moto 5.2.1 leaves out the network mode, both roles and the launch type.
      containerDefinitions: [
        {
          readonlyRootFilesystem: true,
          user: '1000:1000',
          mountPoints: [{ sourceVolume: 'data', containerPath: '/data' }],
        },
      ],
    });
    const services = await ecs('DescribeServices', {
      cluster: made.ClusterName,
      services: [made.ServiceName],
    });
    expect(services.services).toMatchObject([{ desiredCount: 1 }]);
    const database = await query('rds', '2014-10-31', { Action: 'DescribeDBInstances' });
    expect(all(database, 'StorageEncrypted')).toEqual(['true']);
    expect(all(database, 'PubliclyAccessible')).toEqual(['false']);
    expect(all(database, 'BackupRetentionPeriod')).toEqual(['7']);

    await make('without-database', 'bot-service.yaml', { ...given, DatabaseUrlArn: SECRET });
    await expectMade('without-database', without(Resources, 'MakesDatabase'));
  });
});
