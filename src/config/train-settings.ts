/** A use case's `train` section: the templates of `/train`, their shape and what they mean. */
import { z } from 'zod';
import type { NamedSecret } from '../domain/providers.ts';
import type { RunParameter } from '../domain/run-templates.ts';
import { type TemplateText, type TrainTemplate, trainTemplateProblems } from '../domain/train-templates.ts';
import { milliseconds } from './compile-settings.ts';
import { parametersSection, scalar } from './parameters.ts';
import type { ConfigProblem } from './problems.ts';
import { duration, text, variableName } from './scalars.ts';
import { MOST_TEMPLATES } from './train-guides.ts';

const name = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})$/;
const roleArn = z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/);
const s3 = z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/);
/** Of the bot itself: no training gets them. */
const OWN = /^(?:SLACK_|SIGNALBOX_|DATABASE_URL$|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$)/;
const secret = z.strictObject({ env: variableName.refine((variable) => !OWN.test(variable)) });
const environment = z.record(variableName, z.union([scalar, secret]));

const sagemaker = z.strictObject({
  image: text,
  roleArn,
  outputS3: s3,
  inputs: z.record(z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), s3).default({}),
  instanceTypes: z.array(z.string().regex(/^ml\.[a-z0-9-]+\.[a-z0-9-]+$/)).min(1),
  instanceCount: z.number().int().min(1).max(1_000).default(1),
  volumeGb: z.number().int().min(1).max(16_384).default(30),
  spot: z.boolean().default(false),
  hyperparameters: z.record(z.string().regex(/^[^\0]{1,256}$/), scalar).default({}),
  environment: environment.default({}),
  metricDefinitions: z
    .array(z.strictObject({ name: text.max(255), regex: text.max(500) }))
    .max(40)
    .default([]),
});

const runpod = z.strictObject({
  image: text,
  gpuTypes: z.array(text).min(1),
  gpuCount: z.number().int().min(1).max(16).default(1),
  cloud: z.enum(['secure', 'community']).default('secure'),
  diskGb: z.number().int().min(1).max(10_000).default(20),
  volume: z
    .strictObject({ gb: z.number().int().min(1).max(10_000), mountPath: text.default('/workspace') })
    .optional(),
  ports: z.array(z.string().regex(/^\d{1,5}\/(?:http|tcp)$/)).default([]),
  command: z.array(scalar.refine((value) => value !== '' && !value.includes('\0'))).default([]),
  env: environment.default({}),
});

const template = z.strictObject({
  name: z.string().regex(name),
  description: text.max(200).optional(),
  provider: z.enum(['sagemaker', 'local', 'runpod']),
  maxTime: z
    .string()
    .refine((value) => duration.safeParse(value).success && milliseconds(value) >= 60_000)
    .optional(),
  parameters: parametersSection.default({}),
  sagemaker: sagemaker.optional(),
  runpod: runpod.optional(),
  local: z.strictObject({ template: text.max(200) }).optional(),
});

export const trainSection = z.strictObject({ templates: z.array(template).min(1).max(MOST_TEMPLATES) });

type TemplateEntry = z.output<typeof template>;

/** @param secret of the environment, by its variable's name */
export function toTrainSettings(
  { templates }: z.output<typeof trainSection>,
  secretOf: (variable: string) => NamedSecret,
): { templates: TrainTemplate[] } {
  return { templates: templates.map((entry) => toTemplate(entry, secretOf)) };
}

function toTemplate(entry: TemplateEntry, secretOf: (variable: string) => NamedSecret): TrainTemplate {
  const named = (given: z.output<typeof environment>): Record<string, TemplateText> =>
    Object.fromEntries(
      Object.entries(given).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : secretOf(value.env),
      ]),
    );
  const common = {
    name: entry.name,
    description: entry.description,
    maxTime: entry.maxTime === undefined ? undefined : milliseconds(entry.maxTime),
    parameters: entry.parameters as Record<string, RunParameter>,
  };
  type Types = readonly [string, ...string[]];
  switch (entry.provider) {
    case 'local':
      return { ...common, provider: 'local', local: entry.local! };
    case 'sagemaker': {
      const { instanceTypes, environment: given, ...rest } = entry.sagemaker!;
      const types = instanceTypes as unknown as Types;
      return {
        ...{ ...common, provider: 'sagemaker' },
        sagemaker: { ...rest, instanceTypes: types, environment: named(given) },
      };
    }
    case 'runpod': {
      const { gpuTypes, env, ...rest } = entry.runpod!;
      const types = gpuTypes as unknown as Types;
      return { ...common, provider: 'runpod', runpod: { ...rest, gpuTypes: types, env: named(env) } };
    }
  }
}

/**
 * What is wrong with templates beyond their shape; each that has its shape is looked at.
 * @param at the section's place in the file: `useCases[0].train`
 */
export function trainProblems(
  section: unknown,
  { account, trainsOn }: { account: unknown; trainsOn: readonly string[] },
  at: string,
): ConfigProblem[] {
  const entries = (section as { templates?: unknown } | null | undefined)?.templates;
  if (!Array.isArray(entries)) return [];
  const seen = new Map<string, number>();
  return entries.flatMap((raw: unknown, index) => {
    const key = `${at}.templates[${index}]`;
    const parsed = template.safeParse(raw);
    if (!parsed.success) return [];
    const entry = parsed.data;
    const problems = shapeProblems(entry, trainsOn);
    const first = seen.get(entry.name);
    if (first !== undefined)
      problems.push(`expected a name of its own, but templates[${first}] is ${entry.name} too`);
    else seen.set(entry.name, index);
    if (entry[entry.provider] !== undefined) {
      const made = toTemplate(entry, (variable) => ({ variable, read: () => undefined }));
      problems.push(...trainTemplateProblems(made));
      const roleAccount = /:iam::(\d{12}):/.exec(entry.sagemaker?.roleArn ?? '')?.[1];
      if (roleAccount && typeof account === 'string' && roleAccount !== account)
        problems.push(
          `expected a role in the use case's account ${account}, but sagemaker.roleArn is in account ${roleAccount}`,
        );
    }
    return problems.map((problem) => ({ key, message: `${key} (${entry.name}): ${problem}.` }));
  });
}

function shapeProblems(entry: TemplateEntry, trainsOn: readonly string[]): string[] {
  const { provider } = entry;
  const problems: string[] = [];
  if (!trainsOn.includes(provider))
    problems.push(
      `expected a provider that the use case trains on (${trainsOn.join(', ') || 'none'}), but got ${provider}; add it to \`providers\``,
    );
  if (entry[provider] === undefined)
    problems.push(`expected a section \`${provider}\` beside provider: ${provider}, but it is missing`);
  for (const other of ['sagemaker', 'local', 'runpod'] as const)
    if (other !== provider && entry[other] !== undefined)
      problems.push(`there is a section \`${other}\`, but its provider is ${provider}`);
  if (provider === 'local' && Object.keys(entry.parameters).length > 0)
    problems.push('expected no `parameters`: the runner says what its own template takes');
  if (provider === 'local' && entry.maxTime !== undefined)
    problems.push('expected no `maxTime`: a runner has no limit of time for a run');
  return problems;
}
