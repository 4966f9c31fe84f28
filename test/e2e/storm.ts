/**
 * A storm of events against the bot as a process of its own: twenty channels, many jobs, everything twice, late and
 * out of order, some of it rubbish, the process killed in the middle. For the test beside it and for `bench/`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type AwsSandbox, startAwsSandbox } from '../../src/sandbox/aws/server.ts';
import { FaultPlan } from '../../src/sandbox/faults.ts';
import type { Fault, SandboxMessage } from '../../src/sandbox/protocol.ts';
import { type SlackSandbox, startSlackSandbox } from '../../src/sandbox/slack/index.ts';
import { BOT } from '../../src/sandbox/world.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';

const REGION = 'eu-west-1';
const BOT_ACCOUNT = '111122223333';
const QUEUE = 'storm';
const ADMIN = 'U0STORM';
const KEYS = {
  accessKeyId: 'AKIASTORMSTORMSTORM1',
  secretAccessKey: 'storm/secret/of/the/sandbox/only/0123456',
};

/** mulberry32: the same storm for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// --- The storm -----------------------------------------------------------------------------------------

type End = 'Completed' | 'Failed' | 'Stopped';

export interface StormJob {
  name: string;
  place: Place;
  end: End;
}

/** A use case: an account, a channel with its jobs' cards, one for its alerts. */
export interface Place {
  id: string;
  account: string;
  channel: string;
  alerts: string;
}

export interface Storm {
  jobs: StormJob[];
  /** In the order in which they are sent. */
  bodies: string[];
  counts: { changes: number; duplicates: number; malformed: number };
}

const RUBBISH: readonly ((number: number, good: string) => string)[] = [
  (number) => `not json ${number}`,
  (number, good) => `${good.slice(0, 200)}${number}`,
  (number) => JSON.stringify({ hello: number }),
  (number, good) =>
    JSON.stringify({ ...JSON.parse(good), id: `u${number}`, 'detail-type': `Unknown ${number}` }),
  (number, good) => JSON.stringify({ ...JSON.parse(good), id: `m${number}`, detail: { number } }),
  (number, good) => JSON.stringify({ ...JSON.parse(good), id: `a${number}`, account: '999999999999' }),
];

/** @param own every channel a use case of its own; otherwise the alerts of each have a second channel */
export function places(channels: number, own = false): Place[] {
  const count = own ? channels : Math.max(1, Math.floor(channels / 2));
  return Array.from({ length: count }, (_, index) => ({
    id: `storm-${index}`,
    account: String(400_000_000_000 + index),
    channel: `C0STORM${index}`,
    alerts: own ? `C0STORM${index}` : `C0ALARM${index}`,
  }));
}

export function makeStorm(options: { events: number; jobs: number; seed: number; places: Place[] }): Storm {
  const random = randomFrom(options.seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const jobs = Array.from({ length: options.jobs }, (_, number): StormJob => {
    const dice = random();
    const end = dice < 0.7 ? 'Completed' : dice < 0.9 ? 'Failed' : 'Stopped';
    return { name: `press-n${number}-run`, place: options.places[number % options.places.length]!, end };
  });
  const malformed = Math.round(options.events * 0.01);
  const duplicates = Math.round(options.events * 0.2);
  const changes = options.events - malformed - duplicates;
  if (changes < jobs.length) throw new Error(`${changes} changes are too few for ${jobs.length} jobs`);

  const begin = Date.now() - 3_600_000;
  const made: { at: number; body: string }[] = [];
  for (const [number, job] of jobs.entries()) {
    const steps = Math.floor(changes / jobs.length) + (number < changes % jobs.length ? 1 : 0);
    for (let step = 0; step < steps; step += 1) {
      // Jobs begin and end at different times; within one its changes follow each other.
      const place = (number / jobs.length) * 0.5 + ((step + 1) / steps) * 0.5;
      made.push({
        at: place,
        body: JSON.stringify(trainingEvent(job, step, steps, begin + place * 3_500_000)),
      });
    }
  }
  const first = made.length;
  for (let more = 0; more < duplicates; more += 1) {
    const { at, body } = made[Math.floor(random() * first)]!;
    // One event delivered again, or one change sent under another id.
    const again = random() < 0.5 ? body : JSON.stringify({ ...JSON.parse(body), id: randomUUID() });
    made.push({ at: at + random() * 0.3, body: again });
  }
  for (let number = 0; number < malformed; number += 1)
    made.push({ at: random(), body: pick(RUBBISH)(number, pick(made.slice(0, first)).body) });
  // Out of order: each a little, some a lot.
  const order = made
    .map(({ at, body }) => ({ at: at + (random() - 0.5) * (random() < 0.05 ? 0.6 : 0.04), body }))
    .sort((a, b) => a.at - b.at);
  return { jobs, bodies: order.map(({ body }) => body), counts: { changes, duplicates, malformed } };
}

/** As SageMaker sends it; the last step is the end. */
export function trainingEvent(job: StormJob, step: number, steps: number, at: number): object {
  const last = step === steps - 1;
  const secondary = ['Starting', 'Downloading', 'Training', 'Uploading'];
  const position = Math.min(3, Math.floor((step / Math.max(1, steps - 1)) * 4));
  const arn = `arn:aws:sagemaker:${REGION}:${job.place.account}:training-job/${job.name}`;
  const number = Number(/\d+/.exec(job.name)?.[0] ?? 0);
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'SageMaker Training Job State Change',
    source: 'aws.sagemaker',
    account: job.place.account,
    time: new Date(at).toISOString(),
    region: REGION,
    resources: [arn],
    detail: {
      TrainingJobName: job.name,
      TrainingJobArn: arn,
      TrainingJobStatus: last ? job.end : 'InProgress',
      SecondaryStatus: last ? job.end : secondary[position],
      CreationTime: at - step * 1000,
      LastModifiedTime: Math.floor(at),
      ...(last ? { TrainingEndTime: Math.floor(at) } : {}),
      ...(last && job.end === 'Failed'
        ? {
            // Every third has a cause that others share: one alert for them.
            FailureReason:
              number % 3 === 0
                ? 'CapacityError: Unable to provision requested ML compute capacity.'
                : `AlgorithmError: <!channel> batch of press ${number} cannot be read, exit code: 1`,
          }
        : {}),
    },
  };
}

// --- The house -----------------------------------------------------------------------------------------

export interface House {
  slack: SlackSandbox;
  aws: AwsSandbox;
  faults: FaultPlan;
  places: Place[];
  /** Of the bot. */
  dataDir: string;
  send(bodies: readonly string[]): void;
  /** Starts the bot's process, ready when this resolves. */
  start(): Promise<Bot>;
  /** Every channel hears of its use case's training jobs. */
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
}): Promise<House> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-storm-'));
  const dataDir = join(dir, 'bot');
  await mkdir(dataDir);
  const faults = new FaultPlan();
  const all = { Statement: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }] };
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
        ...options.places.map(({ account }) => ({
          id: account,
          roles: [
            {
              name: 'SignalboxAccess',
              trust: { Statement: [{ Effect: 'Allow' as const, Action: 'sts:AssumeRole', Principal: root }] },
              policy: all,
            },
          ],
          regions: { [REGION]: { logGroups: [{ name: '/aws/sagemaker/TrainingJobs', createdAt: 0 }] } },
        })),
      ],
    },
  });
  const channelIds = [...new Set(options.places.flatMap(({ channel, alerts }) => [channel, alerts]))];
  const user = (id: string, name: string, is_bot = false) => ({
    id,
    name,
    real_name: name,
    title: '',
    color: '#4a154b',
    is_bot,
  });
  const slack = await startSlackSandbox({
    dataDir: dir,
    faults,
    manifestPath: join(import.meta.dirname, '../../manifest.yml'),
    rateLimits: options.rateLimits ?? false,
    shareDelayMs: 0,
    world: {
      users: [user(ADMIN, 'storm'), user(BOT.user, BOT.name, true)],
      channels: channelIds.map((id) => ({
        id,
        name: id.toLowerCase(),
        topic: '',
        is_private: false,
        is_im: false,
        is_archived: false,
        members: [ADMIN, BOT.user],
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
        access: { viewer: ['channel-members'], admin: [ADMIN] },
      })),
    }),
  );
  const bots = new Set<ChildProcess>();

  return {
    slack,
    aws,
    faults,
    places: options.places,
    dataDir,
    send: (bodies) => aws.events.send(QUEUE, bodies),
    waiting: () =>
      aws.events
        .queues()
        .reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0),
    async start() {
      const begun = performance.now();
      const child = spawn(process.execPath, [...options.program, 'start'], {
        cwd: dir,
        env: {
          PATH: process.env.PATH,
          SIGNALBOX_CONFIG: configPath,
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
            text: `subscribe ${id} training`,
          }),
        });
        const result = (await answer.json()) as { ok: boolean; error?: string };
        if (!result.ok) throw new Error(`/signalbox subscribe in ${channel}: ${result.error}`);
        await fetch(`${slack.url}/sandbox/slack/messages?channel=${channel}&contains=now+hears+of&wait=20`);
      }
    },
    async close() {
      for (const child of bots) child.kill('SIGKILL');
      await Promise.all([slack.close(), aws.close()]);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

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

// --- The truth -----------------------------------------------------------------------------------------

export interface Findings {
  /** Jobs whose card shows their end, once. */
  cardsRight: number;
  cardsTwice: string[];
  cardsWrong: string[];
  announced: number;
  announcedTwice: string[];
  unannounced: string[];
  milestones: number;
  milestonesTwice: string[];
  withoutMilestone: string[];
  failures: number;
  /** Failures that alert messages count. */
  alerted: number;
  alertMessages: number;
  alertsTwice: string[];
  notAlerted: string[];
}

const WORDS: Readonly<Record<End, string>> = { Completed: 'completed', Failed: 'failed', Stopped: 'stopped' };

/** What people see in the channels, held against what happened. */
export function look(house: House, jobs: readonly StormJob[]): Findings {
  const found: Findings = {
    cardsRight: 0,
    cardsTwice: [],
    cardsWrong: [],
    announced: 0,
    announcedTwice: [],
    unannounced: [],
    milestones: 0,
    milestonesTwice: [],
    withoutMilestone: [],
    failures: 0,
    alerted: 0,
    alertMessages: 0,
    alertsTwice: [],
    notAlerted: [],
  };
  for (const place of house.places) {
    const own = jobs.filter((job) => job.place === place);
    const messages = house.slack.workspace
      .messages(place.channel)
      .filter(({ ephemeral_to, bot_id }) => ephemeral_to === undefined && bot_id !== undefined);
    const isReply = ({ thread_ts, ts }: SandboxMessage): boolean =>
      thread_ts !== undefined && thread_ts !== ts;
    for (const { name, end } of own) {
      const about = messages.filter(({ text }) => text.includes(`\`${name}\``));
      const cards = about.filter((one) => !isReply(one) && one.text.startsWith('Training job '));
      if (cards.length > 1) found.cardsTwice.push(name);
      if (cards[0]?.text.includes(`training ${WORDS[end]}`)) found.cardsRight += 1;
      else found.cardsWrong.push(`${name}: ${cards[0]?.text ?? 'no card'}`);
      const said = about.filter((one) => !isReply(one) && one.text.includes('*Training '));
      found.announced += said.length;
      if (said.length > 1) found.announcedTwice.push(name);
      // The alert stands in the same channel and tells it instead.
      if (said.length === 0 && !(end === 'Failed' && place.alerts === place.channel))
        found.unannounced.push(name);
      const told = about.filter((one) => isReply(one) && one.text.includes('*Training '));
      found.milestones += told.length;
      if (told.length > 1) found.milestonesTwice.push(name);
      // A card that comes when all is over says it itself.
      if (told.length === 0) found.withoutMilestone.push(name);
    }
    const failed = own.filter(({ end }) => end === 'Failed');
    found.failures += failed.length;
    const alerts = house.slack.workspace
      .messages(place.alerts)
      .filter((one) => one.bot_id !== undefined && !isReply(one) && /Training failed: /.test(one.text));
    found.alertMessages += alerts.length;
    const counted = alerts.map(
      ({ text }) => 1 + Number(/ and ([\d,]+) more/.exec(text)?.[1]?.replace(',', '') ?? 0),
    );
    found.alerted += counted.reduce((sum, count) => sum + count, 0);
    const shown = alerts.map((one) => `${one.text} ${JSON.stringify(one.blocks)}`);
    for (const { name } of failed) {
      const naming = shown.filter((text) => text.includes(`\`${name}\``)).length;
      if (naming > 1) found.alertsTwice.push(name);
      // A message names so many of its failures and counts the rest.
      if (naming === 0 && !counted.some((count) => count > 8)) found.notAlerted.push(name);
    }
  }
  return found;
}

export const isWhole = (found: Findings, jobs: readonly StormJob[]): boolean =>
  found.cardsRight === jobs.length &&
  found.unannounced.length === 0 &&
  found.notAlerted.length === 0 &&
  found.alerted >= found.failures;

/** What the bot has on its own disk, once it has stopped. */
export async function record(house: House): Promise<{
  events: { pending: number; handled: number; setAside: Readonly<Record<string, number>> };
  unsent: string[];
}> {
  const store = await openLowdbStore(house.dataDir);
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
