/** Who did what. */
import type { Actor } from '../ground/actor.ts';
import type { EpochMs } from '../ground/time.ts';

export interface AuditRecord {
  at: EpochMs;
  actor: Actor;
  /** Area and past tense: `logs.downloaded`, `logs.refused`. */
  action: string;
  useCase?: string | undefined;
  /** What it was done to: a job's name. */
  subject?: string | undefined;
  /** For finding the same act in CloudTrail. */
  sessionName?: string | undefined;
  detail?: Record<string, string | number | boolean> | undefined;
}

export interface AuditTrail {
  /** Returns once the record is durable. */
  appendAudit(record: AuditRecord): Promise<void>;
  /** Newest first. */
  listAudit(query: { user?: string; subject?: string; limit: number }): Promise<AuditRecord[]>;
}
