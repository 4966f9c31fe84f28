/** What every notifier says, as people see it: events in by the queue, pictures of the messages out. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '../../src/sandbox/protocol.ts';
import type { Bot } from '../e2e/bot.ts';
import { card, closeAll, modal, textsOf, train, trainingClient, until } from '../e2e/jobs.ts';
import { whyNoBrowser } from './browser.ts';
import { type Pictures, settleJob, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const GENERAL = 'C0GENERAL';
const ACCOUNT = '123456789012';
const REGION = 'eu-west-1';
const HOUR = 3_600_000;
/** Seeded and running. */
const FAILING = 'defects-deeplab-hires';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[N1, N3, N4, N5] what notifiers say, in a browser', () => {
  let pictures: Pictures;
  let bot: Bot;
  let ahead = 0;

  beforeAll(async () => {
    pictures = await startPictures({
      clock: { now: () => Date.now() + ahead },
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].onCall.levels.push(['U0ADA']);
        return stringify(config);
      },
    });
    ({ bot } = pictures);
    bot.sandbox.aws.configure({ compilationMs: 300, componentMs: 300 });
    await bot.command('devika', GENERAL, 'subscribe line-3', '/signalbox');
    await bot.message(GENERAL, 'now hears of');
  }, 90_000);
  afterAll(() => pictures?.stop());

  const event = (detailType: string, resource: string, detail: object) => ({
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source: detailType.startsWith('SageMaker')
      ? 'aws.sagemaker'
      : detailType.startsWith('CloudWatch')
        ? 'aws.cloudwatch'
        : 'aws.greengrass',
    account: ACCOUNT,
    time: new Date().toISOString(),
    region: REGION,
    resources: [`arn:aws:${resource}`],
    detail,
  });

  const training = (job: string, status: string, more: object) =>
    event('SageMaker Training Job State Change', `sagemaker:${REGION}:${ACCOUNT}:training-job/${job}`, {
      TrainingJobName: job,
      TrainingJobStatus: status,
      SecondaryStatus: status,
      CreationTime: Date.now() - 18 * 60_000,
      LastModifiedTime: Date.now(),
      ...more,
    });

  const send = (...bodies: object[]): Promise<unknown> =>
    bot.post('/sandbox/aws/events', { queue: 'signalbox-events', bodies });

  /** A message in a channel, replies aside, once it says all of this. */
  const said = (channel: string, ...words: string[]): Promise<SandboxMessage> =>
    until(
      async () =>
        (await bot.messages(channel)).findLast((one) => {
          const text = `${one.text}\n${textsOf(one.blocks)}`;
          return (!one.thread_ts || one.thread_ts === one.ts) && words.every((word) => text.includes(word));
        }),
      `a message in ${channel} that says ${words.join(', ')}`,
    );

  const click = (user: string, message: SandboxMessage, action_id: string) =>
    bot.action(user, action_id, { channel: message.channel, message_ts: message.ts });

  const settle = (job: string, says: string) => settleJob(bot, CHANNEL, job, says);

  async function picture(name: string, channel: string, words: string | RegExp): Promise<void> {
    await pictures.visit(channel);
    await pictures.take(name, pictures.message(words));
  }

  it('a training that failed: alert, acknowledged, resolved', async () => {
    await send(
      training(FAILING, 'Failed', {
        FailureReason:
          'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "torch.OutOfMemoryError: CUDA out of memory."',
      }),
    );
    const alert = await said(ALERTS, FAILING, 'Training failed');
    await picture('alert-training', ALERTS, FAILING);
    await bot.message(GENERAL, 'Training failed');
    await picture('announcement-training', GENERAL, 'Training failed');
    await click('ben', alert, 'alert.acknowledge');
    await said(ALERTS, FAILING, 'Acknowledged by');
    await picture('alert-acknowledged', ALERTS, 'Acknowledged by');
    await send(training(`${FAILING}-20261122`, 'Completed', { TrainingEndTime: Date.now() + 1000 }));
    await said(ALERTS, FAILING, 'a later run succeeded');
    await picture('alert-resolved', ALERTS, 'a later run succeeded');
  });

  it('a training that is run again: the form, and the thread of the alert', async () => {
    const hyperparameters = { backbone: 'deeplabv3', 'image-size': '2048', 'batch-size': '8', epochs: '1' };
    await train(await trainingClient(bot), 'panels-deeplab', hyperparameters);
    const alert = await said(ALERTS, 'panels-deeplab', 'Training failed');
    await pictures.visit(ALERTS);
    await click('ada', alert, 'train.again');
    const form = await modal(bot, 'ada', 'Name of the new run');
    const field = pictures.dialog().getByLabel('Hyperparameters');
    await field.fill((await field.inputValue()).replace('batch-size=8', 'batch-size=4'));
    await pictures.take('run-again', pictures.dialog());
    const text = await field.inputValue();
    await bot.post('/sandbox/slack/view', {
      user: 'ada',
      view_id: form.id,
      values: { hyperparameters: { hyperparameters: text } },
    });
    await modal(bot, 'ada', 'Started');
    await closeAll(bot, 'ada');
    await until(
      async () => (await bot.thread(ALERTS, alert.ts)).find((one) => one.text.includes('Run again')),
      'the thread of the alert',
    );
    await pictures.visit(ALERTS, { thread: alert.ts });
    await pictures.take('run-again-thread', pictures.message('Run again as'));
  });

  it('a compilation that failed: alert, and the milestone in the card’s thread', async () => {
    await bot.command('ada', CHANNEL, 'yolo-bolts-2 jetson-xavier', '/compile');
    await settle('yolo-bolts-2', '❌ *jetson-xavier* failed');
    await said(ALERTS, 'yolo-bolts-2', 'Compilation failed', 'The end of the log');
    await picture('alert-compilation', ALERTS, 'Compilation failed');
    const shown = await card(bot, CHANNEL, 'yolo-bolts-2');
    await pictures.visit(CHANNEL, { thread: shown.ts });
    await pictures.take('milestone-compilation', pictures.message('jetson-xavier'));
  });

  it('an alarm and a deployment', async () => {
    await send(
      event(
        'CloudWatch Alarm State Change',
        `cloudwatch:${REGION}:${ACCOUNT}:alarm:line-3-inference-latency`,
        {
          alarmName: 'line-3-inference-latency',
          state: {
            value: 'ALARM',
            reason:
              'Threshold Crossed: 3 datapoints (412.0, 398.5, 407.2) were greater than the threshold (250.0).',
            timestamp: new Date().toISOString(),
          },
        },
      ),
      event(
        'Greengrass V2 Effective Deployment Status Change',
        `greengrass:${REGION}:${ACCOUNT}:coreDevices:line3-camera-04`,
        {
          coreDeviceThingName: 'line3-camera-04',
          deploymentId: 'a1f3c7d2-5b1e-4c8e-9a55-3f0d2f7f1c11',
          effectiveDeploymentExecutionStatus: 'FAILED',
          statusDetails: {
            errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_UPDATE_ERROR', 'COMPONENT_BROKEN'],
          },
          reason: 'FAILED_ROLLBACK_NOT_REQUESTED: model-defects-resnet50 1.0.3 is broken',
        },
      ),
    );
    await said(ALERTS, 'line-3-inference-latency');
    await picture('alert-alarm', ALERTS, 'line-3-inference-latency');
    await said(ALERTS, 'line3-camera-04');
    await picture('alert-deployment', ALERTS, 'line3-camera-04');
    await bot.message(GENERAL, 'line-3-inference-latency');
    await picture('announcement-alarm', GENERAL, 'line-3-inference-latency');
    await bot.message(GENERAL, 'Deployment failed');
    await picture('announcement-deployment', GENERAL, 'Deployment failed');
  });

  it('the lists of alerts and of who is on call, and the settings', async () => {
    const alarm = await said(ALERTS, 'line-3-inference-latency');
    await click('ben', alarm, 'alert.mute');
    const form = await modal(bot, 'ben', 'raise no alert');
    await bot.post('/sandbox/slack/view', { user: 'ben', view_id: form.id });
    await said(ALERTS, 'line-3-inference-latency', 'Muted by');
    await bot.command('ada', CHANNEL, 'alerts', '/signalbox');
    await bot.message(CHANNEL, 'open alert', { user: 'ada' });
    await picture('alerts', CHANNEL, /open alerts?/);
    await bot.command('ada', CHANNEL, 'oncall', '/signalbox');
    await bot.message(CHANNEL, 'On call in', { user: 'ada' });
    await picture('oncall', CHANNEL, 'On call');

    await pictures.visit(GENERAL, { as: 'U0DEV' });
    await bot.command('devika', GENERAL, 'settings', '/signalbox');
    const view = await modal(bot, 'devika', 'Quiet hours');
    await pictures.dialog().getByText('Quiet hours').first().waitFor();
    await pictures.take('settings', pictures.dialog());
    await bot.post('/sandbox/slack/view', {
      user: 'devika',
      view_id: view.id,
      values: { digest: { digest: '09:00' }, digest_use_cases: { digest_use_cases: ['line-3'] } },
    });
    await bot.message(GENERAL, 'Saved', { user: 'devika' });
  });

  it('a run that prints nothing any more, and who is called next', async () => {
    ahead += HOUR;
    await said(ALERTS, 'No log line for');
    await picture('alert-stuck', ALERTS, 'No log line for');
    await said(GENERAL, 'No log line for');
    await picture('announcement-stuck', GENERAL, 'No log line for');
    const open = await said(ALERTS, 'line3-camera-04');
    await until(
      async () => (await bot.thread(ALERTS, open.ts)).find(({ text }) => text.includes('Nobody has')),
      'a call in the thread',
    );
    await pictures.visit(ALERTS, { thread: open.ts });
    await pictures.take('alert-escalated', pictures.message('Nobody has acknowledged'));
  });

  it('the digest', async () => {
    ahead += 24 * HOUR;
    const digest = await said(GENERAL, 'Training:', 'Compilations:');
    expect(textsOf(digest.blocks)).toContain('yolo-bolts-2');
    await picture('digest', GENERAL, 'Compilations:');
  });
});
