/** Processing jobs. */
import { ROLE_ARN } from '../pass-role.ts';
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
  tagsOf,
} from './request.ts';
import { planRun, type Run, runStream } from './run.ts';

const ENVIRONMENT = environmentRule(100, 256, 256);
const ASKED = [
  'ProcessingInputs',
  'ProcessingOutputConfig',
  'ProcessingResources',
  'StoppingCondition',
  'AppSpecification',
  'Environment',
  'NetworkConfig',
  'RoleArn',
  'ExperimentConfig',
];

const COMMON = jobRow('Processing');

export const processing: Kind = {
  ...COMMON,
  members: { ...COMMON.members, modified: 'LastModifiedTime' },
  // Of this filter the model says neither length nor pattern.
  list: jobList('Processing', JOB_STATUSES, { name: { member: 'NameContains', rule: {} } }),
  summary: [
    'ProcessingJobName',
    'ProcessingJobArn',
    'CreationTime',
    'ProcessingEndTime',
    'LastModifiedTime',
    'ProcessingJobStatus',
    'FailureReason',
    'ExitMessage',
  ],
  create: {
    read(call) {
      const read = reading(call);
      const name = read.need('ProcessingJobName', JOB_NAME);
      const roleArn = read.need('RoleArn', ROLE_ARN);
      const tags = tagsOf(read);
      const cluster = read.needPart('ProcessingResources').needPart('ClusterConfig');
      const instances = cluster.number('InstanceCount', { min: 1, max: 100 }) ?? 1;
      const type = cluster.need('InstanceType', INSTANCE_TYPE);
      cluster.number('VolumeSizeInGB', { min: 1, max: 16_384 });
      const app = read.needPart('AppSpecification');
      const image = app.need('ImageUri', { max: 255 });
      const command = ['ContainerEntrypoint', 'ContainerArguments']
        .flatMap((words) => app.list(words, { min: 1, max: 100 }) ?? [])
        .join(' ');
      const limit = read.part('StoppingCondition').number('MaxRuntimeInSeconds', { min: 1, max: 777_600 });
      read.list('ProcessingInputs', { max: 10 });
      read.check();
      const environment = readTexts(call, 'Environment', ENVIRONMENT);
      const run = planRun(environment, call.now, limit ?? 86_400);
      return {
        roleArn,
        seed: {
          name,
          tags,
          transitions: run.transitions,
          details: asAsked(call, ASKED),
          failureReason: 'AlgorithmError: , exit code: 1',
          ...(run.failed ? { outcome: { ExitMessage: lastWords(run) } } : {}),
          streams: Array.from({ length: instances }, (_, host) =>
            stream({ name, image, type, command }, run, host, instances),
          ),
        },
      };
    },
    instances: ({ details }) => {
      const resources = details?.ProcessingResources as { ClusterConfig?: unknown } | undefined;
      return instancesOf(resources?.ClusterConfig);
    },
  },
  event: {
    detailType: 'SageMaker Processing Job State Change',
    // Their events are the only ones without tags, in the documentation.
    detail: (description) => ({ ...description }),
  },
};

const lastWords = ({ taken }: Run) => `ValueError: part ${taken.at(-1)?.part ?? 1} has rows without a label`;

function stream(
  { name, image, type, command }: { name: string; image: string; type: string; command: string },
  run: Run,
  host: number,
  hosts: number,
) {
  const { startAt, parts, taken } = run;
  return runStream(`${name}/algo-${host + 1}-${Math.floor(startAt / 1000)}`, startAt, (say) => {
    say(
      startAt,
      `${command || 'processing'} on ${type}, host ${host + 1} of ${hosts}, image ${image.split('/').at(-1)}`,
    );
    say(startAt + 400, `Reading /opt/ml/processing/input: ${parts} parts`);
    for (const { part, at, fails } of taken) {
      if (!fails) say(at, `part ${part}/${parts}: ${9000 + ((part * 7919) % 1000)} rows written`);
      else for (const [index, line] of traceback(run).entries()) say(at + index, line);
    }
    if (!run.failed && taken.length === parts)
      say(run.endAt, 'Done: outputs are in /opt/ml/processing/output');
  });
}

const traceback = (run: Run) => [
  'Traceback (most recent call last):\n  File "/opt/ml/processing/input/code/prepare.py", line 88, in <module>\n    main()',
  '  File "/opt/ml/processing/input/code/prepare.py", line 71, in main\n    raise ValueError(f"part {part} has rows without a label")',
  lastWords(run),
];
