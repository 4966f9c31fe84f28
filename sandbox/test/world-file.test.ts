import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { SandboxError } from '../src/errors.ts';
import { startRunpodSandbox } from '../src/runpod/index.ts';
import { defaultWorld, parseWorld, readWorld } from '../src/world-file.ts';
import { s3Client } from './aws/edge-support.ts';
import { logsClient, sandbox } from './aws/support.ts';

const NOW = 1_763_716_800_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-world-'));
});
afterAll(() => rm(folder, { recursive: true }));

const problemsOf = (source: unknown): string[] => {
  try {
    parseWorld(source, NOW);
  } catch (error) {
    return ((error as SandboxError).hint ?? '').split('\n');
  }
  return [];
};

describe('a world from a file', () => {
  it('gives ids to who and what has none, and puts everybody into a channel that names nobody', async () => {
    const path = join(folder, 'world.yaml');
    await writeFile(
      path,
      stringify({
        users: [
          { name: 'kim.lee', realName: 'Kim Lee' },
          { id: 'U0SAM', name: 'sam' },
        ],
        channels: [
          { name: 'all-hands' },
          { name: 'two', private: true, members: ['sam', 'U0KIMLEE'], app: false },
        ],
        userGroups: [{ handle: 'on-call', name: 'On call', users: ['sam'] }],
      }),
    );
    const { slack, aws } = await readWorld(path, NOW);
    expect(slack.users).toMatchObject([
      { id: 'U0KIMLEE', name: 'kim.lee', real_name: 'Kim Lee' },
      { id: 'U0SAM', name: 'sam', real_name: 'sam' },
    ]);
    expect(slack.channels).toMatchObject([
      { id: 'C0ALLHANDS', name: 'all-hands', is_private: false, members: ['U0KIMLEE', 'U0SAM', 'U0APP'] },
      { id: 'C0TWO', is_private: true, members: ['U0SAM', 'U0KIMLEE'] },
    ]);
    expect(slack.userGroups).toEqual([
      { id: 'S0ONCALL', handle: 'on-call', name: 'On call', users: ['U0SAM'] },
    ]);
    expect(aws.accounts).toEqual([]);
  });

  it('says of a log group what it keeps and whom it lets read', () => {
    const world = (group: object) => ({
      users: [{ name: 'ann' }],
      channels: [{ name: 'general' }],
      aws: { accounts: [{ id: '111122223333', regions: { 'us-east-1': { logGroups: [group] } } }] },
    });
    const rare = { name: '/rare', class: 'INFREQUENT_ACCESS', retentionInDays: 7 };
    const { logGroups } = parseWorld(world(rare), NOW).aws.accounts[0]!.regions!['us-east-1']!;
    expect(logGroups).toMatchObject([rare]);
    expect(problemsOf(world({ name: '/g', class: 'RARE', retentionInDays: 0 }))).toEqual([
      expect.stringContaining('logGroups.0.class: '),
      expect.stringContaining('logGroups.0.retentionInDays: '),
    ]);
  });

  it('has pods of RunPod: their keys, their past, and what they print', async () => {
    const world = (runpod: object) => ({ users: [{ name: 'ann' }], channels: [{ name: 'general' }], runpod });
    const gpu = { id: 'NVIDIA L40S' };
    const { runpod } = parseWorld(
      world({
        keys: [{ key: 'rpa_ME' }],
        programs: [{ match: 'report', program: { lines: ['reading', { after: 5, line: 'done' }] } }],
        pods: [
          { name: 'night-run', image: 'acme/train', gpu, createdAgo: 600 },
          { name: 'old-run', image: 'acme/report', gpu, createdAgo: 900, endedAgo: 300 },
        ],
      }),
      NOW,
    );
    const clock = { now: () => NOW };
    const running = await startRunpodSandbox({ world: runpod, clock, headers: 'at once' });
    try {
      const headers = { authorization: 'Bearer rpa_ME' };
      const answer = await fetch(`${running.apiUrl}/pods`, { headers });
      expect(await answer.json()).toMatchObject({
        pods: [
          { name: 'night-run', status: 'RUNNING', cost: 0.86, runtime: { uptime: expect.any(Number) } },
          { name: 'old-run', status: 'EXITED', cost: 0 },
        ],
      });
      const [, old] = running.pods();
      // Six seconds of printing, a second until it begins again, for almost ten minutes.
      expect(old!.starts).toBeGreaterThan(80);
      expect(old!.spent).toBeCloseTo(0.86 / 6, 2);
    } finally {
      await running.close();
    }
    expect(problemsOf(world({ keys: [{ key: '' }], pods: [{ name: 'a', image: 'b' }] }))).toEqual([
      expect.stringMatching(/^runpod\.keys\.0\.key: /),
      'runpod.pods: each pod has either `gpu` or `cpu`',
    ]);
  });

  it('says every place that is wrong at once', () => {
    expect(
      problemsOf({
        users: [{ name: 'ann', id: 'ann' }],
        channels: [{ name: 'general', colour: 'red' }],
        aws: { accounts: [{ id: '42' }] },
      }),
    ).toEqual([
      expect.stringMatching(/^users\.0\.id: is U and then/),
      expect.stringMatching(/^channels\.0: .*colour/),
      expect.stringMatching(/^aws\.accounts\.0\.id: is 12 digits/),
    ]);
    expect(
      problemsOf({
        users: [{ name: 'ann' }, { name: 'a.n.n' }],
        channels: [{ name: 'general', members: ['bob'] }],
        userGroups: [{ handle: 'ops', name: 'Ops', users: ['eve'] }],
        aws: {
          accounts: [
            {
              id: '111122223333',
              regions: { 'us-east-1': { objects: [{ bucket: 'b', key: 'k', text: '' }] } },
            },
          ],
        },
      }),
    ).toEqual([
      'channel general: there is no user bob',
      'user group ops: there is no user eve',
      'users: U0ANN is there twice; give one of them another `id`',
      'account 111122223333, us-east-1: object k is in b, which is none of the buckets there',
    ]);
    expect(problemsOf('not a world')).toHaveLength(1);
  });

  it('is refused with its path when it is not there or is no YAML', async () => {
    await expect(readWorld(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'not_found' });
    const path = join(folder, 'broken.yaml');
    await writeFile(path, 'users: [');
    await expect(readWorld(path)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(path),
    });
  });

  it('seeds the account of the built-in one with an object and a log that AWS clients read', async () => {
    const { aws } = defaultWorld();
    const { accessKeyId, secretAccessKey } = aws.accounts[0]!.users![0]!;
    const running = await sandbox({ world: aws });
    const client = { credentials: { accessKeyId, secretAccessKey }, region: 'us-east-1' };
    const { Body } = await s3Client(running, client).send(
      new GetObjectCommand({ Bucket: 'examples', Key: 'hello.txt' }),
    );
    expect(await Body!.transformToString()).toBe('Hello from the sandbox.\n');
    const { events } = await logsClient(running, client).send(
      new GetLogEventsCommand({ logGroupName: '/app', logStreamName: 'web-1', startFromHead: true }),
    );
    expect(events!.map(({ message }) => message)).toEqual(['started', 'GET / 200', 'GET /missing 404']);
  });
});
