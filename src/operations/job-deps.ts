/** What operations on jobs, compilations and components work with; adapters arrive here as arguments. */
import type {
  AuditTrail,
  Clock,
  CompilationStore,
  ComponentStore,
  JobStore,
  UseCaseGateway,
} from '../ports.ts';
import type { JobChanges } from './job-changes.ts';

export type JobState = Pick<AuditTrail, 'appendAudit'> & JobStore & CompilationStore & ComponentStore;

export interface JobDeps {
  gateway: UseCaseGateway;
  store: JobState;
  clock: Clock;
  /** Told of everything that changes, once it is durable. */
  changes: JobChanges;
}
