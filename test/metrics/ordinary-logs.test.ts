/** Logs that are there for other reasons: nothing in them is a metric but what is meant as one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LogScript } from '#sandbox/seeds';
import { kerasEpochs, pytorchEpochs, xgboostRounds, yoloEpochs } from '../../src/demo/framework-logs.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';

const FAILURES = join(import.meta.dirname, '../fixtures/trainer-logs');

function names(log: Uint8Array | string): string[] {
  const reader = createMetricReader();
  reader.feed(Buffer.from(log));
  return reader.end().series.map(({ name, x, count }) => `${name} (${x}) ${count}`);
}

/** What a script says, one message a line. */
function scripted(write: (script: LogScript) => void): string {
  const said: string[] = [];
  const script = {
    say: (message: string) => said.push(message),
    log: (source: string, level: string, text: string) =>
      said.push(`2026-10-01 10:00:00,000 ${source} ${level} ${text}`),
    near: (value: number, share: number) => value * (1 + share * Math.sin(said.length)),
    between: (from: number) => Math.round(from),
  };
  write(script as unknown as LogScript);
  return said.map((message) => `${message}\n`).join('');
}

it.each(readdirSync(FAILURES).filter((file) => file.endsWith('.txt')))('no metric is seen in %s', (file) => {
  expect(names(readFileSync(join(FAILURES, file)))).toEqual([]);
});

it.each([
  [
    'PyTorch',
    (script: LogScript) =>
      pytorchEpochs(script, { epochs: 4, steps: 100, every: 20, pace: 100, classes: ['ok', 'worn'] }),
    [
      'loss (step) 20',
      'lr (step) 20',
      'valid loss (epoch) 4',
      'valid acc (epoch) 4',
      'valid f1(ok) (epoch) 4',
      'valid f1(worn) (epoch) 4',
    ],
  ],
  [
    'Keras',
    (script: LogScript) => kerasEpochs(script, 4, 96, 100),
    ['loss (epoch) 4', 'accuracy (epoch) 4', 'val_loss (epoch) 4', 'val_accuracy (epoch) 4'],
  ],
  [
    'XGBoost',
    (script: LogScript) => xgboostRounds(script, 30, 'rmse', 100),
    ['train-rmse (step) 30', 'validation-rmse (step) 30'],
  ],
  [
    'YOLO',
    (script: LogScript) => yoloEpochs(script, 4, 80, 100),
    ['box_loss (epoch) 4', 'cls_loss (epoch) 4', 'dfl_loss (epoch) 4'],
  ],
])("of the demo's %s log, its metrics and nothing else", (_, write, expected) => {
  expect(names(scripted(write))).toEqual(expected);
});
