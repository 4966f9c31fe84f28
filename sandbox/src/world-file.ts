/** The world as a file: who and what a sandbox starts with, in JSON or YAML. `world.json` is the one it has by itself. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { writtenSeries } from './aws/event-series.ts';
import { LOG_GROUP_CLASSES } from './aws/log-store.ts';
import type { PolicyDocument } from './aws/policy.ts';
import type { AccountSeed, AwsWorld, RegionSeed } from './aws/seed.ts';
import { SandboxError } from './errors.ts';
import type { RunpodWorld } from './runpod/seed.ts';
import { runpodSchema, runpodWorld } from './runpod/world-file.ts';
import { DEFAULT_APP, DEFAULT_TEAM, type SlackWorld } from './slack/workspace.ts';
import type { EpochMs } from './time.ts';
import builtIn from './world.json' with { type: 'json' };

export interface World {
  slack: SlackWorld;
  aws: AwsWorld;
  runpod: RunpodWorld;
}

const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}[A-Z0-9]+$`), `is ${prefix} and then capital letters and digits`);
const words = z.union([z.string(), z.array(z.string())]);
const policy = z.strictObject({
  Version: z.string().optional(),
  Statement: z.array(
    z.strictObject({
      Effect: z.enum(['Allow', 'Deny']),
      Action: words.optional(),
      Resource: words.optional(),
      Principal: z
        .union([z.literal('*'), z.strictObject({ AWS: words.optional(), Service: words.optional() })])
        .optional(),
      Condition: z.record(z.string(), z.record(z.string(), words)).optional(),
    }),
  ),
});

const region = z.strictObject({
  buckets: z.array(z.string()).default([]),
  objects: z.array(z.strictObject({ bucket: z.string(), key: z.string(), text: z.string() })).default([]),
  /** `attributes` as `CreateQueue` takes them. A dead-letter queue stands before those that give messages up to it. */
  queues: z
    .array(z.strictObject({ name: z.string(), attributes: z.record(z.string(), z.string()).optional() }))
    .default([]),
  logGroups: z
    .array(
      z.strictObject({
        name: z.string(),
        class: z.enum(LOG_GROUP_CLASSES).optional(),
        /** Days; what is older is not given out. Left out: for ever. */
        retentionInDays: z.int().positive().optional(),
        streams: z
          .array(z.strictObject({ name: z.string(), events: z.array(z.string()).default([]) }))
          .default([]),
      }),
    )
    .default([]),
});

const account = z.strictObject({
  id: z.string().regex(/^\d{12}$/, 'is 12 digits, in quotes'),
  users: z
    .array(
      z.strictObject({
        name: z.string(),
        accessKeyId: z.string(),
        secretAccessKey: z.string(),
        /** Left out: everything is allowed. */
        policy: policy.optional(),
      }),
    )
    .default([]),
  roles: z.array(z.strictObject({ name: z.string(), trust: policy, policy })).default([]),
  regions: z.record(z.string(), region).default({}),
});

const schema = z.strictObject({
  team: z.strictObject({ id: id('T'), name: z.string() }).default(DEFAULT_TEAM),
  app: z.strictObject({ id: id('A'), bot: id('B'), user: id('U') }).default(DEFAULT_APP),
  users: z
    .array(
      z.strictObject({
        id: id('U').optional(),
        name: z.string(),
        realName: z.string().optional(),
        title: z.string().default(''),
        color: z.string().optional(),
      }),
    )
    .min(1),
  channels: z
    .array(
      z.strictObject({
        id: id('C').optional(),
        name: z.string(),
        topic: z.string().default(''),
        private: z.boolean().default(false),
        /** Names or ids; left out: everybody. */
        members: z.array(z.string()).optional(),
        /** Whether the app is in it. */
        app: z.boolean().default(true),
      }),
    )
    .min(1),
  userGroups: z
    .array(
      z.strictObject({
        id: id('S').optional(),
        handle: z.string(),
        name: z.string(),
        users: z.array(z.string()),
      }),
    )
    .default([]),
  aws: z.strictObject({ accounts: z.array(account) }).default({ accounts: [] }),
  runpod: runpodSchema,
});

const COLORS = ['#4a6fa5', '#2f855a', '#b7791f', '#9f3a5b', '#5f6b7a', '#6b46c1'];
const EVERYTHING: PolicyDocument = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
/** Milliseconds between two events of a seeded log; the last one is written at the start. */
const EVENT_INTERVAL = 1000;

/** The world of three people and one account. @param now everything is dated from here */
export const defaultWorld = (now: EpochMs = Date.now()): World => parseWorld(builtIn, now);

/** @throws SandboxError not_found for no such file, invalid_input with every place that is wrong */
export async function readWorld(path: string, now: EpochMs = Date.now()): Promise<World> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SandboxError('not_found', `There is no world at ${path}.`, {
      cause,
      hint: 'Give the path of a JSON or YAML file that describes one.',
    });
  });
  let source: unknown;
  try {
    source = parse(text);
  } catch (cause) {
    throw new SandboxError('invalid_input', `${path} is neither JSON nor YAML.`, {
      cause,
      hint: String(cause),
    });
  }
  return parseWorld(source, now);
}

/** @throws SandboxError invalid_input with every place that is wrong */
export function parseWorld(source: unknown, now: EpochMs = Date.now()): World {
  const parsed = schema.safeParse(source);
  if (!parsed.success) {
    throw wrong(
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`),
    );
  }
  const { team, app, users, channels, userGroups, aws, runpod } = parsed.data;
  const people = users.map(({ realName, ...user }, index) => ({
    ...user,
    id: user.id ?? idOf('U', user.name),
    real_name: realName ?? user.name,
    color: user.color ?? COLORS[index % COLORS.length]!,
    is_bot: false,
  }));
  const problems: string[] = [];
  const known = new Map(people.flatMap((one) => [one.id, one.name].map((key) => [key, one.id] as const)));
  const memberIds = (given: readonly string[], at: string): string[] =>
    given.flatMap((one) => {
      const found = known.get(one);
      if (found === undefined) problems.push(`${at}: there is no user ${one}`);
      return found ?? [];
    });
  const slack: SlackWorld = {
    team,
    app,
    users: people,
    channels: channels.map((one) => ({
      id: one.id ?? idOf('C', one.name),
      name: one.name,
      topic: one.topic,
      is_private: one.private,
      is_im: false,
      is_archived: false,
      members: [
        ...(one.members ? memberIds(one.members, `channel ${one.name}`) : people.map((person) => person.id)),
        ...(one.app ? [app.user] : []),
      ],
    })),
    userGroups: userGroups.map((one) => ({
      ...one,
      id: one.id ?? idOf('S', one.handle),
      users: memberIds(one.users, `user group ${one.handle}`),
    })),
  };
  for (const [what, ids] of [
    ['users', [...slack.users.map((one) => one.id), app.user]],
    ['channels', slack.channels.map((one) => one.id)],
  ] as const) {
    const twice = ids.find((one, index) => ids.indexOf(one) !== index);
    if (twice !== undefined)
      problems.push(`${what}: ${twice} is there twice; give one of them another \`id\``);
  }
  for (const { id: of, regions } of aws.accounts) {
    for (const [name, { buckets, objects }] of Object.entries(regions)) {
      for (const { bucket, key } of objects) {
        if (!buckets.includes(bucket))
          problems.push(
            `account ${of}, ${name}: object ${key} is in ${bucket}, which is none of the buckets there`,
          );
      }
    }
  }
  if (problems.length > 0) throw wrong(problems);
  return {
    slack,
    aws: { accounts: aws.accounts.map((one) => accountSeed(one, now)) },
    runpod: runpodWorld(runpod, now),
  };
}

const wrong = (problems: readonly string[]): SandboxError =>
  new SandboxError('invalid_input', 'The world cannot be used.', { hint: problems.join('\n') });

/** `U0ANN` for `ann`. */
const idOf = (prefix: string, name: string): string =>
  `${prefix}0${name.toUpperCase().replace(/[^A-Z0-9]/g, '')}`;

function accountSeed({ regions, users, ...rest }: z.infer<typeof account>, now: EpochMs): AccountSeed {
  return {
    ...rest,
    users: users.map((one) => ({ ...one, policy: one.policy ?? EVERYTHING })),
    regions: Object.fromEntries(
      Object.entries(regions).map(([name, seed]) => [name, regionSeed(seed, now)] as const),
    ),
  };
}

function regionSeed(seed: z.infer<typeof region>, now: EpochMs): RegionSeed {
  return {
    buckets: seed.buckets.map((name) => ({ name, createdAt: now })),
    objects: seed.objects.map(({ text, ...rest }) => ({ ...rest, at: now, bytes: () => Buffer.from(text) })),
    queues: seed.queues.map(({ name, attributes }) => ({ name, ...(attributes ? { attributes } : {}) })),
    logGroups: seed.logGroups.map(({ name, class: groupClass, retentionInDays, streams }) => ({
      name,
      createdAt: now,
      ...(groupClass === undefined ? {} : { class: groupClass }),
      ...(retentionInDays === undefined ? {} : { retentionInDays }),
      streams: streams.map(({ name: stream, events }) => {
        const at = (index: number): EpochMs => now - (events.length - index) * EVENT_INTERVAL;
        return {
          name: stream,
          createdAt: at(0),
          series: writtenSeries(() => events.map((message, index) => ({ at: at(index), message }))),
        };
      }),
    })),
  };
}
