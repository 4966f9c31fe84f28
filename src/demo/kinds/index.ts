/** What "Line 3 defects" has of SageMaker's kinds besides training and compiling. docs/sandbox.md says what each one shows. */
import type { EpochMs } from '#sandbox';
import type { KindSeeds, TrainingJobSeed } from '#sandbox/seeds';
import { line3Agents } from './agents.ts';
import { line3Processing, line3Transforms } from './data-jobs.ts';
import { line3Clusters, line3Notebooks } from './machines.ts';
import { mixedMachines } from './mixed-machines.ts';
import { line3Retraining } from './retraining.ts';
import { line3Search } from './search.ts';
import { line3Endpoints } from './serving.ts';

/** @returns with training jobs: those that steps of a pipeline run (those of a tuning job come with it), and an odd one */
export function line3Kinds(now: EpochMs): { kinds: KindSeeds; trainingJobs: TrainingJobSeed[] } {
  const { executions, processing, training } = line3Retraining(now);
  return {
    trainingJobs: [mixedMachines(now), ...training],
    kinds: {
      processing: [...line3Processing(now), ...processing],
      transform: line3Transforms(now),
      tuning: [line3Search(now)],
      pipeline: executions,
      endpoint: line3Endpoints(now),
      notebook: line3Notebooks(now),
      cluster: line3Clusters(now),
      job: line3Agents(now),
    },
  };
}
