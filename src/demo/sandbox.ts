/** The demo's sandbox: the seeded workspace and accounts, and a signalbox.yaml for them. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type AccessKey, type Sandbox, type SandboxOptions, startSandbox } from '#sandbox';
import type { AwsWorld } from '#sandbox/seeds';
import { loadKeys } from './keys.ts';
import { line3Pods } from './line-3-pods.ts';
import { type DemoServices, seededAwsWorld, seededConfig } from './use-cases.ts';
import { DEMO_WORKSPACE } from './workspace.ts';

/** The AWS keys are kept in `dataDir` too, and below it, in `bot/`, what the bot keeps. */
export interface DemoSandboxOptions extends Omit<SandboxOptions, 'slackWorld' | 'awsWorld' | 'runpodWorld'> {
  /** Milliseconds for which the seeded world has been going on when it begins; default 0. */
  age?: number;
  /** Changes the seeded accounts before anything is served. */
  world?: (seeded: AwsWorld) => AwsWorld;
  /** What the configuration names besides the sandbox. */
  services?: DemoServices;
}

export interface DemoSandbox extends Sandbox {
  /** The bot's key. */
  awsCredentials: AccessKey;
  /** Of the bot, as of anybody. */
  runpodKey: string;
  /** By account: a key that may do everything there. */
  awsAdmins: Readonly<Record<string, AccessKey>>;
  /** The signalbox.yaml for the seeded use cases, written at this start. */
  configPath: string;
}

/** @throws SandboxError for a manifest that cannot be used, a port that is taken, a damaged data folder */
export async function startDemoSandbox({
  age = 0,
  world,
  services,
  ...options
}: DemoSandboxOptions): Promise<DemoSandbox> {
  const dataDir = resolve(options.dataDir);
  const keys = await loadKeys(dataDir);
  const now = (options.clock ?? { now: Date.now }).now() - age;
  const seeded = seededAwsWorld(now, keys, keys.admins);
  const configPath = join(dataDir, 'signalbox.yaml');
  const sandbox = await startSandbox({
    ...options,
    slackWorld: DEMO_WORKSPACE,
    awsWorld: world?.(seeded) ?? seeded,
    runpodWorld: line3Pods(now, keys.runpod),
  });
  try {
    await writeFile(configPath, seededConfig(join(dataDir, 'bot'), sandbox.awsEndpoint, services));
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  return {
    ...sandbox,
    awsCredentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
    awsAdmins: keys.admins,
    runpodKey: keys.runpod,
    configPath,
  };
}

/** The variable that holds RunPod's key, as the configuration names it. */
export const RUNPOD_KEY_ENV = 'RUNPOD_API_KEY';

/** The environment variables with which a bot works in it. */
export function sandboxVariables(sandbox: DemoSandbox): Record<string, string> {
  return {
    SIGNALBOX_CONFIG: sandbox.configPath,
    SLACK_API_URL: sandbox.slackApiUrl,
    SLACK_BOT_TOKEN: sandbox.tokens.bot,
    SLACK_APP_TOKEN: sandbox.tokens.app,
    AWS_ENDPOINT_URL: sandbox.awsEndpoint,
    AWS_ACCESS_KEY_ID: sandbox.awsCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.awsCredentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    RUNPOD_API_URL: sandbox.runpodApiUrl,
    [RUNPOD_KEY_ENV]: sandbox.runpodKey,
  };
}
