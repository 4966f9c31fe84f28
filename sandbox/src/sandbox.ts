/** The whole sandbox: a Slack workspace, AWS endpoints and RunPod's API, which belong together. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awsControls } from './aws/controls.ts';
import { type AwsSandbox, startAwsSandbox } from './aws/index.ts';
import type { AwsWorld } from './aws/seed.ts';
import type { AwsSandboxSettings } from './aws/settings.ts';
import { FaultPlan } from './faults.ts';
import { OPEN_MANIFEST } from './open-manifest.ts';
import { runpodControls } from './runpod/controls.ts';
import { type RunpodSandbox, startRunpodSandbox } from './runpod/index.ts';
import type { RunpodWorld } from './runpod/seed.ts';
import type { RunpodSettings } from './runpod/settings.ts';
import { type SlackSandbox, type SlackSandboxOptions, startSlackSandbox } from './slack/index.ts';
import type { SlackWorld } from './slack/workspace.ts';
import type { Clock } from './time.ts';
import { defaultWorld } from './world-file.ts';

export interface SandboxOptions {
  /** Of the Slack side and the page; 0 or left out: any free one. */
  port?: number;
  awsPort?: number;
  runpodPort?: number;
  /** Tokens and uploaded files are kept here. */
  dataDir: string;
  /** The Slack app's manifest: its path, or an object. Left out: one that grants every scope and event here. */
  manifestPath?: string;
  manifest?: unknown;
  /** Who and what is there at the start; left out: that of `world.json`. */
  slackWorld?: SlackWorld;
  awsWorld?: AwsWorld;
  runpodWorld?: RunpodWorld;
  /** The built page, served at `/`; left out: the package's own. */
  pageDir?: string;
  clock?: Clock;
  /** Latency, quotas and the like of the AWS side. */
  aws?: Partial<AwsSandboxSettings>;
  /** Times, quotas and the like of the RunPod side. */
  runpod?: Partial<RunpodSettings>;
  /** Rate limits, delays and the like of the Slack side. */
  slack?: Partial<Pick<SlackSandboxOptions, 'rateLimits' | 'requestUrl' | 'shareDelayMs' | 'onError'>>;
}

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface Sandbox {
  /** The page, and the control endpoints under `/sandbox/`. */
  url: string;
  slackApiUrl: string;
  tokens: { bot: string; app: string; signingSecret: string };
  awsEndpoint: string;
  /** Of the first user of the AWS world; undefined where nobody has a key. */
  awsCredentials: AccessKey | undefined;
  /** RunPod's REST API v2, with `/v2` at its end. */
  runpodApiUrl: string;
  /** The first key of the RunPod world; undefined where there is none. */
  runpodKey: string | undefined;
  /** One list for all sides. */
  faults: FaultPlan;
  slack: SlackSandbox;
  aws: AwsSandbox;
  runpod: RunpodSandbox;
  close(): Promise<void>;
}

/** Where the package's own page is; run from the sources, that of the last build. */
const BUILT_PAGE = fileURLToPath(
  new URL(import.meta.filename.endsWith('.ts') ? '../dist/page' : './page', import.meta.url),
);

/** @throws SandboxError for a manifest that cannot be used, a port that is taken */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const dataDir = resolve(options.dataDir);
  const clock = options.clock ?? { now: Date.now };
  const faults = new FaultPlan();
  await mkdir(dataDir, { recursive: true });
  const builtIn = defaultWorld(clock.now());
  const awsWorld = options.awsWorld ?? builtIn.aws;
  const user = awsWorld.accounts.flatMap(({ users }) => users ?? [])[0];

  const aws = await startAwsSandbox({
    ...options.aws,
    ...(options.awsPort === undefined ? {} : { port: options.awsPort }),
    world: awsWorld,
    dataDir,
    clock,
    faults,
  });
  let runpod: RunpodSandbox | undefined;
  let slack: SlackSandbox;
  try {
    runpod = await startRunpodSandbox({
      ...options.runpod,
      ...(options.runpodPort === undefined ? {} : { port: options.runpodPort }),
      world: options.runpodWorld ?? builtIn.runpod,
      clock,
      faults,
    });
    slack = await startSlackSandbox({
      ...options.slack,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.manifestPath === undefined
        ? { manifest: options.manifest ?? OPEN_MANIFEST }
        : { manifestPath: options.manifestPath }),
      pageDir: options.pageDir ?? BUILT_PAGE,
      ...(options.slackWorld === undefined ? {} : { world: options.slackWorld }),
      controls: { ...awsControls(aws), ...runpodControls(runpod) },
      dataDir,
      clock,
      faults,
    });
  } catch (error) {
    await Promise.all([aws.close(), runpod?.close()]);
    throw error;
  }
  return {
    url: slack.url,
    slackApiUrl: slack.apiUrl,
    tokens: { bot: slack.botToken, app: slack.appToken, signingSecret: slack.signingSecret },
    awsEndpoint: aws.url,
    awsCredentials: user && { accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
    runpodApiUrl: runpod.apiUrl,
    runpodKey: runpod.apiKey,
    faults,
    slack,
    aws,
    runpod,
    async close() {
      await Promise.all([slack.close(), aws.close(), runpod.close()]);
    },
  };
}
