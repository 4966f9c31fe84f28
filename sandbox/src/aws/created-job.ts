/**
 * What a job that is started here does: it prepares for some seconds, then trains an image classifier for
 * so many `epochs` (hyperparameter, default 10; six seconds each), writing as it goes, and completes.
 * `fail-at-epoch` makes its script raise there; so does memory that is too small for `batch-size`, `image-size` and
 * `workers` (machine-memory.ts); the runtime limit of the request stops it. On Spot machines `interrupt-at-epoch` takes
 * them away in that epoch: the job begins it again on others, in further streams.
 */
import type { EpochMs } from '../time.ts';
import { writtenSeries } from './event-series.ts';
import { wholeNumber } from './kinds/request.ts';
import { type Shortage, shortageOf } from './machine-memory.ts';
import type { TrainingJobSeed, TrainingTransition } from './training.ts';

const PREPARE_MS = 3_000;
const DOWNLOAD_MS = 4_000;
const EPOCH_MS = 6_000;
const STEPS = 5;
const UPLOAD_MS = 3_000;
/** Until there are other Spot machines. */
const AWAY_MS = 9_000;
/** From the first line of a script to the step that memory does not suffice for. */
const SHORT_AFTER_MS = 2_400;

export type JobRequest = Omit<TrainingJobSeed, 'transitions' | 'streams' | 'failureReason'>;

/** The time that one set of machines trains. */
interface Stint {
  /** When its script begins. */
  at: EpochMs;
  /** The epochs that it has before it. */
  from: number;
  until: EpochMs;
}

export function planJob(request: JobRequest, now: EpochMs): TrainingJobSeed {
  const epochs = wholeNumber(request.hyperParameters.epochs, 10);
  const failAt = wholeNumber(request.hyperParameters['fail-at-epoch'], 0);
  const shortage = shortageOf(request);
  const raising = failAt > 0 && failAt <= epochs;
  const failing = shortage !== undefined || raising;
  const first = now + PREPARE_MS + DOWNLOAD_MS;
  const limit = first + request.maxRuntimeSeconds * 1000;
  const lastEpoch = raising ? failAt - 1 + 0.5 : epochs;
  const lostIn = request.spot ? wholeNumber(request.hyperParameters['interrupt-at-epoch'], 0) : 0;
  const lost = lostIn > 0 && lostIn <= lastEpoch && !shortage;
  const lostAt = first + (lostIn - 0.5) * EPOCH_MS;
  const again = lostAt + AWAY_MS + PREPARE_MS + DOWNLOAD_MS;
  const done = shortage
    ? first + SHORT_AFTER_MS + 1000
    : (lost ? again + (lastEpoch - lostIn + 1) * EPOCH_MS : first + lastEpoch * EPOCH_MS) + 1000;
  const end = Math.min(done, limit);
  const begins = (at: EpochMs): TrainingTransition[] => [
    { at, status: 'InProgress', secondary: 'Starting' },
    { at: at + PREPARE_MS, status: 'InProgress', secondary: 'Downloading' },
    { at: at + PREPARE_MS + DOWNLOAD_MS, status: 'InProgress', secondary: 'Training' },
  ];
  const restart: TrainingTransition[] = lost
    ? [
        { at: lostAt, status: 'InProgress', secondary: 'Interrupted' },
        ...begins(again - PREPARE_MS - DOWNLOAD_MS),
      ]
    : [];
  const stints: Stint[] = lost
    ? [
        { at: first, from: 1, until: lostAt },
        { at: again, from: lostIn, until: end + 500 },
      ]
    : [{ at: first, from: 1, until: end + 500 }];
  return {
    ...request,
    transitions: [
      ...[...begins(now), ...restart].filter(({ at }) => at < end),
      ...endOf(end, done > limit ? 'limit' : failing ? 'failure' : 'success'),
    ],
    failureReason:
      shortage?.failureReason ??
      `AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: loss is nan in epoch ${failAt}"\nCommand "/opt/conda/bin/python3.11 train.py --epochs ${epochs}", exit code: 1`,
    streams: stints
      .filter(({ at }) => at < end)
      .flatMap((stint) => streamsOf(request, stint, { epochs, failAt: raising ? failAt : 0, shortage })),
  };
}

function endOf(at: EpochMs, as: 'limit' | 'failure' | 'success'): TrainingTransition[] {
  const ended = at + UPLOAD_MS;
  if (as === 'failure') return [{ at: ended, status: 'Failed', secondary: 'Failed' }];
  return as === 'limit'
    ? [
        { at, status: 'Stopping', secondary: 'Stopping' },
        { at: ended, status: 'Stopped', secondary: 'MaxRuntimeExceeded' },
      ]
    : [
        { at, status: 'InProgress', secondary: 'Uploading' },
        { at: ended, status: 'Completed', secondary: 'Completed' },
      ];
}

interface Script {
  epochs: number;
  /** 0: nowhere. */
  failAt: number;
  shortage: Shortage | undefined;
}

const streamsOf = (request: JobRequest, stint: Stint, plan: Script) =>
  Array.from({ length: request.instanceCount }, (_, machine) => ({
    name: `${request.name}/algo-${machine + 1}-${Math.floor(stint.at / 1000)}`,
    createdAt: stint.at,
    series: writtenSeries(() => script(request, stint, plan, machine).filter(({ at }) => at < stint.until)),
  }));

/** Machines are numbered through all groups. */
function machineType({ groups, instanceType }: JobRequest, machine: number): string {
  let left = machine;
  for (const { type, count } of groups ?? []) {
    if (left < count) return type;
    left -= count;
  }
  return instanceType;
}

function script(
  request: JobRequest,
  { at: start, from }: Stint,
  { epochs, failAt, shortage }: Script,
  machine: number,
) {
  const events: { at: EpochMs; message: string }[] = [];
  const say = (at: EpochMs, message: string) => events.push({ at, message });
  const type = machineType(request, machine);
  say(start + 120, `sagemaker-training-toolkit INFO     Invoking user script`);
  say(start + 130, `SM_HPS=${JSON.stringify(request.hyperParameters)}`);
  say(start + 131, `SM_CURRENT_HOST=algo-${machine + 1}`);
  say(start + 600, `[train.py] ${epochs} epochs on ${type}, rank ${machine} of ${request.instanceCount}`);
  if (from > 1)
    say(start + 700, `found /opt/ml/checkpoints/epoch-${from - 1}.pt, going on with epoch ${from}`);
  if (shortage) {
    for (const [index, line] of shortage.lastWords.entries()) say(start + SHORT_AFTER_MS + index, line);
    return events;
  }
  for (let epoch = from; epoch <= epochs; epoch++) {
    const at = start + 1000 + (epoch - from) * EPOCH_MS;
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
  const end = start + 1000 + (epochs - from + 1) * EPOCH_MS;
  say(end - 200, 'model written to /opt/ml/model/model.pth');
  say(end - 100, 'Reporting training SUCCESS');
  return events;
}

const lossAt = (step: number) => Number((0.08 + 2.2 * Math.exp(-step / 22)).toFixed(4));
const accuracyAt = (epoch: number) => Number((0.975 - 0.6 * Math.exp(-epoch / 3.5)).toFixed(4));
