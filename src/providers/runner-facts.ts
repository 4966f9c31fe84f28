/** What a runner says of its runs. */
import { z } from 'zod';
import type { JobState, TrainingJob } from '../domain/jobs.ts';

const time = z.iso.datetime().transform((text) => Date.parse(text));

const runFacts = z
  .object({
    id: z.string(),
    template: z.string(),
    parameters: z.record(z.string(), z.string()),
    state: z.string().min(1),
    reason: z.string().optional(),
    exit_code: z.number().nullish(),
    signal: z.string().nullish(),
    size: z.number(),
    created_at: time,
    started_at: time.optional(),
    updated_at: time,
    ended_at: time.optional(),
  })
  .transform(({ created_at, started_at, updated_at, ended_at, exit_code, ...run }) => ({
    ...run,
    exitCode: exit_code ?? undefined,
    createdAt: created_at,
    startedAt: started_at,
    updatedAt: updated_at,
    endedAt: ended_at,
  }));

export const oneRun = runFacts;
export const manyRuns = z.object({ runs: z.array(runFacts) });
export type RunFacts = z.output<typeof runFacts>;

export const runPath = (name: string): string => `/runs/${encodeURIComponent(name)}`;

/** Its words, in ours. `lost`: nothing saw how it ended, so it cannot count as done. */
const STATES: Readonly<Record<string, JobState>> = {
  running: 'running',
  stopping: 'stopping',
  completed: 'completed',
  failed: 'failed',
  stopped: 'stopped',
  lost: 'failed',
};

/** Undefined while it runs. */
function exitOf({ state, endedAt, exitCode, signal }: RunFacts): TrainingJob['exit'] {
  if (state === 'lost') return 'lost';
  return endedAt === undefined ? undefined : { code: exitCode ?? null, signal: signal ?? null };
}

export function jobOf(run: RunFacts, useCase: string): TrainingJob {
  const state = Object.hasOwn(STATES, run.state) ? STATES[run.state]! : 'unknown';
  return {
    name: run.id,
    useCase,
    provider: 'local',
    state,
    status: run.state.charAt(0).toUpperCase() + run.state.slice(1),
    failureReason: state === 'completed' ? undefined : run.reason,
    exit: exitOf(run),
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    hyperparameters: run.parameters,
  };
}
