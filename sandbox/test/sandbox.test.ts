import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../src/sandbox.ts';

const MANIFEST = {
  display_information: { name: 'Greeter' },
  oauth_config: { scopes: { bot: ['channels:read'] } },
  settings: { socket_mode_enabled: true },
};

let folder: string;
const open: Sandbox[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-sandbox-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
  await rm(folder, { recursive: true });
});

async function start(): Promise<Sandbox> {
  const sandbox = await startSandbox({ dataDir: folder, manifest: MANIFEST });
  open.push(sandbox);
  return sandbox;
}

describe('[O7] the whole sandbox', () => {
  it('serves Slack and AWS to their own clients, with a world of its own', async () => {
    const sandbox = await start();
    const slack = new WebClient(sandbox.tokens.bot, { slackApiUrl: sandbox.slackApiUrl });
    expect(await slack.auth.test()).toMatchObject({ ok: true, team: 'Sandbox', user: 'greeter' });
    const { channels } = await slack.conversations.list();
    expect(channels!.map(({ name, is_member }) => [name, is_member])).toEqual([
      ['general', true],
      ['random', false],
    ]);
    const sts = new STSClient({
      endpoint: sandbox.awsEndpoint,
      region: 'us-east-1',
      credentials: sandbox.awsCredentials!,
    });
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe('111122223333');
  });

  it('keeps the tokens of its data folder', async () => {
    const first = await start();
    await first.close();
    open.length = 0;
    const second = await start();
    expect(second.tokens).toEqual(first.tokens);
  });

  it.each([
    ['Slack', '--port', ({ slack }: Sandbox) => ({ port: slack.port })],
    ['AWS', '--aws-port', ({ aws }: Sandbox) => ({ awsPort: aws.port })],
    ['RunPod', '--runpod-port', ({ runpod }: Sandbox) => ({ runpodPort: runpod.port })],
  ])('says which port of its %s side is taken, and how to choose another', async (side, option, ports) => {
    const taken = ports(await start());
    const dataDir = join(folder, 'second');
    await expect(startSandbox({ dataDir, manifest: MANIFEST, ...taken })).rejects.toMatchObject({
      code: 'unavailable',
      message: `127.0.0.1:${Object.values(taken)[0]} is in use, so the sandbox's ${side} side cannot start.`,
      hint: `Choose another port with ${option}, or 0 for any free one.`,
    });
  });

  it("serves RunPod's pods, prints into them, takes them away and changes settings by control endpoints", async () => {
    const sandbox = await start();
    const headers = { authorization: `Bearer ${sandbox.runpodKey}` };
    const created = await fetch(`${sandbox.runpodApiUrl}/pods`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ name: 'mine', image: 'acme/train', gpu: { id: 'NVIDIA L40S' }, disk: 20 }),
    });
    const { id } = (await created.json()) as { id: string };
    const control = async (path: string, body?: unknown) => {
      const response = await fetch(`${sandbox.url}/sandbox/runpod/${path}`, {
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
    };
    expect(await control('settings', { headers: 'at once', keepAliveMs: 0 })).toEqual({
      status: 200,
      ok: true,
    });
    expect(await control('settings', { heads: 1 })).toMatchObject({
      status: 400,
      detail: expect.stringContaining('RunPod has no setting `heads` here. There are provisionMs, '),
    });
    expect(await control('settings', { ids: 'uuid' })).toMatchObject({
      detail: expect.stringContaining('The setting `ids` cannot be "uuid".'),
    });
    expect(await control('print', { pod: 'mine', line: 'hello' })).toMatchObject({ ok: true });
    expect(await control('preempt', { pod: id })).toMatchObject({ ok: true });
    expect(await control('pods')).toMatchObject({
      pods: [{ id, name: 'mine', status: 'EXITED', lines: expect.any(Number) }],
    });
    expect(await control('fail', { pod: 'nobody' })).toMatchObject({ status: 404 });
    expect(await control('print', { pod: 'mine' })).toMatchObject({ status: 400 });
  });

  it('has one list of faults for all sides, set by its control endpoint', async () => {
    const sandbox = await start();
    const fault = { on: 'sts:GetCallerIdentity', kind: 'ServiceUnavailable' };
    const added = await fetch(`${sandbox.url}/sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
    expect(await added.json()).toMatchObject({ ok: true });
    const sts = new STSClient({
      endpoint: sandbox.awsEndpoint,
      region: 'eu-west-1',
      credentials: sandbox.awsCredentials!,
      maxAttempts: 1,
    });
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
      name: 'ServiceUnavailable',
    });
    await sts.send(new GetCallerIdentityCommand({}));
  });
});
