/**
 * Fits the force of a press to its temperature, speed and oil pressure, and fails as such trainings do: the features are not
 * scaled, the warm-up of the learning rate has no end, and after about a minute the loss is no number any more.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Network, normal, randomNumbers } from './network.mjs';
import { Bar, bold, dim, settings, yellow } from './progress.mjs';

const { seed, pace, growth } = settings({ seed: 11, pace: 90, growth: 1.02 });
const EPOCHS = 60;
const STEPS = 40;
const BATCH = 32;

const random = randomNumbers(seed);
const samples = Array.from({ length: STEPS * BATCH }, () => {
  const temperature = 40 + 8 * normal(random);
  const speed = 12 + 3 * normal(random);
  const pressure = 180 + 25 * normal(random);
  const force = 0.9 * pressure + 4 * speed - 0.6 * temperature + 3 * normal(random);
  return { x: Float64Array.of(temperature, speed, pressure), force };
});

const network = new Network([3, 16, 1], random);
let lr = 1e-6;

function trainStep(batch) {
  const gradients = network.newGradients();
  let loss = 0;
  for (const { x, force } of batch) {
    const values = network.forward(x);
    const error = values.at(-1)[0] - force;
    loss += error ** 2 / batch.length;
    network.backward(values, [(2 * error) / batch.length], gradients);
  }
  network.eachPair(gradients, (parameters, slopes) => {
    for (let at = 0; at < parameters.length; at += 1) parameters[at] -= lr * slopes[at];
  });
  // In single precision, as on a GPU.
  return Math.fround(loss);
}

function requireFinite(loss, epoch, step) {
  if (Number.isFinite(loss)) return;
  throw new Error(
    `Loss is ${loss} in epoch ${epoch}, step ${step} (learning rate ${lr.toPrecision(3)}), stopping training`,
  );
}

console.log(bold('press-forces: the force of press 4 by temperature, speed and oil pressure'));
console.log(dim(`node ${process.version} on ${process.platform}, process ${process.pid}`));
console.log(
  `model: 3 → 16 → 1, tanh, ${network.parameters} parameters; ${samples.length.toLocaleString('en-US')} strokes`,
);
console.log(`SGD, lr=${lr} with warm-up ×${growth} a step, batch ${BATCH}\n`);

let lowest = Number.POSITIVE_INFINITY;
for (let epoch = 1; epoch <= EPOCHS; epoch += 1) {
  const bar = new Bar(`Epoch ${String(epoch).padStart(2)}/${EPOCHS}`, STEPS);
  let mean = 0;
  for (let step = 1; step <= STEPS; step += 1) {
    const loss = trainStep(samples.slice((step - 1) * BATCH, step * BATCH));
    mean += (loss - mean) / step;
    bar.show(step, `loss=${mean.toPrecision(5)}, lr=${lr.toExponential(1)}`);
    // The error gets lines of its own, below the bar.
    if (!Number.isFinite(loss)) bar.end();
    requireFinite(loss, epoch, step);
    lr *= growth;
    if (pace > 0) await pause(pace);
  }
  bar.end();
  if (mean > lowest * 1.5)
    console.log(yellow(`  warning: the loss rises (${lowest.toPrecision(4)} → ${mean.toPrecision(4)})`));
  lowest = Math.min(lowest, mean);
}
