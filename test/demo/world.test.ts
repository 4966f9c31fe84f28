import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeTrainingJobCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsSandbox, startAwsSandbox } from '#sandbox';
import { bulkStreams } from '#sandbox/seeds';
import { loadConfig } from '../../src/config.ts';
import { loadKeys } from '../../src/demo/keys.ts';
import {
  type SandboxKeys,
  SEEDED_USE_CASES,
  seededAwsWorld,
  seededConfig,
} from '../../src/demo/use-cases.ts';
import { patternOf } from '../../src/domain/metric-definitions.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';

const GROUP = '/aws/sagemaker/TrainingJobs';
const STARTED = Date.now();
const MINUTE = 60_000;

let folder: string;
let keys: SandboxKeys;
let aws: AwsSandbox;
let now = STARTED;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-world-'));
  keys = await loadKeys(folder);
  aws = await startAwsSandbox({
    world: seededAwsWorld(STARTED, keys),
    quotas: 'off',
    clock: { now: () => now },
  });
});
afterAll(async () => {
  await aws.close();
  await rm(folder, { recursive: true });
});

/** Clients inside a use case's account, by its role. */
async function enter(id: string) {
  const useCase = SEEDED_USE_CASES.find((one) => one.id === id)!;
  const settings = { endpoint: aws.url, region: useCase.region };
  const { Credentials } = await new STSClient({ ...settings, credentials: keys }).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${useCase.account}:role/SignalboxAccess`,
      RoleSessionName: 'logs-test',
      ExternalId: useCase.externalId,
    }),
  );
  const credentials = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
  const logs = new CloudWatchLogsClient({ ...settings, credentials });
  const sagemaker = new SageMakerClient({ ...settings, credentials });
  const streams = async (job: string) =>
    (
      await logs.send(new DescribeLogStreamsCommand({ logGroupName: GROUP, logStreamNamePrefix: `${job}/` }))
    ).logStreams!.map(({ logStreamName }) => logStreamName!);
  const text = async (job: string) => {
    const lines: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await logs.send(
        new FilterLogEventsCommand({ logGroupName: GROUP, logStreamNamePrefix: `${job}/`, nextToken }),
      );
      lines.push(...page.events!.map(({ message }) => message!));
      nextToken = page.nextToken;
    } while (nextToken);
    return lines;
  };
  const describeJob = (TrainingJobName: string) =>
    sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName }));
  return { logs, sagemaker, streams, text, describeJob };
}

describe('[O7] the seeded world', () => {
  it('has a configuration that the bot accepts', async () => {
    const { writeFile } = await import('node:fs/promises');
    const path = join(folder, 'signalbox.yaml');
    await writeFile(path, seededConfig(join(folder, 'bot')));
    const config = loadConfig({ env: { SIGNALBOX_CONFIG: path }, cwd: folder });
    expect(config.useCases.map(({ id, aws }) => [id, aws?.account, aws?.region])).toEqual([
      ['line-3', '123456789012', 'eu-west-1'],
      ['harbor', '210987654321', 'us-east-1'],
    ]);
    expect(config.dataDir).toBe(join(folder, 'bot'));
  });

  it('keeps the bot keys of a data folder, readable by their owner only', async () => {
    expect(await loadKeys(folder)).toEqual(keys);
    expect(keys.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(await readFile(join(folder, 'aws-keys.json'), 'utf8')).toContain(keys.secretAccessKey);
  });

  it('adds administrators to the keys of an older folder, and leaves the bot its key', async () => {
    const { admins, ...bot } = keys;
    expect(Object.keys(admins)).toEqual(['111122223333', '123456789012', '210987654321']);
    const older = await mkdtemp(join(tmpdir(), 'signalbox-keys-'));
    await writeFile(join(older, 'aws-keys.json'), JSON.stringify(bot));
    const now = await loadKeys(older);
    expect(now).toMatchObject(bot);
    expect(Object.keys(now.admins)).toEqual(Object.keys(admins));
    expect(await loadKeys(older)).toEqual(now);
    await rm(older, { recursive: true });
  });

  it('has the table of jobs that docs/sandbox.md promises', async () => {
    const docs = await readFile(new URL('../../docs/sandbox.md', import.meta.url), 'utf8');
    for (const id of ['line-3', 'harbor']) {
      const { sagemaker } = await enter(id);
      const { TrainingJobSummaries } = await sagemaker.send(new ListTrainingJobsCommand({ MaxResults: 100 }));
      // Those of a tuning job and of a pipeline are in the tables of these.
      const own = TrainingJobSummaries!.filter(
        ({ TrainingJobName }) => !/^(?:defects-lr-search|pipelines)-/.test(TrainingJobName!),
      );
      for (const job of own) {
        const row = docs.split('\n').find((line) => line.startsWith(`| \`${job.TrainingJobName}\` |`));
        expect(row, `${job.TrainingJobName} in docs/sandbox.md`).toContain(`| ${job.TrainingJobStatus}`);
        expect(job.CreationTime!.getTime()).toBeLessThanOrEqual(STARTED);
      }
      expect(own.length).toBe(id === 'line-3' ? 17 : 4);
    }
  });

  it.each([
    ['line-3', 'defects-resnet50', ['valid:loss', 'valid:acc']],
    ['line-3', 'defects-resnet101-ddp', ['valid:loss', 'valid:acc']],
    ['line-3', 'glare-segmenter-keras', ['val_accuracy']],
    ['line-3', 'yolo-bolts-2', ['mAP50']],
    ['line-3', 'colour-drift-xgb', ['train:rmse', 'validation:rmse']],
    ['harbor', 'yolo-crane', ['mAP50']],
  ])('%s: the service reports of %s what its log says last: %j', async (id, job, names) => {
    const { describeJob, text } = await enter(id);
    const { AlgorithmSpecification, FinalMetricDataList } = await describeJob(job);
    const definitions = AlgorithmSpecification!.MetricDefinitions!;
    const reader = createMetricReader(
      definitions.flatMap(({ Name, Regex }) => patternOf({ name: Name!, regex: Regex! }) ?? []),
    );
    reader.feed(Buffer.from((await text(job)).map((line) => `${line}\n`).join('')));
    const { series } = reader.end();
    expect(FinalMetricDataList!.map(({ MetricName }) => MetricName)).toEqual(names);
    for (const { MetricName, Value } of FinalMetricDataList!)
      expect(series.find(({ name }) => name === MetricName)!.last.value).toBe(Value);
  });

  it('has a failure with its traceback and its reason', async () => {
    const { text, describeJob } = await enter('line-3');
    const lines = await text('defects-unet-relabelled');
    expect(lines.indexOf("KeyError: 'weld-spatter'")).toBeGreaterThan(
      lines.indexOf('Traceback (most recent call last):'),
    );
    const job = await describeJob('defects-unet-relabelled');
    expect(job.TrainingJobStatus).toBe('Failed');
    expect(job.FailureReason).toMatch(
      /^AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n.*, exit code: 1$/s,
    );
    expect((await describeJob('defects-swin-4k')).FailureReason).toBe('AlgorithmError: , exit code: 137');
  });

  it('tells a stop by a person from one by the runtime limit', async () => {
    const { describeJob } = await enter('line-3');
    expect(await describeJob('defects-vit-b16')).toMatchObject({
      TrainingJobStatus: 'Stopped',
      SecondaryStatus: 'Stopped',
    });
    expect(await describeJob('defects-swin-long')).toMatchObject({
      TrainingJobStatus: 'Stopped',
      SecondaryStatus: 'MaxRuntimeExceeded',
    });
  });

  it('has jobs without any stream: one that just started, one that found no data', async () => {
    const { streams, describeJob } = await enter('line-3');
    expect(await streams('defects-resnet50-night')).toEqual([]);
    expect(await streams('defects-new-bucket')).toEqual([]);
    expect(await describeJob('defects-resnet50-night')).toMatchObject({
      TrainingJobStatus: 'InProgress',
      SecondaryStatus: 'Starting',
    });
    expect((await describeJob('defects-new-bucket')).FailureReason).toContain('AccessDenied (403)');
  });

  it('has a job of four machines, progress bars, colours, and a name that begins another', async () => {
    const { streams, text } = await enter('line-3');
    expect((await streams('defects-resnet101-ddp')).map((name) => name.split('/')[1]!.slice(0, 6))).toEqual([
      'algo-1',
      'algo-2',
      'algo-3',
      'algo-4',
    ]);
    const bars = (await text('glare-segmenter-keras')).join('\n');
    expect(bars).toContain('\r');
    expect(bars).toContain('\u001b[32m✔\u001b[0m');
    expect(await streams('yolo-bolts')).toHaveLength(1);
    expect((await text('yolo-bolts')).join()).not.toContain('run yolo-bolts-2');
  });

  it('goes on writing, about an event a second', async () => {
    const { text } = await enter('line-3');
    const before = (await text('defects-convnext')).length;
    now = STARTED + 5 * MINUTE;
    const after = (await text('defects-convnext')).length;
    now = STARTED;
    expect(after - before).toBeGreaterThan(200);
    expect(after - before).toBeLessThan(400);
  });

  it('takes up the interrupted Spot job again, in a second stream', async () => {
    const { streams, describeJob } = await enter('line-3');
    expect(await describeJob('weld-seam-spot')).toMatchObject({
      TrainingJobStatus: 'InProgress',
      SecondaryStatus: 'Interrupted',
    });
    expect(await streams('weld-seam-spot')).toHaveLength(1);
    now = STARTED + 20 * MINUTE;
    expect((await describeJob('weld-seam-spot')).SecondaryStatus).toBe('Training');
    expect(await streams('weld-seam-spot')).toHaveLength(2);
    now = STARTED + 50 * MINUTE;
    expect((await describeJob('weld-seam-spot')).TrainingJobStatus).toBe('Completed');
    now = STARTED;
  });

  it('has a log of about 300 MB whose pages come at once, from anywhere', async () => {
    const { streams, logs } = await enter('line-3');
    const names = await streams('line3-pretrain-2m');
    expect(names).toHaveLength(2);
    for (const startFromHead of [true, false]) {
      const { events } = await logs.send(
        new GetLogEventsCommand({ logGroupName: GROUP, logStreamName: names[0]!, startFromHead }),
      );
      expect(events!.length).toBeGreaterThan(5000);
    }
    // Every thousandth event stands for its neighbours.
    const [first] = bulkStreams({ job: 'x', streams: 1, events: 1_290_000, seed: 530, end: STARTED });
    let bytes = 0;
    for (let n = 0; n < 1_290_000; n += 1000) bytes += Buffer.byteLength(first!.series.message(n));
    expect((bytes * 2 * 1000) / 1e6).toBeGreaterThan(280);
    expect((bytes * 2 * 1000) / 1e6).toBeLessThan(340);
  });

  it('writes each log between the beginning and the end of its training', () => {
    for (const account of seededAwsWorld(STARTED, keys).accounts) {
      for (const region of Object.values(account.regions ?? {})) {
        for (const job of region.trainingJobs ?? []) {
          const started = job.transitions.find(({ secondary }) => secondary === 'Training')?.at;
          const end = job.transitions.at(-1)!;
          for (const { series } of job.streams) {
            expect(series.time(0), job.name).toBeGreaterThanOrEqual(started!);
            if (end.status === 'InProgress') continue;
            expect(series.time(series.lowerBound(Number.MAX_SAFE_INTEGER) - 1), job.name).toBeLessThanOrEqual(
              end.at,
            );
          }
        }
      }
    }
  });
});
