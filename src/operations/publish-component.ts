/** Makes Greengrass component versions from compiled models. Rights are the caller's to check before. */
import type { Component } from '../domain/components.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../errors.ts';
import type { Actor } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

/** `again`: a new version although there is one made from the same compilation. */
export type PublishReason = 'manual' | 'auto' | 'again';

export interface PublishRequest {
  actor: Actor;
  useCase: UseCase;
  /** The training job's name. */
  job: string;
  /** Each compiled; one's failure does not touch the others. */
  targets: readonly string[];
  why: PublishReason;
}

/**
 * `published`: Greengrass has it and works on it. `already`: one of this compilation is made or being made,
 * which is `component`. `pending`: no clear answer; it is asked for again by itself, which makes nothing twice.
 * `refused`: recorded as failed where there was anything to record.
 */
export type PublishOutcome = 'published' | 'already' | 'pending' | 'refused';

export interface PublishResult {
  target: string;
  outcome: PublishOutcome;
  component?: Component | undefined;
  error?: AppError | undefined;
}

export interface PublishReport {
  results: readonly PublishResult[];
  sessionName: string;
}

/** @throws AppError as the gateway; what concerns one target is in its result */
export function publishComponents(
  deps: JobDeps,
  request: PublishRequest,
  options: { signal?: AbortSignal } = {},
): Promise<PublishReport> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}

export interface RecipePreview {
  target: string;
  name: string;
  /** The next free one now; publishing chooses again. */
  version: string;
  /** YAML. */
  recipe: string;
  template: 'built-in' | 'use case';
  /** Made from the same compilation before, oldest first. */
  existing: readonly Component[];
}

/** @throws AppError conflict (not compiled), invalid_input (template, architecture), and as the gateway */
export function recipePreview(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string; target: string },
  options: { signal?: AbortSignal } = {},
): Promise<RecipePreview> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}
