/** What the use case "Line 3 defects" trains on RunPod: its pods, and what they print. */
import type { EpochMs } from '#sandbox';
import { fixedProgram, type PodProgram, type PodSeed, type RunpodWorld } from '#sandbox/seeds';
import { signalboxProgram } from './pods.ts';

const IMAGE = 'ghcr.io/foundry-robotics/inspection-notes:1.4';
const TEMPLATE = 'inspection-notes';
const COMMAND = ['python', 'finetune.py'];
const MINUTE = 60_000;

export const POD_TEMPLATE = {
  name: TEMPLATE,
  description: 'Fine-tunes the model that words inspection notes; a rented GPU, some minutes',
  provider: 'runpod',
  maxTime: '2h',
  parameters: {
    epochs: { type: 'integer', min: 1, max: 20, default: 3 },
    lr: { type: 'number', min: 0.000001, max: 0.01, default: 0.0002 },
    rank: { type: 'choice', values: ['8', '16', '32'], default: '16' },
  },
  runpod: {
    image: IMAGE,
    gpuTypes: ['NVIDIA GeForce RTX 4090', 'NVIDIA L40S'],
    diskGb: 40,
    command: [...COMMAND, '--epochs', '{epochs}', '--lr', '{lr}', '--rank', '{rank}'],
  },
};

export function line3Pods(now: EpochMs, key: string): RunpodWorld {
  return {
    keys: [{ key }],
    programs: [signalboxProgram(finetune(75))],
    pods: [
      // Long enough for everybody who looks at the demo.
      pod('inspection-notes-lora', 'l3notes0live00', now - 40 * MINUTE, { rank: '16' }, finetune(30 * 60)),
      {
        ...pod(
          'inspection-notes-base',
          'l3notes0base00',
          now - 26 * 60 * MINUTE,
          { rank: '8' },
          finetune(9 * 60),
        ),
        ended: { at: now - 25 * 60 * MINUTE, status: 'EXITED' },
      },
      // Its machine was taken away in the middle of an epoch.
      {
        ...pod(
          'inspection-notes-wide',
          'l3notes0wide00',
          now - 7 * 60 * MINUTE,
          { rank: '32' },
          finetune(40 * 60),
        ),
        ended: { at: now - 6 * 60 * MINUTE, status: 'preempted' },
      },
      // Nobody started it from Slack, so nobody sees it there.
      {
        name: 'ada-notebook',
        image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
        gpu: { id: 'NVIDIA RTX A4000', count: 1 },
        createdAt: now - 90 * MINUTE,
        program: fixedProgram(
          [{ after: 4, line: '[I ServerApp] Jupyter Server 2.17.0 is running' }],
          undefined,
        ),
      },
    ],
  };
}

/** As Signalbox starts them: from the template, with its marks in their environment. */
function pod(
  name: string,
  id: string,
  createdAt: EpochMs,
  values: Record<string, string>,
  program: PodProgram,
): PodSeed {
  const all = { epochs: '3', lr: '0.0002', ...values };
  return {
    id,
    name,
    image: IMAGE,
    gpu: { id: 'NVIDIA GeForce RTX 4090', count: 1 },
    disk: 40,
    createdAt,
    cmd: [...COMMAND, ...Object.entries(all).flatMap(([option, value]) => [`--${option}`, value])],
    env: {
      SIGNALBOX_RUN: `${id}feed`,
      SIGNALBOX_USE_CASE: 'line-3',
      SIGNALBOX_NAME: name,
      SIGNALBOX_TEMPLATE: TEMPLATE,
      SIGNALBOX_VALUES: JSON.stringify(all),
      SIGNALBOX_MAX_SECONDS: '7200',
    },
    program: signalboxProgram(program).program,
  };
}

/** Steps between two lines of numbers. */
const LOG_EVERY = 2;

/** What Hugging Face's Trainer prints: bars that draw over themselves, and what it logs as Python's dicts. */
function finetune(secondsPerEpoch: number): PodProgram {
  return {
    write(script, pod) {
      const option = (name: string, otherwise: number): number => {
        const words = [...pod.entrypoint, ...pod.cmd, pod.args].join(' ');
        return Number(new RegExp(`--${name}["', ]+([\\d.e-]+)`).exec(words)?.[1] ?? otherwise);
      };
      const epochs = option('epochs', 3);
      const rate = option('lr', 0.0002);
      const rank = option('rank', 16);
      // One takes three seconds, or less.
      const perEpoch = Math.max(120, Math.round(secondsPerEpoch / 3));
      const steps = epochs * perEpoch;
      const stepMs = (secondsPerEpoch * 1000) / perEpoch;
      const dict = (values: Record<string, number | string>): string =>
        `{${Object.entries(values)
          .map(([name, value]) => `'${name}': ${value}`)
          .join(', ')}}`;

      script.lines(`==========\n== CUDA ==\n==========\n\nCUDA Version 12.8.1`, 600);
      script.say('Loading checkpoint shards: 100%|██████████| 4/4 [00:11<00:00,  2.83s/it]', 11_400);
      const trainable = rank * 2_621_440;
      script.say(
        `trainable params: ${trainable.toLocaleString('en-US')} || all params: ${(8_030_261_248 + trainable).toLocaleString('en-US')} || trainable%: ${((trainable / 8_030_261_248) * 100).toFixed(4)}`,
        900,
      );
      script.say(
        '***** Running training *****\n  Num examples = 7,680\n  Instantaneous batch size per device = 8',
        400,
      );
      script.say(`  Num Epochs = ${epochs}\n  Total optimization steps = ${steps}`);
      const floor = 0.42 - Math.log2(rank) * 0.02;
      for (let step = 1; step <= steps; step++) {
        const epoch = step / perEpoch;
        script.at += stepMs;
        if (step % LOG_EVERY === 0) {
          const loss = script.near(floor + 1.6 * Math.exp(-epoch * 1.9), 0.04);
          script.say(bar(step, steps, stepMs));
          script.say(
            dict({
              loss: loss.toFixed(4),
              grad_norm: script.near(0.9 + 1.4 * Math.exp(-epoch), 0.18).toFixed(4),
              learning_rate: (rate * (1 - step / steps)).toExponential(4),
              epoch: epoch.toFixed(2),
            }),
          );
        }
        if (step % perEpoch !== 0) continue;
        const evalLoss = script.near(floor + 0.09 + 1.5 * Math.exp(-epoch * 1.7), 0.01);
        script.say(
          dict({
            eval_loss: evalLoss.toFixed(4),
            eval_bleu: (34 - 21 * Math.exp(-epoch * 1.1)).toFixed(2),
            eval_runtime: script.near(18.2, 0.03).toFixed(2),
            epoch: epoch.toFixed(1),
          }),
          18_000,
        );
        script.say(`Saving model checkpoint to /workspace/out/checkpoint-${step}`, 300);
      }
      const seconds = (steps * stepMs) / 1000;
      script.say(
        dict({
          train_runtime: seconds.toFixed(1),
          train_samples_per_second: ((steps * 64) / seconds).toFixed(2),
          train_loss: (floor + 0.31).toFixed(4),
          epoch: epochs.toFixed(1),
        }),
        700,
      );
      script.say('adapter written to /workspace/out/adapter', 500);
      return 0;
    },
  };
}

/** `  4%|▍         | 15/360 [00:09<03:24,  1.69it/s]`, after a carriage return. */
function bar(step: number, steps: number, stepMs: number): string {
  const share = step / steps;
  const clock = (ms: number): string =>
    `${String(Math.floor(ms / MINUTE)).padStart(2, '0')}:${String(Math.floor((ms % MINUTE) / 1000)).padStart(2, '0')}`;
  const cells = '█'.repeat(Math.floor(share * 10)).padEnd(10);
  const pace = stepMs > 1000 ? `${(stepMs / 1000).toFixed(2)}s/it` : `${(1000 / stepMs).toFixed(2)}it/s`;
  return `\r${String(Math.floor(share * 100)).padStart(3)}%|${cells}| ${step}/${steps} [${clock(step * stepMs)}<${clock((steps - step) * stepMs)},  ${pace}]`;
}
