/** The training jobs of the use case "Harbor watch", to which the sandbox's visitor has no right. */

import type { EpochMs } from '#sandbox';
import { closeContainer, scripted, type TrainingJobSeed } from '#sandbox/seeds';
import { kerasEpochs, YOLO_MAP, yoloEpochs } from './framework-logs.ts';
import { HOUR, MINUTE, machineStream, makeJob, type Place } from './job-maker.ts';

const PLACE: Place = {
  account: '210987654321',
  region: 'us-east-1',
  bucket: 'harbor-watch-ml',
  models: 'harbor-models',
  owner: 'devika',
  project: 'harbor-watch',
};

const BROKEN_LOADER = `Traceback (most recent call last):
  File "/opt/ml/code/train_berth.py", line 96, in <module>
    model.fit(train, validation_data=val, epochs=args.epochs)
ValueError: Input 0 of layer "berth_head" is incompatible with the layer: expected shape=(None, 512, 512, 3), found shape=(None, 512, 512, 4)`;

export function harborJobs(now: EpochMs): TrainingJobSeed[] {
  const cranes = ['yolo-crane', 'yolo-crane-2'].map((name, index) => {
    const start = now - (30 - index * 10) * HOUR;
    const series = scripted(start, 600 + index, (script) => {
      script.say(`run ${name}: 4 camera masts, night images included`);
      yoloEpochs(script, 20, 412, 85_000);
      closeContainer(script);
    });
    return makeJob(PLACE, {
      name,
      createdAt: start - 5 * MINUTE,
      trainingAt: start,
      ended: { at: start + 34 * MINUTE, as: 'Completed' },
      hyperParameters: { model: 'yolo-l', epochs: '20' },
      metrics: YOLO_MAP,
      streams: [machineStream(name, 1, start, series)],
    });
  });
  const start = now - 5 * HOUR;
  const berth = makeJob(PLACE, {
    name: 'berth-occupancy-keras',
    createdAt: start - 4 * MINUTE,
    trainingAt: start,
    ended: { at: start + 90_000, as: 'Failed' },
    framework: 'tensorflow',
    failureReason:
      'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: Input 0 of layer "berth_head" is incompatible with the layer"\nCommand "/usr/local/bin/python3.10 train_berth.py --epochs 25", exit code: 1',
    streams: [
      machineStream(
        'berth-occupancy-keras',
        1,
        start,
        scripted(start, 610, (script) => {
          script.say('loading 4-channel tiles (RGB + depth)');
          script.lines(BROKEN_LOADER, 60_000);
        }),
      ),
    ],
  });
  const shipStart = now - 80 * MINUTE;
  const ships = makeJob(PLACE, {
    name: 'ship-outline-unet',
    createdAt: shipStart - 6 * MINUTE,
    trainingAt: shipStart,
    framework: 'tensorflow',
    streams: [
      machineStream(
        'ship-outline-unet',
        1,
        shipStart,
        // Long enough to be running however long the sandbox is.
        scripted(shipStart, 620, (script) => kerasEpochs(script, 3000, 180, 44_000)),
      ),
    ],
  });
  return [...cranes, berth, ships];
}
