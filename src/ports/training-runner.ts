/** A runner: starts training from templates on its own machine and keeps what it prints. */
import type { RunParameters, RunTemplate } from '../domain/run-templates.ts';
import type { RunEnd } from '../domain/runs.ts';
import type { EpochMs } from '../ground/time.ts';

/** `stopping`: it was cancelled and has not ended yet. */
export type RunState = 'running' | 'stopping' | RunEnd['state'];

export interface RunnerRun {
  /** The name it was started under. */
  id: string;
  template: string;
  parameters: RunParameters;
  state: RunState;
  createdAt: EpochMs;
  /** Of its process. Left out: it has none yet, or could not be started. */
  startedAt?: EpochMs | undefined;
  end?: RunEnd | undefined;
  /** A sentence on how it ended, where it did not complete. */
  reason?: string | undefined;
  /** Bytes printed so far. */
  size: number;
  /** When it printed last. */
  updatedAt: EpochMs;
}

export interface RunRequest {
  template: string;
  /** The run's id from then on. */
  name: string;
  parameters: Readonly<Record<string, unknown>>;
}

/** Lines `offset` to `offset + lines.length - 1` of a run's log. */
export interface RunLines {
  lines: string[];
  /** When each was finished, as far as that is known; milliseconds since the epoch. */
  times: EpochMs[];
  /** Of the first of them. */
  offset: number;
  /** In the whole log so far, an unfinished last one included. */
  total: number;
  /** The last line of the log has no end yet. */
  unfinished: boolean;
}

export interface TrainingRunner {
  templates(): readonly RunTemplate[];
  /**
   * The same request again is the same run.
   * @throws AppError invalid_input: no such template, a wrong name or parameter · conflict: the name is another run's ·
   *   rate_limited: too many runs at once · unavailable: no room on the disk, or it could not be started
   */
  start(request: RunRequest): Promise<{ run: RunnerRun; isNew: boolean }>;
  find(id: string): Promise<RunnerRun | undefined>;
  /** Newest first. */
  list(): Promise<RunnerRun[]>;
  /** Asks it to end (TERM), and makes it after a grace (KILL). Of one that has ended nothing changes. @throws not_found */
  cancel(id: string): Promise<RunnerRun>;
  /** With its log. @throws AppError not_found · conflict: it still runs */
  remove(id: string): Promise<void>;
  /**
   * @param offset left out: the last `limit` lines
   * @throws AppError not_found
   */
  lines(id: string, limit: number, offset?: number): Promise<RunLines>;
}
