import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AwsEvent, type InstalledComponentEvent, parseAwsEvent } from '../../src/domain/aws-events.ts';
import { AT, body, envelope, trainingEvent } from '../events/support.ts';

function parsed(event: object): { event: AwsEvent; keys: readonly string[] } {
  const result = parseAwsEvent(body(event));
  if ('setAside' in result) throw new Error(result.setAside.message);
  return result;
}
const aside = (given: string) => {
  const result = parseAwsEvent(given);
  if ('event' in result) throw new Error('It was taken');
  return result.setAside;
};

describe('[N1] events of AWS', () => {
  it.each([
    ['a number', AT],
    ['digits', String(AT)],
    ['seconds', AT / 1000],
    ['ISO 8601', new Date(AT).toISOString()],
  ])('read times given as %s', (_what, time) => {
    const { event } = parsed(
      trainingEvent('train', 'Completed', { TrainingEndTime: time, LastModifiedTime: time }),
    );
    expect(event).toMatchObject({ kind: 'training', job: 'train', endedAt: AT, at: AT });
  });

  it('read all that is used of a training job', () => {
    const { event } = parsed(
      trainingEvent('train', 'Failed', {
        SecondaryStatus: 'Failed',
        FailureReason: 'AlgorithmError: <!channel>',
        ResourceConfig: { InstanceType: 'ml.p3.2xlarge', InstanceCount: '2' },
        ModelArtifacts: { S3ModelArtifacts: 's3://bucket/model.tar.gz' },
        Tags: { anything: 1 },
      }),
    );
    expect(event).toMatchObject({
      status: 'Failed',
      failureReason: 'AlgorithmError: <!channel>',
      instanceType: 'ml.p3.2xlarge',
      instanceCount: 2,
      modelArtifact: 's3://bucket/model.tar.gz',
      replayed: false,
    });
  });

  it('do not fail for a field that is of no importance and of another kind', () => {
    expect(
      parsed(
        trainingEvent('train', 'Stopped', {
          TrainingEndTime: {},
          ResourceConfig: 'none',
          FailureReason: null,
        }),
      ).event,
    ).toMatchObject({ status: 'Stopped', endedAt: undefined, instanceType: undefined });
  });

  it('know a replay, and a detail-type in another letter case', () => {
    expect(parsed(trainingEvent('a', 'Failed', {}, { 'replay-name': 'again' })).event.replayed).toBe(true);
    expect(parsed(trainingEvent('a', 'Failed', {}, { resources: undefined })).event.kind).toBe('training');
    expect(
      parsed(trainingEvent('a', 'Failed', {}, { 'detail-type': 'sagemaker training job state change' })).event
        .kind,
    ).toBe('training');
  });

  it('read a compilation hint in any letter case', () => {
    const hint = envelope('SageMaker Compilation Job State Change', {
      CompilationJobName: 'x-1',
      CompilationJobStatus: 'Completed',
    });
    expect(parsed(hint).event).toMatchObject({
      kind: 'compilation',
      compilationJob: 'x-1',
      status: 'Completed',
    });
  });

  it.each(['deploymentId', 'deployment-id'])('read a deployment by %s', (key) => {
    const { event } = parsed(
      envelope(
        'Greengrass V2 Effective Deployment Status Change',
        { [key]: 'd-1', effectiveDeploymentExecutionStatus: 'failed', reason: 'no disk' },
        { resources: ['arn:aws:greengrass:eu-west-1:123456789012:coreDevices:station-7'] },
      ),
    );
    expect(event).toMatchObject({
      kind: 'deployment',
      deployment: 'd-1',
      device: 'station-7',
      status: 'FAILED',
      reason: 'no disk',
    });
  });

  it('read installed components, several or one', () => {
    const type = 'Greengrass V2 Installed Component Status Change';
    const several = {
      coreDeviceThingName: 's',
      components: [
        { componentName: 'a', lifecycleState: 'Errored' },
        { componentName: 'b', componentVersion: '1.0.0', lifecycleState: 'BROKEN' },
      ],
    };
    expect(parsed(envelope(type, several)).event).toMatchObject({
      components: [
        { name: 'a', status: 'ERRORED' },
        { name: 'b', version: '1.0.0', status: 'BROKEN' },
      ],
    });
    const one = { coreDeviceThingName: 's', componentName: 'a', status: 'broken' };
    expect(parsed(envelope(type, one)).event).toMatchObject({
      components: [{ name: 'a', status: 'BROKEN' }],
    });
    expect(aside(body(envelope(type, { coreDeviceThingName: 's' }))).code).toBe('incomplete');
  });

  it('read codes and details of each component, as AWS’s page shows the event', () => {
    const { event } = parsed(
      envelope(
        'Greengrass V2 Installed Component Status Change',
        {
          components: [
            {
              componentName: 'MyComponent',
              componentVersion: '1.0.0',
              root: true,
              lifecycleState: 'BROKEN',
              lifecycleStatusCodes: ['STARTUP_ERROR'],
              lifecycleStateDetails:
                'An error occurred during startup. The startup script exited with code 1.',
            },
            { componentName: 'Fine', lifecycleState: 'RUNNING', lifecycleStatusCodes: ['NONE'] },
            { componentName: 'Odd', lifecycleState: 'ERRORED', lifecycleStatusCodes: 7 },
          ],
        },
        { resources: ['arn:aws:greengrass:eu-west-1:123456789012:coreDevices:MyGreengrassCore'] },
      ),
    );
    expect(event).toMatchObject({
      device: 'MyGreengrassCore',
      components: [
        {
          name: 'MyComponent',
          codes: ['STARTUP_ERROR'],
          details: 'An error occurred during startup. The startup script exited with code 1.',
        },
        { name: 'Fine', status: 'RUNNING' },
        { name: 'Odd', status: 'ERRORED' },
      ],
    });
    const [, fine, odd] = (event as InstalledComponentEvent).components;
    expect([fine!.codes, odd!.codes]).toEqual([undefined, undefined]);
  });

  it.each([
    [
      'what a deployment says in words',
      'no disk',
      ['DEPLOYMENT_FAILURE', 'IO_WRITE_ERROR'],
      'no disk (DEPLOYMENT_FAILURE › IO_WRITE_ERROR)',
    ],
    ['no code twice', 'S3_ACCESS_DENIED: 403', ['S3_ERROR', 'S3_ACCESS_DENIED'], 'S3_ACCESS_DENIED: 403'],
    ['the codes where the reason is but the status', 'FAILED', ['S3_ACCESS_DENIED'], 'S3_ACCESS_DENIED'],
    ['the reason alone', 'FAILED', undefined, 'FAILED'],
  ])('tell %s', (_what, reason, errorStack, told) => {
    const detail = {
      deploymentId: 'd',
      coreDeviceThingName: 's',
      coreDeviceExecutionStatus: 'FAILED',
      reason,
    };
    const type = 'Greengrass V2 Effective Deployment Status Change';
    const given = { ...detail, ...(errorStack ? { statusDetails: { errorStack } } : {}) };
    expect(parsed(envelope(type, given)).event).toMatchObject({ reason: told });
  });

  it('are taken up to the largest that EventBridge sends', () => {
    const padding = 1024 * 1024 - 1000;
    const { event } = parsed(trainingEvent('big', 'Failed', { Environment: 'x'.repeat(padding) }));
    expect(event.kind).toBe('training');
  });

  it('read an alarm', () => {
    const { event } = parsed(
      envelope('CloudWatch Alarm State Change', {
        alarmName: 'gpu idle',
        state: { value: 'ALARM', reason: 'Threshold Crossed', timestamp: '2026-01-31T14:00:00.000+0000' },
        previousState: { value: 'OK' },
      }),
    );
    expect(event).toMatchObject({
      kind: 'alarm',
      alarm: 'gpu idle',
      state: 'ALARM',
      previousState: 'OK',
      at: AT,
    });
  });
});

describe('[N2] what cannot be used is set aside with the reason', () => {
  it.each<[string, string, string, RegExp]>([
    ['not JSON', 'hello', 'not-json', /as JSON, but got “hello”/],
    ['no event', '{"a":1}', 'not-an-event', /id is missing/],
    [
      'a wrong account',
      body(trainingEvent('a', 'Failed', {}, { account: 12 })),
      'not-an-event',
      /account is “12”/,
    ],
    ['no time', body(trainingEvent('a', 'Failed', {}, { time: 'yesterday' })), 'not-an-event', /time is “/],
    ['an unknown type', body(envelope('Something New', {})), 'unknown-type', /“Something New”/],
    ...['aws.s3', 'my.test', 'AWS.SageMaker', 'aws.sagemaker.evil', 'aws.greengrass'].map(
      (source): [string, string, string, RegExp] => [
        `the source ${source}`,
        body(trainingEvent('a', 'Failed', {}, { source })),
        'foreign-source',
        /from the source aws\.sagemaker alone/,
      ],
    ),
    [
      'a job of another account',
      body(
        trainingEvent('a', 'Failed', {
          TrainingJobArn: 'arn:aws:sagemaker:eu-west-1:999999999999:training-job/a',
        }),
      ),
      'foreign-account',
      /account 123456789012.*999999999999/,
    ],
    [
      'an alarm of another region',
      body(
        envelope(
          'CloudWatch Alarm State Change',
          { alarmName: 'disk', state: { value: 'ALARM' } },
          { resources: ['arn:aws:cloudwatch:us-east-1:123456789012:alarm:disk'] },
        ),
      ),
      'foreign-region',
      /region eu-west-1.*us-east-1/,
    ],
    [
      'no name',
      body(envelope('SageMaker Training Job State Change', { TrainingJobStatus: 'Failed' })),
      'incomplete',
      /TrainingJobName is missing/,
    ],
    [
      'no deployment id',
      body(envelope('Greengrass V2 Effective Deployment Status Change', { status: 'FAILED' })),
      'incomplete',
      /deploymentId/,
    ],
    [
      'more than EventBridge sends',
      body(trainingEvent('a', 'Failed', { Environment: 'x'.repeat(1_200_000) })),
      'too-large',
      /1114112/,
    ],
  ])('%s', (_what, given, code, message) => {
    const reason = aside(given);
    expect(reason).toMatchObject({ code });
    expect(reason.message).toMatch(message);
    expect(reason.message.length).toBeLessThan(400);
  });

  it('property: whatever comes, a result and no error', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(
          fc.constantFrom('id', 'source', 'detail-type', 'account', 'region', 'time', 'detail', 'resources'),
          fc.anything(),
        )
        .map(
          (changes) =>
            JSON.stringify({ ...trainingEvent('a', 'Failed'), ...changes }, (_, value: unknown) =>
              typeof value === 'bigint' ? String(value) : value,
            ) ?? '',
        ),
      fc
        .dictionary(
          fc.constantFrom('TrainingJobName', 'TrainingJobStatus', 'LastModifiedTime', 'ResourceConfig'),
          fc.jsonValue(),
        )
        .map((detail) => body(trainingEvent('a', 'Failed', detail))),
    );
    fc.assert(
      fc.property(anything, (given) => {
        const result = parseAwsEvent(given);
        expect('event' in result || result.setAside.message.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('[N1] only the service itself', () => {
  const TYPES = [
    ['SageMaker Training Job State Change', { TrainingJobName: 'a', TrainingJobStatus: 'Failed' }],
    ['SageMaker Compilation Job State Change', { CompilationJobName: 'a', CompilationJobStatus: 'FAILED' }],
    [
      'Greengrass V2 Effective Deployment Status Change',
      { deploymentId: 'd', coreDeviceThingName: 's', status: 'FAILED' },
    ],
    [
      'Greengrass V2 Installed Component Status Change',
      { coreDeviceThingName: 's', componentName: 'a', status: 'BROKEN' },
    ],
    ['CloudWatch Alarm State Change', { alarmName: 'a', state: { value: 'ALARM' } }],
  ] as const;
  const NAMED = ['aws.sagemaker', 'aws.greengrass', 'aws.cloudwatch'];

  it('property: tells of its things, whatever source anybody else writes', () => {
    const source = fc.oneof(
      fc.constantFrom(...NAMED),
      fc.constantFrom(...NAMED).map((name) => name.toUpperCase()),
      fc.constantFrom(...NAMED).map((name) => `my.${name}`),
      fc.string({ minLength: 1 }).filter((text) => text.trim() !== ''),
    );
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), source, ([type, detail], given) => {
        const result = parseAwsEvent(body(envelope(type, detail, { source: given })));
        const own = envelope(type, {}).source;
        if (given.trim() === own) expect(result).toHaveProperty('event');
        else expect(result).toMatchObject({ setAside: { code: 'foreign-source' } });
      }),
      { numRuns: 300 },
    );
  });
});

describe('[N2] dedupe keys', () => {
  const keys = (event: object) => new Set(parsed(event).keys);
  const shared = (a: object, b: object) => [...keys(a)].filter((key) => keys(b).has(key)).length > 0;
  const changed = { LastModifiedTime: AT };

  it('are shared by the same event, and by the same change under another id', () => {
    const event = trainingEvent('a', 'Failed', changed);
    expect(shared(event, event)).toBe(true);
    expect(shared(event, { ...event, id: 'other', time: new Date(AT + 5000).toISOString() })).toBe(true);
    expect(shared(event, trainingEvent('a', 'FAILED', { ...changed, SecondaryStatus: 'failed' }))).toBe(true);
  });

  it('differ by thing, status, secondary status and time', () => {
    const event = trainingEvent('a', 'InProgress', changed);
    for (const other of [
      trainingEvent('b', 'InProgress', changed),
      trainingEvent('a', 'Failed', changed),
      trainingEvent('a', 'InProgress', { ...changed, SecondaryStatus: 'Downloading' }),
      trainingEvent('a', 'InProgress', { LastModifiedTime: AT + 1 }),
      trainingEvent(
        'a',
        'InProgress',
        { ...changed, TrainingJobArn: 'arn:aws:sagemaker:us-east-1:123456789012:training-job/a' },
        { region: 'us-east-1' },
      ),
    ])
      expect(shared(event, other)).toBe(false);
  });
});
