/** The whole sandbox: a Slack workspace, AWS endpoints and a seeded world that belong together. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { awsControls } from './aws/controls.ts';
import type { AwsWorld } from './aws/seed.ts';
import { type AwsSandbox, type AwsSandboxSettings, startAwsSandbox } from './aws/server.ts';
import { FaultPlan } from './faults.ts';
import { type SlackSandbox, type SlackSandboxOptions, startSlackSandbox } from './slack/index.ts';
import type { Clock } from './time.ts';
import { loadKeys } from './world/keys.ts';
import { type AccessKey, seededAwsWorld, seededConfig } from './world/use-cases.ts';

export interface SandboxOptions {
  /** Of the Slack side and the page; 0 or left out: any free one. */
  port?: number;
  awsPort?: number;
  /** Keys, tokens, uploaded files and the configuration are kept here; the bot's own data in `bot/` below. */
  dataDir: string;
  manifestPath: string;
  /** The built page. */
  pageDir?: string;
  clock?: Clock;
  /** Changes the seeded accounts before anything is served. */
  world?: (seeded: AwsWorld) => AwsWorld;
  /** Latency, quotas and the like of the AWS side. */
  aws?: Partial<AwsSandboxSettings>;
  /** Rate limits, delays and the like of the Slack side. */
  slack?: Partial<Pick<SlackSandboxOptions, 'rateLimits' | 'requestUrl' | 'shareDelayMs' | 'onError'>>;
}

export interface Sandbox {
  /** The page, and the control endpoints under `/sandbox/`. */
  url: string;
  slackApiUrl: string;
  tokens: { bot: string; app: string; signingSecret: string };
  awsEndpoint: string;
  awsCredentials: AccessKey;
  /** By account: a key that may do everything there. */
  awsAdmins: Readonly<Record<string, AccessKey>>;
  /** The signalbox.yaml for the seeded use cases, written at this start. */
  configPath: string;
  /** One list for both sides. */
  faults: FaultPlan;
  slack: SlackSandbox;
  aws: AwsSandbox;
  close(): Promise<void>;
}

/** @throws SandboxError for a manifest that cannot be used, a port that is taken, a damaged data folder */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const dataDir = resolve(options.dataDir);
  const clock = options.clock ?? { now: Date.now };
  const faults = new FaultPlan();
  await mkdir(dataDir, { recursive: true });
  const keys = await loadKeys(dataDir);
  const configPath = join(dataDir, 'signalbox.yaml');
  const seeded = seededAwsWorld(clock.now(), keys, keys.admins);

  const aws = await startAwsSandbox({
    ...options.aws,
    ...(options.awsPort === undefined ? {} : { port: options.awsPort }),
    world: options.world?.(seeded) ?? seeded,
    dataDir,
    clock,
    faults,
  });
  let slack: SlackSandbox;
  try {
    await writeFile(configPath, seededConfig(join(dataDir, 'bot'), aws.url));
    slack = await startSlackSandbox({
      ...options.slack,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.pageDir === undefined ? {} : { pageDir: options.pageDir }),
      manifestPath: options.manifestPath,
      controls: awsControls(aws),
      dataDir,
      clock,
      faults,
    });
  } catch (error) {
    await aws.close();
    throw error;
  }
  return {
    url: slack.url,
    slackApiUrl: slack.apiUrl,
    tokens: { bot: slack.botToken, app: slack.appToken, signingSecret: slack.signingSecret },
    awsEndpoint: aws.url,
    awsCredentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
    awsAdmins: keys.admins,
    configPath,
    faults,
    slack,
    aws,
    async close() {
      await Promise.all([slack.close(), aws.close()]);
    },
  };
}
