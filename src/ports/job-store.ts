/** State: training jobs. */
import type { JobRecord } from '../domain/job-records.ts';
import type { ProviderName } from '../domain/providers.ts';

/** Every method returns once its changes are durable. Use case and `jobKey` identify a job. */
export interface JobStore {
  getJob(useCase: string, key: string): Promise<JobRecord | undefined>;
  /** Newest first by creation. @param query.provider those there alone: what there are many of hides nothing else */
  listJobs(query: { useCase?: string; provider?: ProviderName; limit: number }): Promise<JobRecord[]>;
  /**
   * Atomic read-modify-write. `change` gets the current record (undefined: none yet) and returns the new one; returning
   * the same object, or undefined, writes nothing. It must be pure, since it may run more than once, and must change
   * neither its argument nor the key.
   */
  changeJob(
    useCase: string,
    key: string,
    change: (record: JobRecord | undefined) => JobRecord | undefined,
  ): Promise<JobRecord | undefined>;
}
