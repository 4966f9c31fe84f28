/**
 * AWS Batch's service jobs, which are SageMaker's training jobs to whoever looks there: only their events, after
 * "Service job state change events" and "Mapping AWS Batch service job status to SageMaker AI status" of its guide.
 */
import type { TrainingJob, TrainingTransition } from './training.ts';

/** Batch has no event for what it only submitted. */
const STARTING: readonly string[] = ['Starting', 'Downloading'];

function batchStatus({ status, secondary }: TrainingTransition): string {
  if (status === 'Completed') return 'SUCCEEDED';
  if (status === 'Failed' || status === 'Stopped') return 'FAILED';
  if (secondary === 'Pending') return 'SCHEDULED';
  return STARTING.includes(secondary) ? 'STARTING' : 'RUNNING';
}

/** @param index of the change that is told. @returns undefined where Batch's own status stays as it is */
export function batchEvent(
  job: TrainingJob,
  index: number,
  { account, region, trainingArn }: { account: string; region: string; trainingArn: string },
) {
  const { batch, transitions } = job;
  const transition = transitions[index]!;
  const before = transitions[index - 1];
  const status = batchStatus(transition);
  if (!batch || (before && batchStatus(before) === status)) return undefined;
  const resource = { name: 'TrainingJobArn', value: trainingArn };
  const startedAt = transitions.find((one) => batchStatus(one) === 'RUNNING')?.at;
  const started = startedAt !== undefined && startedAt <= transition.at ? { startedAt } : {};
  const ended = status === 'SUCCEEDED' || status === 'FAILED';
  const statusReason = ended ? `Received status from SageMaker: ${reason(job, transition)}` : undefined;
  const stopped = ended ? { stoppedAt: transition.at, statusReason } : {};
  const jobArn = `arn:aws:batch:${region}:${account}:service-job/${batch.id}`;
  return {
    key: `batch/${job.name}/${index}`,
    source: 'aws.batch',
    detailType: 'Batch Service Job State Change',
    at: transition.at,
    resources: [jobArn],
    detail: {
      attempts: ended ? [{ serviceResourceId: resource, ...started, ...stopped }] : [],
      createdAt: batch.submittedAt,
      jobArn,
      jobId: batch.id,
      jobName: batch.name,
      jobQueue: `arn:aws:batch:${region}:${account}:job-queue/${batch.queue}`,
      latestAttempt: { serviceResourceId: resource },
      retryStrategy: { attempts: 1, evaluateOnExit: [] },
      schedulingPriority: 0,
      serviceJobType: 'SAGEMAKER_TRAINING',
      ...started,
      status,
      ...stopped,
      timeoutConfig: { attemptDurationSeconds: job.maxRuntimeSeconds },
    },
  };
}

const reason = (job: TrainingJob, { status, secondary }: TrainingTransition) =>
  status === 'Failed'
    ? (job.failureReason ?? 'Training job failed')
    : status === 'Completed'
      ? 'Training job completed'
      : secondary === 'MaxRuntimeExceeded'
        ? 'Training job runtime exceeded MaxRuntimeInSeconds provided'
        : 'Training job stopped';
