/** The program against an AWS emulator that is not ours, by the standard endpoint variable: moto, where it is installed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMoto, type Moto, startMoto } from '../fixtures/moto.ts';
import { run } from './in-memory.ts';

const REGION = 'eu-west-1';
const GROUP = '/aws/sagemaker/TrainingJobs';
const STREAMS = 3;
/** More than a page holds, with many events of one time. */
const EVENTS = 12_000;

describe.skipIf(!hasMoto)('[L1, L3] the log of a job in another emulator', () => {
  let folder: string;
  let emulator: Moto;
  const before = { ...process.env };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-moto-'));
    emulator = await startMoto();
    const credentials = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
    Object.assign(process.env, credentials, { AWS_ENDPOINT_URL: emulator.endpoint });
    await seed('train-a', STREAMS);
    await seed('train-a-2', 1);
    writeFileSync(
      join(folder, 'signalbox.yaml'),
      `useCases:
  - id: other
    name: Other emulator
    account: "123456789012"
    region: ${REGION}
    roleArn: arn:aws:iam::123456789012:role/SignalboxAccess
    externalId: some-external-id
    channels: [C0OTHER]
    access: { viewer: [channel-members] }
`,
    );
  });
  afterAll(async () => {
    await emulator.stop();
    process.env = before;
    rmSync(folder, { recursive: true, force: true });
  });

  it('has every event of every stream of the job, in order, and of no other job', async () => {
    const out = join(folder, 'train-a.log');
    const { exitCode, stderr } = await run(['logs', 'train-a', '--use-case', 'other', '--out', out], {
      env: { SIGNALBOX_CONFIG: join(folder, 'signalbox.yaml'), SIGNALBOX_DATA_DIR: join(folder, 'data') },
      cwd: folder,
    });
    expect(exitCode, stderr).toBe(0);
    const lines = readFileSync(out, 'utf8')
      .split('\n')
      .filter((line) => /^\d{4}-/.test(line));
    expect(lines).toHaveLength(STREAMS * EVENTS);
    expect(lines.map((line) => line.slice(0, 24))).toEqual(lines.map((line) => line.slice(0, 24)).toSorted());
    for (let stream = 0; stream < STREAMS; stream++)
      expect(
        lines.filter((line) => line.includes(` of ${stream} `)).map((line) => line.replace(/^\S+ \S+ /, '')),
      ).toEqual(Array.from({ length: EVENTS }, (_, index) => message('train-a', stream, index)));
  });
});

const message = (job: string, stream: number, index: number): string =>
  `${job} of ${stream} event ${index} ä€😀`;

async function seed(job: string, streams: number): Promise<void> {
  const sagemaker = new SageMakerClient({ region: REGION });
  const logs = new CloudWatchLogsClient({ region: REGION });
  await sagemaker.send(
    new CreateTrainingJobCommand({
      TrainingJobName: job,
      AlgorithmSpecification: { TrainingImage: 'image', TrainingInputMode: 'File' },
      RoleArn: 'arn:aws:iam::123456789012:role/Training',
      OutputDataConfig: { S3OutputPath: 's3://bucket' },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: streams, VolumeSizeInGB: 1 },
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    }),
  );
  await logs.send(new CreateLogGroupCommand({ logGroupName: GROUP })).catch((error: Error) => {
    if (error.name !== 'ResourceAlreadyExistsException') throw error;
  });
  const start = Date.now() - 3600_000;
  for (let stream = 0; stream < streams; stream++) {
    const logStreamName = `${job}/algo-${stream + 1}-1795150455`;
    await logs.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName }));
    for (let from = 0; from < EVENTS; from += 6_000)
      await logs.send(
        new PutLogEventsCommand({
          logGroupName: GROUP,
          logStreamName,
          logEvents: Array.from({ length: 6_000 }, (_, index) => ({
            timestamp: start + Math.floor((from + index) / 7) * 13,
            message: message(job, stream, from + index),
          })),
        }),
      );
  }
}
