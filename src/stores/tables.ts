/**
 * The state in memory with its indexes. Records are frozen: what is given out can be shared and kept, and a
 * change is always a new record.
 */

import { type CompilationAttempt, claimKey, holdsClaim, isLive } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { JobRecord } from '../domain/job-records.ts';
import type { NumberedRecord } from './audit-files.ts';
import { JobTable } from './job-table.ts';
import { NotificationTables } from './notification-tables.ts';
import type { Undo } from './undo.ts';

export const pairKey = (useCase: string, name: string): string => JSON.stringify([useCase, name]);

export const componentKey = (key: { useCase: string; name: string; version: string }): string =>
  JSON.stringify([key.useCase, key.name, key.version]);

export class Tables {
  /** Oldest first. */
  audit: NumberedRecord[] = [];
  readonly jobs = new JobTable();
  readonly components = new Map<string, Component>();
  readonly notifications = new NotificationTables();
  readonly #attempts = new Map<string, CompilationAttempt>();
  /** Use case and job → ids, in the order in which they came. */
  readonly #byJob = new Map<string, Set<string>>();
  readonly #live = new Set<string>();
  /** Claim → ids of the attempts that hold it: one of Signalbox at most, and those started elsewhere. */
  readonly #claims = new Map<string, Set<string>>();

  putAudit(record: NumberedRecord): Undo {
    this.audit.push(record);
    return () => {
      this.audit = this.audit.filter((other) => other !== record);
    };
  }

  putJob(record: JobRecord): Undo {
    return this.jobs.put(record);
  }

  putComponent(component: Component): Undo {
    const { useCase, chain } = component;
    return put(this.components, componentKey({ useCase, ...chain.component }), component);
  }

  putAttempt(attempt: CompilationAttempt): Undo {
    const before = this.#attempts.get(attempt.id);
    this.#attempts.set(attempt.id, attempt);
    this.#index(attempt);
    return () => {
      if (before) this.putAttempt(before);
      else this.dropAttempt(attempt.id);
    };
  }

  dropAttempt(id: string): void {
    const attempt = this.#attempts.get(id);
    if (!attempt) return;
    this.#attempts.delete(id);
    this.#live.delete(id);
    const key = pairKey(attempt.useCase, attempt.job);
    const ofJob = this.#byJob.get(key);
    ofJob?.delete(id);
    if (ofJob?.size === 0) this.#byJob.delete(key);
    this.#release(attempt);
  }

  #release(attempt: CompilationAttempt): void {
    const claim = claimKey(attempt);
    const holders = this.#claims.get(claim);
    holders?.delete(attempt.id);
    if (holders?.size === 0) this.#claims.delete(claim);
  }

  #index(attempt: CompilationAttempt): void {
    const { id } = attempt;
    const key = pairKey(attempt.useCase, attempt.job);
    let ofJob = this.#byJob.get(key);
    if (!ofJob) {
      ofJob = new Set();
      this.#byJob.set(key, ofJob);
    }
    ofJob.add(id);
    if (isLive(attempt)) this.#live.add(id);
    else this.#live.delete(id);
    if (!holdsClaim(attempt)) {
      this.#release(attempt);
      return;
    }
    const claim = claimKey(attempt);
    const holders = this.#claims.get(claim);
    if (holders) holders.add(id);
    else this.#claims.set(claim, new Set([id]));
  }

  attempt(id: string): CompilationAttempt | undefined {
    return this.#attempts.get(id);
  }

  holder(attempt: CompilationAttempt): CompilationAttempt | undefined {
    const [id] = this.#claims.get(claimKey(attempt)) ?? [];
    return id === undefined ? undefined : this.#attempts.get(id);
  }

  get attemptCount(): number {
    return this.#attempts.size;
  }

  allAttempts(): CompilationAttempt[] {
    return [...this.#attempts.values()];
  }

  liveAttempts(): CompilationAttempt[] {
    return this.#get(this.#live);
  }

  attemptsOfJob(useCase: string, job: string): CompilationAttempt[] {
    return this.#get(this.#byJob.get(pairKey(useCase, job)) ?? []);
  }

  /** The attempts of every job whose attempts have all ended, the longest unchanged job first. */
  finishedJobs(): CompilationAttempt[][] {
    return [...this.#byJob.values()]
      .map((ids) => this.#get(ids))
      .filter((attempts) => !attempts.some(isLive))
      .map((attempts) => ({ attempts, last: Math.max(...attempts.map(lastChange)) }))
      .sort((a, b) => a.last - b.last)
      .map(({ attempts }) => attempts);
  }

  #get(ids: Iterable<string>): CompilationAttempt[] {
    return [...ids].flatMap((id) => this.#attempts.get(id) ?? []);
  }
}

/** Frozen, so that no caller can change it. */
export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}

function put<T>(table: Map<string, T>, key: string, value: T): Undo {
  const before = table.get(key);
  table.set(key, value);
  return () => {
    if (before === undefined) table.delete(key);
    else table.set(key, before);
  };
}

function lastChange(attempt: CompilationAttempt): number {
  return Math.max(attempt.askedAt, attempt.endedAt ?? 0, attempt.statuses.at(-1)?.at ?? 0);
}
