/** The shape of signalbox.yaml, and the words for what each key wants. */
import { z } from 'zod';
import { isTimeZone, parseDate, parseTimeOfDay } from '../domain/local-time.ts';
import { CHANNEL_MEMBERS, type UseCase } from '../domain/use-cases.ts';
import {
  compileProblems,
  componentsProblems,
  milliseconds,
  toCompileSettings,
  toComponentSettings,
} from './compile-settings.ts';
import type { ConfigProblem } from './problems.ts';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const size = z
  .union([z.number().int().nonnegative(), z.string().regex(/^\d+(\.\d+)?\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)$/)])
  .transform((value) => {
    if (typeof value === 'number') return value;
    const [, number, unit] = /^([\d.]+)\s*(\w+)$/.exec(value) ?? [];
    return Math.round(Number(number) * (SIZE_UNITS[unit ?? 'B'] ?? 1));
  });

const duration = z.string().regex(/^\d+(ms|s|m|h|d)$/);
const text = z.string().trim().min(1);
const user = z.string().regex(/^[UW][A-Z0-9]{2,}$/);
const userOrGroup = z.string().regex(/^[UWS][A-Z0-9]{2,}$/);
const grantee = z.union([userOrGroup, z.literal(CHANNEL_MEMBERS)]);
const channel = z.string().regex(/^[CG][A-Z0-9]{2,}$/);
const region = z.string().regex(/^[a-z]{2,}(-[a-z]+)+-\d+$/);
const roleArn = z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/);
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
const url = z.url({ protocol: /^https?$/ });
const s3 = z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/);

const customTarget = z.strictObject({
  description: text.max(200).optional(),
  device: text.optional(),
  platform: z.strictObject({ os: text, arch: text, accelerator: text.optional() }).optional(),
  options: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  architecture: text.optional(),
});

/** What the values mean is checked in compile-settings.ts, once the shape is right. */
const compile = z.strictObject({
  roleArn,
  outputS3: s3,
  framework: text.optional(),
  frameworkVersion: text.optional(),
  dataInputConfig: z.union([text, z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
  targets: z.array(text).default([]),
  customTargets: z.record(z.string(), customTarget).optional(),
  auto: z.boolean().default(false),
  timeout: duration.default('15m'),
});

const components = z.strictObject({
  auto: z.boolean().default(false),
  namePrefix: text.max(64).optional(),
  recipeTemplate: text.optional(),
});

/** As `duration`, a minute or more. */
const minutes = z
  .string()
  .refine((value) => /^\d+(ms|s|m|h|d)$/.test(value) && milliseconds(value) >= 60_000);

const rotation = z.strictObject({
  rotation: z.array(user).min(1),
  since: z.string().refine((value) => parseDate(value) !== undefined),
  handover: z
    .string()
    .refine((value) => parseTimeOfDay(value) !== undefined)
    .default('09:00'),
  timeZone: z.string().refine(isTimeZone),
});
const onCall = z.strictObject({
  levels: z.array(z.array(z.union([userOrGroup, rotation])).min(1)).min(1),
  escalateAfter: minutes.default('10m'),
});
const alerts = z.strictObject({
  stuckAfter: z.union([z.literal('off'), minutes]).default('30m'),
});

const useCase = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  name: text.max(80),
  account: z.string().regex(/^\d{12}$/),
  region,
  roleArn: roleArn.optional(),
  externalId: z
    .string()
    .regex(/^[\w+=,.@:/-]{2,1224}$/)
    .optional(),
  channels: z.array(channel).min(1),
  alertsChannel: channel.optional(),
  access: z.strictObject({
    viewer: z.array(grantee).optional(),
    dataScientist: z.array(grantee).optional(),
    operator: z.array(grantee).optional(),
    admin: z.array(grantee).optional(),
  }),
  discoverable: z.boolean().default(false),
  logs: z
    .strictObject({
      delivery: z.enum(['channel', 'dm']).default('channel'),
      gzipAbove: size.default(50e6),
      secondLane: z.enum(['auto', 'on', 'off']).default('auto'),
    })
    .prefault({}),
  providers: z
    .strictObject({
      sagemaker: z.boolean().default(false),
      local: z.looseObject({ baseUrl: url, tokenEnv: variableName.optional() }).optional(),
      runpod: z.looseObject({ apiKeyEnv: variableName.optional() }).optional(),
    })
    .prefault({ sagemaker: true }),
  compile: compile.optional(),
  components: components.optional(),
  onCall: onCall.optional(),
  alerts: alerts.prefault({}),
});

export const fileSchema = z.strictObject({
  storage: z.strictObject({ dataDir: text.optional() }).prefault({}),
  admins: z.array(user).default([]),
  useCases: z.array(useCase).min(1),
  events: z
    .strictObject({
      queueUrl: url,
      region,
      rule: z
        .string()
        .regex(/^[\w.-]{1,64}$/)
        .default('signalbox-events'),
    })
    .optional(),
  viewer: z.looseObject({ publicUrl: url }).optional(),
});

/**
 * The parts of a use case that this version works with.
 * @param folder where relative paths begin
 */
export function toUseCase(entry: z.output<typeof useCase>, folder: string): UseCase {
  const { id, name, account, region, roleArn, externalId, channels, alertsChannel, access, logs } = entry;
  return {
    id,
    name,
    account,
    region,
    roleArn,
    externalId,
    channels,
    alertsChannel,
    access,
    discoverable: entry.discoverable,
    logs,
    providers: { sagemaker: entry.providers.sagemaker },
    compile: entry.compile && toCompileSettings(entry.compile),
    components: entry.components && toComponentSettings(entry.components, folder),
    onCall: entry.onCall && {
      levels: entry.onCall.levels,
      escalateAfterMs: milliseconds(entry.onCall.escalateAfter),
    },
    stuckAfterMs: entry.alerts.stuckAfter === 'off' ? undefined : milliseconds(entry.alerts.stuckAfter),
  };
}

/** What is wrong with values that the domain judges, in every key whose shape is right, whatever else is wrong. */
export function sectionProblems(raw: unknown, folder: string): ConfigProblem[] {
  const entries = (raw as { useCases?: unknown } | null)?.useCases;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown, index) => {
    const { account, compile: compiled, components: packaged } = (entry ?? {}) as Record<string, unknown>;
    const at = `useCases[${index}]`;
    return [
      ...compileProblems(rightKeys(compile.shape, compiled), account, `${at}.compile`),
      ...componentsProblems(rightKeys(components.shape, packaged), `${at}.components`, folder),
    ];
  });
}

/** The keys of a section whose value has its shape. */
function rightKeys<S extends z.core.$ZodShape>(
  shape: S,
  section: unknown,
): { [K in keyof S]?: z.output<S[K]> | undefined } {
  if (typeof section !== 'object' || section === null) return {};
  const right: { [K in keyof S]?: z.output<S[K]> } = {};
  for (const key of Object.keys(section) as (keyof S & string)[]) {
    const parsed = Object.hasOwn(shape, key)
      ? z.safeParse(shape[key] as S[typeof key], (section as Record<string, unknown>)[key])
      : undefined;
    if (parsed?.success) right[key] = parsed.data;
  }
  return right;
}

/** What a key wants, and a line that is right. Keyed by path; `[]` stands for every entry of a list. */
export interface KeyGuide {
  expected: string;
  example: string;
}

const people = 'a list of users (U…), user groups (S…) or channel-members';

export const KEY_GUIDES: Readonly<Record<string, KeyGuide>> = {
  '': { expected: 'keys such as storage and useCases', example: 'useCases: [{ id: line-3, … }]' },
  storage: { expected: 'a section', example: 'storage: { dataDir: ./data }' },
  'storage.dataDir': { expected: 'a folder', example: 'dataDir: ./data' },
  admins: { expected: 'a list of Slack user ids', example: 'admins: [U0ADMIN]' },
  'admins[]': { expected: 'a Slack user id (U…)', example: 'admins: [U0ADMIN]' },
  events: {
    expected: 'a section',
    example: 'events: { queueUrl: https://sqs.…/signalbox-events, region: eu-west-1 }',
  },
  'events.queueUrl': {
    expected: 'the URL of an SQS queue',
    example: 'queueUrl: https://sqs.eu-west-1.amazonaws.com/111122223333/signalbox-events',
  },
  'events.region': { expected: 'an AWS region', example: 'region: eu-west-1' },
  'events.rule': {
    expected: 'the name of an EventBridge rule, 1 to 64 letters, digits and ._-',
    example: 'rule: signalbox-events',
  },
  viewer: { expected: 'a section', example: 'viewer: { publicUrl: https://signalbox.example.com }' },
  'viewer.publicUrl': {
    expected: 'an http or https URL',
    example: 'publicUrl: https://signalbox.example.com',
  },
  useCases: { expected: 'a list of one use case or more', example: 'useCases: [{ id: line-3, … }]' },
  'useCases[]': {
    expected: 'a use case',
    example: '- { id: line-3, name: Line 3, account: "123456789012", … }',
  },
  'useCases[].id': {
    expected: '1 to 40 lower-case letters, digits and hyphens, unique',
    example: 'id: line-3',
  },
  'useCases[].name': { expected: 'a name of 1 to 80 characters', example: 'name: Line 3 defects' },
  'useCases[].account': {
    expected: 'an AWS account number: 12 digits, in quotes',
    example: 'account: "123456789012"',
  },
  'useCases[].region': { expected: 'an AWS region', example: 'region: eu-west-1' },
  'useCases[].roleArn': {
    expected: "the ARN of a role in the use case's account",
    example: 'roleArn: arn:aws:iam::123456789012:role/SignalboxAccess',
  },
  'useCases[].externalId': {
    expected: '2 to 1224 characters of letters, digits and _+=,.@:/- (in quotes when all are digits)',
    example: 'externalId: 6f1d0c0e',
  },
  'useCases[].channels': {
    expected: 'a list of one Slack channel id or more',
    example: 'channels: [C0LINE3]',
  },
  'useCases[].channels[]': {
    expected: 'a Slack channel id (C…, or G… for old private ones), not a name',
    example: 'channels: [C0LINE3]',
  },
  'useCases[].alertsChannel': { expected: 'a Slack channel id', example: 'alertsChannel: C0ALERTS' },
  'useCases[].access': {
    expected: 'who may do what; nobody else gets in',
    example: 'access: { viewer: [channel-members], admin: [U0LEAD] }',
  },
  ...roleGuides(),
  'useCases[].discoverable': { expected: 'true or false', example: 'discoverable: true' },
  'useCases[].logs': { expected: 'a section', example: 'logs: { delivery: channel, gzipAbove: 50MB }' },
  'useCases[].logs.delivery': { expected: '"channel" or "dm"', example: 'delivery: channel' },
  'useCases[].logs.gzipAbove': {
    expected: 'a size: bytes, or a number with kB, MB, GB, KiB, MiB or GiB',
    example: 'gzipAbove: 50MB',
  },
  'useCases[].logs.secondLane': { expected: '"auto", "on" or "off"', example: 'secondLane: auto' },
  'useCases[].providers': { expected: 'a section', example: 'providers: { sagemaker: true }' },
  'useCases[].providers.sagemaker': { expected: 'true or false', example: 'sagemaker: true' },
  'useCases[].providers.local': {
    expected: 'a section',
    example: 'local: { baseUrl: "http://127.0.0.1:8700", tokenEnv: RUNNER_TOKEN }',
  },
  'useCases[].providers.local.baseUrl': {
    expected: 'an http or https URL',
    example: 'baseUrl: "http://127.0.0.1:8700"',
  },
  'useCases[].providers.local.tokenEnv': {
    expected: 'the name of the environment variable that holds the token, not the token',
    example: 'tokenEnv: RUNNER_TOKEN',
  },
  'useCases[].providers.runpod': { expected: 'a section', example: 'runpod: { apiKeyEnv: RUNPOD_API_KEY }' },
  'useCases[].providers.runpod.apiKeyEnv': {
    expected: 'the name of the environment variable that holds the key, not the key',
    example: 'apiKeyEnv: RUNPOD_API_KEY',
  },
  'useCases[].onCall': {
    expected: 'a section',
    example: 'onCall: { levels: [[S0ONCALL], [U0LEAD]], escalateAfter: 10m }',
  },
  'useCases[].onCall.levels': {
    expected: 'a list of levels, each a list of users (U…), user groups (S…) or rotations',
    example: 'levels: [[S0ONCALL], [U0LEAD]]',
  },
  'useCases[].onCall.levels[]': {
    expected: 'a list of one or more users (U…), user groups (S…) or rotations',
    example: 'levels: [[S0ONCALL], [U0LEAD]]',
  },
  'useCases[].onCall.levels[][]': {
    expected:
      'a user (U…), a user group (S…), or a rotation: a list of users, the date it begins, and a time zone such as Europe/Berlin',
    example: '{ rotation: [U0ADA, U0BEN], since: "2026-01-05", handover: "09:00", timeZone: Europe/Berlin }',
  },
  'useCases[].onCall.escalateAfter': {
    expected: 'a duration of a minute or more: a number with s, m, h or d',
    example: 'escalateAfter: 10m',
  },
  'useCases[].alerts': { expected: 'a section', example: 'alerts: { stuckAfter: 30m }' },
  'useCases[].alerts.stuckAfter': {
    expected: '"off", or a duration of a minute or more: a number with s, m, h or d',
    example: 'stuckAfter: 30m',
  },
  'useCases[].compile': {
    expected: 'a section',
    example: 'compile: { roleArn: arn:aws:iam::…:role/NeoExecution, outputS3: s3://bucket/compiled }',
  },
  'useCases[].compile.roleArn': {
    expected: "the ARN of Neo's execution role",
    example: 'roleArn: arn:aws:iam::123456789012:role/NeoExecution',
  },
  'useCases[].compile.outputS3': {
    expected: 'an S3 location in the region of the use case',
    example: 'outputS3: s3://line-3-models/compiled',
  },
  'useCases[].compile.framework': { expected: 'a Neo framework', example: 'framework: PYTORCH' },
  'useCases[].compile.frameworkVersion': {
    expected: 'a version in quotes (1.10 without quotes is the number 1.1)',
    example: 'frameworkVersion: "1.8"',
  },
  'useCases[].compile.dataInputConfig': {
    expected: 'input names with their shapes',
    example: 'dataInputConfig: { input: [1, 3, 224, 224] }',
  },
  'useCases[].compile.targets': {
    expected: 'a list of targets',
    example: 'targets: [jetson-xavier, x86_64-cpu]',
  },
  'useCases[].compile.targets[]': { expected: "a target's name", example: 'targets: [jetson-xavier]' },
  'useCases[].compile.customTargets': {
    expected: 'targets of your own by name, or changes to built-in ones',
    example: 'customTargets: { camera-box: { platform: { os: LINUX, arch: ARM64 } } }',
  },
  'useCases[].compile.customTargets.*': {
    expected: 'a target: a platform or a device, and options where it needs some',
    example: 'camera-box: { platform: { os: LINUX, arch: ARM64 } }',
  },
  'useCases[].compile.customTargets.*.description': {
    expected: 'what it is, 1 to 200 characters',
    example: 'description: Camera box on line 3',
  },
  'useCases[].compile.customTargets.*.device': {
    expected: 'a TargetDevice of Neo',
    example: 'device: rasp4b',
  },
  'useCases[].compile.customTargets.*.platform': {
    expected: 'os, arch and maybe accelerator as Neo names them',
    example: 'platform: { os: LINUX, arch: ARM64, accelerator: NVIDIA }',
  },
  'useCases[].compile.customTargets.*.options': {
    expected: 'compiler options, as keys or as JSON text',
    example: 'options: { gpu-code: sm_87, trt-ver: "8.5.2", cuda-ver: "11.4" }',
  },
  'useCases[].compile.customTargets.*.architecture': {
    expected: 'a Greengrass architecture',
    example: 'architecture: aarch64',
  },
  'useCases[].compile.auto': { expected: 'true or false', example: 'auto: true' },
  'useCases[].compile.timeout': {
    expected: 'a duration: a number with s, m, h or d',
    example: 'timeout: 15m',
  },
  'useCases[].components': {
    expected: 'a section',
    example: 'components: { auto: true, namePrefix: model- }',
  },
  'useCases[].components.auto': { expected: 'true or false', example: 'auto: true' },
  'useCases[].components.namePrefix': {
    expected: 'a text of 1 to 64 characters',
    example: 'namePrefix: model-',
  },
  'useCases[].components.recipeTemplate': {
    expected: 'the path of a recipe template, relative to this file',
    example: 'recipeTemplate: ./recipes/edge.yaml',
  },
};

function roleGuides(): Record<string, KeyGuide> {
  const guides: Record<string, KeyGuide> = {};
  for (const [role, example] of [
    ['viewer', 'channel-members'],
    ['dataScientist', 'S0SCIENCE'],
    ['operator', 'S0OPS'],
    ['admin', 'U0LEAD'],
  ] as const) {
    guides[`useCases[].access.${role}`] = { expected: people, example: `${role}: [${example}]` };
    guides[`useCases[].access.${role}[]`] = {
      expected: 'a user (U…), a user group (S…) or channel-members',
      example: `${role}: [${example}]`,
    };
  }
  return guides;
}
