/** The RunPod part of a world's file. */
import { z } from 'zod';
import type { EpochMs } from '../time.ts';
import { CLASSIFIER, fixedProgram, type PodProgram } from './program.ts';
import type { PodSeed, RunpodWorld } from './seed.ts';

/** A text: a second after the one before. */
const line = z.union([z.string(), z.strictObject({ after: z.number().min(0), line: z.string() })]);

const program = z.union([
  z.literal('trainer'),
  z.strictObject({
    lines: z.array(line),
    /** Left out: 0. `null`: the command never ends. */
    exitCode: z.int().nullable().default(0),
  }),
]);

const pod = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9]+$/, 'is small letters and digits')
    .optional(),
  name: z.string().min(1),
  image: z.string().min(1),
  gpu: z.strictObject({ id: z.string(), count: z.int().positive().default(1) }).optional(),
  cpu: z.strictObject({ id: z.string(), vcpuCount: z.int().min(2) }).optional(),
  env: z.record(z.string(), z.string()).optional(),
  cmd: z.array(z.string()).optional(),
  program: program.optional(),
  /** Seconds before the start. */
  createdAgo: z.number().min(0).default(60),
  endedAgo: z.number().min(0).optional(),
  endedAs: z.enum(['EXITED', 'ERROR']).default('EXITED'),
});

const template = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  image: z.string().min(1),
  cmd: z.array(z.string()).optional(),
  disk: z.int().positive().optional(),
  ports: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

export const runpodSchema = z
  .strictObject({
    keys: z
      .array(z.strictObject({ key: z.string().min(1), rights: z.enum(['all', 'read', 'none']).optional() }))
      .default([]),
    templates: z.array(template).default([]),
    programs: z.array(z.strictObject({ match: z.string().min(1), program })).default([]),
    pods: z
      .array(pod)
      .default([])
      .refine((pods) => pods.every(({ gpu, cpu }) => (gpu === undefined) !== (cpu === undefined)), {
        message: 'each pod has either `gpu` or `cpu`',
      }),
  })
  .default({ keys: [], templates: [], programs: [], pods: [] });

/** @param now everything is dated from here */
export function runpodWorld(given: z.infer<typeof runpodSchema>, now: EpochMs): RunpodWorld {
  return {
    keys: given.keys.map(({ key, rights }) => ({ key, ...(rights === undefined ? {} : { rights }) })),
    templates: given.templates.map((one) => defined(one)),
    programs: given.programs.map((one) => ({ match: one.match, program: programFrom(one.program) })),
    pods: given.pods.map((one) => podFrom(one, now)),
  };
}

function podFrom(given: z.infer<typeof pod>, now: EpochMs): PodSeed {
  const { createdAgo, endedAgo, endedAs, program: runs, ...rest } = given;
  return {
    ...defined(rest),
    createdAt: now - createdAgo * 1000,
    ...(runs === undefined ? {} : { program: programFrom(runs) }),
    ...(endedAgo === undefined ? {} : { ended: { at: now - endedAgo * 1000, status: endedAs } }),
  };
}

function programFrom(given: z.infer<typeof program>): PodProgram {
  if (given === 'trainer') return CLASSIFIER;
  const lines = given.lines.map((one) => (typeof one === 'string' ? { after: 1, line: one } : one));
  return fixedProgram(lines, given.exitCode ?? undefined);
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without what was left out. */
const defined = <T extends object>(given: T): Defined<T> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
