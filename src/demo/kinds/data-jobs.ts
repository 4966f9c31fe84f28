/** Processing and transform jobs of "Line 3 defects": data prepared, models checked, pictures scored. */
import type { EpochMs } from '#sandbox';
import { instanceId, type LogScript, type WorkSeed } from '#sandbox/seeds';
import { HOUR, MINUTE, SECOND } from '../job-maker.ts';
import { LINE_3 } from '../line-3.ts';
import { trainingRoleArn } from '../roles.ts';
import { DATA, epoch, jobWay, stream } from './parts.ts';

const SCIKIT = '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3';

interface ProcessingSketch {
  name: string;
  createdAt: EpochMs;
  begunAt: EpochMs;
  ended?: { at: EpochMs; as: 'Completed' | 'Failed' | 'Stopped' };
  script: string;
  instance?: string;
  hosts?: number;
  failureReason?: string;
  /** What its container left as its last word. */
  exitMessage?: string;
  write: (script: LogScript, host: number) => void;
}

export function processingJob(sketch: ProcessingSketch, seed: number): WorkSeed {
  const { name, begunAt, hosts = 1 } = sketch;
  return {
    name,
    transitions: jobWay(sketch.createdAt, begunAt, sketch.ended),
    ...(sketch.failureReason === undefined ? {} : { failureReason: sketch.failureReason }),
    ...(sketch.exitMessage === undefined ? {} : { outcome: { ExitMessage: sketch.exitMessage } }),
    details: {
      RoleArn: trainingRoleArn(LINE_3.account),
      AppSpecification: {
        ImageUri: SCIKIT,
        ContainerEntrypoint: ['python3', `/opt/ml/processing/input/code/${sketch.script}`],
      },
      ProcessingResources: {
        ClusterConfig: {
          InstanceType: sketch.instance ?? 'ml.m5.2xlarge',
          InstanceCount: hosts,
          VolumeSizeInGB: 200,
        },
      },
      ProcessingInputs: [
        {
          InputName: 'panels',
          AppManaged: false,
          S3Input: {
            S3Uri: `${DATA}/raw/panels/`,
            LocalPath: '/opt/ml/processing/input/panels',
            S3DataType: 'S3Prefix',
            S3InputMode: 'File',
            S3DataDistributionType: hosts > 1 ? 'ShardedByS3Key' : 'FullyReplicated',
          },
        },
      ],
      ProcessingOutputConfig: {
        Outputs: [
          {
            OutputName: 'patches',
            AppManaged: false,
            S3Output: {
              S3Uri: `${DATA}/patches/${name}/`,
              LocalPath: '/opt/ml/processing/output',
              S3UploadMode: 'EndOfJob',
            },
          },
        ],
      },
      StoppingCondition: { MaxRuntimeInSeconds: 14_400 },
    },
    tags: { project: LINE_3.project, owner: LINE_3.owner },
    streams: Array.from({ length: hosts }, (_, host) =>
      stream(`${name}/algo-${host + 1}-${epoch(begunAt)}`, begunAt + host * 700, seed + host, (script) =>
        sketch.write(script, host),
      ),
    ),
  };
}

/** Cuts pictures into patches, file by file. */
function tile(script: LogScript, files: number, host: number): void {
  script.say(`tiling on host ${host + 1}: ${files} files, patch 512, overlap 64`, 1200);
  for (let file = 1; file <= files; file++) {
    const patches = script.between(310, 420);
    const blurred = script.between(0, 6);
    script.say(
      `panels/2026-${String(1 + (file % 9)).padStart(2, '0')}/batch-${String(file).padStart(4, '0')}.tar: ${patches} patches, ${blurred} blurred and left out`,
      script.between(2_400, 4_800),
    );
  }
}

const MERGE_ERROR = `Traceback (most recent call last):
  File "/opt/ml/processing/input/code/merge_labels.py", line 112, in <module>
    main()
  File "/opt/ml/processing/input/code/merge_labels.py", line 97, in main
    merged = panels.merge(labels, on="panel_id", validate="one_to_one")
  File "/miniconda3/lib/python3.8/site-packages/pandas/core/reshape/merge.py", line 1408, in _validate
    raise MergeError(
pandas.errors.MergeError: Merge keys are not unique in right dataset; not a one-to-one merge`;

const AUDIT_ERROR = `Traceback (most recent call last):
  File "/opt/ml/processing/input/code/audit.py", line 61, in <module>
    check(rows)
  File "/opt/ml/processing/input/code/audit.py", line 44, in check
    raise ValueError(f"{len(unknown)} labels are of no known class: {unknown[:3]}")
ValueError: 14 labels are of no known class: ['weld-spatter', 'weld-spatter', 'weld spatter']`;

export function line3Processing(now: EpochMs): WorkSeed[] {
  return [
    processingJob(
      {
        name: 'panels-tile',
        createdAt: now - 29 * HOUR,
        begunAt: now - 29 * HOUR + 4 * MINUTE,
        ended: { at: now - 28 * HOUR, as: 'Completed' },
        script: 'tile.py',
        hosts: 2,
        write: (script, host) => {
          tile(script, 690 + host, host);
          script.say('wrote /opt/ml/processing/output/manifest.jsonl', 900);
        },
      },
      700,
    ),
    // Its name begins as a training job's does.
    processingJob(
      {
        name: 'defects-resnet50-evaluate',
        createdAt: now - 23 * HOUR,
        begunAt: now - 23 * HOUR + 3 * MINUTE,
        ended: { at: now - 22.6 * HOUR, as: 'Completed' },
        script: 'evaluate.py',
        instance: 'ml.g4dn.xlarge',
        write: (script) => {
          script.say('model.tar.gz: resnet50, 4 classes; 6,014 panels to look at', 2_000);
          for (let panel = 500; panel <= 6_000; panel += 500)
            script.say(`${panel} panels, accuracy ${script.near(0.971, 0.002).toFixed(4)}`, 21_000);
          script.say('accuracy 0.9716 is above 0.95: evaluation.json says "pass"', 900);
        },
      },
      710,
    ),
    processingJob(
      {
        name: 'labels-merge',
        createdAt: now - 4 * HOUR,
        begunAt: now - 4 * HOUR + 3 * MINUTE,
        ended: { at: now - 3.8 * HOUR, as: 'Failed' },
        script: 'merge_labels.py',
        failureReason: 'AlgorithmError: , exit code: 1',
        exitMessage:
          'pandas.errors.MergeError: Merge keys are not unique in right dataset; not a one-to-one merge',
        write: (script) => {
          script.say('labels/2026-11-28.csv: 48,112 rows; labels/2026-11-29.csv: 51,340 rows', 2_600);
          for (let month = 1; month <= 9; month++)
            script.say(`panels/2026-0${month}: ${script.between(4_000, 6_000)} rows`, 38_000);
          script.lines(MERGE_ERROR, 4_100);
        },
      },
      720,
    ),
    processingJob(
      {
        name: 'labels-audit',
        createdAt: now - 9 * MINUTE,
        begunAt: now - 6 * MINUTE,
        ended: { at: now + 4 * MINUTE, as: 'Failed' },
        script: 'audit.py',
        failureReason: 'AlgorithmError: , exit code: 1',
        exitMessage:
          "ValueError: 14 labels are of no known class: ['weld-spatter', 'weld-spatter', 'weld spatter']",
        write: (script) => {
          script.say('audit of 99,452 labels against classes.json', 1_500);
          while (script.at < now + 4 * MINUTE - 9 * SECOND)
            script.say(`${script.events.length * 1_000} labels, ${script.between(0, 4)} to look at`, 6_000);
          script.lines(AUDIT_ERROR, 3_000);
        },
      },
      730,
    ),
    // The transform job of this name wants what this one makes.
    processingJob(
      {
        name: 'panels-score',
        createdAt: now - 6.5 * HOUR,
        begunAt: now - 6.5 * HOUR + 3 * MINUTE,
        ended: { at: now - 6.2 * HOUR, as: 'Completed' },
        script: 'to_csv.py',
        write: (script) => {
          tile(script, 120, 0);
          script.say('wrote /opt/ml/processing/output/panels.csv, 41,733 rows', 1_200);
        },
      },
      740,
    ),
  ];
}

interface TransformSketch {
  name: string;
  createdAt: EpochMs;
  begunAt: EpochMs;
  ended?: { at: EpochMs; as: 'Completed' | 'Failed' | 'Stopped' };
  input: string;
  model: string;
  failureReason?: string;
  files: number;
  /** The file that the model cannot read. */
  bad?: number;
}

function transformJob(sketch: TransformSketch, seed: number): WorkSeed {
  const { name, begunAt, files, bad } = sketch;
  const container = `${name}/${instanceId(name)}-${epoch(begunAt)}`;
  const file = (number: number) => `${sketch.input}part-${String(number).padStart(5, '0')}.csv`;
  const answers = (script: LogScript, write: (number: number) => void) => {
    for (let number = 1; number <= (bad ?? files); number++) {
      script.at += script.between(3_000, 6_000);
      write(number);
    }
  };
  return {
    name,
    transitions: jobWay(sketch.createdAt, begunAt, sketch.ended),
    ...(sketch.failureReason === undefined ? {} : { failureReason: sketch.failureReason }),
    details: {
      ModelName: sketch.model,
      MaxConcurrentTransforms: 1,
      MaxPayloadInMB: 6,
      BatchStrategy: 'MultiRecord',
      Environment: {},
      TransformInput: {
        DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: sketch.input } },
        ContentType: 'text/csv',
        SplitType: 'Line',
      },
      TransformOutput: { S3OutputPath: `${DATA}/scores/${name}/`, AssembleWith: 'Line' },
      TransformResources: { InstanceType: 'ml.g4dn.xlarge', InstanceCount: 1 },
    },
    tags: { project: LINE_3.project, owner: LINE_3.owner },
    streams: [
      stream(container, begunAt, seed, (script) => {
        script.say('Torch worker started.', 4_000);
        script.say('Model server started with 1 worker.', 8_412);
        answers(script, (number) => {
          if (number === bad) {
            script.lines(
              'Traceback (most recent call last):\n  File "/opt/ml/model/code/inference.py", line 38, in input_fn\n    frame = pd.read_csv(io.StringIO(body), header=None, dtype="float32")\nValueError: could not convert string to float: \'n/a\'',
            );
            script.say('169.254.255.130 "POST /invocations HTTP/1.1" 500 61 "Go-http-client/1.1"');
          } else
            script.say(`169.254.255.130 "POST /invocations HTTP/1.1" 200 ${script.between(3_900, 4_300)}`);
        });
      }),
      stream(`${container}/data-log`, begunAt + 3 * SECOND, seed + 1, (script) => {
        const say = (words: string) =>
          script.say(`${new Date(script.at).toISOString().slice(0, 23)}:[sagemaker logs]: ${words}`);
        say('MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD');
        answers(script, (number) => {
          if (number !== bad) return;
          say(`${file(number)}: ClientError: 500`);
          say(`${file(number)}: Message:`);
          say(`${file(number)}: ValueError: could not convert string to float: 'n/a'`);
        });
      }),
    ],
  };
}

export function line3Transforms(now: EpochMs): WorkSeed[] {
  return [
    transformJob(
      {
        name: 'panels-score',
        createdAt: now - 6 * HOUR,
        begunAt: now - 6 * HOUR + 5 * MINUTE,
        ended: { at: now - 5.7 * HOUR, as: 'Completed' },
        input: `${DATA}/patches/panels-score/`,
        model: 'defects-resnet50-7',
        files: 88,
      },
      750,
    ),
    transformJob(
      {
        name: 'night-shift-score',
        createdAt: now - 5 * HOUR,
        begunAt: now - 5 * HOUR + 5 * MINUTE,
        ended: { at: now - 4.8 * HOUR, as: 'Failed' },
        input: `${DATA}/night-shift/2026-11-28/`,
        model: 'defects-resnet50-7',
        failureReason: 'AlgorithmError: See job logs for more information',
        files: 120,
        bad: 37,
      },
      760,
    ),
  ];
}
