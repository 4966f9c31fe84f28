/** Compilation jobs of Neo: also those that belong to no training job. */
import type { CompilationJobSummary } from '@aws-sdk/client-sagemaker';
import { at, type KindRow, NEWEST_FIRST, type Seen } from './row.ts';

export const compilation: KindRow = {
  name: 'compilation',

  async page({ sdk, client, how }, query) {
    const page = await client.send(new sdk.ListCompilationJobsCommand({ ...NEWEST_FIRST, ...query }), how);
    return { jobs: (page.CompilationJobSummaries ?? []).map(summary), NextToken: page.NextToken };
  },

  async look({ sdk, client, how }, name) {
    const job = await client.send(new sdk.DescribeCompilationJobCommand({ CompilationJobName: name }), how);
    const { TargetDevice, TargetPlatform } = job.OutputConfig ?? {};
    return {
      ...summary({
        ...job,
        CompilationTargetDevice: TargetDevice,
        CompilationTargetPlatformOs: TargetPlatform?.Os,
        CompilationTargetPlatformArch: TargetPlatform?.Arch,
        CompilationTargetPlatformAccelerator: TargetPlatform?.Accelerator,
      }),
      failureReason: job.FailureReason || undefined,
      // Filled in from the beginning.
      modelArtifact:
        job.CompilationJobStatus === 'COMPLETED' ? job.ModelArtifacts?.S3ModelArtifacts : undefined,
    };
  },

  async stop({ sdk, client, how }, name) {
    await client.send(new sdk.StopCompilationJobCommand({ CompilationJobName: name }), how);
  },
};

function summary(job: CompilationJobSummary): Seen {
  const platform = [
    job.CompilationTargetPlatformOs,
    job.CompilationTargetPlatformArch,
    job.CompilationTargetPlatformAccelerator,
  ].filter(Boolean);
  const target = job.CompilationTargetDevice ?? (platform.length > 0 ? platform.join('/') : undefined);
  return {
    name: job.CompilationJobName ?? '',
    arn: job.CompilationJobArn,
    status: job.CompilationJobStatus ?? 'Unknown',
    createdAt: at(job.CreationTime) ?? 0,
    startedAt: at(job.CompilationStartTime),
    endedAt: at(job.CompilationEndTime),
    ...(target === undefined ? {} : { facts: { Target: target } }),
  };
}
