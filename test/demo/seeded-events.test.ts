import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type DemoSandbox, startDemoSandbox } from '../../src/demo/sandbox.ts';

let folder: string;
let world: DemoSandbox;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-events-'));
  world = await startDemoSandbox({
    dataDir: folder,
    manifestPath: 'manifest.yml',
    aws: { eventTickMs: 0, sqsShuffle: 1 },
  });
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const post = async (path: string, body: unknown) => {
  const answer = await fetch(`${world.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
};

const config = async () =>
  parse(await readFile(world.configPath, 'utf8')).events as { queueUrl: string; region: string };

async function receive(): Promise<Record<string, unknown>[]> {
  const { queueUrl: QueueUrl, region } = await config();
  const sqs = new SQSClient({ endpoint: world.awsEndpoint, region, credentials: world.awsCredentials });
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
  );
  for (const { ReceiptHandle } of Messages)
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return Messages.map(({ Body }) => JSON.parse(Body!));
}

const event = (account: string, region: string, source = 'aws.sagemaker') => ({
  account,
  region,
  source,
  'detail-type': 'SageMaker Training Job State Change',
  detail: { TrainingJobName: 'x', TrainingJobStatus: 'Failed' },
});

describe('[N1] [O7] the seeded way of events to the bot', () => {
  it('leads from both use cases to the queue that the configuration names, which the bot may read', async () => {
    expect(await config()).toEqual({
      queueUrl: `${world.awsEndpoint}/111122223333/signalbox-events`,
      region: 'eu-west-1',
    });
    const answer = await post('/sandbox/aws/events', [
      event('123456789012', 'eu-west-1'),
      event('210987654321', 'us-east-1'),
      event('123456789012', 'eu-west-1', 'aws.ec2'),
      event('123456789012', 'us-east-1'),
    ]);
    expect(answer).toMatchObject({ ok: true, ids: [{}, {}, {}, {}].map(() => expect.any(String)) });
    expect(await receive()).toMatchObject([
      { account: '123456789012', region: 'eu-west-1', source: 'aws.sagemaker' },
      { account: '210987654321', region: 'us-east-1', source: 'aws.sagemaker' },
    ]);
  });

  it('takes one event, events straight into the queue, texts of any kind, and alarms', async () => {
    await post('/sandbox/aws/events', event('123456789012', 'eu-west-1'));
    await post('/sandbox/aws/events', { queue: 'signalbox-events', events: [{ any: 'thing' }] });
    expect(
      await post('/sandbox/aws/events', { queue: 'signalbox-events', bodies: ['"text"'] }),
    ).toMatchObject({
      sent: 1,
    });
    expect(await receive()).toMatchObject([{ source: 'aws.sagemaker' }, { any: 'thing' }, 'text']);
    await post('/sandbox/aws/alarm', { name: 'line-3-label-disk', value: 'ALARM', reason: 'full' });
    await world.aws.events.look();
    const counts = await (await fetch(`${world.url}/sandbox/aws/events`)).json();
    expect(counts).toMatchObject({
      ok: true,
      counts: { lost: 0 },
      queues: [{}, { arn: expect.any(String) }],
    });
  });

  it('says what is wrong with what it is given', async () => {
    expect(await post('/sandbox/aws/events', { source: 'x' })).toMatchObject({
      status: 400,
      ok: false,
      error: 'invalid_arguments',
      detail: expect.stringContaining('`account` must be 12 digits'),
    });
    expect(await post('/sandbox/aws/events', { queue: 'none', bodies: ['x'] })).toMatchObject({
      status: 404,
      detail: expect.stringContaining('There are: signalbox-events-dlq, signalbox-events'),
    });
    expect(await post('/sandbox/aws/alarm', { name: 'line-3-label-disk', value: 'RED' })).toMatchObject({
      status: 400,
    });
  });

  it("lets the bot look after its own rule, and nobody's else", async () => {
    const events = new EventBridgeClient({
      endpoint: world.awsEndpoint,
      region: 'eu-west-1',
      credentials: world.awsCredentials,
      maxAttempts: 1,
    });
    const rule = await events.send(new DescribeRuleCommand({ Name: 'signalbox-events' }));
    expect(rule.State).toBe('ENABLED');
    await expect(events.send(new DescribeRuleCommand({ Name: 'other' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});
