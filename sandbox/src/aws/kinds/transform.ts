/** Batch transform jobs. */
import { instanceId } from './instance-id.ts';
import { jobList, jobRow } from './job-row.ts';
import { JOB_STATUSES, type Kind } from './kind.ts';
import {
  asAsked,
  environmentRule,
  INSTANCE_TYPE,
  instancesOf,
  JOB_NAME,
  reading,
  readTexts,
  S3_URI,
  tagsOf,
} from './request.ts';
import { planRun, type Run, runStream } from './run.ts';
import { seconds } from './work.ts';

const ENVIRONMENT = environmentRule(16, 1024, 10_240);
const ASKED = [
  'ModelName',
  'MaxConcurrentTransforms',
  'ModelClientConfig',
  'MaxPayloadInMB',
  'BatchStrategy',
  'Environment',
  'TransformInput',
  'TransformOutput',
  'DataCaptureConfig',
  'TransformResources',
  'DataProcessing',
  'ExperimentConfig',
];

export const transform: Kind = {
  ...jobRow('Transform'),
  list: jobList('Transform', JOB_STATUSES, { defaultOrder: 'Descending' }),
  summary: [
    'TransformJobName',
    'TransformJobArn',
    'CreationTime',
    'TransformEndTime',
    'TransformJobStatus',
    'FailureReason',
  ],
  // A description does not say when it was changed.
  summaryOf: (_, { changedAt }) => ({ LastModifiedTime: seconds(changedAt) }),
  create: {
    read(call) {
      const read = reading(call);
      const name = read.need('TransformJobName', JOB_NAME);
      read.need('ModelName', { max: 63, pattern: '[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?' });
      const source = read.needPart('TransformInput').needPart('DataSource').needPart('S3DataSource');
      const input = source.need('S3Uri', S3_URI);
      source.need('S3DataType', {
        values: ['ManifestFile', 'S3Prefix', 'AugmentedManifestFile', 'Converse'],
      });
      read.needPart('TransformOutput').need('S3OutputPath', S3_URI);
      const resources = read.needPart('TransformResources');
      resources.need('InstanceType', INSTANCE_TYPE);
      const instances = resources.number('InstanceCount', { min: 1 }) ?? 1;
      read.number('MaxConcurrentTransforms', { min: 0 });
      read.number('MaxPayloadInMB', { min: 0 });
      read.text('BatchStrategy', { values: ['MultiRecord', 'SingleRecord'] });
      const tags = tagsOf(read);
      read.check();
      const environment = readTexts(call, 'Environment', ENVIRONMENT);
      const run = planRun(environment, call.now);
      return {
        seed: {
          name,
          tags,
          transitions: run.transitions,
          details: asAsked(call, ASKED),
          failureReason: 'AlgorithmError: See job logs for more information',
          streams: Array.from({ length: instances }, (_, machine) =>
            streams(name, input, run, machine),
          ).flat(),
        },
      };
    },
    instances: ({ details }) => instancesOf(details?.TransformResources),
  },
  event: { detailType: 'SageMaker Transform Job State Change' },
};

/** What the model's container prints, and what SageMaker says of the requests that it sends to it. */
function streams(name: string, input: string, run: Run, machine: number) {
  const { startAt, parts, taken } = run;
  const stream = `${name}/${instanceId(`${name}/${machine}`)}-${Math.floor(startAt / 1000)}`;
  const file = (part: number) => `${input.replace(/\/$/, '')}/part-${String(part).padStart(5, '0')}.csv`;
  return [
    runStream(stream, startAt, (say) => {
      say(startAt, 'Starting the inference server with 4 workers.');
      say(startAt + 300, '[INFO] Starting gunicorn 21.2.0');
      say(startAt + 320, '[INFO] Listening at: unix:/tmp/gunicorn.sock (18)');
      say(startAt + 900, '169.254.255.130 - - "GET /ping HTTP/1.1" 200 0 "-" "Go-http-client/1.1"');
      for (const { at, fails } of taken) {
        if (fails) {
          say(
            at - 2,
            'Traceback (most recent call last):\n  File "/opt/program/predictor.py", line 64, in invocations\n    rows = parse(request.data)',
          );
          say(at - 1, "ValueError: could not convert string to float: 'n/a'");
        }
        const status = fails ? '500 290' : '200 4182';
        say(at, `169.254.255.130 - - "POST /invocations HTTP/1.1" ${status} "-" "Go-http-client/1.1"`);
      }
    }),
    runStream(`${stream}/data-log`, startAt + 800, (say) => {
      say(
        startAt + 800,
        `${stamp(startAt + 800)}:[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD`,
      );
      for (const { part, at, fails } of taken)
        if (fails) {
          say(at, `${stamp(at)}:[sagemaker logs]: ${file(part)}: ClientError: 500`);
          say(
            at,
            `${stamp(at)}:[sagemaker logs]: ${file(part)}: Message: could not convert string to float: 'n/a'`,
          );
        }
      if (!run.failed && taken.length === parts)
        say(run.endAt, `${stamp(run.endAt)}:[sagemaker logs]: ${parts} files transformed`);
    }),
  ];
}

const stamp = (at: number) => new Date(at).toISOString().slice(0, 23);
