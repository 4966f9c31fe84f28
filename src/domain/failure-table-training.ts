/**
 * Why training jobs fail or stop. The first row that matches counts: what is special stands before
 * "the script raised", which nearly every failure also is.
 */
import { DOCS, type FailureAdvice } from './failure-tables.ts';

/** What is known of an end. Texts as the service and the job wrote them. */
export interface TrainingEnd {
  /** Any letter case. */
  status: string;
  secondaryStatus?: string | undefined;
  failureReason?: string | undefined;
  /** As a process ends in a shell: 128 + signal for a signal. */
  exitCode?: number | undefined;
  /** The last lines of the log. */
  logEnd?: string | undefined;
}

/** One row: any one of these recognises it. */
export interface TrainingRow extends FailureAdvice {
  reason?: RegExp;
  exitCodes?: readonly number[];
  log?: RegExp;
  example: TrainingEnd;
}

export const TRAINING_FAILURES: readonly TrainingRow[] = [
  {
    id: 'training-gpu-memory',
    reason: /CUDA out of memory|CUDA error: out of memory|cuda\.OutOfMemoryError/i,
    log: /CUDA out of memory|CUDA error: out of memory|cuda\.OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|ResourceExhaustedError.{0,80}OOM when allocating/i,
    cause: 'The GPU’s memory was not enough.',
    fix: 'Take a smaller batch (with gradient accumulation), mixed precision, or an instance with a larger GPU.',
    link: DOCS.resources,
    example: {
      status: 'Failed',
      failureReason: 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""',
      logEnd:
        'Epoch 3/10\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)',
    },
  },
  {
    id: 'training-double-slash',
    reason: /illegal char sub-sequence '?\/\//i,
    cause: 'An S3 key of the input has two slashes in a row.',
    fix: 'Remove the double slash from the prefix: usually it ends with one and another was added.',
    link: DOCS.s3Source,
    example: {
      status: 'Failed',
      failureReason:
        "ClientError: Data download failed:Failed to download data. S3 key: s3://line-3-data/shared//train/requirements.txt has an illegal char sub-sequence '//' in it",
    },
  },
  {
    id: 'training-volume-full',
    reason: /insufficient disk space|no space left on device/i,
    log: /no space left on device/i,
    cause: 'The instance’s storage volume is full.',
    fix: 'Raise VolumeSizeInGB, keep fewer checkpoints, or stream the data instead of copying it.',
    link: DOCS.resources,
    example: {
      status: 'Failed',
      failureReason:
        'ClientError: Artifact upload failed: Insufficient disk space. Please increase the volume size or write less to /opt/ml/model.',
    },
  },
  {
    id: 'training-data-access',
    reason: /data download failed.{0,600}(?:access ?denied|\b403\b|forbidden)/is,
    cause: 'The training role may not read the input: its policy, the bucket’s policy or the key’s.',
    fix: 'Grant the role s3:GetObject and s3:ListBucket on the input, and kms:Decrypt on its key.',
    link: DOCS.roles,
    example: {
      status: 'Failed',
      failureReason:
        'ClientError: Data download failed:Failed to download data. AccessDenied (403): Access Denied when accessing s3://line-3-data/train/',
    },
  },
  {
    id: 'training-image',
    reason: /cannot pull algorithm container|manifest .{0,300}not found|CannotPullContainer/is,
    cause:
      'The training image cannot be pulled: wrong URI or tag, no permission in ECR, or larger than the volume.',
    fix: 'Check URI, tag and repository policy; for a very large image raise VolumeSizeInGB.',
    link: DOCS.imagePolicy,
    example: {
      status: 'Failed',
      failureReason:
        'ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect.',
    },
  },
  {
    id: 'training-capacity',
    reason:
      /CapacityError|InsufficientCapacity|insufficient capacity|unable to provision requested ML compute capacity/i,
    cause: 'AWS has no instance of this type to give at the moment.',
    fix: 'Run it again later, or with another instance type or subnet (zone).',
    link: DOCS.retries,
    example: {
      status: 'Failed',
      failureReason:
        'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.',
    },
  },
  {
    id: 'training-quota',
    reason: /ResourceLimitExceeded|account-level service limit/i,
    cause: 'The account’s quota for this instance type is used up.',
    fix: 'Wait for other jobs to end, take another type, or raise the quota in Service Quotas.',
    link: DOCS.quotas,
    example: {
      status: 'Failed',
      failureReason:
        "ResourceLimitExceeded: The account-level service limit 'ml.p3.2xlarge for training job usage' is 1 Instances, with current utilization of 1 Instances and a request delta of 1 Instances.",
    },
  },
  {
    id: 'training-internal',
    reason: /InternalServerError|internal server error|internal service error/i,
    cause: 'AWS had a fault of its own.',
    fix: 'Run it again; a RetryStrategy on the job does so by itself.',
    link: DOCS.retries,
    example: {
      status: 'Failed',
      failureReason: 'InternalServerError: We encountered an internal error. Please try again.',
    },
  },
  {
    id: 'training-host-memory',
    exitCodes: [137],
    log: /DataLoader worker .{0,60}killed by signal: Killed|^MemoryError\b|Cannot allocate memory|std::bad_alloc/im,
    cause: 'The process was killed, nearly always because the instance’s memory ran out.',
    fix: 'Take a larger instance, a smaller batch, or fewer data loader workers.',
    link: DOCS.resources,
    example: { status: 'Failed', failureReason: 'AlgorithmError: , exit code: 137' },
  },
  {
    id: 'training-segmentation-fault',
    exitCodes: [139],
    cause: 'Native code crashed: a segmentation fault.',
    fix: 'Check that native libraries fit each other (CUDA, cuDNN, the framework), and the last lines of the log.',
    link: DOCS.exitCodes,
    example: { status: 'Failed', failureReason: 'AlgorithmError: Exit Code: 139' },
  },
  {
    id: 'training-illegal-instruction',
    exitCodes: [132],
    cause: 'Native code has an instruction that this processor lacks.',
    fix: 'Build the libraries for the instance’s processor, or take an instance type of the kind they were built for.',
    link: DOCS.exitCodes,
    example: { status: 'Failed', failureReason: 'AlgorithmError: Exit Code: 132' },
  },
  {
    id: 'training-script',
    reason: /AlgorithmError|ExecuteUserScriptError/i,
    exitCodes: [1, 2],
    log: /^Traceback \(most recent call last\):/m,
    cause: 'The training script raised an error.',
    fix: 'Read the traceback at the end of the log.',
    link: DOCS.exitCodes,
    example: {
      status: 'Failed',
      failureReason:
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: Need either a dataset name or a training file."\nCommand "/opt/conda/bin/python train.py", exit code: 1',
    },
  },
];

export const TRAINING_UNKNOWN: FailureAdvice = {
  id: 'training-unknown',
  cause: 'Signalbox does not know this failure.',
  fix: 'Read the end of the log, and the job’s own words.',
  link: DOCS.describeTraining,
};

/** Ends and pauses that are no failure, by SecondaryStatus. */
export const TRAINING_STOPS: Readonly<Record<string, FailureAdvice>> = {
  maxruntimeexceeded: {
    id: 'training-max-runtime',
    cause: 'The job reached its runtime limit (MaxRuntimeInSeconds) and was stopped. It did not fail.',
    fix: 'Raise the limit, and write checkpoints so that a next run goes on from there.',
    link: DOCS.stopping,
  },
  maxwaittimeexceeded: {
    id: 'training-max-wait',
    cause:
      'The job waited for spot capacity longer than MaxWaitTimeInSeconds and was stopped. It did not fail.',
    fix: 'Raise the limit, or run it on demand.',
    link: DOCS.spot,
  },
  interrupted: {
    id: 'training-interrupted',
    cause: 'AWS took the spot instance back. The job is not failed: it goes on when there is capacity.',
    fix: 'Nothing to do; with checkpoints it goes on where it was.',
    link: DOCS.checkpoints,
  },
  stopped: {
    id: 'training-stopped',
    cause: 'The job was stopped on request.',
    fix: 'Run it again when its result is still wanted.',
    link: DOCS.stopping,
  },
};

/** Not a failure yet: nobody knows. */
export const STUCK_RUN: FailureAdvice = {
  id: 'training-stuck',
  cause: 'It still runs and prints nothing: it hangs, or it prints seldom.',
  fix: 'Look at its CPU and GPU use: with next to none it hangs (often a data loader, or a lost peer of a distributed run) and only costs, so stop it. Else mute it.',
  link: DOCS.trainingMetrics,
};
