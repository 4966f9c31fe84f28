/**
 * What containers run here. Nothing is executed: a program writes down what it would print and when. The built-in one
 * trains a classifier and takes from the pod's command or environment what a trainer would: `epochs`, `lr`,
 * `batch-size`, `seed`, `seconds-per-epoch` and `fail-at-epoch`, as `--name value`, `--name=value` or NAME in `env`.
 */
import type { LogScript } from '../aws/log-script.ts';
import type { PodConfig } from './pod-request.ts';

export type ProgramPod = Pick<PodConfig, 'name' | 'image' | 'args' | 'cmd' | 'entrypoint' | 'env' | 'gpu'>;

export interface PodProgram {
  /**
   * Writes what the container prints, from `script.at` on; the command ends where the script ends.
   * @returns its exit code, which RunPod tells nobody; undefined: it goes on for ever without a word
   */
  write(script: LogScript, pod: ProgramPod): number | undefined;
  /**
   * Writes what it still prints when its pod is stopped, after SIGTERM; left out: nothing.
   * @param last the container's last line so far
   */
  stop?(script: LogScript, pod: ProgramPod, last: string | undefined): void;
}

export const CLASSIFIER: PodProgram = {
  write(script, pod) {
    const option = optionsOf(pod);
    const epochs = whole(option('epochs'), 10, 1, 10_000);
    const batch = whole(option('batch-size'), 32, 1, 65_536);
    const rate = positive(option('lr'), 0.001);
    const epochMs = 1000 * positive(option('seconds-per-epoch'), 6);
    const failAt = whole(option('fail-at-epoch'), 0, 0, 10_000);
    const steps = 5;
    const gpu = pod.gpu ? `${pod.gpu.count} x ${pod.gpu.id}` : 'CPU';
    script.lines(
      `train.py: epochs=${epochs} lr=${rate} batch-size=${batch}\ntorch 2.8.0+cu128 on ${gpu}`,
      800,
    );
    script.say(`loaded 48,210 training and 6,026 validation images`, 900);
    for (let epoch = 1; epoch <= epochs; epoch++) {
      for (let step = 1; step <= steps; step++) {
        const at = (epoch - 1) * steps + step;
        const loss = script.near(0.08 + 2.2 * Math.exp(-at / (epochs * 1.6)), 0.03);
        script.say(
          `epoch ${epoch}/${epochs} step ${step * 300}/1500 loss=${loss.toFixed(4)} lr=${rate} img/s=${script.between(1480, 1620)}`,
          (epochMs * 0.9) / steps,
        );
        if (epoch === failAt && step === 2) {
          script.lines(
            `Traceback (most recent call last):\n  File "/workspace/train.py", line 148, in <module>\n    main()\n  File "/workspace/train.py", line 131, in main\n    raise RuntimeError(f"loss is nan in epoch {epoch}")\nRuntimeError: loss is nan in epoch ${epoch}`,
            40,
          );
          return 1;
        }
      }
      const loss = script.near(0.12 + 2 * Math.exp(-epoch / (epochs * 0.3)), 0.02);
      const accuracy = 0.975 - 0.6 * Math.exp(-epoch / (epochs * 0.28));
      // Printed at once: both lines have one timestamp.
      script.lines(
        `epoch ${epoch}/${epochs} val_loss=${loss.toFixed(4)} val_accuracy=${accuracy.toFixed(4)}\nsaved /workspace/checkpoints/epoch-${epoch}.pt`,
        epochMs * 0.1,
      );
    }
    script.say('training finished; model at /workspace/model.pt', 300);
    return 0;
  },
};

/** A program of fixed lines, from a world's file. */
export function fixedProgram(
  lines: readonly { after: number; line: string }[],
  exitCode: number | undefined,
): PodProgram {
  return {
    write(script) {
      for (const { after, line } of lines) script.say(line, after * 1000);
      return exitCode;
    },
  };
}

/** By its name in the command or in the environment. */
function optionsOf({ args, cmd, entrypoint, env }: ProgramPod): (name: string) => string | undefined {
  const words = [...entrypoint, ...cmd].join(' ') || args;
  return (name) => {
    const value = new RegExp(`--${name}[= ]["']?([\\w.+-]+)`).exec(words)?.[1];
    return value ?? env[name.toUpperCase().replaceAll('-', '_')];
  };
}

function whole(text: string | undefined, otherwise: number, least: number, most: number): number {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value >= least ? Math.min(value, most) : otherwise;
}

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && Number.isFinite(value) && value > 0 ? value : otherwise;
}
