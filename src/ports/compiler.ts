/** Compilations for edge devices. */

import type { Target } from '../domain/targets.ts';
import type { EpochMs } from '../ground/time.ts';

/** SageMaker Neo in one use case's account. */
export interface Compiler {
  /**
   * @throws AppError conflict: the name is taken (by an earlier try of the same request, or by somebody else) ·
   *   invalid_input, permission_denied: refused, nothing was started · rate_limited: refused for now ·
   *   unavailable, timeout: unknown whether it was started; `describe` tells
   * @throws CancelledError from `signal`: as unknown as a timeout. Starting again under the same name is always safe.
   */
  start(order: CompilationOrder, signal?: AbortSignal): Promise<void>;
  /** @returns undefined when there is no such compilation */
  describe(compilationJob: string, signal?: AbortSignal): Promise<CompilationReport | undefined>;
  /** Everything in the account, whoever started it; newest first. `createdAfter` is inclusive. */
  list(
    query: { limit: number; createdAfter?: EpochMs | undefined },
    signal?: AbortSignal,
  ): Promise<CompilationListing[]>;
  /** Also succeeds if it has already ended. */
  stop(compilationJob: string, signal?: AbortSignal): Promise<void>;
}

/** A compilation as it appears in a list, which does not say what was compiled. */
export interface CompilationListing {
  compilationJob: string;
  status: string;
  createdAt: EpochMs;
}

export interface CompilationOrder {
  compilationJob: string;
  /** S3 URI of the model, one .tar.gz. */
  model: string;
  framework: string;
  frameworkVersion?: string | undefined;
  /** JSON text. */
  dataInputConfig?: string | undefined;
  target: Target;
  /** `s3://bucket/prefix`. */
  outputS3: string;
  /** The role that SageMaker compiles with. */
  roleArn: string;
  timeoutSeconds: number;
}

/** What DescribeCompilationJob says, and nothing else. */
export interface CompilationReport {
  status: string;
  failureReason?: string | undefined;
  startedAt?: EpochMs | undefined;
  endedAt?: EpochMs | undefined;
  changedAt?: EpochMs | undefined;
  /** S3 URI; only meaningful when completed. */
  artifact?: string | undefined;
  /** What was requested, by whomever. */
  asked?: ReportedOrder | undefined;
  /** What else the service reports, name → value, for the details view (C8). */
  facts: Readonly<Record<string, string>>;
}

/** A compilation's input and output as they were passed to the service. */
export interface ReportedOrder {
  createdAt?: EpochMs | undefined;
  /** S3 URI. */
  model?: string | undefined;
  framework?: string | undefined;
  frameworkVersion?: string | undefined;
  /** JSON text. */
  dataInputConfig?: string | undefined;
  neo?: Target['neo'] | undefined;
  /** JSON text. */
  compilerOptions?: string | undefined;
  timeoutSeconds?: number | undefined;
}
