/** What the seeded jobs' own scripts print: PyTorch, Keras, XGBoost and YOLO-like trainings. */
import type { LogScript } from '#sandbox/seeds';

export interface EpochPlan {
  epochs: number;
  /** Steps of one epoch, and after how many a line is printed. */
  steps: number;
  every: number;
  /** Milliseconds between two printed lines, roughly. */
  pace: number;
  classes: readonly string[];
  /** Rank of a distributed run, when there are several machines. */
  rank?: number;
  /** Epochs before this were done by an earlier run. */
  from?: number;
}

/** What finds the last values in the logs below, by the names that stand there. */
export const VALIDATION = { 'valid:loss': 'valid .*loss=([0-9.]+)', 'valid:acc': 'acc(?:uracy)?=([0-9.]+)' };
export const KERAS_ACCURACY = { val_accuracy: 'val_accuracy: ([0-9.]+)' };
export const YOLO_MAP = { mAP50: 'all +\\d+ +\\d+ +\\S+ +\\S+ +([0-9.]+)' };

/** A PyTorch image classifier. `until`: epoch and step after which nothing more is printed. */
export function pytorchEpochs(
  script: LogScript,
  plan: EpochPlan,
  until?: { epoch: number; step: number },
): void {
  const tag = plan.rank === undefined ? '' : `[rank ${plan.rank}] `;
  script.say(`${tag}device: cuda, torch 2.5.1+cu124, cudnn 90100, amp on`, 900);
  script.say(
    `${tag}train: 48,112 panels, validation: 6,014 panels, classes: ${plan.classes.join(', ')}`,
    2600,
  );
  script.say(
    `${tag}/opt/ml/code/data.py:88: UserWarning: 3 images have no EXIF orientation; taken as upright`,
    700,
  );
  const total = plan.epochs * plan.steps;
  for (let epoch = plan.from ?? 1; epoch <= plan.epochs; epoch++) {
    for (let step = plan.every; step <= plan.steps; step += plan.every) {
      const done = ((epoch - 1) * plan.steps + step) / total;
      const loss = script.near(0.06 + 0.95 * Math.exp(-5 * done), 0.06);
      const rate = 3e-4 * 0.5 * (1 + Math.cos(Math.PI * done));
      script.say(
        `${tag}epoch ${epoch}/${plan.epochs} | step ${step}/${plan.steps} | loss ${loss.toFixed(4)} | lr ${rate.toExponential(2)} | ${Math.round(script.near(1140, 0.04))} img/s | mem ${script.near(11.2, 0.01).toFixed(1)} GiB`,
        script.between(plan.pace * 0.8, plan.pace * 1.2),
      );
      if (until && epoch === until.epoch && step >= until.step) return;
    }
    if (plan.rank !== undefined && plan.rank > 0) continue;
    const done = epoch / plan.epochs;
    const scores = plan.classes
      .map(
        (name, index) =>
          `f1(${name})=${Math.min(0.99, script.near(0.96 - 0.03 * index - 0.4 * Math.exp(-5 * done), 0.01)).toFixed(3)}`,
      )
      .join(' ');
    script.say(
      `${tag}valid ${epoch}/${plan.epochs} | loss=${script.near(0.09 + 0.8 * Math.exp(-5 * done), 0.03).toFixed(4)} | acc=${Math.min(0.995, 0.975 - 0.5 * Math.exp(-5 * done)).toFixed(4)} | ${scores}`,
      script.between(plan.pace, plan.pace * 2),
    );
    if (epoch % 5 === 0) {
      script.say(
        `${tag}checkpoint → /opt/ml/checkpoints/epoch-${String(epoch).padStart(3, '0')}.pt (97.8 MiB)`,
        800,
      );
    }
  }
  if (plan.rank === undefined || plan.rank === 0) {
    script.say(
      `${tag}best epoch ${plan.epochs - 2}; model traced and written to /opt/ml/model/model.pth`,
      3100,
    );
  }
}

/** Keras with its progress bar: each epoch is one event full of carriage returns, as it reaches the log. */
export function kerasEpochs(script: LogScript, epochs: number, steps: number, pace: number): void {
  script.say('2 Physical GPUs, 2 Logical GPUs', 1500);
  script.say('Found 21,480 images belonging to 4 classes.', 2200);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    script.say(`Epoch ${epoch}/${epochs}`, 300);
    let bar = '';
    for (let step = 1; step <= steps; step += Math.ceil(steps / 24)) {
      const filled = Math.floor((step / steps) * 30);
      const loss = script.near(0.11 + 0.7 * Math.exp((-4 * (epoch - 1 + step / steps)) / epochs), 0.03);
      bar += `\r${String(step).padStart(3)}/${steps} [${'='.repeat(filled)}>${'.'.repeat(29 - Math.min(29, filled))}] - ETA: ${Math.round(((steps - step) * 0.21) % 60)}s - loss: ${loss.toFixed(4)}`;
    }
    const end = 0.11 + 0.7 * Math.exp((-4 * epoch) / epochs);
    bar += `\r${steps}/${steps} [==============================] - 47s 212ms/step - loss: ${end.toFixed(4)} - accuracy: ${(0.98 - end / 3).toFixed(4)} - val_loss: ${script.near(end * 1.15, 0.05).toFixed(4)} - val_accuracy: ${(0.97 - end / 3).toFixed(4)}`;
    script.say(bar, script.between(pace * 0.9, pace * 1.1));
  }
  script.say('INFO:tensorflow:Assets written to: /opt/ml/model/1/assets', 4000);
}

/** SageMaker's XGBoost writes tabs as `#011`. */
export function xgboostRounds(script: LogScript, rounds: number, metric: string, pace: number): void {
  script.log('sagemaker-containers', 'INFO', 'Imported framework sagemaker_xgboost_container.training', 1200);
  script.log('root', 'INFO', "Determined delimiter of CSV input is ','", 300);
  script.log(
    'root',
    'INFO',
    '118342x46 matrix with 5443732 entries loaded from /opt/ml/input/data/train?format=csv',
    900,
  );
  script.log('root', 'INFO', 'Single node training.', 100);
  for (let round = 0; round < rounds; round++) {
    const error = 0.05 + 0.41 * Math.exp(-round / (rounds / 4));
    script.say(
      `[${round}]#011train-${metric}:${script.near(error, 0.01).toFixed(5)}#011validation-${metric}:${script.near(error * 1.08, 0.015).toFixed(5)}`,
      script.between(pace * 0.7, pace * 1.3),
    );
  }
}

/** A detector that prints coloured tables and tqdm bars. */
export function yoloEpochs(script: LogScript, epochs: number, batches: number, pace: number, from = 1): void {
  const green = (text: string) => `\u001b[32m${text}\u001b[0m`;
  const bold = (text: string) => `\u001b[1m${text}\u001b[0m`;
  if (from === 1) {
    script.say(
      `${green('train:')} scanning /opt/ml/input/data/train/labels... 12,406 images, 118 backgrounds, 0 corrupt`,
      3000,
    );
    script.say(
      `${green('val:')} scanning /opt/ml/input/data/val/labels... 1,551 images, 9 backgrounds, 1 corrupt`,
      900,
    );
    script.say(
      `\u001b[33mWARNING\u001b[0m ⚠️ /opt/ml/input/data/val/kran_süd_0417.jpg: corrupt JPEG, left out`,
      20,
    );
  }
  for (let epoch = from; epoch <= epochs; epoch++) {
    const done = epoch / epochs;
    script.say(bold('      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size'), 400);
    let bar = '';
    for (let part = 0; part <= 20; part++) {
      const batch = Math.round((part / 20) * batches);
      const full = Math.round(part / 2);
      const losses = [1.9, 2.4, 1.3].map((start) =>
        script.near(0.7 + start * Math.exp(-4 * done), 0.02).toFixed(3),
      );
      bar += `\r${`${epoch}/${epochs}`.padStart(11)}      8.41G      ${losses.join('      ')}        ${script.between(20, 140)}        640: ${String(part * 5).padStart(3)}%|${'█'.repeat(full)}${' '.repeat(10 - full)}| ${batch}/${batches} [${clockText(part * 3)}<${clockText((20 - part) * 3)}, ${script.near(6.3, 0.05).toFixed(2)}it/s]`;
    }
    script.say(bar, script.between(pace * 0.9, pace * 1.1));
    script.say(
      `                   all       1551       8912      ${(0.93 - 0.5 * Math.exp(-4 * done)).toFixed(3)}      ${(0.88 - 0.5 * Math.exp(-4 * done)).toFixed(3)}      ${(0.92 - 0.6 * Math.exp(-4 * done)).toFixed(3)}      ${(0.68 - 0.5 * Math.exp(-4 * done)).toFixed(3)}`,
      script.between(4000, 6000),
    );
  }
  script.say(
    `${epochs} epochs completed. ${green('✔')} best.pt, 52.0 MB, saved to ${bold('/opt/ml/model/best.pt')}`,
    1800,
  );
}

const clockText = (seconds: number) =>
  `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
