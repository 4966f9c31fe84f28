/** What end-to-end tests of jobs and compilations do and look for. */
import { CreateTrainingJobCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { vi } from 'vitest';
import type { SandboxMessage, SandboxView } from '#sandbox';
import type { DemoSandbox } from '../../src/demo/sandbox.ts';
import { textsOf } from '../slack/sandbox-client.ts';
import type { Bot } from './bot.ts';

/** Milliseconds: a card waits for its turn among the edits a minute that Slack allows, longer on a busy machine. */
export const CARD_SETTLES = 150_000;

/** Asks again until `look` gives something; its last error otherwise. */
export function until<T>(
  look: () => Promise<T | undefined>,
  what: string,
  timeout = CARD_SETTLES,
): Promise<T> {
  return vi.waitFor(
    async () => {
      const found = await look();
      if (found === undefined) throw new Error(`not there yet: ${what}`);
      return found;
    },
    { timeout, interval: 100 },
  );
}

/**
 * The same while the bot's time passes ten times as fast: what it does at intervals comes that much sooner. No faster,
 * since what it waits for has to be done in the sandbox's time.
 */
export const untilDue = <T>(bot: Bot, look: () => Promise<T | undefined>, what: string): Promise<T> =>
  until(() => {
    bot.pass(1_000);
    return look();
  }, what);

/** The open modal on top, once it says these words. */
export function modal(bot: Bot, user: string, says: string | RegExp, timeout?: number): Promise<SandboxView> {
  let seen = '';
  return until(
    async () => {
      const view = (await bot.views(user)).at(-1);
      seen = view ? `${view.title?.text}\n${textsOf(view.blocks)}` : 'no modal';
      return (typeof says === 'string' ? seen.includes(says) : says.test(seen)) ? view : undefined;
    },
    `a modal of ${user} with ${says}`,
    timeout,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; on top is:\n${seen}`);
  });
}

/** A job's card, once it says these words. */
export function card(
  bot: Bot,
  channel: string,
  job: string,
  says: string | RegExp = '',
  timeout?: number,
): Promise<SandboxMessage> {
  let seen = '';
  return until(
    async () => {
      const cards = await cardsOf(bot, channel, job);
      seen = cards.map((one) => textsOf(one.blocks)).join('\n---\n');
      return cards.find((one) =>
        typeof says === 'string' ? textsOf(one.blocks).includes(says) : says.test(textsOf(one.blocks)),
      );
    },
    `the card of ${job} with ${says}`,
    timeout,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it says:\n${seen}`);
  });
}

export async function cardsOf(bot: Bot, channel: string, job: string): Promise<SandboxMessage[]> {
  const all = await bot.messages(channel);
  return all.filter(
    (one) => one.ephemeral_to === undefined && one.text.startsWith(`Training job \`${job}\``),
  );
}

/** Closes every modal of a person. */
export async function closeAll(bot: Bot, user: string): Promise<void> {
  for (const view of [...(await bot.views(user))].reverse())
    await bot.post('/sandbox/slack/view', { user, view_id: view.id, close: true });
}

interface ClientOptions {
  region: string;
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
}

/** A client in the account of line 3, as somebody who works there without Signalbox. */
export async function line3Client<T>(
  { awsEndpoint, awsCredentials }: DemoSandbox,
  Client: new (options: ClientOptions) => T,
): Promise<T> {
  const place = { region: 'eu-west-1', endpoint: awsEndpoint };
  const sts = new STSClient({ ...place, credentials: awsCredentials });
  const { Credentials: issued } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
      RoleSessionName: 'somebody',
      ExternalId: 'line-3-6f1d0c0e',
    }),
  );
  sts.destroy();
  return new Client({
    ...place,
    credentials: {
      accessKeyId: issued!.AccessKeyId!,
      secretAccessKey: issued!.SecretAccessKey!,
      sessionToken: issued!.SessionToken!,
    },
  });
}

/** Starts a job with a tag, an environment and checkpoints, on one machine with one GPU. */
export async function train(
  client: SageMakerClient,
  name: string,
  hyperparameters: Record<string, string>,
): Promise<void> {
  const S3DataSource = { S3DataType: 'S3Prefix', S3Uri: 's3://line-3-models/data/' } as const;
  await client.send(
    new CreateTrainingJobCommand({
      TrainingJobName: name,
      RoleArn: 'arn:aws:iam::123456789012:role/TrainingExecution',
      AlgorithmSpecification: { TrainingImage: 'repository/image:1', TrainingInputMode: 'File' },
      HyperParameters: hyperparameters,
      InputDataConfig: [{ ChannelName: 'train', DataSource: { S3DataSource } }],
      OutputDataConfig: { S3OutputPath: 's3://line-3-models/trained/' },
      ResourceConfig: { InstanceType: 'ml.g5.2xlarge', InstanceCount: 1, VolumeSizeInGB: 50 },
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
      CheckpointConfig: { S3Uri: 's3://line-3-models/checkpoints/presses/' },
      Environment: { STAGE: 'night' },
      Tags: [{ Key: 'owner', Value: 'ada' }],
    }),
  );
}
