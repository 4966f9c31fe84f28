/** What CreateTrainingJob is asked for a run from a template, and the values that a form gives. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunParameter } from '../../src/domain/run-templates.ts';
import { readTemplateValues, type SageMakerTemplate } from '../../src/domain/train-templates.ts';
import { templateRequest } from '../../src/providers/sagemaker-template.ts';

const template: SageMakerTemplate = {
  ...{ name: 'resnet', provider: 'sagemaker', maxTime: 5_400_500 },
  parameters: { epochs: { type: 'integer', default: '3' }, dataset: { type: 'text', pattern: '.*' } },
  sagemaker: {
    image: 'repository/train:2.1',
    roleArn: 'arn:aws:iam::123456789012:role/Training',
    outputS3: 's3://models/training',
    inputs: { train: 's3://data/{dataset}/train' },
    instanceTypes: ['ml.g5.xlarge', 'ml.g5.2xlarge'],
    ...{ instanceCount: 2, volumeGb: 50, spot: true },
    hyperparameters: { backbone: 'resnet50', tag: '{dataset}-{epochs}' },
    environment: { KEY: { variable: 'LAB_KEY', read: () => 'hush' }, MODE: 'fast' },
    metricDefinitions: [{ name: 'loss', regex: 'loss=([0-9.]+)' }],
  },
};
const order = { kind: 'template', name: 'run-1', template, askedAt: 0 } as const;

describe('a run from a template on SageMaker', () => {
  it('asks for all that the template says, its gaps filled and its secrets read', () => {
    const values = { epochs: '5', dataset: '{epochs}' };
    expect(templateRequest({ ...order, values, machine: 'ml.g5.2xlarge' })).toEqual({
      TrainingJobName: 'run-1',
      RoleArn: 'arn:aws:iam::123456789012:role/Training',
      AlgorithmSpecification: {
        ...{ TrainingImage: 'repository/train:2.1', TrainingInputMode: 'File' },
        MetricDefinitions: [{ Name: 'loss', Regex: 'loss=([0-9.]+)' }],
      },
      // What stands in a value is no gap.
      HyperParameters: { backbone: 'resnet50', tag: '{epochs}-5', epochs: '5', dataset: '{epochs}' },
      InputDataConfig: [
        {
          ChannelName: 'train',
          DataSource: {
            S3DataSource: {
              ...{ S3DataType: 'S3Prefix', S3Uri: 's3://data/{epochs}/train' },
              S3DataDistributionType: 'FullyReplicated',
            },
          },
        },
      ],
      OutputDataConfig: { S3OutputPath: 's3://models/training' },
      ResourceConfig: { InstanceType: 'ml.g5.2xlarge', InstanceCount: 2, VolumeSizeInGB: 50 },
      StoppingCondition: { MaxRuntimeInSeconds: 5_401, MaxWaitTimeInSeconds: 10_802 },
      EnableManagedSpotTraining: true,
      Environment: { KEY: 'hush', MODE: 'fast' },
      Tags: [{ Key: 'signalbox:template', Value: 'resnet' }],
    });
  });

  it('is refused before anything is asked while a variable is not set, named to admins alone', () => {
    const environment = { KEY: { variable: 'LAB_KEY', read: () => undefined } };
    const waiting = { ...template, sagemaker: { ...template.sagemaker, environment } };
    expect(() => templateRequest({ ...order, template: waiting, values: {} })).toThrow(
      expect.objectContaining({
        ...{ code: 'invalid_input', adminHint: 'Not set: LAB_KEY.' },
        message: expect.not.stringContaining('LAB_KEY'),
      }),
    );
  });
});

describe('the values of a form', () => {
  const parameter: fc.Arbitrary<RunParameter> = fc.oneof(
    fc.record({ type: fc.constant('text' as const), pattern: fc.constantFrom('[a-z]*', '[a-z]+', '.*') }),
    fc.record({
      type: fc.constantFrom('number' as const, 'integer' as const),
      min: fc.constant(0),
      max: fc.constant(9),
    }),
    fc.record({
      type: fc.constant('choice' as const),
      values: fc.constant(['a', 'b']),
      default: fc.constant('a'),
    }),
  );

  it('are those of parameters that are called as what every object has', () => {
    const parameters = { constructor: { type: 'number', default: '1' } } as const;
    expect(readTemplateValues(template, parameters, {}).values).toEqual({ constructor: '1' });
  });

  it('are complete and allowed, or each has its problem, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), parameter, { maxKeys: 8 }),
        fc.dictionary(
          fc.stringMatching(/^[a-z]{1,8}$/),
          fc.oneof(fc.string(), fc.constantFrom('', 'a', '3', '1e400')),
          { maxKeys: 8 },
        ),
        (parameters, written) => {
          const { values, problems } = readTemplateValues(template, parameters, written);
          const names = Object.keys(parameters);
          expect([...Object.keys(values), ...Object.keys(problems)].sort()).toEqual([...names].sort());
          // What is accepted is accepted again, and comes out the same.
          const again = readTemplateValues(template, parameters, values);
          for (const name of Object.keys(values)) expect(again.values[name]).toBe(values[name]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
