/**
 * A training log as hard as real ones: bursts, 25,000 events in one millisecond, hours of silence, colours, progress
 * bars, tracebacks over several lines, UTF-8. Everything follows from the stream's number and the event's, so that
 * gigabytes need no memory and a checker knows what must be where.
 */
import { type EventSchedule, firstIndex, type LogStreamSeed, lazySeries } from '#sandbox/seeds';

export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';
export const GROUP = '/aws/sagemaker/TrainingJobs';
export const JOB = 'train-benchmark-2026-11-01';
export const START = Date.UTC(2026, 9, 1);

const TIED_EVENTS = 25_000;
const SILENCES_IN_100 = 3;

/** 32 well-mixed bits of two numbers. */
function mix(a: number, b: number): number {
  let x = Math.imul(a + 0x7f4a7c15, 0x9e3779b1) ^ Math.imul(b + 0x165667b1, 0x85ebca77);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Stretches of even density, one after the other. */
export class BurstSchedule implements EventSchedule {
  readonly length: number;
  readonly #first: number[] = [];
  readonly #start: number[] = [];
  readonly #span: number[] = [];

  constructor(stream: number, events: number) {
    this.length = events;
    let at = START + stream * 2_477;
    for (let first = 0, n = 0; first < events; n++) {
      const random = mix(stream, n);
      const tied = events > 2 * TIED_EVENTS && n === 3;
      const count = Math.min(events - first, tied ? TIED_EVENTS : 200 + (random % 9_000));
      const span = tied ? 1 : 1 + (mix(stream + 77, n) % 600_000);
      this.#first.push(first);
      this.#start.push(at);
      this.#span.push(span);
      first += count;
      at += span + (random % 4_000);
      if (mix(stream + 154, n) % 100 < SILENCES_IN_100) at += 7_200_000 + (random % 30_000_000);
    }
  }

  time(index: number): number {
    let low = 0;
    let high = this.#first.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#first[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    const count = (this.#first[low + 1] ?? this.length) - this.#first[low]!;
    return this.#start[low]! + Math.floor(((index - this.#first[low]!) * this.#span[low]!) / count);
  }

  lowerBound(at: number): number {
    return firstIndex(this.length, (index) => this.time(index) >= at);
  }
}

const PHRASES: readonly ((n: number) => string)[] = [
  (n) => `INFO step ${n} loss=0.3187 lr=2.5e-4 grad_norm=0.98 samples/s=1422 gpu_mem=38.1GiB epoch=7`,
  (n) => `Epoch 7/60 ${n}/8192 [=========>..........] - ETA: 0:18:22 - loss: 0.3187 - accuracy: 0.9011`,
  (n) => `DEBUG ddp bucket ${n} all-reduced in 9.3 ms on rank 1, 26 MB, overlap 0.79, backend nccl, stream 4`,
  (n) => `{"step": ${n}, "loss": 0.3187, "lr": 0.00025, "host": "algo-1", "phase": "train", "wall": 812.4}`,
  (n) =>
    `\u001b[33mWARN\u001b[0m\tloader worker=${n % 16}\tqueue low\tpath="s3://line-3/frames/part-${n}.tfrecord"`,
  (n) => `\r ${n % 100}%|██████▌   | ${n}/100000 [09:12<13:40, 51.7it/s, loss=0.319, größe=7]`,
  (n) =>
    `Traceback (most recent call last):\n  File "train.py", line ${n % 900}, in step\n    loss.backward()\nRuntimeError: nan`,
  (n) =>
    `saved checkpoint ${n} to /opt/ml/checkpoints/step/model.safetensors (412 MB) in 2.7 s, kept the last 3`,
];

export function message(stream: number, index: number): string {
  const random = mix(stream + 31, index);
  return `@${stream}:${index}@ ${PHRASES[random & 7]!(random >>> 12)}`;
}

export function corpus(
  streams: number,
  events: number,
): { seeds: LogStreamSeed[]; schedules: BurstSchedule[] } {
  const schedules = Array.from({ length: streams }, (_, s) => new BurstSchedule(s, events));
  const seeds = schedules.map((schedule, s) => ({
    name: `${JOB}/algo-${s + 1}-1759276800`,
    createdAt: START,
    series: lazySeries(schedule, (index) => message(s, index)),
  }));
  return { seeds, schedules };
}
