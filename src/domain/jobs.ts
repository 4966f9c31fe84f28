/** A training job: one training run, wherever it runs. */

export interface TrainingJob {
  name: string;
  useCase: string;
  provider: 'sagemaker' | 'local' | 'runpod';
  arn?: string | undefined;
  /** The service's word, letter case as given; unknown words are shown as they are. */
  status: string;
  secondaryStatus?: string | undefined;
  failureReason?: string | undefined;
  instanceType?: string | undefined;
  instanceCount?: number | undefined;
  /** Milliseconds since the epoch. */
  createdAt: number;
  startedAt?: number | undefined;
  endedAt?: number | undefined;
  /** S3 URI of the trained model, once there is one. From here on only what describes one job says it, no list. */
  modelArtifact?: string | undefined;
  /** As the service keeps them: all texts. */
  hyperparameters?: Readonly<Record<string, string>> | undefined;
}

/** Whether the job may still write to its log. An unknown status counts as running: nothing is cut short. */
export function isFinished(job: Pick<TrainingJob, 'status'>): boolean {
  return ['completed', 'failed', 'stopped'].includes(job.status.toLowerCase());
}
