/** The command as a process, from its sources. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const CLI = ['--import', import.meta.resolve('tsx'), resolve(import.meta.dirname, '../src/cli.ts')];
const WORLD = `
team: { id: T0ACME, name: Acme }
users: [{ name: kim }]
channels: [{ name: lobby }]
aws:
  accounts:
    - { id: "999988887777", users: [{ name: dev, accessKeyId: AKIADEV, secretAccessKey: secret }] }
runpod: { keys: [{ key: rpa_DEV }], pods: [{ name: night-run, image: acme/train, cpu: { id: cpu3c, vcpuCount: 4 } }] }
`;

let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-cli-'));
});
afterEach(async () => {
  // Only when it has gone is nothing written into its folder any more.
  if (child?.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
});

/** Every `name: value` that it prints until the last of them. */
async function start(...args: string[]): Promise<Record<string, string>> {
  child = spawn(process.execPath, [...CLI, ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout! })) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? [];
    said[name] = value;
    if (name === 'AWS credentials') break;
  }
  return said;
}

async function failure(...args: string[]): Promise<{ code?: number; stderr?: string }> {
  return promisify(execFile)(process.execPath, [...CLI, ...args], { cwd: folder }).then(
    () => ({}),
    (error: { code: number; stderr: string }) => error,
  );
}

describe('signalbox-sandbox', () => {
  it('serves the world and the manifest of files, keeps tokens in its folder, and ends in order', async () => {
    await writeFile(join(folder, 'world.yaml'), WORLD);
    await writeFile(
      join(folder, 'app.json'),
      JSON.stringify({ display_information: { name: 'Help Desk' }, settings: { socket_mode_enabled: true } }),
    );
    const args = ['--world', 'world.yaml', '--manifest', 'app.json', '--data', 'kept'];
    const said = await start(...args);
    const slack = new WebClient(said['Slack tokens']!.split(' ')[0], { slackApiUrl: said['Slack API'] });
    expect(await slack.auth.test()).toMatchObject({ team: 'Acme', user: 'help_desk', user_id: 'U0APP' });
    const [accessKeyId = '', secretAccessKey = ''] = said['AWS credentials']!.split(' ');
    const sts = new STSClient({
      endpoint: said['AWS endpoint'],
      region: 'eu-west-1',
      credentials: { accessKeyId, secretAccessKey },
    });
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe('999988887777');
    const pods = await fetch(`${said['RunPod API']}/pods`, {
      headers: { authorization: `Bearer ${said['RunPod key']}` },
    });
    expect(await pods.json()).toMatchObject({ pods: [{ name: 'night-run', status: 'RUNNING' }] });
    const ended = once(child!, 'exit');
    child!.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect((await start(...args))['Slack tokens']).toBe(said['Slack tokens']);
  });

  it('leaves nothing behind where no folder was named', async () => {
    await start();
    const isOurs = (name: string) => name.startsWith('signalbox-sandbox-');
    expect((await readdir(folder)).filter(isOurs)).toHaveLength(1);
    const ended = once(child!, 'exit');
    child!.kill('SIGTERM');
    await ended;
    expect((await readdir(folder)).filter(isOurs)).toEqual([]);
  });

  it('says what is wrong with what it was given, and ends with a code for each kind', async () => {
    await writeFile(join(folder, 'world.yaml'), 'users: []\nchannels: [{ name: lobby }]');
    expect(await failure('--port', '70000')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--port must be a number from 0 to 65535, not 70000'),
    });
    expect(await failure('--prot', '1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--help lists the options'),
    });
    expect(await failure('--world', 'world.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/The world cannot be used\.\n {2}users: /),
    });
    expect(await failure('--world', 'none.yaml')).toMatchObject({ code: 3 });
    expect(await failure('--manifest', 'none.yaml')).toMatchObject({ code: 3 });
  });
});
