import { describe, expect, it } from 'vitest';
import {
  adviceForCompilation,
  adviceForComponent,
  guidanceForTraining,
} from '../../src/domain/failure-guidance.ts';
import { COMPONENT_FAILURES, COMPONENT_UNKNOWN } from '../../src/domain/failure-table-component.ts';
import { NEO_FAILURES, NEO_STOPPED, NEO_UNKNOWN } from '../../src/domain/failure-table-neo.ts';
import { TRAINING_FAILURES } from '../../src/domain/failure-table-training.ts';
import {
  STUCK_RUN,
  TRAINING_CLIENT,
  TRAINING_EXIT,
  TRAINING_LOST,
  TRAINING_SCRIPT,
  TRAINING_STOP_UNEXPLAINED,
  TRAINING_STOPS,
  TRAINING_UNKNOWN,
  TRAINING_UNSEEN,
} from '../../src/domain/failure-table-training-ends.ts';
import { TRAINING_SERVICE_FAILURES } from '../../src/domain/failure-table-training-service.ts';
import { adviceAt, adviceOf } from '../../src/domain/failure-tables.ts';
import { isSageMakers, PROVIDER_NAMES } from '../../src/domain/providers.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';

/** Words that mean nothing to whoever runs a training anywhere else. */
const OF_SAGEMAKER =
  /SageMaker|instance|\bspot\b|\bimage\b|InSeconds|VolumeSize|Config\b|source_dir|hyperparameter|CloudWatch|channel\b|\/opt\/ml/i;

describe('[C7] the failure tables', () => {
  const all = [
    ...NEO_FAILURES,
    ...TRAINING_FAILURES,
    ...TRAINING_SERVICE_FAILURES,
    ...Object.values(TRAINING_LOST),
    TRAINING_CLIENT,
    TRAINING_EXIT,
    TRAINING_SCRIPT,
    ...COMPONENT_FAILURES,
    ...Object.values(TRAINING_STOPS),
    NEO_STOPPED,
    NEO_UNKNOWN,
    TRAINING_UNKNOWN,
    COMPONENT_UNKNOWN,
  ];
  /** Only who watches the process itself can say that nobody saw its end: no page of AWS is about that. */
  const anywhere = [
    ...TRAINING_FAILURES,
    ...TRAINING_SERVICE_FAILURES.filter(({ error }) => error),
    ...Object.values(TRAINING_LOST),
    ...Object.values(TRAINING_STOPS),
    ...[TRAINING_EXIT, TRAINING_SCRIPT, TRAINING_UNKNOWN, TRAINING_UNSEEN, STUCK_RUN],
    TRAINING_STOP_UNEXPLAINED,
  ];

  it('have a cause, a fix and a page of AWS in every row, and no id twice', () => {
    for (const row of all.map((each) => adviceOf(each))) {
      expect(row.cause, row.id).toMatch(/^\S.{10,}\.$/s);
      expect(row.fix, row.id).toMatch(/^\S.{10,}\.$/s);
      expect(row.cause + row.fix, row.id).not.toMatch(/[{}|]/);
      expect(row.link?.url, row.id).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/\S+\.html$/);
    }
    const ids = [...all, TRAINING_UNSEEN, TRAINING_STOP_UNEXPLAINED, STUCK_RUN].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(anywhere)('have words for $id that fit any other provider, and no page of AWS', (row) => {
    expect(row.elsewhere, 'words for other providers').toBeDefined();
    for (const provider of PROVIDER_NAMES.filter((name) => !isSageMakers(name))) {
      const { cause, fix, link } = adviceAt(provider, adviceOf(row));
      expect(link).toBeUndefined();
      expect(cause).toMatch(/^\S.{10,}\.$/s);
      expect(fix).toMatch(/^\S.{10,}\.$/s);
      expect(cause + fix).not.toMatch(/[{}|]/);
      expect(cause + fix).not.toMatch(OF_SAGEMAKER);
    }
    expect(adviceAt('sagemaker', row).fix).toBe(row.fix);
  });

  it.each([...anywhere, ...TRAINING_SERVICE_FAILURES, TRAINING_CLIENT])(
    '[K1] have words for $id that fit SageMaker’s other kinds of jobs, and no page about training',
    (row) => {
      const { cause, fix, link } = adviceAt('processing', adviceOf(row));
      expect(link).toBeUndefined();
      expect(cause + fix).not.toMatch(/[{}|]/);
      expect(`${cause} ${fix}`).not.toMatch(/\btraining\b/i);
    },
  );

  it.each(NEO_FAILURES)('recognises $id by its wording', ({ id, example }) => {
    expect(adviceForCompilation('FAILED', example).id).toBe(id);
  });

  it.each([...TRAINING_FAILURES, ...TRAINING_SERVICE_FAILURES])(
    'recognises $id by its wording',
    ({ id, example }) => {
      expect(guidanceForTraining(example)?.id).toBe(id);
    },
  );

  it.each(COMPONENT_FAILURES)('recognises $id by its wording', ({ id, example }) => {
    expect(adviceForComponent(example).id).toBe(id);
  });
});

describe('[C7] guidance for a compilation', () => {
  it.each([
    ['neo-keras-files', 'InputConfiguration: No h5 file provided in /opt/ml/model'],
    ['neo-tensorflow-files', 'InputConfiguration: Exactly one .pb file is allowed for TensorFlow models.'],
    ['neo-pytorch-files', 'InputConfiguration: Exactly one .pth file is allowed for PyTorch models.'],
    [
      'neo-operator-missing',
      'ClientError: InputConfiguration: TVM cannot convert ONNX model. Please make sure the framework you selected is correct. The following operators are not implemented: {Unique}',
    ],
    ['neo-role', 'ClientError: User is not authorized to perform: iam:PassRole on resource: NeoExecution'],
    [
      'neo-storage-access',
      'ClientError: An error occurred (403) when calling the HeadObject operation: Forbidden',
    ],
    ['neo-storage-access', 'ClientError: AccessDeniedException: kms:Decrypt on key 1234'],
    ['neo-server', 'ServerError: There was an internal server error during the compilation job'],
    ['neo-unknown', 'The compilation ended without a result.'],
  ])('gives %s for another wording', (id, reason) => {
    expect(adviceForCompilation('FAILED', reason).id).toBe(id);
  });

  it.each([
    [
      'ClientError: InputConfiguration: TVM cannot convert ONNX model. The following operators are not implemented: {Unique, NonZero}',
      'Check the framework first; then replace Unique, NonZero.',
    ],
    [
      "ClientError: InputConfiguration: TVM cannot convert Tensorflow model. The following operators are not implemented: ['Where']",
      "Check the framework first; then replace 'Where'.",
    ],
    [
      'ClientError: OperatorNotImplemented',
      'Check the framework first; then replace the operator that the message names.',
    ],
    [
      'ClientError: OperatorAttributeNotImplemented: Attribute ceil_mode is not supported in operator Pooling.',
      'Export the model with other settings for Pooling.',
    ],
  ])('names the operators of %s', (reason, fix) => {
    expect(adviceForCompilation('FAILED', reason).fix).toBe(fix);
  });

  it('falls back to the compile log, and tells a stop from a failure', () => {
    expect(adviceForCompilation('FAILED', undefined)).toEqual(NEO_UNKNOWN);
    expect(adviceForCompilation('Stopped', undefined)).toEqual(NEO_STOPPED);
  });
});

describe('[G4] guidance for a component', () => {
  it('reads the errors per artifact', () => {
    const advice = adviceForComponent('', {
      's3://out/m.tar.gz': 'Specified artifact resource cannot be accessed',
    });
    expect(advice.id).toBe('component-artifact-access');
  });

  it('falls back to the console', () => {
    expect(adviceForComponent(undefined)).toEqual(COMPONENT_UNKNOWN);
  });
});

const LOG = [
  'Epoch 1/3',
  'Traceback (most recent call last):',
  '  File "early.py", line 1, in <module>',
  'KeyError: survived',
  'Epoch 2/3  50%|#####\rEpoch 2/3 100%|##########',
  '\u001b[31mTraceback (most recent call last):\u001b[0m',
  '  File "/opt/ml/code/train.py", line 88, in <module>',
  '    main()',
  'ValueError: expected 3 channels, got 4',
  '  note: images are RGBA',
  '2026-01-31 14:02:33,123 sagemaker-training-toolkit ERROR    Reporting training FAILURE',
].join('\n');

describe('guidance for a training job', () => {
  it('shows the last traceback and the exit code', () => {
    const guidance = guidanceForTraining({
      state: 'failed',
      failureReason: 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1',
      logEnd: LOG,
    });
    expect(guidance).toMatchObject({ id: 'training-script', outcome: 'failed', exitCode: 1 });
    expect(guidance?.traceback).toEqual({
      text: [
        'Traceback (most recent call last):',
        '  File "/opt/ml/code/train.py", line 88, in <module>',
        '    main()',
        'ValueError: expected 3 channels, got 4',
        '  note: images are RGBA',
      ].join('\n'),
      exception: 'ValueError: expected 3 channels, got 4',
    });
  });

  it('takes off what a launcher puts before each line', () => {
    const logEnd = [
      '[1,mpirank:0,algo-1]<stderr>:Traceback (most recent call last):',
      '[1,mpirank:0,algo-1]<stderr>:  File "train.py", line 3, in <module>',
      '[1,mpirank:0,algo-1]<stderr>:RuntimeError: boom',
    ].join('\n');
    expect(guidanceForTraining({ state: 'failed', logEnd })?.traceback?.text).toBe(
      'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nRuntimeError: boom',
    );
  });

  it('keeps both ends of an endless traceback, and one that breaks off', () => {
    const frames = Array.from({ length: 990 }, (_, index) => `  File "deep.py", line ${index}, in f`);
    const text = ['Traceback (most recent call last):', ...frames, 'RecursionError: deep'].join('\n');
    const { traceback } = guidanceForTraining({ state: 'failed', logEnd: text })!;
    expect(traceback?.text).toMatch(/912 lines left out[\s\S]*RecursionError: deep$/);
    const cut = guidanceForTraining({
      state: 'failed',
      logEnd: 'Traceback (most recent call last):\n  File "a"',
    });
    expect(cut?.traceback).toMatchObject({ exception: undefined });
  });

  it.each([
    ['training-host-memory', 'AlgorithmError: ExecuteUserScriptError:\nExitCode 137'],
    ['training-volume-full', 'ClientError: Data download failed:Insufficient disk space'],
    ['training-image', 'ClientError: manifest for 1.dkr.ecr.eu-west-1.amazonaws.com/train:v9 not found'],
    ['training-quota', 'ResourceLimitExceeded'],
    ['training-artifact-upload', 'ClientError: Artifact upload failed: no route to S3'],
    ['training-unknown', 'The job ended.'],
  ])('gives %s for another wording', (id, failureReason) => {
    expect(guidanceForTraining({ state: 'failed', failureReason })?.id).toBe(id);
  });

  it('[N6] tells limits, stops and spot interruptions as what they are', () => {
    const guide = (status: string, secondaryStatus: string) =>
      guidanceForTraining(sageMakerState(status, secondaryStatus));
    expect(guide('Stopped', 'MaxRuntimeExceeded')).toMatchObject({
      id: 'training-max-runtime',
      outcome: 'stopped',
    });
    expect(guide('STOPPED', 'maxwaittimeexceeded')).toMatchObject({
      id: 'training-max-wait',
      outcome: 'stopped',
    });
    expect(guide('Stopped', 'Stopped')).toMatchObject({ id: 'training-stopped', outcome: 'stopped' });
    expect(guide('InProgress', 'Interrupted')).toMatchObject({
      id: 'training-interrupted',
      outcome: 'interrupted',
    });
    expect(guide('InProgress', 'Training')).toBeUndefined();
    expect(guide('Completed', 'Completed')).toBeUndefined();
  });

  it('believes an exit code that was observed over one that is written somewhere', () => {
    expect(
      guidanceForTraining({ state: 'failed', exit: { code: 132, signal: null }, logEnd: 'exit code: 1' })?.id,
    ).toBe('training-illegal-instruction');
  });
});

describe('[C7] guidance for a training that ran elsewhere', () => {
  const failed = { state: 'failed', provider: 'local' } as const;
  const TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n';

  it.each([
    ['training-gpu-memory', { logEnd: `${TRACEBACK}torch.OutOfMemoryError: CUDA out of memory.` }],
    ['training-host-memory', { exit: { code: 137, signal: null } }],
    ['training-host-memory', { exit: { code: null, signal: 'SIGKILL' } }],
    ['training-host-memory', { exit: { code: 1, signal: null }, logEnd: 'epoch 1\nKilled' }],
    ['training-segmentation-fault', { exit: { code: null, signal: 'SIGSEGV' } }],
    ['training-command', { exit: { code: 127, signal: null } }],
    ['training-volume-full', { logEnd: `${TRACEBACK}OSError: [Errno 28] No space left on device` }],
    ['training-nan', { logEnd: `${TRACEBACK}RuntimeError: Loss is nan, stopping training` }],
    ['training-module-missing', { logEnd: `${TRACEBACK}ModuleNotFoundError: No module named 'peft'` }],
    ['training-channel', { logEnd: `${TRACEBACK}KeyError: 'SM_CHANNEL_TRAIN'` }],
    ['training-script', { logEnd: `${TRACEBACK}ValueError: no data` }],
    ['training-exit', { exit: { code: 3, signal: null } }],
    ['training-unseen', { exit: 'lost' }],
    ['training-unknown', {}],
  ] as const)('is %s for %j, in words that fit', (id, end) => {
    const guidance = guidanceForTraining({ ...failed, ...end })!;
    expect(guidance).toMatchObject({ id, outcome: 'failed', link: undefined });
    expect(guidance.cause + guidance.fix).not.toMatch(OF_SAGEMAKER);
  });

  it('names what is missing', () => {
    const logEnd = `${TRACEBACK}ModuleNotFoundError: No module named 'peft'`;
    expect(guidanceForTraining({ ...failed, logEnd })?.cause).toContain('lacks peft');
  });

  it('does not take what it reports for SageMaker’s words about itself', () => {
    const failureReason = 'InternalServerError: We encountered an internal error. Please try again.';
    expect(guidanceForTraining({ ...failed, failureReason })?.id).toBe('training-unknown');
    expect(guidanceForTraining({ state: 'failed', failureReason })?.id).toBe('training-internal');
  });

  it.each([
    ['runtime-limit', 'stopped'],
    ['wait-limit', 'stopped'],
    ['interrupted', 'running'],
  ] as const)('says %s without SageMaker’s settings', (phase, state) => {
    const { cause, fix, link } = guidanceForTraining({ ...failed, state, phase })!;
    expect(cause + fix).not.toMatch(OF_SAGEMAKER);
    expect(link).toBeUndefined();
  });
});
