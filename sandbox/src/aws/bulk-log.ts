/**
 * Large logs, made event by event when they are read: for the seeded job with a 300 MB log and for
 * benchmarks. About 117 bytes an event, every event different, with what breaks careless readers:
 * UTF-8, quotes and backslashes, newlines inside an event, `\r`, ANSI codes, tabs.
 */

import { hash32 } from '../random.ts';
import type { EpochMs } from '../time.ts';
import { lazySeries } from './event-series.ts';
import type { LogStreamSeed } from './log-store.ts';
import { burstySchedule } from './schedules.ts';
import type { AwsWorld } from './seed.ts';
import type { TrainingJobSeed } from './training.ts';

export interface BulkLogOptions {
  job: string;
  /** Machines, each with a stream `<job>/algo-<n>-<epoch seconds>`. */
  streams: number;
  /** Of each stream. */
  events: number;
  seed: number;
  /** When the first (`start`) or the last (`end`) event of the first stream happens. Give one. */
  start?: EpochMs;
  end?: EpochMs;
  oneMillisecond?: number;
  silences?: number;
}

export function bulkStreams(options: BulkLogOptions): LogStreamSeed[] {
  return Array.from({ length: options.streams }, (_, machine) => {
    // Machines do not write in step: 1.7 s apart.
    const shift = machine * 1731;
    const schedule = burstySchedule({
      ...options,
      seed: options.seed + machine,
      ...(options.start === undefined ? {} : { start: options.start + shift }),
      ...(options.end === undefined ? {} : { end: options.end - shift }),
    });
    const first = schedule.time(0);
    return {
      name: `${options.job}/algo-${machine + 1}-${Math.floor(first / 1000) - 4}`,
      createdAt: first - 3000,
      series: lazySeries(schedule, (index) => bulkMessage(index, options.seed + machine, machine)),
    };
  });
}

/** A message is one of these with the event's number and a random number in it. */
const TEMPLATES: readonly (readonly [string, string, string])[] = [
  ['[step ', '] loss=0.', ' lr=2.8e-04 grad_norm=0.913 img/s=1841 mem=31.2GiB'],
  ['[step ', '] reader: shard panels-', '.tar took 41 ms, queue 37 of 64, "line-3/cam 2"'],
  ['DEBUG ddp bucket of step ', ' reduced in ', ' us over 8 ranks, overlap 0.83'],
  ['{"step": ', ', "loss": 0.', ', "phase": "train", "lr": 0.00028, "host": "algo"}'],
  ['[step ', '] augment: crop=0.82 flip=1 Δhue=0.0', ' surface=größer als 40 µm, Prüfling „B“'],
  ['INFO cache ', ' hit=0.97 bytes=', ' path=C:\\panels\\2026\\raw "night shift"'],
  ['[step ', '] valid: f1(scratch)=0.', '\tf1(dent)=0.874\tf1(glare)=0.951\tn=4096'],
  ['INFO checkpoint of step ', ' → /opt/ml/checkpoints/shard-', '.pt (812 MiB, 3.2 s)'],
];
/** Seldom: what has line breaks, carriage returns and colours in it. */
const ODD: readonly (readonly [string, string, string])[] = [
  ['\r step ', '  37%|███▋      | loss 0.', '\r step     38%|███▊      | eta 0:12:41'],
  ['\u001b[33mWARN\u001b[0m  step ', ': gradient norm 1', ' clipped to \u001b[1m1.0\u001b[0m'],
  ['retry of batch ', ':\n  File "reader.py", line ', ', in fetch\n    raise TimeoutError("slow shard")'],
  ['step ', ': 画像を読み込みました 🏭 棚 ', ' — всё в порядке'],
];
const FILLER = ' anchors=9 stride=16 pos=211 neg=633 iou=.71 box=.044 cls=.019 obj=.007 ema=.9998 amp=on';

function bulkMessage(index: number, seed: number, machine: number): string {
  const h = hash32(index, seed);
  const odd = (h & 63) === 0;
  const [before, between, after] = odd ? ODD[(h >>> 6) & 3]! : TEMPLATES[(h >>> 6) & 7]!;
  const text = `a${machine + 1} ${before}${index}${between}${h >>> 12}${after}`;
  const wanted = 88 + ((h >>> 9) & 63);
  return text.length < wanted ? text + FILLER.slice(0, wanted - text.length) : text;
}

interface BulkWorldOptions extends BulkLogOptions {
  account: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** An account with one completed job and its large log, and a user with all rights: for benchmarks. */
export function bulkWorld(options: BulkWorldOptions): AwsWorld {
  const streams = bulkStreams(options);
  const first = Math.min(...streams.map(({ series }) => series.time(0)));
  const last = Math.max(...streams.map(({ series }) => series.time(options.events - 1)));
  const job: TrainingJobSeed = {
    name: options.job,
    transitions: [
      { at: first - 240_000, status: 'InProgress', secondary: 'Starting' },
      { at: first - 90_000, status: 'InProgress', secondary: 'Downloading' },
      { at: first - 5_000, status: 'InProgress', secondary: 'Training' },
      { at: last + 10_000, status: 'InProgress', secondary: 'Uploading' },
      { at: last + 60_000, status: 'Completed', secondary: 'Completed' },
    ],
    image: `763104351884.dkr.ecr.${options.region}.amazonaws.com/pytorch-training:2.5-gpu-py311`,
    roleArn: `arn:aws:iam::${options.account}:role/TrainingExecution`,
    instanceType: 'ml.g5.12xlarge',
    instanceCount: options.streams,
    volumeGB: 200,
    maxRuntimeSeconds: 432_000,
    hyperParameters: {},
    channels: { training: 's3://bulk/panels/' },
    outputPath: 's3://bulk/models/',
    streams,
  };
  return {
    accounts: [
      {
        id: options.account,
        users: [
          {
            name: 'reader',
            accessKeyId: options.accessKeyId,
            secretAccessKey: options.secretAccessKey,
            policy: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
          },
        ],
        regions: { [options.region]: { trainingJobs: [job] } },
      },
    ],
  };
}
