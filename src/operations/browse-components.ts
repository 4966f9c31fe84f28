/** Components of a use case with where each comes from: the chain from training job to component, both ways. */
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../errors.ts';
import type { Actor, EpochMs } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface ComponentEntry {
  name: string;
  version: string;
  arn?: string | undefined;
  /** As it came; left out: not asked (made elsewhere). */
  state?: string | undefined;
  createdAt?: EpochMs | undefined;
  /** What Signalbox knows of it; none: made elsewhere. Its `chain` leads to the training job. */
  component?: Component | undefined;
  /** The compilation that it was made from. */
  attempt?: CompilationAttempt | undefined;
  /** Of a failed one. */
  advice?: FailureAdvice | undefined;
}

export interface ComponentList {
  /** Newest first. */
  entries: readonly ComponentEntry[];
  /** Greengrass could not be asked: only what Signalbox made itself is listed. */
  incomplete?: AppError | undefined;
}

/**
 * @param request.match part of a component's, job's or target's name, without letter case; left out: all
 * @returns every version that Signalbox made, and the newest of each component made elsewhere
 */
export function listComponents(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; match?: string },
  options: { signal?: AbortSignal } = {},
): Promise<ComponentList> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}

export interface ComponentDetails extends ComponentEntry {
  useCase: UseCase;
  /** Greengrass's own words of a failure, and per artifact URI. */
  message?: string | undefined;
  errors: Readonly<Record<string, string>>;
  /** Newest first, this one included. */
  versions: readonly { version: string; arn?: string | undefined; component?: Component | undefined }[];
}

/**
 * Asks Greengrass as of now.
 * @param request.version left out: the newest
 * @throws AppError not_found with the nearest names, and as the gateway
 */
export function componentDetails(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; name: string; version?: string },
  options: { signal?: AbortSignal } = {},
): Promise<ComponentDetails> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}
