/** Records of earlier versions, as this one would have written them. */
import type { JobRecord } from '../domain/job-records.ts';
import { sageMakerState } from '../domain/sagemaker-states.ts';

/** First a training job had SageMaker's words alone, since no other provider was there. */
export function currentJob(record: JobRecord): JobRecord {
  const { job } = record;
  if (job.state !== undefined) return record;
  return {
    ...record,
    job: { ...job, ...sageMakerState(String(job.status ?? 'Unknown'), job.secondaryStatus) },
  };
}
