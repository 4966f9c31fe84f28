/** The demo's sandbox: the seeded workspace and accounts, and a signalbox.yaml for them. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type AccessKey, type Sandbox, type SandboxOptions, startSandbox } from '#sandbox';
import type { AwsWorld } from '#sandbox/seeds';
import { loadKeys } from './keys.ts';
import { type DemoServices, seededAwsWorld, seededConfig } from './use-cases.ts';
import { DEMO_WORKSPACE } from './workspace.ts';

/** The AWS keys are kept in `dataDir` too, and below it, in `bot/`, what the bot keeps. */
export interface DemoSandboxOptions extends Omit<SandboxOptions, 'slackWorld' | 'awsWorld'> {
  /** Changes the seeded accounts before anything is served. */
  world?: (seeded: AwsWorld) => AwsWorld;
  /** What the configuration names besides the sandbox. */
  services?: DemoServices;
}

export interface DemoSandbox extends Sandbox {
  /** The bot's key. */
  awsCredentials: AccessKey;
  /** By account: a key that may do everything there. */
  awsAdmins: Readonly<Record<string, AccessKey>>;
  /** The signalbox.yaml for the seeded use cases, written at this start. */
  configPath: string;
}

/** @throws SandboxError for a manifest that cannot be used, a port that is taken, a damaged data folder */
export async function startDemoSandbox({
  world,
  services,
  ...options
}: DemoSandboxOptions): Promise<DemoSandbox> {
  const dataDir = resolve(options.dataDir);
  const keys = await loadKeys(dataDir);
  const seeded = seededAwsWorld((options.clock ?? { now: Date.now }).now(), keys, keys.admins);
  const configPath = join(dataDir, 'signalbox.yaml');
  const sandbox = await startSandbox({
    ...options,
    slackWorld: DEMO_WORKSPACE,
    awsWorld: world?.(seeded) ?? seeded,
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
    configPath,
  };
}
