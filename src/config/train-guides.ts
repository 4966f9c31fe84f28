/** What each key of a use case's `train` section wants. */
import { parameterGuides } from './parameters.ts';

interface Guide {
  expected: string;
  example: string;
}

/** Slack's own limit of a menu to choose from. */
export const MOST_TEMPLATES = 100;

const AT = 'useCases[].train.templates[]';
const texts = (at: string): Record<string, Guide> => ({
  [`${at}`]: { expected: 'variables by name', example: 'WANDB_API_KEY: { env: WANDB_API_KEY }' },
  [`${at}.*`]: {
    expected: 'a text, or { env: NAME } for a variable of the bot that is none of its own secrets',
    example: 'WANDB_API_KEY: { env: WANDB_API_KEY }',
  },
  [`${at}.*.env`]: {
    expected: 'the name of an environment variable of the bot that is none of its own secrets',
    example: 'WANDB_API_KEY: { env: WANDB_API_KEY }',
  },
});

export const TRAIN_GUIDES: Readonly<Record<string, Guide>> = {
  'useCases[].train': { expected: 'a section', example: 'train: { templates: [{ name: resnet, … }] }' },
  'useCases[].train.templates': {
    expected: `a list of 1 to ${MOST_TEMPLATES} templates`,
    example: 'templates: [{ name: press, provider: local, local: { template: press } }]',
  },
  [AT]: {
    expected: 'a template',
    example: '- { name: press, provider: local, local: { template: press } }',
  },
  [`${AT}.name`]: {
    expected: '1 to 63 letters, digits, _ and -, beginning with a letter or digit',
    example: 'name: resnet',
  },
  [`${AT}.description`]: {
    expected: 'a text of 1 to 200 characters',
    example: 'description: ResNet on the press images',
  },
  [`${AT}.provider`]: { expected: 'sagemaker, local or runpod', example: 'provider: sagemaker' },
  [`${AT}.maxTime`]: {
    expected: 'a duration of a minute or more: a number with m, h or d',
    example: 'maxTime: 6h',
  },
  ...parameterGuides(`${AT}.parameters`),
  [`${AT}.local`]: { expected: 'a section', example: 'local: { template: press }' },
  [`${AT}.local.template`]: {
    expected: "the name of one of the runner's templates",
    example: 'template: press',
  },
  [`${AT}.sagemaker`]: {
    expected: 'a section',
    example: 'sagemaker: { image: …, roleArn: …, outputS3: …, instanceTypes: [ml.g5.xlarge] }',
  },
  [`${AT}.sagemaker.image`]: {
    expected: 'a training image in ECR',
    example: 'image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/line-3/train:2.1',
  },
  [`${AT}.sagemaker.roleArn`]: {
    expected: "a role's ARN, that the job runs with",
    example: 'roleArn: arn:aws:iam::123456789012:role/Training',
  },
  [`${AT}.sagemaker.outputS3`]: {
    expected: 'a place in S3',
    example: 'outputS3: s3://line-3-models/training',
  },
  [`${AT}.sagemaker.inputs`]: {
    expected: 'channels with their data in S3',
    example: 'inputs: { train: "s3://line-3-data/{dataset}" }',
  },
  [`${AT}.sagemaker.inputs.*`]: {
    expected: 'a place in S3, under a name of 1 to 64 letters, digits, dots, dashes and underscores',
    example: 'train: s3://line-3-data/patches',
  },
  [`${AT}.sagemaker.instanceTypes`]: {
    expected: 'a list of instance types to choose from, the default first',
    example: 'instanceTypes: [ml.g5.xlarge, ml.g5.2xlarge]',
  },
  [`${AT}.sagemaker.instanceTypes[]`]: {
    expected: 'an instance type',
    example: 'instanceTypes: [ml.g5.xlarge]',
  },
  [`${AT}.sagemaker.instanceCount`]: {
    expected: 'a whole number from 1 to 1000',
    example: 'instanceCount: 1',
  },
  [`${AT}.sagemaker.volumeGb`]: { expected: 'a whole number from 1 to 16384', example: 'volumeGb: 50' },
  [`${AT}.sagemaker.spot`]: { expected: 'true or false', example: 'spot: true' },
  [`${AT}.sagemaker.hyperparameters`]: {
    expected: 'hyperparameters by name, besides the parameters',
    example: 'hyperparameters: { backbone: resnet50 }',
  },
  [`${AT}.sagemaker.hyperparameters.*`]: { expected: 'a text or number', example: 'backbone: resnet50' },
  ...texts(`${AT}.sagemaker.environment`),
  [`${AT}.sagemaker.metricDefinitions`]: {
    expected: 'a list of up to 40 metrics',
    example: 'metricDefinitions: [{ name: loss, regex: "loss=([0-9.]+)" }]',
  },
  [`${AT}.sagemaker.metricDefinitions[]`]: {
    expected: 'a metric with its name and regex',
    example: '- { name: loss, regex: "loss=([0-9.]+)" }',
  },
  [`${AT}.sagemaker.metricDefinitions[].name`]: {
    expected: 'a text of 1 to 255 characters',
    example: 'name: loss',
  },
  [`${AT}.sagemaker.metricDefinitions[].regex`]: {
    expected: 'a regular expression of 1 to 500 characters with one group',
    example: 'regex: "loss=([0-9.]+)"',
  },
  [`${AT}.runpod`]: {
    expected: 'a section',
    example: 'runpod: { image: runpod/pytorch:2.4, gpuTypes: [NVIDIA A40], command: [python, train.py] }',
  },
  [`${AT}.runpod.image`]: { expected: 'a container image', example: 'image: runpod/pytorch:2.4' },
  [`${AT}.runpod.gpuTypes`]: {
    expected: 'a list of GPU types to choose from, the default first',
    example: 'gpuTypes: [NVIDIA A40, NVIDIA L4]',
  },
  [`${AT}.runpod.gpuTypes[]`]: {
    expected: "a GPU type by RunPod's name",
    example: 'gpuTypes: [NVIDIA A40]',
  },
  [`${AT}.runpod.gpuCount`]: { expected: 'a whole number from 1 to 16', example: 'gpuCount: 1' },
  [`${AT}.runpod.cloud`]: { expected: 'secure or community', example: 'cloud: secure' },
  [`${AT}.runpod.diskGb`]: { expected: 'a whole number from 1 to 10000', example: 'diskGb: 40' },
  [`${AT}.runpod.volume`]: {
    expected: 'a section',
    example: 'volume: { gb: 50, mountPath: /workspace }',
  },
  [`${AT}.runpod.volume.gb`]: { expected: 'a whole number from 1 to 10000', example: 'gb: 50' },
  [`${AT}.runpod.volume.mountPath`]: { expected: 'a path', example: 'mountPath: /workspace' },
  [`${AT}.runpod.ports`]: { expected: 'a list of ports', example: 'ports: [8888/http]' },
  [`${AT}.runpod.ports[]`]: { expected: 'a port with http or tcp', example: 'ports: [8888/http]' },
  [`${AT}.runpod.command`]: {
    expected: 'a list: the program and its arguments, one by one',
    example: 'command: [python, train.py, --lr, "{lr}"]',
  },
  [`${AT}.runpod.command[]`]: { expected: 'a text', example: 'command: [python, train.py]' },
  ...texts(`${AT}.runpod.env`),
};
