import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListTrainingJobsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { type DemoSandbox, startDemoSandbox } from '../../src/demo/sandbox.ts';

let folder: string;
const open: DemoSandbox[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-sandbox-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
  await rm(folder, { recursive: true });
});

async function start(): Promise<DemoSandbox> {
  const sandbox = await startDemoSandbox({ dataDir: folder, manifestPath: 'manifest.yml' });
  open.push(sandbox);
  return sandbox;
}

describe("[O7] the demo's sandbox", () => {
  it('serves Slack and AWS, and writes the configuration that fits both', async () => {
    const sandbox = await start();
    const slack = await new WebClient(sandbox.tokens.bot, { slackApiUrl: sandbox.slackApiUrl }).auth.test();
    expect(slack.ok).toBe(true);

    const config = loadConfig({ env: { SIGNALBOX_CONFIG: sandbox.configPath }, cwd: folder });
    for (const { aws } of config.useCases) {
      const { roleArn, externalId, region, account } = aws!;
      const settings = { endpoint: sandbox.awsEndpoint, region };
      const { Credentials } = await new STSClient({ ...settings, credentials: sandbox.awsCredentials }).send(
        new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'logs-ada', ExternalId: externalId }),
      );
      const credentials = {
        accessKeyId: Credentials!.AccessKeyId!,
        secretAccessKey: Credentials!.SecretAccessKey!,
        sessionToken: Credentials!.SessionToken!,
      };
      expect(
        (await new STSClient({ ...settings, credentials }).send(new GetCallerIdentityCommand({}))).Account,
      ).toBe(account);
      const jobs = await new SageMakerClient({ ...settings, credentials }).send(
        new ListTrainingJobsCommand({}),
      );
      expect(jobs.TrainingJobSummaries!.length).toBeGreaterThan(3);
    }
  });

  it('keeps keys and tokens of its data folder', async () => {
    const first = await start();
    await first.close();
    open.length = 0;
    const second = await start();
    expect(second.awsCredentials).toEqual(first.awsCredentials);
    expect(second.runpodKey).toEqual(first.runpodKey);
    expect(second.tokens).toEqual(first.tokens);
  });
});
