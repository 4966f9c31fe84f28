/** What trainers print, line by line, as we know them; logs of trainers that ran are compared in real-trainers. */
import { describe, expect, it } from 'vitest';
import { createMetricReader } from '../../src/metrics/reader.ts';

/** `name (x): x=value …` of each curve. */
function curves(log: string): string[] {
  const reader = createMetricReader();
  reader.feed(Buffer.from(log));
  return reader
    .end()
    .series.map(
      ({ name, x, points }) =>
        `${name} (${x}): ${points.map((point) => `${point.x}=${point.value}`).join(' ')}`,
    );
}

const ESC = '\u001b';

const FORMATS: readonly (readonly [format: string, log: string, expected: readonly string[]])[] = [
  [
    "Keras' bar, redrawn with carriage returns: what each epoch showed last",
    'Epoch 1/2\n  1/10 [==>.....] - ETA: 1s - loss: 0.9\r  5/10 [====>..] - ETA: 1s - loss: 0.7 - accuracy: 0.4\r10/10 [=====] - 1s 10ms/step - loss: 0.6 - accuracy: 0.5 - val_loss: 0.65\nEpoch 2/2\n10/10 [=====] - 1s 10ms/step - loss: 0.4 - accuracy: 0.7 - val_loss: 0.45\n',
    ['loss (epoch): 1=0.6 2=0.4', 'accuracy (epoch): 1=0.5 2=0.7', 'val_loss (epoch): 1=0.65 2=0.45'],
  ],
  [
    "Keras' bar, drawn over with backspaces",
    'Epoch 1/2\n1/10 [=>.] - loss: 0.9\b\b\b\b\b\b\b\b\b10/10 [==] - loss: 0.6\nEpoch 2/2\n10/10 [==] - loss: 0.4\n',
    ['loss (epoch): 1=0.6 2=0.4'],
  ],
  [
    "Keras' bar into a file: each state is a line",
    'Epoch 1/2\n 1/10 [=>.] - ETA: 1s - loss: 0.9\n 5/10 [=>.] - ETA: 1s - loss: 0.7\n10/10 [===] - loss: 0.6\n10/10 [===] - loss: 0.6 - val_loss: 0.65\nEpoch 2/2\n 1/10 [=>.] - loss: 0.44\n10/10 [===] - loss: 0.4 - val_loss: 0.45\n',
    ['loss (epoch): 1=0.6 2=0.4', 'val_loss (epoch): 1=0.65 2=0.45'],
  ],
  [
    "Keras 3's coloured bar",
    `Epoch 1/2\n${ESC}[1m 1/10${ESC}[0m ${ESC}[32m━━${ESC}[0m${ESC}[37m━━━━${ESC}[0m ${ESC}[1m0s${ESC}[0m 5ms/step - accuracy: 0.4 - loss: 0.9\r${ESC}[1m10/10${ESC}[0m ${ESC}[32m━━━━━━${ESC}[0m${ESC}[37m${ESC}[0m ${ESC}[1m1s${ESC}[0m 5ms/step - accuracy: 0.5 - loss: 0.6\nEpoch 2/2\n${ESC}[1m10/10${ESC}[0m ${ESC}[32m━━━━━━${ESC}[0m${ESC}[37m${ESC}[0m ${ESC}[1m1s${ESC}[0m 5ms/step - accuracy: 0.7 - loss: 0.4\n`,
    ['accuracy (epoch): 1=0.5 2=0.7', 'loss (epoch): 1=0.6 2=0.4'],
  ],
  [
    "Lightning's bar",
    'Epoch 0: 100%|██████| 938/938 [00:10<00:00, 88.1it/s, v_num=0, train_loss_step=0.123, val_acc=0.98]\nEpoch 1: 100%|██████| 938/938 [00:10<00:00, 88.1it/s, v_num=0, train_loss_step=0.103, val_acc=0.99]\n',
    ['train_loss_step (epoch): 0=0.123 1=0.103', 'val_acc (epoch): 0=0.98 1=0.99'],
  ],
  [
    "Lightning's table of a test",
    '┃        Test metric        ┃       DataLoader 0        ┃\n│         test_acc          │    0.9799000024795532     │\n',
    ['test_acc (point): 1=0.9799000024795532'],
  ],
  [
    "Hugging Face's dictionaries",
    "{'loss': 0.5, 'grad_norm': 1.2, 'learning_rate': 5e-05, 'epoch': 0.1}\n{'loss': 0.4, 'grad_norm': nan, 'learning_rate': 4e-05, 'epoch': 0.2}\n{'eval_loss': 0.3, 'eval_runtime': 1.2, 'eval_samples_per_second': 12.3, 'epoch': 0.2}\n{'train_runtime': 12.3, 'train_loss': 0.45, 'epoch': 1.0}\n",
    [
      'loss (epoch): 0.1=0.5 0.2=0.4',
      'grad_norm (epoch): 0.1=1.2 0.2=NaN',
      'learning_rate (epoch): 0.1=0.00005 0.2=0.00004',
      'eval_loss (epoch): 0.2=0.3',
      'train_loss (epoch): 1=0.45',
    ],
  ],
  [
    'numbers in quotes in dictionaries',
    "{'loss': '0.5', 'learning_rate': '5e-05', 'epoch': '0.1'}\n{'loss': '0.4', 'learning_rate': '4e-05', 'epoch': '0.2'}\n",
    ['loss (epoch): 0.1=0.5 0.2=0.4', 'learning_rate (epoch): 0.1=0.00005 0.2=0.00004'],
  ],
  [
    'JSON lines, and JSON in a string',
    '{"step": 100, "loss": 0.31, "host": "algo-1"}\n{"message": "{\\"step\\": 200, \\"loss\\": 0.25}"}\n',
    ['loss (step): 100=0.31 200=0.25'],
  ],
  [
    "XGBoost's rounds",
    '[0]\ttrain-rmse:0.5\tvalidation-rmse:0.6\n[1]\ttrain-rmse:0.4\tvalidation-rmse:-inf\n',
    ['train-rmse (step): 0=0.5 1=0.4', 'validation-rmse (step): 0=0.6 1=-Infinity'],
  ],
  [
    "XGBoost's rounds on SageMaker, which writes tabs as #011",
    '[2026-11-01:10:00:00:INFO] Single node training.\n[0]#011train-merror:0.5#011validation-merror:0.6\n[1]#011train-merror:0.4#011validation-merror:0.5\n',
    ['train-merror (step): 0=0.5 1=0.4', 'validation-merror (step): 0=0.6 1=0.5'],
  ],
  [
    "LightGBM's evaluation, from Python and from its program",
    "[1]\ttraining's auc: 0.98\tvalid_1's auc: 0.97\n[2]\ttraining's auc: 0.99\tvalid_1's auc: 0.98\n[LightGBM] [Info] Iteration:3, training auc : 0.985\n",
    [
      "training's auc (step): 1=0.98 2=0.99",
      "valid_1's auc (step): 1=0.97 2=0.98",
      'training auc (step): 3=0.985',
    ],
  ],
  [
    "CatBoost's iterations",
    '0:\tlearn: 0.69\ttest: 0.7\tbest: 0.7 (0)\ttotal: 52.3ms\tremaining: 52.2s\n1:\tlearn: 0.6\ttest: 0.61\tbest: 0.61 (1)\ttotal: 52.3ms\tremaining: 52.2s\n',
    ['learn (step): 0=0.69 1=0.6', 'test (step): 0=0.7 1=0.61', 'best (step): 0=0.7 1=0.61'],
  ],
  [
    "YOLO's tables",
    [1, 2]
      .map(
        (epoch) =>
          `      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size\n\r        ${epoch}/2      8.41G      1.9      2.4      1.3        20        640:   0%|          | 0/78 [00:00<?, ?it/s]\r        ${epoch}/2      8.41G      ${epoch}.5      2.3      1.2        20        640: 100%|██████████| 78/78 [00:10<00:00, 7.1it/s]\n                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 25/25 [00:03<00:00,  7.1it/s]\n                   all       1551       8912      0.9${epoch}      0.88      0.915      0.68\n`,
      )
      .join(''),
    [
      'box_loss (epoch): 1=1.5 2=2.5',
      'cls_loss (epoch): 1=2.3 2=2.3',
      'dfl_loss (epoch): 1=1.2 2=1.2',
      'P (epoch): 1=0.91 2=0.92',
      'R (epoch): 1=0.88 2=0.88',
      'mAP50 (epoch): 1=0.915 2=0.915',
      'mAP50-95 (epoch): 1=0.68 2=0.68',
    ],
  ],
  [
    "fastai's table",
    'epoch     train_loss  valid_loss  accuracy  time    \n0         2.345      1.234       0.56      00:12     \n1         2.1      1.1       None      00:12     \n',
    ['train_loss (epoch): 0=2.345 1=2.1', 'valid_loss (epoch): 0=1.234 1=1.1', 'accuracy (epoch): 0=0.56'],
  ],
  [
    "skorch's table",
    '  epoch    train_loss    valid_acc    valid_loss     dur\n-------  ------------  -----------  ------------  ------\n      1        0.6868       0.6000        0.6799  0.0123\n      2        0.5868       0.7000        0.5799  0.0123\n',
    [
      'train_loss (epoch): 1=0.6868 2=0.5868',
      'valid_acc (epoch): 1=0.6 2=0.7',
      'valid_loss (epoch): 1=0.6799 2=0.5799',
    ],
  ],
  [
    "scikit-learn's boosting table, MLP, SGD and k-means",
    '      Iter       Train Loss   Remaining Time \n         1           1.2            0.05s\n         2           1.1            0.04s\nIteration 1, loss = 0.69314718\nIteration 2, loss = 0.6\nIteration 0, inertia 1234.5\nIteration 1, inertia 1200.0\n',
    ['Train Loss (step): 1=1.2 2=1.1', 'loss (step): 1=0.69314718 2=0.6', 'inertia (step): 0=1234.5 1=1200'],
  ],
  [
    "PyTorch's MNIST example",
    'Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.25\nTrain Epoch: 1 [1280/60000 (2%)]\tLoss: 1.1\n\nTest set: Average loss: 0.0527, Accuracy: 9827/10000 (98%)\n\nTrain Epoch: 2 [640/60000 (1%)]\tLoss: 0.9\n',
    [
      'Loss (step): 640=1.25 1280=1.1 60640=0.9',
      'Test Average loss (epoch): 1=0.0527',
      'Test Accuracy (epoch): 1=0.9827',
    ],
  ],
  [
    "PyTorch's ImageNet example",
    'Epoch: [0][  10/5005]\tTime  0.123 ( 0.456)\tLoss 6.9e+00 (6.9e+00)\tAcc@1   0.00 (  0.10)\nEpoch: [0][  20/5005]\tTime  0.123 ( 0.456)\tLoss 6.8e+00 (6.9e+00)\tAcc@1   0.10 (  0.10)\n',
    ['Loss (step): 10=6.9 20=6.8', 'Acc@1 (step): 10=0 20=0.1'],
  ],
  [
    "Megatron's line",
    ' iteration       10/    1000 | consumed samples:          320 | elapsed time per iteration (ms): 123.4 | learning rate: 1.5E-04 | global batch size:    32 | lm loss: 1.04E+01 | loss scale: 1.0 | number of nan iterations:   0 |\n iteration       20/    1000 | learning rate: 1.6E-04 | lm loss: 1.0E+01 |\n',
    ['learning rate (step): 10=0.00015 20=0.00016', 'lm loss (step): 10=10.4 20=10'],
  ],
  [
    "nanoGPT's lines",
    'iter 0: loss 10.9, time 1234.5ms, mfu -100.00%\nstep 0: train loss 10.8, val loss 10.9\niter 10: loss nan, time 1234.5ms\n',
    ['loss (step): 0=10.9 10=NaN', 'train loss (step): 0=10.8', 'val loss (step): 0=10.9'],
  ],
  [
    "fastText's one line: its redraws",
    'Progress:  50.0% words/sec/thread:   12345 lr:  0.05 avg.loss:  2.1 ETA:   0h 0m 5s\rProgress: 100.0% words/sec/thread:   12345 lr:  0.00 avg.loss:  0.1 ETA:   0h 0m 0s\n',
    ['lr (point): 1=0.05 2=0', 'avg.loss (point): 1=2.1 2=0.1'],
  ],
  [
    'a single bar over all steps: its redraws',
    'train:  10%|█     | 100/1000 [00:01<00:10, 98.1it/s, loss=0.9]\rtrain:  20%|██    | 200/1000 [00:02<00:08, 98.1it/s, loss=0.8]\r',
    ['loss (step): 100=0.9 200=0.8'],
  ],
  [
    'epoch and step, steps counted anew in each epoch',
    'epoch 1/3 | step 50/100 | loss 0.9 | lr 3.00e-04\nepoch 1/3 | step 100/100 | loss 0.8 | lr 2.00e-04\nvalid 1/3 | loss=0.85 | acc=0.7\nepoch 2/3 | step 50/100 | loss 0.7 | lr 1.00e-04\nvalid 2/3 | loss=0.75 | acc=0.8\n',
    [
      'loss (step): 50=0.9 100=0.8 150=0.7',
      'lr (step): 50=0.0003 100=0.0002 150=0.0001',
      'valid loss (epoch): 1=0.85 2=0.75',
      'valid acc (epoch): 1=0.7 2=0.8',
    ],
  ],
  [
    "prefixes: logging's, SageMaker's, ranks, colours",
    `INFO:root:step 1 loss=0.9\n2026-11-01 10:00:00,123 INFO train.py:88 - step 2 loss=0.8\n[1,mpirank:0,algo-1]<stdout>:step 3 loss=0.7\n${ESC}[32mstep${ESC}[0m 4 ${ESC}[1mloss${ESC}[0m=${ESC}[33m0.6${ESC}[0m\n`,
    ['loss (step): 1=0.9 2=0.8 3=0.7 4=0.6'],
  ],
  [
    'numbers of every kind',
    'step 1 loss=+1.5e+1\nstep 2 loss=-.5\nstep 3 loss=3.\nstep 4 loss: 6.93147D-01\nstep 5 loss: tensor(0.5, grad_fn=<NllLossBackward0>)\nstep 6 loss: np.float64(0.25)\nstep 7 acc: 50.2% (123/456)\nstep 8 acc: -nan\n',
    ['loss (step): 1=15 2=-0.5 3=3 4=0.693147 5=0.5 6=0.25', 'acc (step): 7=50.2 8=NaN'],
  ],
  [
    'names with slashes, at signs, brackets, letters beyond ASCII',
    'step 1 train/loss=0.5 eval/acc@1=0.7 f1(ok)=0.8 loss[0]=0.1 größe_loss=2.5\n',
    [
      'train/loss (step): 1=0.5',
      'eval/acc@1 (step): 1=0.7',
      'f1(ok) (step): 1=0.8',
      'loss[0] (step): 1=0.1',
      'größe_loss (step): 1=2.5',
    ],
  ],
  [
    'steps that begin again after a checkpoint',
    'step 1 loss=0.9\nstep 2 loss=0.8\nstep 3 loss=0.7\nresumed from step 2\nstep 2 loss=0.82\nstep 3 loss=0.71\n',
    ['loss (step): 1=0.9 2=0.8 3=0.7 2=0.82 3=0.71'],
  ],
  [
    'the same name by step and by epoch',
    'step 1 loss=0.9\nstep 2 loss=0.8\nstep 3 loss=0.7\nepoch=1 loss=0.8\n',
    ['loss (step): 1=0.9 2=0.8 3=0.7', 'loss (by epoch) (epoch): 1=0.8'],
  ],
  [
    'a line without step behind lines with one: where the name was last',
    'step 1 loss=0.9\nstep 2 loss=0.8\nfinal loss=0.7\ndone, loss=0.6\n',
    ['loss (step): 1=0.9 2=0.8 2=0.6', 'final loss (point): 1=0.7'],
  ],
  [
    'an epoch named once, then many lines without one: numbered',
    `Epoch 1\n${[5, 4, 3, 2, 1].map((tenth) => `loss=0.${tenth}\n`).join('')}`,
    ['loss (point): 1=0.5 2=0.4 3=0.3 4=0.2 5=0.1'],
  ],
];

describe('metrics are read from', () => {
  it.each(FORMATS)('[W8] %s', (_, log, expected) => {
    expect(curves(log)).toEqual(expected);
  });
});

const ORDINARY: readonly (readonly [text: string, log: string])[] = [
  ['versions', 'torch==2.5.1 cuda:12.4 numpy>=1.20 Python 3.11.2 version=2.5 epoch=3 step=7'],
  ['times and dates', '2026-11-01 12:30:45,123 took: 3.2s elapsed=00:10:02 eta: 0:18:22 time=1.5'],
  ['sizes', 'gpu_mem=38.1GiB saved 412 MB, size: 97.8 MiB image_size=224 mem 11.2 GiB'],
  [
    'places',
    'saved to /opt/ml/step=12/loss=3/x-0.5.pt:88 host=localhost:8080 device:GPU:0 tcp://10.0.0.1:29500',
  ],
  ['a command line', 'python train.py --lr=0.001 --loss-weight=0.5 --epochs 10 -Dloss=3 --loss 0.5'],
  [
    'hyperparameters',
    'Namespace(lr=0.01, batch_size=32, epochs=10, seed=42, loss_weight=0.5, max_depth=12)\n{"learning_rate": 0.001, "batch-size": 64}\nprecision=16 dropout=0.5 workers: 4',
  ],
  ['errors', 'RuntimeError: CUDA error: 700\nerrno=12 exit code: 1 error: 13 line 88, in step 5'],
  [
    'sentences',
    'Loss is going down. Found 21480 images: 4 classes. Accuracy of 3 models. Epoch 3 of 10 done, saved: 3 files',
  ],
  ['numbers with units', 'step 3 loss=5ms loss=1.2k loss: 0.5/x loss=1.2.3 loss=1,234 loss=0x1F loss=12-05'],
  ['progress', 'step 5 Progress: 53% | 1140 img/s | 88.1it/s'],
];

describe('no metric is seen in', () => {
  it.each(ORDINARY)('%s', (_, log) => {
    // Twice: what stands there once could be a report.
    expect(curves(`${log}\n${log}\n`)).toEqual([]);
  });
});

it('knows the last epoch and of how many', () => {
  const reader = createMetricReader();
  reader.feed(Buffer.from('Epoch 1/10\nEpoch 2/10\nsaved model of epoch 2\n'));
  expect(reader.end().epochs).toEqual({ at: 2, of: 10 });
});

it('takes times from lines that say their zone, and from whoever knows better', () => {
  const reader = createMetricReader();
  reader.feed(
    Buffer.from('2026-11-01T10:00:00.250Z step 1 loss=0.5\n2026-11-01 12:00:01,5+02:00 step 2 loss=0.4\n'),
  );
  reader.feed(Buffer.from('2026-11-01 10:00:02 step 3 loss=0.3\n'));
  reader.feed(Buffer.from('step 4 loss=0.2\n'), 1_800_000_000_000);
  const at = reader.end().series[0]!.points.map((point) => point.at);
  expect(at).toEqual([
    Date.UTC(2026, 10, 1, 10, 0, 0, 250),
    Date.UTC(2026, 10, 1, 10, 0, 1, 500),
    undefined,
    1_800_000_000_000,
  ]);
});
