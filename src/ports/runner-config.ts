/** What a runner is told by its runner.yaml and the environment. */
import type { RunTemplate } from '../domain/run-templates.ts';

export interface RunnerConfig {
  /** Absolute path of the runner.yaml in use. */
  path: string;
  /** Absolute. Runs and their logs. */
  dataDir: string;
  listen: { host: string; port: number };
  /** Left out: everybody on this machine may do everything. */
  token?: string | undefined;
  limits: RunnerLimits;
  /** Milliseconds between asking a run to end and making it. */
  graceMs: number;
  templates: readonly RunTemplate[];
  logLevel: string;
}

export interface RunnerLimits {
  /** Runs at the same time. */
  runs: number;
  /** Bytes that are kept of each run's log. */
  bytesPerRun: number;
  /** Bytes that all runs together may take of the disk. */
  disk: number;
}
