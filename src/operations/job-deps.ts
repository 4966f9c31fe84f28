/** What operations on jobs, compilations and components need; adapters are passed in as arguments. */

import type { Clock } from '../ground/time.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import type { CompilationStore } from '../ports/compilation-store.ts';
import type { ComponentStore } from '../ports/component-store.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { RefusalStore } from '../ports/refusal-store.ts';
import type { UseCaseGateway } from '../ports/use-case-session.ts';
import type { JobChanges } from './job-changes.ts';

export type JobState = Pick<AuditTrail, 'appendAudit'> &
  JobStore &
  CompilationStore &
  ComponentStore &
  RefusalStore;

export interface JobDeps {
  gateway: UseCaseGateway;
  store: JobState;
  clock: Clock;
  /** Is told of every change once it is durable. */
  changes: JobChanges;
}
