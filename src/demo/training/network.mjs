/** A small neural network, trained for real: dense layers with tanh between them, and numbers that a seed decides. */

/** mulberry32. @returns numbers from 0 to 1 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Box-Muller. */
export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export class Network {
  /** @param sizes of the layers, input and output included */
  constructor(sizes, random) {
    this.layers = sizes.slice(1).map((outputs, index) => {
      const inputs = sizes[index];
      const scale = Math.sqrt(1 / inputs);
      return {
        inputs,
        outputs,
        weights: Float64Array.from({ length: inputs * outputs }, () => normal(random) * scale),
        biases: new Float64Array(outputs),
      };
    });
  }

  get parameters() {
    return this.layers.reduce((sum, { weights, biases }) => sum + weights.length + biases.length, 0);
  }

  /** @returns what each layer gives, the input first */
  forward(input) {
    const values = [input];
    this.layers.forEach(({ inputs, outputs, weights, biases }, index) => {
      const from = values[index];
      const to = new Float64Array(outputs);
      const isLast = index === this.layers.length - 1;
      for (let out = 0; out < outputs; out += 1) {
        let sum = biases[out];
        for (let at = 0; at < inputs; at += 1) sum += weights[out * inputs + at] * from[at];
        to[out] = isLast ? sum : Math.tanh(sum);
      }
      values.push(to);
    });
    return values;
  }

  newGradients() {
    return this.layers.map(({ weights, biases }) => ({
      weights: new Float64Array(weights.length),
      biases: new Float64Array(biases.length),
    }));
  }

  /** Adds one sample's part. @param values of `forward` @param error of the loss by the last layer */
  backward(values, error, gradients) {
    let down = error;
    for (let index = this.layers.length - 1; index >= 0; index -= 1) {
      const { inputs, outputs, weights } = this.layers[index];
      const from = values[index];
      const gradient = gradients[index];
      const next = new Float64Array(inputs);
      for (let out = 0; out < outputs; out += 1) {
        gradient.biases[out] += down[out];
        for (let at = 0; at < inputs; at += 1) {
          gradient.weights[out * inputs + at] += down[out] * from[at];
          next[at] += down[out] * weights[out * inputs + at];
        }
      }
      down = next.map((value, at) => value * (1 - from[at] ** 2));
    }
  }

  /** Calls back with each pair of parameters and gradients. */
  eachPair(gradients, visit) {
    this.layers.forEach(({ weights, biases }, index) => {
      visit(weights, gradients[index].weights);
      visit(biases, gradients[index].biases);
    });
  }
}

/** Adam, https://arxiv.org/abs/1412.6980. */
export class Adam {
  constructor(rate) {
    this.rate = rate;
    this.moments = new Map();
    this.steps = 0;
  }

  step(network, gradients, samples) {
    this.steps += 1;
    const [first, second] = [1 - 0.9 ** this.steps, 1 - 0.999 ** this.steps];
    network.eachPair(gradients, (parameters, sums) => {
      const known = this.moments.get(parameters) ?? [
        new Float64Array(parameters.length),
        new Float64Array(parameters.length),
      ];
      this.moments.set(parameters, known);
      const [mean, square] = known;
      for (let at = 0; at < parameters.length; at += 1) {
        const gradient = sums[at] / samples;
        mean[at] = 0.9 * mean[at] + 0.1 * gradient;
        square[at] = 0.999 * square[at] + 0.001 * gradient ** 2;
        parameters[at] -= (this.rate * (mean[at] / first)) / (Math.sqrt(square[at] / second) + 1e-8);
      }
    });
  }
}
