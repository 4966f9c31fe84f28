/** Logs for property tests: lines as trainers print them, ordinary ones, and pieces of both in any order. */
import fc from 'fast-check';

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((value) => String(value)),
  fc.double({ noNaN: true, min: 0, max: 10 }).map((value) => value.toFixed(4)),
  fc.double({ noNaN: true, min: -10, max: 10 }).map((value) => value.toExponential(2)),
  fc.integer({ min: 0, max: 100_000 }).map(String),
  fc.constantFrom(
    'nan',
    'NaN',
    '-inf',
    'inf',
    'Infinity',
    '+3.',
    '.5',
    '-.5',
    '6.93147D-01',
    '0.1234567890123456789',
    '1e400',
  ),
);
const name = fc.oneof(
  fc.constantFrom(
    'loss',
    'val_loss',
    'accuracy',
    'train/loss',
    'Acc@1',
    'f1(ok)',
    'lr',
    'grad_norm',
    'größe',
    'x',
    'mAP50-95',
  ),
  fc.constantFrom(
    "training's auc",
    'val loss',
    'learning rate',
    'lm loss',
    'epoch',
    'step',
    'batch',
    'time',
    'C',
    'v_num',
  ),
);
const counter = fc.integer({ min: 0, max: 300 });

const LINES: readonly fc.Arbitrary<string>[] = [
  fc.tuple(counter, number, number).map(([n, a, b]) => `[${n}]\ttrain-rmse:${a}\tvalidation-rmse:${b}`),
  fc.tuple(counter, number).map(([n, a]) => `[${n}]#011train-auc:${a}`),
  fc
    .tuple(number, number, counter)
    .map(([a, b, n]) => `{'loss': ${a}, 'learning_rate': ${b}, 'epoch': ${n / 10}}`),
  fc.tuple(counter, number).map(([n, a]) => `{"step": ${n}, "<!channel>": ${a}, "loss": ${a}}`),
  fc
    .tuple(counter, name, number, name, number)
    .map(([n, a, b, c, d]) => `INFO:root:step ${n} ${a}=${b} ${c}: ${d}`),
  fc.tuple(counter, number).map(([n, a]) => `Epoch ${n}/300\n${n}/300 [==>...] - ETA: 1s - loss: ${a}`),
  fc
    .tuple(counter, fc.array(number, { maxLength: 5 }))
    .map(([n, values]) =>
      values.map((a, at) => `\r ${n + at}/400 [00:01<00:05, 3.1it/s, loss=${a}]`).join(''),
    ),
  fc
    .tuple(counter, number, number)
    .map(([n, a, b]) => `epoch ${n}/20 | step ${n}/80 | loss ${a} | lr ${b} | 11 img/s`),
  fc.tuple(counter, number, number).map(([n, a, b]) => `valid ${n}/20 | loss=${a} | acc=${b}`),
  fc.tuple(counter, number).map(([n, a]) => `Train Epoch: ${n} [${n}/60000 (1%)]\tLoss: ${a}`),
  fc
    .tuple(counter, number)
    .map(([n, a]) => `Epoch: [${n}][ ${n}/5005]\tTime 0.1\tLoss ${a} (6.9e+00)\tAcc@1   0.00`),
  fc.tuple(counter, number).map(([n, a]) => `${n}:\tlearn: ${a}\ttotal: 5ms`),
  fc
    .tuple(counter, number)
    .map(([n, a]) => `\u001b[1m${n}/300\u001b[0m \u001b[32m━━━\u001b[0m - loss: \u001b[1m${a}\u001b[0m`),
  fc
    .tuple(counter, number)
    .map(([n, a]) => `epoch     train_loss  valid_loss  time\n${n}         ${a}      0.5      00:12`),
  fc
    .tuple(counter, number)
    .map(
      ([n, a]) =>
        `      1/${n}      8.41G      ${a}      2.4      20        640: 100%|██| 78/78 [00:10<00:00]`,
    ),
  fc
    .tuple(counter, number)
    .map(
      ([n, a]) =>
        `${n}/300 [${'='.repeat(n % 7)}>${'.'.repeat(n % 5)}]${n % 3 === 0 ? 'loss' : ' - loss'}: ${a}`,
    ),
  fc
    .tuple(counter, number)
    .map(
      ([n, a]) =>
        `train:${String(n % 101).padStart(4)}%|${'█'.repeat(n % 7)}${n % 2 === 0 ? '▌' : ''}${' '.repeat(n % 4)}| ${n}/400 [00:01, loss=${a}]`,
    ),
  fc.constant('      Epoch    GPU_mem   box_loss   cls_loss   Instances       Size'),
  fc
    .tuple(counter, number)
    .map(
      ([n, a]) =>
        `                 Class     Images      Box(P      mAP50  mAP50-95): 100%|███| ${n}/25 [00:03<00:00]\n                   all       1551      ${a}      0.915      0.68`,
    ),
  fc.tuple(name, number).map(([a, b]) => `| ${a} | ${b} |`),
  fc.tuple(name, number).map(([a, b]) => `│ ${a} │ ${b} │`),
  fc
    .tuple(counter, number)
    .map(([n, a]) => `2026-11-01T10:00:${String(n % 60).padStart(2, '0')}.5Z step ${n} of 300: loss ${a}`),
  fc.tuple(number, number).map(([a, b]) => `loss: tensor(${a}, device='cuda:0') {'acc': np.float64(${b})}`),
  fc.tuple(number, number).map(([a, b]) => `\\"loss\\": ${a}, train.py:88 host=localhost:${b}`),
  fc.constantFrom(
    '',
    'INFO ready',
    'Epoch 3/10',
    '-- Epoch 4',
    '12:30:45,123 torch==2.5.1 cuda:0',
    'saved /a/b-12.pt (4.1 MB)',
  ),
];
const PIECES = [
  'loss',
  '=',
  ':',
  ' ',
  '  ',
  '\t',
  '[',
  ']',
  '(',
  ')',
  '|',
  '/',
  '#011',
  "'",
  '"',
  '-',
  '+',
  '.',
  ',',
  '12',
  '0',
  '0.5',
  'nan',
  'inf',
  'epoch',
  'step',
  'val',
  'of',
  '\r',
  '\n',
  '\b',
  '\u001b[A',
  '\u001b[0m',
  '\u001b',
  '█',
  'ö',
  '\ud83d\ude80',
  'tensor(',
  'np.float64(',
  'np.float',
  '64(',
  'a1',
  'x-3',
  "valid_0's ",
  'training ',
  'w'.repeat(50),
  '\\',
  '%',
  '@1',
  '_',
  'e5',
  'D',
];
const scraps = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join(''));

/** One or more lines without the last end. */
const line = fc.oneof({ weight: 8, arbitrary: fc.oneof(...LINES) }, { weight: 3, arbitrary: scraps });

export const logs = fc
  .array(
    fc.tuple(
      // The same line again and again, as trainers do.
      fc.oneof(
        line.map((text) => [text]),
        fc.constantFrom(...LINES).chain((same) => fc.array(same, { maxLength: 12 })),
      ),
      fc.constantFrom('\n', '\n', '\n', '\r\n', '\r', ''),
    ),
    { maxLength: 25 },
  )
  .map((parts) => parts.map(([lines, end]) => `${lines.join('\n')}${end}`).join(''));
