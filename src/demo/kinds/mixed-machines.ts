/** A training on two kinds of machines, one of which was replaced on the way: its host has two streams. */
import type { EpochMs } from '#sandbox';
import { closeContainer, scripted, type TrainingJobSeed } from '#sandbox/seeds';
import { pytorchEpochs, VALIDATION } from '../framework-logs.ts';
import { HOUR, MINUTE, machineStream, makeJob, SECOND } from '../job-maker.ts';
import { CLASSES, LINE_3 } from '../line-3.ts';

const GPU = { name: 'gpu', type: 'ml.g5.12xlarge', count: 2 };
const DATA = { name: 'data', type: 'ml.m5.4xlarge', count: 1 };

export function mixedMachines(now: EpochMs): TrainingJobSeed {
  const name = 'defects-mixed-cluster';
  const createdAt = now - 98 * HOUR;
  const trainingAt = createdAt + 9 * MINUTE;
  const lostAt = trainingAt + 41 * MINUTE;
  const againAt = lostAt + 12 * MINUTE;
  const endAt = againAt + 62 * MINUTE;
  const plan = { epochs: 18, steps: 300, every: 30, pace: 18_000, classes: CLASSES };
  const generation = (from: EpochMs, until: EpochMs, seed: number, first: number) =>
    [0, 1].map((rank) =>
      machineStream(
        name,
        rank + 1,
        from,
        scripted(from, seed + rank, (script) => {
          if (first > 1) script.say(`[rank ${rank}] found /opt/ml/checkpoints/epoch-${first - 1}.pt`, 1_800);
          pytorchEpochs(script, { ...plan, rank, from: first });
          while (script.at > until - 5 * SECOND) {
            script.events.pop();
            script.at = script.events.at(-1)?.at ?? from;
          }
          if (until === lostAt && rank === 1)
            script.say('[rank 1] NCCL WARN Net: socket to 10.2.14.33 was closed by the remote peer', 2_000);
          else if (until === endAt) closeContainer(script);
        }),
      ),
    );
  const feeding = (from: EpochMs, until: EpochMs, seed: number) =>
    machineStream(
      name,
      3,
      from,
      scripted(from, seed, (script) => {
        script.say(`[data] serving batches to ${GPU.count} trainers from ${DATA.type}`, 2_000);
        while (script.at < until - MINUTE)
          script.say(
            `[data] ${script.between(1_080, 1_190)} batches/min, queue ${script.between(40, 64)}/64`,
            60_000,
          );
      }),
    );
  return {
    ...makeJob(LINE_3, {
      name,
      createdAt,
      transitions: [
        { at: createdAt, status: 'InProgress', secondary: 'Starting' },
        { at: trainingAt - 70 * SECOND, status: 'InProgress', secondary: 'Downloading' },
        { at: trainingAt - 2 * SECOND, status: 'InProgress', secondary: 'Training' },
        { at: lostAt, status: 'InProgress', secondary: 'Restarting' },
        { at: againAt - 70 * SECOND, status: 'InProgress', secondary: 'Downloading' },
        { at: againAt - 2 * SECOND, status: 'InProgress', secondary: 'Training' },
        { at: endAt, status: 'InProgress', secondary: 'Uploading' },
        { at: endAt + MINUTE, status: 'Completed', secondary: 'Completed' },
      ],
      instance: GPU.type,
      instances: GPU.count + DATA.count,
      hyperParameters: { epochs: '18', backbone: 'convnext-t' },
      metrics: VALIDATION,
      streams: [
        ...generation(trainingAt, lostAt, 1010, 1),
        feeding(trainingAt, lostAt, 1014),
        ...generation(againAt, endAt, 1020, 8),
        feeding(againAt, endAt, 1024),
      ],
    }),
    groups: [GPU, DATA],
    keepAliveSeconds: 1800,
    details: { RetryStrategy: { MaximumRetryAttempts: 3 } },
  };
}
