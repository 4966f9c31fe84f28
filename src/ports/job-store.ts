/** State: training jobs. */
import type { JobRecord } from '../domain/job-records.ts';

/** Every method returns once what it did is durable. A job is known by its use case and its `jobKey`. */
export interface JobStore {
  getJob(useCase: string, key: string): Promise<JobRecord | undefined>;
  /** Newest first by creation. */
  listJobs(query: { useCase?: string; limit: number }): Promise<JobRecord[]>;
  /**
   * Atomic read-modify-write. `change` gets what is there (undefined: new) and returns what shall be; returning
   * the same object, or undefined, writes nothing. It must be pure and may run more than once; it must neither
   * change what it gets nor its key.
   */
  changeJob(
    useCase: string,
    key: string,
    change: (record: JobRecord | undefined) => JobRecord | undefined,
  ): Promise<JobRecord | undefined>;
}
