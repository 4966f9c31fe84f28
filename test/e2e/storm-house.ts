/** The sandbox with as many use cases as a storm needs, and the bot as a process of its own that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  type AwsSandbox,
  type Fault,
  FaultPlan,
  type SlackSandbox,
  startAwsSandbox,
  startSlackSandbox,
} from '#sandbox';
import type { TrainingJobSeed } from '#sandbox/seeds';
import { BOT } from '../../src/demo/workspace.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { openPostgresStore } from '../../src/stores/postgres/store.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { KnownJobs } from './known-jobs.ts';
import { type Place, REGION } from './storm-events.ts';

const BOT_ACCOUNT = '111122223333';
const QUEUE = 'storm';
const ADMIN = 'U0STORM';
const KEYS = {
  accessKeyId: 'AKIASTORMSTORMSTORM1',
  secretAccessKey: 'storm/secret/of/the/sandbox/only/0123456',
};

export interface House {
  slack: SlackSandbox;
  aws: AwsSandbox;
  faults: FaultPlan;
  places: Place[];
  /** Of the bot. */
  dataDir: string;
  /** Where its state is, if not in its folder. */
  databaseUrl: string | undefined;
  send(bodies: readonly string[]): void;
  /**
   * Starts the bot's process, ready when this resolves.
   * @param instance each has a folder of its own; left out: the one
   */
  start(instance?: string): Promise<Bot>;
  /** Every channel hears of all that happens in its use case. */
  subscribe(): Promise<void>;
  /** Messages in the queue, hidden ones too. */
  waiting(): number;
  close(): Promise<void>;
}

export interface Bot {
  child: ChildProcess;
  /** Milliseconds from the spawn to `ready`. */
  startMs: number;
  /** Lines of its log by level and message. */
  said: Map<string, number>;
  kill(): void;
  ended: Promise<string>;
}

export async function openHouse(options: {
  places: Place[];
  rateLimits?: boolean;
  /** Program and arguments of Node. */
  program: readonly string[];
  /** Share of the queue's deliveries that come again. */
  sqsDuplicates?: number;
  /** Somebody is on call, so that alerts mention people. */
  onCall?: boolean;
  /** Where several instances have their state: a URL of PostgreSQL. */
  databaseUrl?: string | undefined;
  /** Besides the admin: members of every channel. */
  people?: readonly string[];
  /** Training jobs of each use case that ended long ago, with a log. */
  kept?: (place: Place) => readonly TrainingJobSeed[];
}): Promise<House> {
  const { people = [] } = options;
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-storm-'));
  const dataDir = join(dir, 'bot');
  await mkdir(dataDir);
  const faults = new FaultPlan();
  const all = { Statement: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }] };
  /** Jobs are known to events, and to SageMaker when it is asked about one: no list shows them. */
  const noLists = { Effect: 'Deny' as const, Action: 'sagemaker:ListTrainingJobs', Resource: '*' };
  const use = { Statement: [...all.Statement, noLists] };
  const root = { AWS: `arn:aws:iam::${BOT_ACCOUNT}:root` };
  const aws = await startAwsSandbox({
    dataDir: dir,
    faults,
    clock: { now: Date.now },
    sqsShuffle: 50,
    sqsDuplicates: options.sqsDuplicates ?? 0,
    world: {
      accounts: [
        {
          id: BOT_ACCOUNT,
          users: [{ name: 'signalbox', ...KEYS, policy: all }],
          regions: { [REGION]: { queues: [{ name: QUEUE }] } },
        },
        ...options.places.map((place) => ({
          id: place.account,
          roles: [
            {
              name: 'SignalboxAccess',
              trust: { Statement: [{ Effect: 'Allow' as const, Action: 'sts:AssumeRole', Principal: root }] },
              policy: use,
            },
          ],
          regions: {
            [REGION]: {
              logGroups: [{ name: '/aws/sagemaker/TrainingJobs', createdAt: 0 }],
              trainingJobs: options.kept?.(place) ?? [],
            },
          },
        })),
      ],
    },
  });
  const channelIds = [...new Set(options.places.flatMap(({ channel, alerts }) => [channel, alerts]))];
  const user = (id: string, name: string) => ({
    id,
    name,
    real_name: name,
    title: '',
    color: '#4a154b',
    is_bot: false,
  });
  const slack = await startSlackSandbox({
    dataDir: dir,
    faults,
    manifestPath: join(import.meta.dirname, '../../manifest.yml'),
    rateLimits: options.rateLimits ?? false,
    shareDelayMs: 0,
    world: {
      app: BOT,
      users: [user(ADMIN, 'storm'), ...people.map((id) => user(id, id.toLowerCase()))],
      channels: channelIds.map((id) => ({
        id,
        name: id.toLowerCase(),
        topic: '',
        is_private: false,
        is_im: false,
        is_archived: false,
        members: [ADMIN, ...people, BOT.user],
      })),
      userGroups: [],
    },
  });
  const configPath = join(dir, 'signalbox.yaml');
  await writeFile(
    configPath,
    stringify({
      storage: { dataDir },
      events: { queueUrl: `${aws.url}/${BOT_ACCOUNT}/${QUEUE}`, region: REGION },
      admins: [ADMIN],
      useCases: options.places.map(({ id, account, channel, alerts }) => ({
        id,
        name: id,
        account,
        region: REGION,
        roleArn: `arn:aws:iam::${account}:role/SignalboxAccess`,
        externalId: `external-${id}`,
        channels: [channel],
        alertsChannel: alerts,
        access: {
          viewer: ['channel-members'],
          ...(people.length > 0 ? { dataScientist: [...people] } : {}),
          admin: [ADMIN],
        },
        ...(people.length > 0 ? { compile: compileSettings(id, account) } : {}),
        ...(options.onCall ? { onCall: { levels: [[ADMIN]] } } : {}),
      })),
    }),
  );
  const bots = new Set<ChildProcess>();
  const jobs = new KnownJobs();

  return {
    slack,
    aws,
    faults,
    places: options.places,
    dataDir,
    databaseUrl: options.databaseUrl,
    send: (bodies) => {
      jobs.know(aws, bodies);
      aws.events.send(QUEUE, bodies);
    },
    waiting: () =>
      aws.events
        .queues()
        .reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0),
    async start(instance) {
      const begun = performance.now();
      const child = spawn(process.execPath, [...options.program, 'start'], {
        cwd: dir,
        env: {
          PATH: process.env.PATH,
          SIGNALBOX_CONFIG: configPath,
          ...(instance === undefined ? {} : { SIGNALBOX_DATA_DIR: join(dir, instance) }),
          ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
          SLACK_API_URL: slack.apiUrl,
          SLACK_BOT_TOKEN: slack.botToken,
          SLACK_APP_TOKEN: slack.appToken,
          AWS_ENDPOINT_URL: aws.url,
          AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
          AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
          AWS_REGION: REGION,
          AWS_EC2_METADATA_DISABLED: 'true',
          LOG_LEVEL: 'info',
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      bots.add(child);
      const said = new Map<string, number>();
      let tail = '';
      let log = '';
      const ended = new Promise<string>((resolve) => {
        child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      });
      await new Promise<void>((resolve, reject) => {
        child.stderr!.on('data', (chunk: Buffer) => {
          const lines = (tail + chunk.toString()).split('\n');
          tail = lines.pop()!;
          for (const text of lines) {
            if (log.length < 20_000) log += `${text}\n`;
            const key = entryOf(text);
            said.set(key, (said.get(key) ?? 0) + 1);
            if (key === 'info: ready') resolve();
          }
        });
        void ended.then((how) => reject(new Error(`the bot did not start (${how}):\n${log}`)));
      });
      return {
        child,
        startMs: performance.now() - begun,
        said,
        ended,
        kill: () => void child.kill('SIGKILL'),
      };
    },
    async subscribe() {
      for (const { id, channel } of options.places) {
        const answer = await fetch(`${slack.url}/sandbox/slack/command`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            user: ADMIN,
            channel,
            command: '/signalbox',
            text: `subscribe ${id}`,
          }),
        });
        const result = (await answer.json()) as { ok: boolean; error?: string };
        if (!result.ok) throw new Error(`/signalbox subscribe in ${channel}: ${result.error}`);
        await fetch(`${slack.url}/sandbox/slack/messages?channel=${channel}&contains=now+subscribed&wait=20`);
      }
    },
    async close() {
      for (const child of bots) await endProcess(child);
      await Promise.all([slack.close(), aws.close()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const compileSettings = (id: string, account: string) => ({
  roleArn: `arn:aws:iam::${account}:role/NeoExecution`,
  outputS3: `s3://${id}-models/compiled`,
  framework: 'PYTORCH',
  dataInputConfig: { input: [1, 3, 224, 224] },
  targets: ['jetson-xavier'],
});

function entryOf(text: string): string {
  try {
    const { level, msg, err } = JSON.parse(text) as {
      level?: string;
      msg?: string;
      err?: { message?: string };
    };
    return `${level}: ${msg}${err?.message === undefined ? '' : ` (${err.message.slice(0, 120)})`}`;
  } catch {
    return text.slice(0, 120);
  }
}

/** Slack failing now and then, in each of the ways that it does; and SQS. */
export function usualFaults(scale = 1): Fault[] {
  const every = (count: number): number => Math.max(2, Math.round(count * scale));
  return [
    { on: 'chat.postMessage', kind: 'lost_answer', every: every(37), times: 0 },
    { on: 'chat.postMessage', kind: '500', every: every(53), times: 0 },
    { on: 'chat.postMessage', kind: '429', seconds: 1, every: every(61), times: 0 },
    { on: 'chat.postMessage', kind: 'drop', every: every(71), times: 0 },
    { on: 'chat.update', kind: '500', every: every(29), times: 0 },
    { on: 'chat.update', kind: 'lost_answer', every: every(31), times: 0 },
    { on: 'sqs:ReceiveMessage', kind: 'ServiceUnavailable', every: every(101), times: 0 },
    { on: 'sqs:DeleteMessageBatch', kind: 'ServiceUnavailable', every: every(89), times: 0 },
  ];
}

/** What the bot has on record, once it has stopped. */
export async function record(house: House): Promise<{
  events: { pending: number; handled: number; setAside: Readonly<Record<string, number>> };
  unsent: string[];
}> {
  const store = house.databaseUrl
    ? (await openPostgresStore({ url: house.databaseUrl })).store
    : await openLowdbStore(house.dataDir);
  try {
    const [events, unsent] = await Promise.all([store.countEvents(), store.listUnsent()]);
    return { events, unsent: unsent.map(({ key }) => key) };
  } finally {
    await store.close();
  }
}

/** Megabytes; Linux. */
export function residentMb(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
  } catch {
    return undefined;
  }
}
