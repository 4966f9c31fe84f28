/** From a use case's template to CreateTrainingJob: SageMaker's service model 2017-07-24. */
import type { CreateTrainingJobCommandInput, TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import { fillGaps } from '../domain/run-templates.ts';
import { filledTexts, type SageMakerTemplate, type TrainTemplate } from '../domain/train-templates.ts';
import type { TemplateOrder } from '../ports/training-provider.ts';

/** SageMaker's own when a request gives none. */
const A_DAY = 86_400_000;
/** Tag of jobs that were started from a template: its name. */
const TEMPLATE_TAG = 'signalbox:template';

export function sageMakerTemplate(template: TrainTemplate): SageMakerTemplate {
  if (template.provider === 'sagemaker') return template;
  throw new TypeError(`${template.name} is no template for SageMaker`);
}

/** @throws AppError invalid_input: a variable that the template names is not set */
export function templateRequest(order: TemplateOrder): CreateTrainingJobCommandInput {
  const { values, name, machine } = order;
  const template = sageMakerTemplate(order.template);
  const { sagemaker: given, maxTime = A_DAY } = template;
  const seconds = Math.ceil(maxTime / 1_000);
  const environment = filledTexts(template, given.environment, values);
  const inputs = Object.entries(given.inputs);
  return {
    TrainingJobName: name,
    RoleArn: given.roleArn,
    AlgorithmSpecification: {
      TrainingImage: given.image,
      TrainingInputMode: 'File',
      ...(given.metricDefinitions.length > 0
        ? { MetricDefinitions: given.metricDefinitions.map((one) => ({ Name: one.name, Regex: one.regex })) }
        : {}),
    },
    HyperParameters: { ...filledTexts(template, given.hyperparameters, values), ...values },
    ...(inputs.length > 0
      ? {
          InputDataConfig: inputs.map(([channel, uri]) => ({
            ChannelName: channel,
            DataSource: {
              S3DataSource: {
                S3DataType: 'S3Prefix',
                S3Uri: fillGaps(uri, values),
                S3DataDistributionType: 'FullyReplicated',
              },
            },
          })),
        }
      : {}),
    OutputDataConfig: { S3OutputPath: given.outputS3 },
    ResourceConfig: {
      InstanceType: (machine ?? given.instanceTypes[0]) as TrainingInstanceType,
      InstanceCount: given.instanceCount,
      VolumeSizeInGB: given.volumeGb,
    },
    // Waiting for spot capacity counts into the second: as long again as the run may take.
    StoppingCondition: {
      MaxRuntimeInSeconds: seconds,
      ...(given.spot ? { MaxWaitTimeInSeconds: 2 * seconds } : {}),
    },
    ...(given.spot ? { EnableManagedSpotTraining: true } : {}),
    ...(Object.keys(environment).length > 0 ? { Environment: environment } : {}),
    Tags: [{ Key: TEMPLATE_TAG, Value: template.name }],
  };
}
