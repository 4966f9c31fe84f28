/** The shape of signalbox.yaml. */
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
import { metricsProblems, metricsSection, toMetricSettings } from './metric-settings.ts';
import type { ConfigProblem } from './problems.ts';
import { type ProviderSurroundings, providersSection, toProviderSettings } from './provider-settings.ts';
import { duration, size, text, url } from './scalars.ts';
import { toTrainSettings, trainProblems, trainSection } from './train-settings.ts';

const user = z.string().regex(/^[UW][A-Z0-9]{2,}$/);
const userOrGroup = z.string().regex(/^[UWS][A-Z0-9]{2,}$/);
const grantee = z.union([userOrGroup, z.literal(CHANNEL_MEMBERS)]);
const channel = z.string().regex(/^[CG][A-Z0-9]{2,}$/);
const region = z.string().regex(/^[a-z]{2,}(-[a-z]+)+-\d+$/);
const roleArn = z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/);
/** As browsers send it: `https://dash.example.com`, without a path. */
const origin = z.string().refine((value) => URL.canParse(value) && new URL(value).origin === value);
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
  account: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  region: region.optional(),
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
  providers: providersSection,
  train: trainSection.optional(),
  compile: compile.optional(),
  components: components.optional(),
  onCall: onCall.optional(),
  alerts: alerts.prefault({}),
  metrics: metricsSection.optional(),
});

/** The log of one run, and as much again: less would be full with the first one. */
const LEAST_FOR_RUNS = 512 * 2 ** 20;

export const fileSchema = z.strictObject({
  storage: z
    .strictObject({
      dataDir: text.optional(),
      keepRuns: z.union([z.literal('forever'), minutes]).default('30d'),
      runsDisk: size.refine((bytes) => bytes >= LEAST_FOR_RUNS).prefault('10GB'),
    })
    .prefault({}),
  logs: z
    .strictObject({
      library: z
        .union([
          z.literal('off'),
          z.strictObject({ disk: size.prefault('10GB'), keep: minutes.default('30d') }),
        ])
        .prefault({}),
    })
    .prefault({}),
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
  viewer: z
    .strictObject({
      publicUrl: url.refine((value) => !/[?#]/.test(value)),
      allowedOrigins: z.array(origin).default([]),
      linksExpireAfter: minutes.default('5m'),
    })
    .optional(),
});

/**
 * The parts of a use case that this version works with.
 * @param from.folder where relative paths begin
 */
export function toUseCase(
  entry: z.output<typeof useCase>,
  { folder, ...surroundings }: ProviderSurroundings & { folder: string },
): UseCase {
  const { id, name, account, region, roleArn, externalId, channels, alertsChannel, access, logs } = entry;
  return {
    id,
    name,
    aws: account === undefined || region === undefined ? undefined : { account, region, roleArn, externalId },
    channels,
    alertsChannel,
    access,
    discoverable: entry.discoverable,
    logs,
    providers: toProviderSettings(entry.providers, surroundings),
    train: entry.train && toTrainSettings(entry.train, surroundings.secret),
    compile: entry.compile && toCompileSettings(entry.compile),
    components: entry.components && toComponentSettings(entry.components, folder),
    onCall: entry.onCall && {
      levels: entry.onCall.levels,
      escalateAfterMs: milliseconds(entry.onCall.escalateAfter),
    },
    metrics: entry.metrics && toMetricSettings(entry.metrics),
    stuckAfterMs: entry.alerts.stuckAfter === 'off' ? undefined : milliseconds(entry.alerts.stuckAfter),
  };
}

/** Problems found by the domain's rules, in every key whose shape is right, whatever else is wrong. */
export function sectionProblems(raw: unknown, folder: string): ConfigProblem[] {
  const entries = (raw as { useCases?: unknown } | null)?.useCases;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown, index) => {
    const {
      account,
      compile: compiled,
      components: packaged,
      train,
      providers,
      metrics,
    } = (entry ?? {}) as Record<string, unknown>;
    const at = `useCases[${index}]`;
    return [
      ...trainProblems(train, { account, trainsOn: namedProviders(providers) }, `${at}.train`),
      ...compileProblems(rightKeys(compile.shape, compiled), account, `${at}.compile`),
      ...componentsProblems(rightKeys(components.shape, packaged), `${at}.components`, folder),
      ...metricsProblems(metrics, `${at}.metrics`),
    ];
  });
}

/** As the section names them; left out: SageMaker. */
function namedProviders(section: unknown): string[] {
  if (section === undefined) return ['sagemaker'];
  if (typeof section !== 'object' || section === null) return [];
  return Object.entries(section).flatMap(([name, value]) =>
    value === false || value === null || (name === 'sagemaker' && leavesTrainingOut(value)) ? [] : [name],
  );
}

function leavesTrainingOut(sagemaker: unknown): boolean {
  const { kinds } = sagemaker as { kinds?: unknown };
  return Array.isArray(kinds) && !kinds.includes('training');
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
