/**
 * What a job that is started here does: it prepares for some seconds, then trains an image classifier for
 * so many `epochs` (hyperparameter, default 10; six seconds each), writing as it goes, and completes.
 * `fail-at-epoch` makes its script raise there; so does memory that is too small for `batch-size`, `image-size` and
 * `workers` (machine-memory.ts); the runtime limit of the request stops it.
 */
import type { EpochMs } from '../time.ts';
import { writtenSeries } from './event-series.ts';
import { type Shortage, shortageOf } from './machine-memory.ts';
import type { TrainingJobSeed, TrainingTransition } from './training.ts';

const PREPARE_MS = 3_000;
const DOWNLOAD_MS = 4_000;
const EPOCH_MS = 6_000;
const STEPS = 5;
const UPLOAD_MS = 3_000;
/** From the first line of a script to the step that memory does not suffice for. */
const SHORT_AFTER_MS = 2_400;

export type JobRequest = Omit<TrainingJobSeed, 'transitions' | 'streams' | 'failureReason' | 'finalMetrics'>;

export function planJob(request: JobRequest, now: EpochMs): TrainingJobSeed {
  const epochs = wholeNumber(request.hyperParameters.epochs, 10);
  const failAt = wholeNumber(request.hyperParameters['fail-at-epoch'], 0);
  const training = now + PREPARE_MS + DOWNLOAD_MS;
  const limit = training + request.maxRuntimeSeconds * 1000;
  const shortage = shortageOf(request);
  const raising = failAt > 0 && failAt <= epochs;
  const failing = shortage !== undefined || raising;
  const done =
    training + (shortage ? SHORT_AFTER_MS : (raising ? failAt - 1 + 0.5 : epochs) * EPOCH_MS) + 1000;
  const end = Math.min(done, limit);

  const transitions: TrainingTransition[] = [
    { at: now, status: 'InProgress', secondary: 'Starting' },
    { at: now + PREPARE_MS, status: 'InProgress', secondary: 'Downloading' },
    { at: training, status: 'InProgress', secondary: 'Training' },
  ];
  if (done > limit) {
    transitions.push(
      { at: end, status: 'Stopping', secondary: 'Stopping' },
      { at: end + UPLOAD_MS, status: 'Stopped', secondary: 'MaxRuntimeExceeded' },
    );
  } else if (failing) {
    transitions.push({ at: end + UPLOAD_MS, status: 'Failed', secondary: 'Failed' });
  } else {
    transitions.push(
      { at: end, status: 'InProgress', secondary: 'Uploading' },
      { at: end + UPLOAD_MS, status: 'Completed', secondary: 'Completed' },
    );
  }
  const streamStart = Math.floor(training / 1000);
  return {
    ...request,
    transitions,
    failureReason:
      shortage?.failureReason ??
      `AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: loss is nan in epoch ${failAt}"\nCommand "/opt/conda/bin/python3.11 train.py --epochs ${epochs}", exit code: 1`,
    finalMetrics: { 'train:loss': lossAt(epochs * STEPS), 'validation:accuracy': accuracyAt(epochs) },
    streams: Array.from({ length: request.instanceCount }, (_, machine) => ({
      name: `${request.name}/algo-${machine + 1}-${streamStart}`,
      createdAt: training,
      series: writtenSeries(() =>
        script(request, training, epochs, raising ? failAt : 0, machine, shortage).filter(
          ({ at }) => at < end + 500,
        ),
      ),
    })),
  };
}

function script(
  request: JobRequest,
  start: EpochMs,
  epochs: number,
  failAt: number,
  machine: number,
  shortage: Shortage | undefined,
) {
  const events: { at: EpochMs; message: string }[] = [];
  const say = (at: EpochMs, message: string) => events.push({ at, message });
  say(start + 120, `sagemaker-training-toolkit INFO     Invoking user script`);
  say(start + 130, `SM_HPS=${JSON.stringify(request.hyperParameters)}`);
  say(start + 131, `SM_CURRENT_HOST=algo-${machine + 1}`);
  say(
    start + 600,
    `[train.py] ${epochs} epochs on ${request.instanceType}, rank ${machine} of ${request.instanceCount}`,
  );
  if (shortage) {
    for (const [index, line] of shortage.lastWords.entries()) say(start + SHORT_AFTER_MS + index, line);
    return events;
  }
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const at = start + 1000 + (epoch - 1) * EPOCH_MS;
    for (let step = 1; step <= STEPS; step++) {
      const loss = lossAt((epoch - 1) * STEPS + step);
      say(at + step * 1000, `epoch ${epoch}/${epochs} step ${step}/${STEPS} loss=${loss} lr=0.0003`);
      if (epoch === failAt && step === 2) {
        say(
          at + 2400,
          'Traceback (most recent call last):\n  File "/opt/ml/code/train.py", line 148, in <module>\n    main()',
        );
        say(
          at + 2401,
          `  File "/opt/ml/code/train.py", line 131, in main\n    raise RuntimeError(f"loss is nan in epoch {epoch}")`,
        );
        say(at + 2402, `RuntimeError: loss is nan in epoch ${epoch}`);
        return events;
      }
    }
    say(at + 5600, `epoch ${epoch}/${epochs} val_accuracy=${accuracyAt(epoch)}`);
  }
  say(start + 1000 + epochs * EPOCH_MS - 200, 'model written to /opt/ml/model/model.pth');
  say(start + 1000 + epochs * EPOCH_MS - 100, 'Reporting training SUCCESS');
  return events;
}

const lossAt = (step: number) => Number((0.08 + 2.2 * Math.exp(-step / 22)).toFixed(4));
const accuracyAt = (epoch: number) => Number((0.975 - 0.6 * Math.exp(-epoch / 3.5)).toFixed(4));

function wholeNumber(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value >= 0 ? Math.min(value, 10_000) : otherwise;
}
