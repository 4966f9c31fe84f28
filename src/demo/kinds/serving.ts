/** Endpoints: one that serves, and one whose container did not come up. */
import type { EpochMs } from '#sandbox';
import { instanceId, type KindSeeds, type LogScript } from '#sandbox/seeds';
import { HOUR, MINUTE, SECOND } from '../job-maker.ts';
import { LINE_3 } from '../line-3.ts';
import { stream } from './parts.ts';

const IMAGE =
  '763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker';

const IMPORT_ERROR = `Traceback (most recent call last):
  File "/opt/conda/lib/python3.11/site-packages/ts/model_service_worker.py", line 301, in <module>
    worker.run_server()
  File "/opt/ml/model/code/inference.py", line 7, in <module>
    import timm
ModuleNotFoundError: No module named 'timm'`;

export function line3Endpoints(now: EpochMs): NonNullable<KindSeeds['endpoint']> {
  const variant = (modelName: string, instanceCount: number) => ({
    name: 'AllTraffic',
    modelName,
    image: IMAGE,
    instanceType: 'ml.g5.xlarge',
    instanceCount,
  });
  const up = now - 60 * HOUR;
  const canary = now - 90 * MINUTE;
  const live = now - 7 * MINUTE;
  const tags = { project: LINE_3.project, owner: LINE_3.owner };
  return [
    {
      name: 'inspection',
      configName: 'inspection-6',
      transitions: [
        { at: up, status: 'Creating' },
        { at: up + 9 * MINUTE, status: 'InService' },
      ],
      variants: [variant('defects-resnet50-6', 2)],
      streams: [0, 1].map((machine) =>
        stream(
          `AllTraffic/${instanceId(`inspection/${machine}`)}`,
          up + 7 * MINUTE,
          900 + machine,
          (script) => serve(script, now + 24 * HOUR),
        ),
      ),
      tags,
    },
    {
      name: 'inspection-canary',
      configName: 'inspection-canary-1',
      transitions: [
        { at: canary, status: 'Creating' },
        { at: canary + 31 * MINUTE, status: 'Failed' },
      ],
      failureReason:
        'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.',
      variants: [variant('defects-swin-1', 1)],
      streams: [crashing('inspection-canary', canary + 5 * MINUTE, canary + 30 * MINUTE, 910)],
      tags,
    },
    {
      name: 'inspection-swin',
      configName: 'inspection-swin-1',
      transitions: [
        { at: live, status: 'Creating' },
        { at: now + 6 * MINUTE, status: 'Failed' },
      ],
      failureReason:
        'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.',
      variants: [variant('defects-swin-2', 1)],
      streams: [crashing('inspection-swin', now - 2 * MINUTE, now + 5 * MINUTE, 920)],
      tags,
    },
  ];
}

/** A request every few seconds. */
function serve(script: LogScript, until: EpochMs): void {
  script.say('Torch worker started.', 3_000);
  torchServe(script, '[INFO ] main org.pytorch.serve.ModelServer - Loading initial models: model.mar', 1_400);
  torchServe(
    script,
    '[INFO ] W-9000-model_1.0 org.pytorch.serve.wlm.WorkerThread - Backend response time: 8217',
    8_200,
  );
  while (script.at < until) {
    const took = script.between(38, 66);
    torchServe(
      script,
      `[INFO ] W-9000-model_1.0-stdout MODEL_METRICS - PredictionTime.Milliseconds:${took}|#ModelName:model,Level:Model`,
      script.between(40_000, 90_000),
    );
  }
}

const crashing = (endpoint: string, from: EpochMs, until: EpochMs, seed: number) =>
  stream(`AllTraffic/${instanceId(endpoint)}`, from, seed, (script) => {
    while (script.at < until - 40 * SECOND) {
      script.say('Starting the model server: torchserve --start --ncs', 400);
      script.lines(IMPORT_ERROR, 6_000);
      torchServe(
        script,
        '[WARN ] W-9000-model_1.0 org.pytorch.serve.wlm.WorkerThread - Backend worker thread exception.',
      );
      script.say('169.254.178.2 "GET /ping HTTP/1.1" 500 28', 20_000);
    }
  });

/** TorchServe puts the time before each line, with a comma before the milliseconds. */
function torchServe(script: LogScript, words: string, after = 0): void {
  script.at += after;
  script.say(`${new Date(script.at).toISOString().slice(0, 23).replace('.', ',')} ${words}`);
}
