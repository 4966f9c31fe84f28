/** The training jobs of the use case "Line 3 defects". docs/sandbox.md has the table of what each one shows. */

import type { EpochMs } from '#sandbox';
import {
  bulkStreams,
  closeContainer,
  hash32,
  lazySeries,
  openContainer,
  scripted,
  steadySchedule,
  type TrainingJobSeed,
} from '#sandbox/seeds';
import {
  KERAS_ACCURACY,
  kerasEpochs,
  pytorchEpochs,
  VALIDATION,
  xgboostRounds,
  YOLO_MAP,
  yoloEpochs,
} from './framework-logs.ts';
import { HOUR, MINUTE, machineStream, makeJob, oneMachine, SECOND } from './job-maker.ts';
import { CLASSES, LINE_3 } from './line-3.ts';
import { failsWhileWatched, noDataNoLog, outOfMemory, tracebackFailure } from './line-3-failures.ts';

export function line3Jobs(now: EpochMs): TrainingJobSeed[] {
  return [
    completed(now),
    tracebackFailure(now),
    stillRunning(now),
    stoppedByUser(now),
    stoppedByLimit(now),
    fourMachines(now),
    progressBars(now),
    hugeLog(now),
    justStarted(now),
    spotInterrupted(now),
    outOfMemory(now),
    failsWhileWatched(now),
    noDataNoLog(now),
    ...prefixPair(now),
    boostedTrees(now),
  ];
}

function completed(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 26 * HOUR;
  return oneMachine(
    LINE_3,
    {
      name: 'defects-resnet50',
      createdAt: trainingAt - 4 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 139 * MINUTE, as: 'Completed' },
      hyperParameters: { epochs: '40', 'batch-size': '64', lr: '0.0003', backbone: 'resnet50' },
      metrics: VALIDATION,
    },
    501,
    (script) => {
      pytorchEpochs(script, { epochs: 40, steps: 750, every: 15, pace: 4000, classes: CLASSES });
      closeContainer(script);
    },
  );
}

/** Prints about once a second as long as the sandbox runs, and longer. */
function stillRunning(now: EpochMs): TrainingJobSeed {
  const name = 'defects-convnext';
  const trainingAt = now - 47 * MINUTE;
  const steps = 240;
  const epochs = 1500;
  const series = lazySeries(steadySchedule(trainingAt, 1100, epochs * (steps + 1), 503), (index) => {
    const epoch = Math.floor(index / (steps + 1)) + 1;
    const step = (index % (steps + 1)) + 1;
    const noise = (hash32(index, 503) % 1000) / 1000;
    const loss = 0.07 + 0.9 * Math.exp(-index / 2600) + 0.03 * noise;
    if (step > steps)
      return `valid ${epoch}/${epochs} | loss=${(loss * 1.1).toFixed(4)} | acc=${(0.978 - loss / 3).toFixed(4)}`;
    return `epoch ${epoch}/${epochs} | step ${step}/${steps} | loss ${loss.toFixed(4)} | lr 2.40e-04 | ${980 + Math.round(noise * 60)} img/s`;
  });
  return makeJob(LINE_3, {
    name,
    createdAt: trainingAt - 6 * MINUTE,
    trainingAt,
    hyperParameters: { backbone: 'convnext-t', epochs: String(epochs), 'batch-size': '96' },
    maxRuntimeSeconds: 432_000,
    streams: [machineStream(name, 1, trainingAt, series)],
  });
}

function stoppedByUser(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 9 * HOUR;
  return oneMachine(
    LINE_3,
    {
      name: 'defects-vit-b16',
      createdAt: trainingAt - 5 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 21 * MINUTE, as: 'Stopped' },
      owner: 'ben',
      hyperParameters: { backbone: 'vit-b16', epochs: '90', lr: '0.01' },
    },
    504,
    (script) => {
      pytorchEpochs(
        script,
        { epochs: 90, steps: 750, every: 15, pace: 4000, classes: CLASSES },
        { epoch: 6, step: 300 },
      );
      script.say('caught SIGTERM, writing /opt/ml/checkpoints/interrupted.pt before leaving', 1500);
    },
  );
}

function stoppedByLimit(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 31 * HOUR;
  return oneMachine(
    LINE_3,
    {
      name: 'defects-swin-long',
      createdAt: trainingAt - 5 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 2 * HOUR, as: 'MaxRuntimeExceeded' },
      maxRuntimeSeconds: 7200,
      hyperParameters: { backbone: 'swin-s', epochs: '300' },
    },
    505,
    (script) =>
      pytorchEpochs(
        script,
        { epochs: 300, steps: 750, every: 15, pace: 4000, classes: CLASSES },
        { epoch: 35, step: 225 },
      ),
  );
}

function fourMachines(now: EpochMs): TrainingJobSeed {
  const name = 'defects-resnet101-ddp';
  const trainingAt = now - 15 * HOUR;
  const hyperParameters = { backbone: 'resnet101', epochs: '24', 'batch-size': '256' };
  const streams = [0, 1, 2, 3].map((host) => {
    const start = trainingAt + host * 1300;
    const series = scripted(start, 510 + host, (script) => {
      openContainer(script, {
        job: name,
        host,
        hosts: 4,
        instance: 'ml.g5.12xlarge',
        framework: 'pytorch',
        command: `torchrun --nnodes 4 --node_rank ${host} --nproc_per_node 4 train.py --backbone resnet101`,
        hyperParameters,
        bucket: LINE_3.bucket,
      });
      script.say(`NCCL INFO Bootstrap : Using eth0:10.2.14.${31 + host}<0>`, 1900);
      script.say(`NCCL INFO comm 0x55d0 rank ${host * 4} nranks 16 cudaDev 0 - Init COMPLETE`, 2600);
      pytorchEpochs(script, { epochs: 24, steps: 190, every: 10, pace: 3300, classes: CLASSES, rank: host });
      closeContainer(script);
    });
    return machineStream(name, host + 1, start, series);
  });
  return makeJob(LINE_3, {
    name,
    createdAt: trainingAt - 8 * MINUTE,
    trainingAt,
    ended: { at: trainingAt + 29 * MINUTE, as: 'Completed' },
    instance: 'ml.g5.12xlarge',
    instances: 4,
    hyperParameters,
    metrics: VALIDATION,
    streams,
  });
}

function progressBars(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 20 * HOUR;
  return oneMachine(
    LINE_3,
    {
      name: 'glare-segmenter-keras',
      createdAt: trainingAt - 4 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 26 * MINUTE, as: 'Completed' },
      framework: 'tensorflow',
      hyperParameters: { epochs: '30' },
      metrics: KERAS_ACCURACY,
    },
    520,
    (script) => {
      script.say(
        '\u001b[1;36mglare-segmenter\u001b[0m \u001b[2m(build 4f1c9e, Straße 3, Prüfstand „Süd“)\u001b[0m',
        800,
      );
      script.say('\u001b[33mWARNING\u001b[0m: mixed_float16 is slow on this GPU — 続行します', 400);
      kerasEpochs(script, 30, 220, 47_000);
      script.say('\u001b[32m✔\u001b[0m exported in 3.9 s', 3900);
      closeContainer(script);
    },
  );
}

/** 2 × 1,290,000 events, about 300 MB, made when they are read. */
function hugeLog(now: EpochMs): TrainingJobSeed {
  const name = 'line3-pretrain-2m';
  const end = now - 7 * HOUR;
  const streams = bulkStreams({ job: name, streams: 2, events: 1_290_000, seed: 530, end });
  const trainingAt = Math.min(...streams.map(({ series }) => series.time(0)));
  return makeJob(LINE_3, {
    name,
    createdAt: trainingAt - 9 * MINUTE,
    trainingAt,
    ended: { at: end + 5 * SECOND, as: 'Completed' },
    instance: 'ml.g5.12xlarge',
    instances: 2,
    maxRuntimeSeconds: 432_000,
    hyperParameters: { objective: 'masked-panels', epochs: '8', verbose: 'true' },
    metrics: { loss: 'loss"?[=:] ?([0-9.]+)' },
    streams,
  });
}

/** Waits for capacity as long as the sandbox is likely to run: no stream, no log. */
function justStarted(now: EpochMs): TrainingJobSeed {
  return makeJob(LINE_3, {
    name: 'defects-resnet50-night',
    createdAt: now - 45 * SECOND,
    transitions: [{ at: now - 45 * SECOND, status: 'InProgress', secondary: 'Starting' }],
    hyperParameters: { epochs: '60', backbone: 'resnet50' },
  });
}

/** Its Spot machine was taken away five minutes ago; in a quarter of an hour it goes on in a second stream. */
function spotInterrupted(now: EpochMs): TrainingJobSeed {
  const name = 'weld-seam-spot';
  const trainingAt = now - 50 * MINUTE;
  const lost = now - 5 * MINUTE;
  const again = now + 15 * MINUTE;
  const end = again + 32 * MINUTE;
  const plan = { epochs: 50, steps: 300, every: 15, pace: 5200, classes: ['porosity', 'crack', 'ok'] };
  const first = scripted(trainingAt, 540, (script) => {
    pytorchEpochs(script, plan, { epoch: 26, step: 120 });
    while (script.at > lost) {
      script.events.pop();
      script.at = script.events.at(-1)?.at ?? lost;
    }
  });
  const second = scripted(again, 541, (script) => {
    script.say('found /opt/ml/checkpoints/epoch-025.pt, going on with epoch 26', 2000);
    pytorchEpochs(script, { ...plan, from: 26, pace: 3400 });
    closeContainer(script);
  });
  return makeJob(LINE_3, {
    name,
    createdAt: trainingAt - 11 * MINUTE,
    transitions: [
      { at: trainingAt - 11 * MINUTE, status: 'InProgress', secondary: 'Starting' },
      { at: trainingAt - 70 * SECOND, status: 'InProgress', secondary: 'Downloading' },
      { at: trainingAt - 2 * SECOND, status: 'InProgress', secondary: 'Training' },
      { at: lost, status: 'InProgress', secondary: 'Interrupted' },
      { at: again - 3 * MINUTE, status: 'InProgress', secondary: 'Starting' },
      { at: again - 70 * SECOND, status: 'InProgress', secondary: 'Downloading' },
      { at: again - 2 * SECOND, status: 'InProgress', secondary: 'Training' },
      { at: end, status: 'InProgress', secondary: 'Uploading' },
      { at: end + MINUTE, status: 'Completed', secondary: 'Completed' },
    ],
    spot: true,
    hyperParameters: { epochs: '50', task: 'weld-seam' },
    streams: [machineStream(name, 1, trainingAt, first), machineStream(name, 1, again, second)],
  });
}

/** One name is the beginning of the other: streams must not be mixed up. */
function prefixPair(now: EpochMs): TrainingJobSeed[] {
  return ['yolo-bolts', 'yolo-bolts-2'].map((name, index) => {
    const trainingAt = now - (40 - index * 12) * HOUR;
    return oneMachine(
      LINE_3,
      {
        name,
        createdAt: trainingAt - 4 * MINUTE,
        trainingAt,
        ended: { at: trainingAt + 40 * MINUTE, as: 'Completed' },
        hyperParameters: { model: 'yolo-m', epochs: '25', imgsz: '640' },
        metrics: YOLO_MAP,
      },
      560 + index,
      (script) => {
        script.say(`run ${name}: anchors fitted to 9,118 bolts`, 900);
        yoloEpochs(script, 25, 388, 80_000);
        closeContainer(script);
      },
    );
  });
}

function boostedTrees(now: EpochMs): TrainingJobSeed {
  const trainingAt = now - 50 * HOUR;
  return oneMachine(
    LINE_3,
    {
      name: 'colour-drift-xgb',
      createdAt: trainingAt - 3 * MINUTE,
      trainingAt,
      ended: { at: trainingAt + 5 * MINUTE, as: 'Completed' },
      framework: 'xgboost',
      instance: 'ml.m5.2xlarge',
      hyperParameters: { num_round: '400', max_depth: '6', objective: 'reg:squarederror' },
    },
    570,
    (script) => xgboostRounds(script, 400, 'rmse', 650),
  );
}
