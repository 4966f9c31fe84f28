/** From what SageMaker answers of a job to the request that repeats it. */
import { describe, expect, it } from 'vitest';
import { type Described, rerunRequest, rerunSetup } from '../../src/providers/sagemaker-rerun.ts';

const ACCOUNT = 'arn:aws:sagemaker:eu-west-1:123456789012';
const request = {
  kind: 'again' as const,
  name: 'new',
  again: 'old',
  hyperparameters: { epochs: '3' },
  askedAt: 0,
};

/** As DescribeTrainingJob answers for a job of the Python SDK with about everything that there is. */
const described: Described = {
  TrainingJobName: 'old',
  TrainingJobArn: `${ACCOUNT}:training-job/old`,
  ModelArtifacts: { S3ModelArtifacts: 's3://models/old/output/model.tar.gz' },
  TrainingJobStatus: 'Failed',
  SecondaryStatus: 'Failed',
  FailureReason: 'AlgorithmError: Exit Code: 1',
  HyperParameters: { epochs: '"2"', sagemaker_program: '"train.py"', model_dir: '"s3://models/old/model"' },
  AlgorithmSpecification: {
    TrainingImage: 'repository/image:1',
    TrainingInputMode: 'File',
    MetricDefinitions: [{ Name: 'loss', Regex: 'loss=(.*)' }],
    EnableSageMakerMetricsTimeSeries: true,
    ContainerEntrypoint: [],
  },
  RoleArn: 'arn:aws:iam::123456789012:role/TrainingExecution',
  InputDataConfig: [
    {
      ChannelName: 'train',
      CompressionType: 'None',
      RecordWrapperType: 'None',
      DataSource: {
        S3DataSource: {
          S3DataType: 'S3Prefix',
          S3Uri: 's3://data/',
          AttributeNames: [],
          InstanceGroupNames: [],
        },
      },
    },
  ],
  OutputDataConfig: { KmsKeyId: '', S3OutputPath: 's3://models/', CompressionType: 'GZIP' },
  ResourceConfig: {
    InstanceType: 'ml.g5.2xlarge',
    InstanceCount: 1,
    VolumeSizeInGB: 50,
    VolumeKmsKeyId: '',
    KeepAlivePeriodInSeconds: 1800,
  },
  WarmPoolStatus: { Status: 'Available' },
  VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
  StoppingCondition: { MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200 },
  CreationTime: new Date(),
  TrainingStartTime: new Date(),
  TrainingEndTime: new Date(),
  LastModifiedTime: new Date(),
  SecondaryStatusTransitions: [],
  FinalMetricDataList: [],
  EnableNetworkIsolation: false,
  EnableInterContainerTrafficEncryption: true,
  EnableManagedSpotTraining: true,
  CheckpointConfig: { S3Uri: 's3://checkpoints/old/', LocalPath: '/opt/ml/checkpoints' },
  TrainingTimeInSeconds: 10,
  BillableTimeInSeconds: 10,
  DebugHookConfig: { S3OutputPath: 's3://debug/', CollectionConfigurations: [] },
  ExperimentConfig: { ExperimentName: 'defects', TrialName: 'night', TrialComponentDisplayName: 'old' },
  DebugRuleConfigurations: [
    { RuleConfigurationName: 'r', RuleEvaluatorImage: 'i', RuleParameters: { rule_to_invoke: '' } },
  ],
  DebugRuleEvaluationStatuses: [{ RuleConfigurationName: 'r' }],
  ProfilerConfig: { S3OutputPath: 's3://profile/', ProfilingIntervalInMilliseconds: 500 },
  ProfilerRuleConfigurations: [],
  ProfilerRuleEvaluationStatuses: [],
  ProfilingStatus: 'Enabled',
  Environment: { STAGE: 'night', EMPTY: '' },
  RetryStrategy: { MaximumRetryAttempts: 2 },
};

describe('running a job again', () => {
  it('asks for everything that can be asked for, and for nothing that only an answer has', () => {
    expect(
      rerunRequest(described, request, {
        owner: 'ada',
        'aws:cloudformation:stack-name': 'x',
        'sagemaker:pipeline-execution-arn': 'y',
      }),
    ).toEqual({
      TrainingJobName: 'new',
      HyperParameters: { epochs: '3' },
      AlgorithmSpecification: {
        TrainingImage: 'repository/image:1',
        TrainingInputMode: 'File',
        MetricDefinitions: [{ Name: 'loss', Regex: 'loss=(.*)' }],
        EnableSageMakerMetricsTimeSeries: true,
      },
      RoleArn: 'arn:aws:iam::123456789012:role/TrainingExecution',
      InputDataConfig: [
        {
          ChannelName: 'train',
          CompressionType: 'None',
          RecordWrapperType: 'None',
          DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://data/' } },
        },
      ],
      OutputDataConfig: { S3OutputPath: 's3://models/', CompressionType: 'GZIP' },
      ResourceConfig: {
        InstanceType: 'ml.g5.2xlarge',
        InstanceCount: 1,
        VolumeSizeInGB: 50,
        KeepAlivePeriodInSeconds: 1800,
      },
      VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
      StoppingCondition: { MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200 },
      EnableNetworkIsolation: false,
      EnableInterContainerTrafficEncryption: true,
      EnableManagedSpotTraining: true,
      CheckpointConfig: { S3Uri: 's3://checkpoints/old/', LocalPath: '/opt/ml/checkpoints' },
      DebugHookConfig: { S3OutputPath: 's3://debug/', CollectionConfigurations: [] },
      // The old job's name would be shown for the new one.
      ExperimentConfig: { ExperimentName: 'defects', TrialName: 'night' },
      DebugRuleConfigurations: [
        { RuleConfigurationName: 'r', RuleEvaluatorImage: 'i', RuleParameters: { rule_to_invoke: '' } },
      ],
      ProfilerConfig: { S3OutputPath: 's3://profile/', ProfilingIntervalInMilliseconds: 500 },
      Environment: { STAGE: 'night', EMPTY: '' },
      RetryStrategy: { MaximumRetryAttempts: 2 },
      Tags: [{ Key: 'owner', Value: 'ada' }],
    });
  });

  it('knows what an answer says in another way than a request may', () => {
    const resources = (ResourceConfig: object) =>
      rerunRequest({ ...described, ResourceConfig } as Described, request, {}).ResourceConfig;
    const groups = [{ InstanceType: 'ml.g5.xlarge', InstanceCount: 2, InstanceGroupName: 'g' }];
    expect(resources({ InstanceType: '', InstanceCount: 0, InstanceGroups: groups })).toEqual({
      InstanceGroups: groups,
    });
    const preferences = [{ InstanceType: 'ml.g5.xlarge' }];
    expect(
      resources({
        InstancePreferences: preferences,
        SelectedInstanceType: 'ml.g5.xlarge',
        SelectedInstanceCount: 1,
      }),
    ).toEqual({ InstancePreferences: preferences });

    const other = rerunRequest(
      {
        ...described,
        EnableManagedSpotTraining: false,
        ProfilerConfig: { DisableProfiler: true, S3OutputPath: 's3://profile/' },
        ProfilerRuleConfigurations: [{ RuleConfigurationName: 'r', RuleEvaluatorImage: 'i' }],
        AlgorithmSpecification: {
          AlgorithmName: 'mine',
          TrainingImage: 'its image',
          TrainingInputMode: 'File',
        },
      },
      { ...request, machines: { type: 'ml.g6e.xlarge', count: 2 } },
      {},
    );
    expect(other.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 3600 });
    expect(other.ProfilerConfig).toEqual({ DisableProfiler: true });
    expect(other.ProfilerRuleConfigurations).toBeUndefined();
    expect(other.AlgorithmSpecification).toEqual({ AlgorithmName: 'mine', TrainingInputMode: 'File' });
    expect(other.ResourceConfig).toMatchObject({ InstanceType: 'ml.g6e.xlarge', InstanceCount: 2 });
    expect(other.Tags).toBeUndefined();
  });

  it('says beforehand what goes on from the old run, and what is different', () => {
    const { notes, machines } = rerunSetup({
      ...described,
      TrainingJobName: 'old',
      TuningJobArn: `${ACCOUNT}:hyper-parameter-tuning-job/search`,
    });
    expect(machines).toEqual({ type: 'ml.g5.2xlarge', count: 1 });
    const told = notes.join('\n');
    expect(told).toContain('s3://checkpoints/old/');
    expect(told).toContain('tuning job search');
    expect(told).toContain('warm pool');
    expect(told).toContain('places of the old run, unless you change them: model_dir');
    const step = 'pipelines-d8l8w3bxlyqk-Train-9tJk';
    expect(rerunSetup({ TrainingJobName: step }).notes.join()).toContain('a step of a pipeline');
  });

  it('is refused where the job means nothing without what started it', () => {
    expect(rerunSetup({ AutoMLJobArn: `${ACCOUNT}:automl-job/pilot` }).refusal?.reason).toContain('pilot');
    expect(rerunSetup({ LabelingJobArn: `${ACCOUNT}:labeling-job/tags` }).refusal?.reason).toContain('tags');
    expect(rerunSetup(described).refusal).toBeUndefined();
  });
});
