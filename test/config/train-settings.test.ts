/** `train.templates` of a use case: what a file gives, and what is wrong with one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { unsetVariables } from '../../src/domain/train-templates.ts';
import { testFolder } from '../fixtures/test-folder.ts';

const SAGEMAKER = `{ image: "1.dkr.ecr.eu-west-1.amazonaws.com/train:1", roleArn: "arn:aws:iam::123456789012:role/T",
          outputS3: "s3://line-3-models/training", inputs: { train: "s3://line-3-data/{dataset}" },
          instanceTypes: [ml.g5.xlarge, ml.g5.2xlarge], environment: { WANDB_API_KEY: { env: LAB_WANDB }, MODE: fast } }`;
const PARAMETERS = `{ epochs: { type: integer, min: 1, max: 300, default: 30 }, dataset: { type: text, pattern: "[a-z-]+" } }`;
const RESNET = `{ name: resnet, description: ResNet, provider: sagemaker, maxTime: 6h, parameters: ${PARAMETERS},
        sagemaker: ${SAGEMAKER} }`;
const POD = `{ name: pod, provider: runpod, parameters: { lr: { type: number, default: 0.01 } },
        runpod: { image: "runpod/pytorch:2.4", gpuTypes: [NVIDIA A40], command: [python, train.py, --lr, "{lr}"] } }`;
const PRESS = '{ name: press, provider: local, local: { template: press } }';

const file = (...templates: string[]): string => `
useCases:
  - id: line-3
    name: Line 3
    account: "123456789012"
    region: eu-west-1
    channels: [C0LINE3]
    access: {}
    providers: { sagemaker: true, local: { baseUrl: "http://127.0.0.1:8700" }, runpod: { apiKeyEnv: KEY } }
    train:
      templates:
${templates.map((one) => `      - ${one}`).join('\n')}
`;

function load(yaml: string, env: Record<string, string> = {}) {
  const cwd = testFolder('train');
  writeFileSync(join(cwd, 'signalbox.yaml'), yaml);
  return loadConfig({ env, cwd });
}

function problems(yaml: string): string {
  try {
    load(yaml);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('templates in a configuration', () => {
  it('are given with their parameters, limits and the secrets that they name', () => {
    const config = load(file(RESNET, POD, PRESS), { LAB_WANDB: 'wandb-hush-hush' });
    const [resnet, pod, press] = config.useCases[0]!.train!.templates;
    expect(resnet).toMatchObject({
      ...{ name: 'resnet', provider: 'sagemaker', maxTime: 6 * 3_600_000 },
      parameters: { epochs: { type: 'integer', default: '30' }, dataset: { type: 'text' } },
      sagemaker: {
        ...{ instanceCount: 1, volumeGb: 30, spot: false, metricDefinitions: [] },
        environment: { MODE: 'fast', WANDB_API_KEY: { variable: 'LAB_WANDB' } },
      },
    });
    expect(pod).toMatchObject({ runpod: { gpuCount: 1, cloud: 'secure', diskGb: 20, ports: [], env: {} } });
    expect(press).toMatchObject({ provider: 'local', local: { template: 'press' }, parameters: {} });
    expect(config.secrets).toContain('wandb-hush-hush');
    expect(JSON.stringify(config.useCases)).not.toContain('wandb-hush-hush');
    expect(unsetVariables(resnet!)).toEqual([]);
    expect(unsetVariables(load(file(RESNET)).useCases[0]!.train!.templates[0]!)).toEqual(['LAB_WANDB']);
  });

  it.each([
    ['a name twice', file(PRESS, PRESS), 'expected a name of its own, but templates[0] is press too'],
    ['no section of its provider', file('{ name: a, provider: local }'), 'expected a section `local`'],
    [
      'a section of another provider',
      file(PRESS.replace('local: {', `sagemaker: ${SAGEMAKER}, local: {`)),
      'there is a section `sagemaker`, but its provider is local',
    ],
    [
      'parameters of a local one',
      file(PRESS.replace('local: {', `parameters: ${PARAMETERS}, local: {`)),
      'expected no `parameters`: the runner says',
    ],
    ['a limit of a local one', file(PRESS.replace('local: {', 'maxTime: 2h, local: {')), 'no `maxTime`'],
    [
      'a provider that the use case does not have',
      file(PRESS).replace('local: { baseUrl: "http://127.0.0.1:8700" }, ', ''),
      'expected a provider that the use case trains on (sagemaker, runpod), but got local',
    ],
    ['an unknown gap', file(RESNET.replace('{dataset}"', '{datset}"')), '{datset} stands in a text'],
    [
      'a parameter that no command takes',
      file(POD.replace('"{lr}"', '"1"')),
      'the parameter lr is never used',
    ],
    [
      'a default that is not allowed',
      file(RESNET.replace('default: 30', 'default: 3000')),
      'the default of epochs is not allowed by itself: expected a whole number from 1 to 300',
    ],
    [
      'a value that would become code',
      file(POD.replace('[python, train.py, --lr, "{lr}"]', '[sh, -c, "train {lr}"]')),
      'where a value could become code',
    ],
    [
      'a role of another account',
      file(RESNET.replace('::123456789012:', '::999999999999:')),
      "expected a role in the use case's account 123456789012",
    ],
    [
      'a secret of the bot itself',
      file(RESNET.replace('env: LAB_WANDB', 'env: SLACK_BOT_TOKEN')),
      'none of its own secrets',
    ],
    [
      'an odd name',
      file(PRESS.replace('name: press', 'name: "a b"')),
      'expected 1 to 63 letters, digits, _ and -',
    ],
    ['a duration that is none', file(RESNET.replace('6h', '6 hours')), 'maxTime: expected a duration'],
    [
      'no instance type',
      file(RESNET.replace('ml.g5.xlarge, ml.g5.2xlarge', '')),
      'instanceTypes: expected a list',
    ],
    [
      'too many hyperparameters',
      file(
        RESNET.replace(
          'environment:',
          `hyperparameters: { ${Array.from({ length: 99 }, (_, n) => `h${n}: 1`).join(', ')} }, environment:`,
        ),
      ),
      'expected at most 100 hyperparameters, parameters included, but got 101',
    ],
  ])('say what is wrong: %s', (_, yaml, expected) => {
    expect(problems(yaml)).toContain(expected);
  });
});
