/** The embedded store: one folder, one process, the whole state in memory. */

import {
  alreadyClaimed,
  type CompilationAttempt,
  holdsClaim,
  isLive,
  needsClaim,
} from '../domain/compilations.ts';
import { type Component, isSettled } from '../domain/components.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { JobRecord } from '../domain/job-records.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import type { Fence } from '../ports/fences.ts';
import type { Store } from '../ports/store.ts';
import { archivePath, commandLinePath, matches, type NumberedRecord, readLast } from './audit-files.ts';
import { type DurableState, openState, type StateOptions } from './durable-state.ts';
import { FencedState, Fences, type OpenState } from './fenced-state.ts';
import { NotificationStore } from './notifications.ts';
import { attemptExists, componentExists, noAttempt, noComponent, requireSame } from './refused.ts';
import { componentKey } from './tables.ts';

/**
 * @throws AppError conflict when another process has the folder; unavailable when it cannot be written; internal
 *   when what is there cannot be read, or was written by a later version
 */
export async function openLowdbStore(folder: string, options: StateOptions = {}): Promise<Store> {
  const state = await openState(folder, options);
  return new LowdbStore(state, state, new Fences());
}

class LowdbStore extends NotificationStore implements Store {
  readonly #whole: DurableState;
  readonly #fences: Fences;

  /** @param state `whole`; or that under a lease, for a view of the store */
  constructor(state: OpenState, whole: DurableState, fences: Fences) {
    super(state);
    this.#whole = whole;
    this.#fences = fences;
  }

  async under(fence: Fence): Promise<Store> {
    this.state.requireOpen();
    this.#fences.raise(fence);
    return new LowdbStore(new FencedState(this.#whole, this.#fences, fence), this.#whole, this.#fences);
  }

  // --- Audit ---

  async appendAudit(record: AuditRecord): Promise<void> {
    this.state.requireOpen();
    await this.state.change('audit', { ...record, seq: this.state.nextSeq });
  }

  async listAudit(query: { user?: string; subject?: string; limit: number }): Promise<AuditRecord[]> {
    const own = this.state.tables.audit.filter((record) => matches(record, query));
    const commandLine = await readLast<AuditRecord>(commandLinePath(this.state.folder), query);
    // The archive grows for ever, so it is read only when the records in memory do not fill the list.
    const oldest = this.state.tables.audit[0]?.seq ?? Number.POSITIVE_INFINITY;
    const archived =
      own.length >= query.limit
        ? []
        : (await readLast<NumberedRecord>(archivePath(this.state.folder), query)).filter(
            ({ seq }) => seq < oldest,
          );
    const stored = [...archived, ...own].map(({ seq: _, ...record }) => record);
    // A stable sort of the reversed list: of records of one millisecond the later one comes first.
    return [...commandLine, ...stored]
      .reverse()
      .sort((a, b) => b.at - a.at)
      .slice(0, query.limit);
  }

  // --- Jobs ---

  async getJob(useCase: string, name: string): Promise<JobRecord | undefined> {
    return this.state.tables.jobs.get(useCase, name);
  }

  async listJobs(query: Parameters<Store['listJobs']>[0]): Promise<JobRecord[]> {
    return this.state.tables.jobs.newest(query);
  }

  async changeJob(
    useCase: string,
    name: string,
    change: (record: JobRecord | undefined) => JobRecord | undefined,
  ): Promise<JobRecord | undefined> {
    this.state.requireOpen();
    const before = this.state.tables.jobs.get(useCase, name);
    const after = change(before);
    if (after === undefined || after === before) return before;
    requireSame('job', [useCase, name], [after.job.useCase, jobKey(after.job)]);
    return this.state.change('job', after);
  }

  // --- Compilations ---

  async addAttempt(attempt: CompilationAttempt): Promise<void> {
    this.state.requireOpen();
    if (needsClaim(attempt)) {
      const holder = this.state.tables.holder(attempt);
      if (holder) throw alreadyClaimed(holder);
      if (this.state.archive.isCompiled(attempt))
        throw alreadyClaimed({ ...attempt, statuses: [{ status: 'COMPLETED', at: attempt.askedAt }] });
    }
    if (this.state.tables.attempt(attempt.id)) throw attemptExists(attempt.id);
    await this.state.change('attempt', attempt);
  }

  async changeAttempt(
    id: string,
    change: (attempt: CompilationAttempt) => CompilationAttempt,
  ): Promise<CompilationAttempt> {
    this.state.requireOpen();
    let before = this.state.tables.attempt(id);
    if (!before) {
      const archived = await this.state.archive.find(id);
      this.state.requireOpen();
      // Somebody else may have brought it back meanwhile.
      before = this.state.tables.attempt(id) ?? archived;
    }
    if (!before) throw noAttempt(id);
    const after = change(before);
    if (after === before) return before;
    const identity = ({ useCase, job, target }: CompilationAttempt) => [useCase, job, target];
    requireSame('compilation attempt', [id, ...identity(before)], [after.id, ...identity(after)]);
    // Whatever held the claim keeps it, even when another one is found later.
    if (needsClaim(after) && holdsClaim(after) && !holdsClaim(before)) {
      const holder = this.state.tables.holder(after);
      if (holder) throw alreadyClaimed(holder);
    }
    return this.state.change('attempt', after);
  }

  async listAttempts(query: {
    useCase?: string;
    job?: string;
    live?: boolean;
  }): Promise<CompilationAttempt[]> {
    const { useCase, job, live } = query;
    const found = new Map<string, CompilationAttempt>();
    // Nothing in the archive is live. It is only read for single jobs: reading all of it would never end.
    if (live !== true && useCase !== undefined && job !== undefined)
      for (const attempt of await this.state.archive.ofJob(useCase, job)) found.set(attempt.id, attempt);
    const atHand =
      useCase !== undefined && job !== undefined
        ? this.state.tables.attemptsOfJob(useCase, job)
        : live === true
          ? this.state.tables.liveAttempts()
          : this.state.tables.allAttempts();
    for (const attempt of atHand) found.set(attempt.id, attempt);
    return [...found.values()]
      .filter(
        (attempt) =>
          (useCase === undefined || attempt.useCase === useCase) &&
          (job === undefined || attempt.job === job) &&
          (live === undefined || isLive(attempt) === live),
      )
      .sort((a, b) => a.askedAt - b.askedAt);
  }

  // --- Components ---

  async addComponent(component: Component): Promise<void> {
    this.state.requireOpen();
    const { name, version } = component.chain.component;
    if (this.state.tables.components.has(componentKey({ useCase: component.useCase, name, version })))
      throw componentExists({ name, version });
    await this.state.change('component', component);
  }

  async changeComponent(
    key: { useCase: string; name: string; version: string },
    change: (component: Component) => Component,
  ): Promise<Component> {
    this.state.requireOpen();
    const before = this.state.tables.components.get(componentKey(key));
    if (!before) throw noComponent(key);
    const after = change(before);
    if (after === before) return before;
    const { name, version } = after.chain.component;
    requireSame('component', [key.useCase, key.name, key.version], [after.useCase, name, version]);
    return this.state.change('component', after);
  }

  async listComponents(query: { useCase?: string; job?: string; settled?: boolean }): Promise<Component[]> {
    return [...this.state.tables.components.values()]
      .filter(
        (component) =>
          (query.useCase === undefined || component.useCase === query.useCase) &&
          (query.job === undefined || component.chain.trainingJob === query.job) &&
          (query.settled === undefined || isSettled(component) === query.settled),
      )
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  problem(): string | undefined {
    return this.state.problem();
  }

  async close(): Promise<void> {
    if (this.state === this.#whole) await this.#whole.close();
  }
}
