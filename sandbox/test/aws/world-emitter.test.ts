import { CreateTrainingJobCommand, StopTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { describe, expect, it } from 'vitest';
import type { AlarmSeed } from '../../src/aws/alarms.ts';
import type { AwsEvent } from '../../src/aws/event.ts';
import type { TrainingJobSeed } from '../../src/aws/training.ts';
import { FaultPlan } from '../../src/faults.ts';
import { ManualTime } from './manual-time.ts';
import { ACCOUNT, REGION, sagemakerClient } from './support.ts';
import { watched } from './watched.ts';

const JOB = {
  TrainingJobName: 'made',
  RoleArn: `arn:aws:iam::${ACCOUNT}:role/TrainingExecution`,
  AlgorithmSpecification: { TrainingImage: 'image', TrainingInputMode: 'File' },
  OutputDataConfig: { S3OutputPath: 's3://bucket/out' },
  ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 30 },
  StoppingCondition: { MaxRuntimeInSeconds: 3600 },
  HyperParameters: { epochs: '2', 'fail-at-epoch': '2' },
} as const;

const statuses = (events: readonly AwsEvent[]) =>
  events.map(({ detail }) => `${detail.TrainingJobStatus}/${detail.SecondaryStatus}`);

function seededJob(start: number, changes: Partial<TrainingJobSeed> = {}): TrainingJobSeed {
  return {
    name: 'seeded',
    transitions: [
      { at: start - 60_000, status: 'InProgress', secondary: 'Starting' },
      { at: start - 30_000, status: 'InProgress', secondary: 'Training' },
      { at: start + 30_000, status: 'InProgress', secondary: 'Uploading' },
      { at: start + 60_000, status: 'Completed', secondary: 'Completed' },
    ],
    image: 'image',
    roleArn: 'role',
    instanceType: 'ml.g5.xlarge',
    instanceCount: 1,
    volumeGB: 30,
    maxRuntimeSeconds: 3600,
    hyperParameters: {},
    channels: {},
    outputPath: 's3://bucket/out',
    streams: [],
    tags: { owner: 'ada' },
    ...changes,
  };
}

describe('[N1] [N2] [O7] events of the world', () => {
  it('tell each change of a job that was started here, as SageMaker writes it', async () => {
    const { aws, time, received } = await watched({});
    await sagemakerClient(aws).send(
      new CreateTrainingJobCommand({ ...JOB, Tags: [{ Key: 'team', Value: 'ml' }] }),
    );
    const created = time.now();
    await time.advance(120_000);
    const events = await received();
    expect(statuses(events)).toEqual([
      'InProgress/Starting',
      'InProgress/Downloading',
      'InProgress/Training',
      'Failed/Failed',
    ]);
    expect(events.at(-1)).toMatchObject({
      version: '0',
      source: 'aws.sagemaker',
      'detail-type': 'SageMaker Training Job State Change',
      account: ACCOUNT,
      region: REGION,
      resources: [`arn:aws:sagemaker:${REGION}:${ACCOUNT}:training-job/made`],
      detail: {
        TrainingJobName: 'made',
        CreationTime: created,
        FailureReason: expect.stringContaining('AlgorithmError'),
        SecondaryStatusTransitions: [
          { Status: 'Starting', StartTime: created },
          {},
          {},
          { Status: 'Failed' },
        ],
        Tags: { team: 'ml' },
      },
    });
    expect(new Set(events.map(({ id }) => id)).size).toBe(4);
  });

  it('tell of what AWS Batch has submitted twice: by its own job and by the training job', async () => {
    const time = new ManualTime(Date.now());
    const start = time.now();
    const batch = {
      id: '4c7599ae-0a82-49aa-ba5a-4727fcce14a8',
      name: 'nightly',
      queue: 'gpu-queue',
      submittedAt: start - 90_000,
    };
    const fails = (seeded: TrainingJobSeed): TrainingJobSeed => ({
      ...seeded,
      transitions: [
        { at: start - 60_000, status: 'InProgress', secondary: 'Pending' },
        { at: start + 5_000, status: 'InProgress', secondary: 'Downloading' },
        { at: start + 10_000, status: 'InProgress', secondary: 'Training' },
        { at: start + 15_000, status: 'InProgress', secondary: 'Uploading' },
        { at: start + 20_000, status: 'Failed', secondary: 'Failed' },
      ],
      failureReason: 'AlgorithmError: exit code: 1',
    });
    const seed = { trainingJobs: [fails(seededJob(start, { batch }))] };
    const { received } = await watched(seed, {}, time);
    await time.advance(60_000);
    const told = (await received()).filter(({ source }) => source === 'aws.batch');
    expect(told.map(({ detail }) => detail.status)).toEqual(['STARTING', 'RUNNING', 'FAILED']);
    const arn = `arn:aws:sagemaker:${REGION}:${ACCOUNT}:training-job/seeded`;
    expect(told[2]).toMatchObject({
      'detail-type': 'Batch Service Job State Change',
      resources: [`arn:aws:batch:${REGION}:${ACCOUNT}:service-job/${batch.id}`],
      detail: {
        jobName: 'nightly',
        serviceJobType: 'SAGEMAKER_TRAINING',
        latestAttempt: { serviceResourceId: { name: 'TrainingJobArn', value: arn } },
        attempts: [
          {
            serviceResourceId: { value: arn },
            startedAt: start + 10_000,
            stoppedAt: start + 20_000,
            statusReason: expect.stringContaining('AlgorithmError'),
          },
        ],
      },
    });
  });

  it('tell of a stop, and nothing of what was there at the start', async () => {
    const time = new ManualTime(Date.now());
    const { aws, received } = await watched({ trainingJobs: [seededJob(time.now())] }, {}, time);
    await time.advance(10_000);
    expect(await received()).toEqual([]);
    await sagemakerClient(aws).send(new StopTrainingJobCommand({ TrainingJobName: 'seeded' }));
    await time.advance(100_000);
    expect(statuses(await received())).toEqual(['Stopping/Stopping', 'Stopped/Stopped']);
  });

  it('come late, twice, several for one change and out of order, the same at every run', async () => {
    const settings = {
      eventRepeats: 0.5,
      eventDuplicates: 0.3,
      eventJitterMs: 2_000,
      eventLateShare: 0.4,
      eventLateMs: 40_000,
    };
    const run = async (eventSeed: number) => {
      const time = new ManualTime(1_795_000_000_000);
      const trainingJobs = Array.from({ length: 20 }, (_, index) =>
        seededJob(time.now(), { name: `job-${index}` }),
      );
      const { received } = await watched({ trainingJobs }, { ...settings, eventSeed }, time);
      await time.advance(200_000);
      return (await received()).map(
        ({ id, detail }) => `${detail.TrainingJobName} ${detail.SecondaryStatus} ${id}`,
      );
    };
    const seen = await run(1);
    expect(seen).toEqual(await run(1));
    expect(seen).not.toEqual(await run(2));
    const changes = new Set(seen.map((line) => line.split(' ').slice(0, 2).join(' ')));
    expect(changes.size).toBe(40);
    expect(new Set(seen).size).toBeGreaterThan(40);
    expect(seen.length).toBeGreaterThan(new Set(seen).size);
    const first = (job: string, status: string) =>
      seen.findIndex((line) => line.startsWith(`${job} ${status}`));
    const backwards = Array.from({ length: 20 }, (_, index) => `job-${index}`).filter(
      (job) => first(job, 'Completed') < first(job, 'Uploading'),
    );
    expect(backwards.length).toBeGreaterThan(0);
  });

  it('are lost where that is planned, and have their times as text where that is wished for', async () => {
    const faults = new FaultPlan();
    faults.add({ on: 'events:Emit', kind: 'drop' });
    const time = new ManualTime(Date.now());
    const { received } = await watched(
      { trainingJobs: [seededJob(time.now())] },
      { faults, eventTimesAsText: true },
      time,
    );
    await time.advance(100_000);
    const events = await received();
    expect(statuses(events)).toEqual(['Completed/Completed']);
    expect(events[0]?.detail.CreationTime).toBe(String(time.now() - 160_000));
  });

  it('tell of deployments that end on devices, and of components that broke with them', async () => {
    const time = new ManualTime(Date.now());
    const start = time.now();
    const device = (name: string) => ({
      name,
      architecture: 'aarch64' as const,
      coreVersion: '2.12.6',
      status: 'HEALTHY' as const,
      reportedAt: start,
      groups: ['cams'],
      installed: [],
    });
    const deployment = {
      id: 'd-1',
      name: 'New model',
      target: 'thinggroup/cams',
      createdAt: start + 1000,
      components: { 'model-a': '1.0.0' },
      failures: {
        'cam-2': {
          reason: 'COMPONENT_BROKEN: model-a',
          errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_BROKEN'],
          errorTypes: ['USER_COMPONENT_ERROR'],
          broken: { code: 'INSTALL_ERROR' as const, exitCode: 127 },
        },
        'cam-1': { reason: 'S3_ACCESS_DENIED', errorStack: ['S3_ERROR'], errorTypes: ['PERMISSION_ERROR'] },
      },
    };
    const { received } = await watched(
      { devices: [device('cam-1'), device('cam-2')], deployments: [deployment] },
      {},
      time,
    );
    await time.advance(120_000);
    const events = await received();
    expect(events.map((event) => event['detail-type'])).toEqual([
      'Greengrass V2 Effective Deployment Status Change',
      'Greengrass V2 Effective Deployment Status Change',
      'Greengrass V2 Installed Component Status Change',
    ]);
    expect(events[0]).toMatchObject({
      source: 'aws.greengrass',
      resources: [`arn:aws:greengrass:${REGION}:${ACCOUNT}:coreDevices:cam-1`],
      detail: { deploymentId: 'd-1', coreDeviceExecutionStatus: 'FAILED', reason: 'S3_ACCESS_DENIED' },
    });
    expect(events[2]?.detail).toMatchObject({
      components: [
        {
          componentName: 'model-a',
          componentVersion: '1.0.0',
          lifecycleState: 'BROKEN',
          lifecycleStatusCodes: ['INSTALL_ERROR'],
          lifecycleStateDetails:
            'An error occurred during installation. The install script exited with code 127.',
        },
      ],
    });
  });

  it('tell of alarms, by their plan and by hand', async () => {
    const time = new ManualTime(Date.now());
    const alarm: AlarmSeed = {
      name: 'disk',
      metric: { namespace: 'CWAgent', name: 'disk_used_percent', dimensions: {} },
      period: 300,
      statistic: 'Average',
      states: [
        { at: time.now() - 1000, value: 'OK', reason: 'fine' },
        { at: time.now() + 5000, value: 'ALARM', reason: 'full' },
      ],
    };
    const { aws, received } = await watched({ alarms: [alarm] }, {}, time);
    await time.advance(10_000);
    aws.events.setAlarm('disk', 'OK', 'emptied');
    await time.advance(1_000);
    const events = await received();
    expect(events).toMatchObject([
      {
        source: 'aws.cloudwatch',
        'detail-type': 'CloudWatch Alarm State Change',
        detail: {
          alarmName: 'disk',
          state: { value: 'ALARM', reason: 'full' },
          previousState: { value: 'OK' },
        },
      },
      { detail: { state: { value: 'OK', reason: 'emptied' }, previousState: { value: 'ALARM' } } },
    ]);
    expect(() => aws.events.setAlarm('none', 'OK')).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
});
