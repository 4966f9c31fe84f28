/**
 * Trains a classifier that tells good weld seams from bad ones by six features of the welding current. Samples are made
 * up by a rule with some noise; the training is real, and the loss falls as far as it can learn the rule.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Adam, Network, normal, randomNumbers } from './network.mjs';
import { Bar, bold, dim, green, settings } from './progress.mjs';

const { epochs, lr, seed, pace } = settings({ epochs: 50, lr: 0.003, seed: 7, pace: 80 });
const FEATURES = 6;
const STEPS = 50;
const BATCH = 64;

const random = randomNumbers(seed);
const sample = () => {
  const x = Float64Array.from({ length: FEATURES }, () => normal(random));
  const seam = Math.sin(2 * x[0]) + x[1] * x[2] - 0.5 * x[3] ** 2 + 0.4 + 0.15 * normal(random);
  return { x, isBad: seam > 0 ? 1 : 0 };
};
const training = Array.from({ length: STEPS * BATCH }, sample);
const validation = Array.from({ length: 1_000 }, sample);

const network = new Network([FEATURES, 32, 32, 1], random);
const optimizer = new Adam(lr);
const sigmoid = (value) => 1 / (1 + Math.exp(-value));
/** Binary cross-entropy. */
const lossOf = (chance, isBad) => -Math.log(Math.max(1e-12, isBad ? chance : 1 - chance));

function shuffle(samples) {
  for (let at = samples.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [samples[at], samples[other]] = [samples[other], samples[at]];
  }
}

function validate() {
  let loss = 0;
  let right = 0;
  for (const { x, isBad } of validation) {
    const chance = sigmoid(network.forward(x).at(-1)[0]);
    loss += lossOf(chance, isBad);
    if (chance > 0.5 === (isBad === 1)) right += 1;
  }
  return { loss: loss / validation.length, accuracy: right / validation.length };
}

console.log(bold('weld-anomaly: good and bad seams by the welding current'));
console.log(dim(`node ${process.version} on ${process.platform}, process ${process.pid}`));
console.log(
  `model: ${FEATURES} → 32 → 32 → 1, tanh, ${network.parameters.toLocaleString('en-US')} parameters`,
);
console.log(
  `data: ${training.length.toLocaleString('en-US')} seams for training, ${validation.length.toLocaleString('en-US')} for validation`,
);
console.log(`Adam, lr=${lr}, batch ${BATCH}, ${epochs} epochs, seed ${seed}\n`);

let best = Number.POSITIVE_INFINITY;
for (let epoch = 1; epoch <= epochs; epoch += 1) {
  shuffle(training);
  const bar = new Bar(`Epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`, STEPS);
  let mean = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const gradients = network.newGradients();
    let loss = 0;
    for (const { x, isBad } of training.slice(step * BATCH, (step + 1) * BATCH)) {
      const values = network.forward(x);
      const chance = sigmoid(values.at(-1)[0]);
      loss += lossOf(chance, isBad);
      network.backward(values, [chance - isBad], gradients);
    }
    optimizer.step(network, gradients, BATCH);
    mean += (loss / BATCH - mean) / (step + 1);
    bar.show(step + 1, `loss=${mean.toFixed(4)}`);
    if (pace > 0) await pause(pace);
  }
  bar.end();
  const { loss, accuracy } = validate();
  const isBest = loss < best;
  if (isBest) {
    best = loss;
    writeFileSync(
      'weld-anomaly.json',
      JSON.stringify({
        epoch,
        loss,
        layers: network.layers.map(({ weights, biases }) => ({ weights: [...weights], biases: [...biases] })),
      }),
    );
  }
  const news = isBest
    ? green('  ▲ best so far, saved to weld-anomaly.json')
    : dim(`  best ${best.toFixed(4)}`);
  console.log(`  val_loss=${loss.toFixed(4)} val_acc=${(accuracy * 100).toFixed(1)}%${news}`);
}
console.log(`\n${bold(green('Training finished.'))} Best validation loss ${best.toFixed(4)}.`);
