/** The demo's world and configuration, with SageMaker's kinds of jobs. */
import { CreateHyperParameterTuningJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { parse, stringify } from 'yaml';
import type { AwsWorld } from '#sandbox/seeds';
import type { DemoSandbox } from '../../src/demo/sandbox.ts';
import { line3Client } from './jobs.ts';

export const withKinds = (kinds: 'all' | string[]) => (yaml: string) => {
  const config = parse(yaml);
  config.useCases[0].providers = { sagemaker: { kinds } };
  return stringify(config);
};

/** Somebody who works in the account without Signalbox may start such jobs too. */
export const starting = (seeded: AwsWorld): AwsWorld => ({
  accounts: seeded.accounts.map((account) => ({
    ...account,
    roles: (account.roles ?? []).map((role) => ({
      ...role,
      policy: {
        Statement: [
          ...role.policy.Statement,
          {
            Effect: 'Allow' as const,
            Action: ['sagemaker:CreateHyperParameterTuningJob', 'sagemaker:AddTags'],
            Resource: '*',
          },
        ],
      },
    })),
  })),
});

/** The tuning job `night-search` of line 3, in a world that is `starting`. */
export async function startNightSearch(
  sandbox: DemoSandbox,
  { trainings, atATime }: { trainings: number; atATime: number },
): Promise<void> {
  const client = await line3Client(sandbox, SageMakerClient);
  await client.send(
    new CreateHyperParameterTuningJobCommand({
      HyperParameterTuningJobName: 'night-search',
      HyperParameterTuningJobConfig: {
        Strategy: 'Random',
        HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'validation:accuracy' },
        ResourceLimits: { MaxNumberOfTrainingJobs: trainings, MaxParallelTrainingJobs: atATime },
        ParameterRanges: {
          ContinuousParameterRanges: [{ Name: 'lr', MinValue: '0.0001', MaxValue: '0.1' }],
        },
      },
      TrainingJobDefinition: {
        StaticHyperParameters: { epochs: '1' },
        AlgorithmSpecification: { TrainingImage: 'repo/train:1', TrainingInputMode: 'File' },
        RoleArn: 'arn:aws:iam::123456789012:role/TrainingExecution',
        OutputDataConfig: { S3OutputPath: 's3://line-3-models/trained' },
        ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 50 },
        StoppingCondition: { MaxRuntimeInSeconds: 3600 },
      },
    }),
  );
}
