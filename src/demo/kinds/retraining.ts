/** The pipeline that trains Line 3's model anew: an execution that succeeded, one that failed, one that takes over most. */
import type { EpochMs } from '#sandbox';
import {
  type ExecutionSeed,
  hash32,
  randomFrom,
  type StepSeed,
  type TrainingJobSeed,
  type WorkSeed,
  type WorkTransition,
} from '#sandbox/seeds';
import { pytorchEpochs, VALIDATION } from '../framework-logs.ts';
import { HOUR, MINUTE, oneMachine, SECOND } from '../job-maker.ts';
import { CLASSES, LINE_3 } from '../line-3.ts';
import { trainingRoleArn } from '../roles.ts';
import { processingJob } from './data-jobs.ts';
import { ARN } from './parts.ts';

const NAME = 'line-3-retrain';
const PIPELINE = {
  name: NAME,
  description: 'Tiles new panels, trains, evaluates and registers the model',
  roleArn: trainingRoleArn(LINE_3.account),
};

/** The jobs that its steps run are processing and training jobs like all others. */
export interface Retraining {
  executions: ExecutionSeed[];
  processing: WorkSeed[];
  training: TrainingJobSeed[];
}

type Ending = 'Succeeded' | 'Failed';

const ran = (from: EpochMs, until: EpochMs, as: Ending = 'Succeeded'): WorkTransition[] => [
  { at: from, status: 'Starting' },
  { at: from + 2 * SECOND, status: 'Executing' },
  { at: until, status: as },
];

const jobOf = (execution: string, step: string) => `pipelines-${execution}-${step}-${tail(execution, step)}`;
const executionArn = (id: string) => `${ARN}:pipeline/${NAME}/execution/${id}`;

export function line3Retraining(now: EpochMs): Retraining {
  const processing: WorkSeed[] = [];
  const training: TrainingJobSeed[] = [];

  /** A step that ran a processing job. @param last what its log ends with when it failed */
  const processed = (
    execution: string,
    name: string,
    [from, until]: readonly [EpochMs, EpochMs],
    last?: string,
  ): StepSeed => {
    const job = jobOf(execution, name);
    const failed = last !== undefined;
    processing.push(
      processingJob(
        {
          name: job,
          createdAt: from,
          begunAt: from + 2 * MINUTE,
          ended: { at: until - 5 * SECOND, as: failed ? 'Failed' : 'Completed' },
          script: `${name.toLowerCase()}.py`,
          ...(failed ? { failureReason: 'AlgorithmError: , exit code: 1', exitMessage: last } : {}),
          write: (script) => {
            script.say(`${name} of ${NAME}, execution ${execution}`, 1_000);
            for (let part = 1; part <= 12; part++)
              script.say(`part ${part} of 12, ${script.between(900, 1_100)} panels`, 9_000);
            if (failed)
              script.lines(
                `Traceback (most recent call last):\n  File "/opt/ml/processing/input/code/evaluatemodel.py", line 74, in <module>\n    main()\n  File "/opt/ml/processing/input/code/evaluatemodel.py", line 58, in main\n    report = compare(candidate, baseline["accuracy"])\n${last}`,
                2_000,
              );
          },
        },
        830 + processing.length * 3,
      ),
    );
    return {
      name,
      type: 'Processing',
      transitions: ran(from, until, failed ? 'Failed' : 'Succeeded'),
      metadata: { ProcessingJob: { Arn: `${ARN}:processing-job/${job}` } },
      ...(failed
        ? { failureReason: 'ClientError: ClientError: AlgorithmError: , exit code: 1', attempts: 2 }
        : {}),
    };
  };

  /** A step that ran a training job. @param until left out: it runs, for a while yet */
  const trained = (execution: string, name: string, from: EpochMs, until: EpochMs): StepSeed => {
    const job = jobOf(execution, name);
    training.push(
      oneMachine(
        LINE_3,
        {
          name: job,
          createdAt: from,
          trainingAt: from + 4 * MINUTE,
          ended: { at: until - 70 * SECOND, as: 'Completed' },
          hyperParameters: { epochs: '8', backbone: 'resnet50' },
          metrics: VALIDATION,
        },
        870 + training.length,
        (script) =>
          pytorchEpochs(script, { epochs: 8, steps: 300, every: 15, pace: 9_000, classes: CLASSES }),
      ),
    );
    return {
      name,
      type: 'Training',
      transitions: ran(from, until),
      metadata: { TrainingJob: { Arn: `${ARN}:training-job/${job}` } },
    };
  };

  const quick = (name: string, type: string, at: EpochMs, metadata: StepSeed['metadata'] = {}): StepSeed => ({
    name,
    type,
    transitions: ran(at, at + 6 * SECOND),
    metadata,
  });
  const cached = (step: StepSeed, at: EpochMs, from: string): StepSeed => ({
    ...step,
    transitions: ran(at, at + 4 * SECOND),
    cachedFrom: executionArn(from),
  });

  const week = now - 150 * HOUR;
  const all: StepSeed[] = [
    processed('k3v8qam70dbe', 'CheckRawData', [week, week + 9 * MINUTE]),
    processed('k3v8qam70dbe', 'TilePanels', [week + 9 * MINUTE, week + 31 * MINUTE]),
    processed('k3v8qam70dbe', 'BalanceClasses', [week + 31 * MINUTE, week + 42 * MINUTE]),
    processed('k3v8qam70dbe', 'SplitData', [week + 42 * MINUTE, week + 50 * MINUTE]),
    trained('k3v8qam70dbe', 'TrainModel', week + 50 * MINUTE, week + 90 * MINUTE),
    processed('k3v8qam70dbe', 'EvaluateModel', [week + 90 * MINUTE, week + 101 * MINUTE]),
    quick('AccuracyAbove95', 'Condition', week + 101 * MINUTE, { Condition: { Outcome: 'True' } }),
    quick('CreateModel', 'Model', week + 102 * MINUTE, {
      Model: { Arn: `${ARN}:model/pipelines-k3v8qam70dbe-createmodel-a1` },
    }),
    quick('RegisterModel', 'RegisterModel', week + 103 * MINUTE, {
      RegisterModel: { Arn: `${ARN}:model-package/line-3-defects/6` },
    }),
    quick('TellTheTeam', 'Lambda', week + 104 * MINUTE, {
      Lambda: { Arn: `arn:aws:lambda:${LINE_3.region}:${LINE_3.account}:function:line-3-retrained` },
    }),
  ];
  const day = now - 26 * HOUR;
  const kept = all.slice(0, 4);
  const failing: StepSeed[] = [
    ...kept.slice(0, 3).map((step, index) => cached(step, day + index * 5 * SECOND, 'k3v8qam70dbe')),
    processed('q6b1nyc8g4ld', 'SplitData', [day + MINUTE, day + 9 * MINUTE]),
    trained('q6b1nyc8g4ld', 'TrainModel', day + 9 * MINUTE, day + 50 * MINUTE),
    processed(
      'q6b1nyc8g4ld',
      'EvaluateModel',
      [day + 50 * MINUTE, day + 58 * MINUTE],
      "KeyError: 'accuracy'",
    ),
  ];
  const today = now - 12 * MINUTE;
  const selected: StepSeed[] = [
    ...all.slice(0, 4).map((step, index) => ({
      ...step,
      transitions: ran(today + index * SECOND, today + index * SECOND + 3 * SECOND),
      skippedFrom: executionArn('k3v8qam70dbe'),
    })),
    trained('w4n8uge5s0jf', 'TrainModel', today + 20 * SECOND, now + 25 * MINUTE),
    processed('w4n8uge5s0jf', 'EvaluateModel', [now + 26 * MINUTE, now + 33 * MINUTE]),
    quick('AccuracyAbove95', 'Condition', now + 34 * MINUTE, { Condition: { Outcome: 'True' } }),
    quick('RegisterModel', 'RegisterModel', now + 35 * MINUTE, {
      RegisterModel: { Arn: `${ARN}:model-package/line-3-defects/7` },
    }),
  ];

  const execution = (
    id: string,
    steps: StepSeed[],
    [from, until]: readonly [EpochMs, EpochMs],
    as: Ending,
    details: Record<string, unknown> = {},
  ): ExecutionSeed => ({
    name: `${NAME}/execution/${id}`,
    pipeline: { ...PIPELINE, createdAt: now - 90 * 24 * HOUR },
    steps,
    transitions: [
      { at: from, status: 'Executing' },
      { at: until, status: as },
    ],
    ...(as === 'Failed' ? { failureReason: 'Step failure: One or multiple steps failed.' } : {}),
    details,
  });
  return {
    executions: [
      execution('k3v8qam70dbe', all, [week - 5 * SECOND, week + 105 * MINUTE], 'Succeeded'),
      execution('q6b1nyc8g4ld', failing, [day - 5 * SECOND, day + 58 * MINUTE + 10 * SECOND], 'Failed', {
        PipelineExecutionDescription: 'Nightly, with the panels of the day',
      }),
      execution('w4n8uge5s0jf', selected, [today - 5 * SECOND, now + 36 * MINUTE], 'Succeeded', {
        PipelineExecutionDescription: 'Only the model, on the data of last week',
        SelectiveExecutionConfig: {
          SourcePipelineExecutionArn: executionArn('k3v8qam70dbe'),
          SelectedSteps: ['TrainModel', 'EvaluateModel', 'AccuracyAbove95', 'RegisterModel'].map(
            (StepName) => ({ StepName }),
          ),
        },
      }),
    ],
    processing,
    training,
  };
}

/** Ten letters and digits, as SageMaker puts behind the names of a step's jobs. */
function tail(execution: string, step: string): string {
  const random = randomFrom(
    [...execution, ...step].reduce((hash, letter) => hash32(letter.charCodeAt(0), hash), 7),
  );
  const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789';
  return Array.from({ length: 10 }, () => letters[Math.floor(random() * letters.length)]).join('');
}
