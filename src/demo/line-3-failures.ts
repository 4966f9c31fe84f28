/** The training jobs of "Line 3 defects" that fail, each for another cause. */

import type { EpochMs } from '#sandbox';
import type { TrainingJobSeed } from '#sandbox/seeds';
import { pytorchEpochs } from './framework-logs.ts';
import { HOUR, MINUTE, makeJob, oneMachine, SECOND } from './job-maker.ts';
import { CLASSES, LINE_3 } from './line-3.ts';

const KEY_ERROR = `Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 214, in <module>
    main(parse_args())
  File "/opt/ml/code/train.py", line 187, in main
    metrics = validate(model, loaders["validation"], classes)
  File "/opt/ml/code/train.py", line 121, in validate
    target = class_index[label]
KeyError: 'weld-spatter'`;

export function tracebackFailure(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 3 * HOUR;
  const command = '/opt/conda/bin/python3.11 train.py --backbone unet-s --batch-size 16 --epochs 30';
  return oneMachine(
    LINE_3,
    {
      name: 'defects-unet-relabelled',
      createdAt: trainingAt - 5 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 4 * MINUTE, as: 'Failed' },
      hyperParameters: { backbone: 'unet-s', 'batch-size': '16', epochs: '30' },
      failureReason: `AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "KeyError: 'weld-spatter'"\nCommand "${command}", exit code: 1`,
    },
    502,
    (script) => {
      pytorchEpochs(
        script,
        { epochs: 30, steps: 600, every: 15, pace: 4500, classes: CLASSES },
        { epoch: 1, step: 600 },
      );
      script.lines(KEY_ERROR, 2100);
      script.log('sagemaker-training-toolkit', 'ERROR', 'Reporting training FAILURE', 700);
      script.log('sagemaker-training-toolkit', 'ERROR', 'ExecuteUserScriptError:');
      script.lines(`ExitCode 1\nErrorMessage "KeyError: 'weld-spatter'"\nCommand "${command}"`);
      script.log('sagemaker-training-toolkit', 'ERROR', 'Encountered exit_code 1');
    },
  );
}

export function outOfMemory(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 6 * HOUR;
  return oneMachine(
    LINE_3,
    {
      name: 'defects-swin-4k',
      createdAt: trainingAt - 5 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 13 * MINUTE, as: 'Failed' },
      instance: 'ml.g5.xlarge',
      hyperParameters: { backbone: 'swin-b', 'image-size': '3840', workers: '16' },
      failureReason: 'AlgorithmError: , exit code: 137',
    },
    550,
    (script) => {
      pytorchEpochs(
        script,
        { epochs: 20, steps: 900, every: 20, pace: 5000, classes: CLASSES },
        { epoch: 3, step: 340 },
      );
      for (const used of [12.9, 13.8, 14.6, 15.2, 15.5]) {
        script.say(
          `host memory ${used.toFixed(1)} of 15.6 GiB used, 16 loader workers hold ${(used * 0.71).toFixed(1)} GiB`,
          4000,
        );
      }
      script.say('RuntimeError: DataLoader worker (pid 412) is killed by signal: Killed.', 900);
    },
  );
}

const CUDA_ERROR = `Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 212, in <module>
    main(parse_arguments())
  File "/opt/ml/code/train.py", line 171, in main
    loss = criterion(model(images), masks)
  File "/opt/conda/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1736, in _wrapped_call_impl
    return self._call_impl(*args, **kwargs)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB. GPU 0 has a total capacity of 22.06 GiB of which 1.41 GiB is free.`;

/**
 * Runs when the sandbox starts and fails two minutes later: the alert can be watched. Eight such images do not fit
 * into its GPU, so it fails again as it is, and succeeds with a smaller batch or a larger GPU.
 */
export function failsWhileWatched(now: EpochMs): TrainingJobSeed {
  const ended = now + 80 * SECOND;
  const trainingAt = ended - 13 * MINUTE;
  return oneMachine(
    LINE_3,
    {
      name: 'defects-deeplab-hires',
      createdAt: trainingAt - 5 * MINUTE,
      trainingAt,
      ended: { at: ended, as: 'Failed' },
      hyperParameters: { backbone: 'deeplabv3', 'image-size': '2048', 'batch-size': '8' },
      failureReason:
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "torch.OutOfMemoryError: CUDA out of memory."\nCommand "/opt/conda/bin/python3.11 train.py", exit code: 1',
    },
    551,
    (script) => {
      pytorchEpochs(
        script,
        { epochs: 20, steps: 900, every: 20, pace: 5000, classes: CLASSES },
        { epoch: 3, step: 340 },
      );
      script.lines(CUDA_ERROR, 2100);
    },
  );
}

/** Failed before its script could print anything: there is no stream. */
export function noDataNoLog(now: EpochMs): TrainingJobSeed {
  const createdAt = now - 4 * HOUR;
  return makeJob(LINE_3, {
    name: 'defects-new-bucket',
    createdAt,
    transitions: [
      { at: createdAt, status: 'InProgress', secondary: 'Starting' },
      { at: createdAt + 2 * MINUTE, status: 'InProgress', secondary: 'Downloading' },
      { at: createdAt + 3 * MINUTE, status: 'Failed', secondary: 'Failed' },
    ],
    failureReason:
      'ClientError: Data download failed:Failed to download data. AccessDenied (403): the role has no s3:GetObject on s3://foundry-line-3-raw/train/',
  });
}
