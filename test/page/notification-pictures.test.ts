/** What every notifier says, as people see it: events in by the queue, pictures of the messages out. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { DEFAULT_RECIPE_TEMPLATE } from '../../src/domain/recipes.ts';
import { alarmEvent, awsEvent, sendEvents, trainingEvent } from '../e2e/aws-events.ts';
import { type Bot, withoutCompilationsOf } from '../e2e/bot.ts';
import { card, closeAll, line3Client, modal, train, until } from '../e2e/jobs.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Pictures, settleJob, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const GENERAL = 'C0GENERAL';
const HARBOR = 'C0HARBOR';
const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Seeded: it runs, and fails two minutes after the world's beginning. */
const FAILING = 'defects-deeplab-hires';
/** Fails of the same cause, and is run again. */
const AGAIN = 'panels-deeplab';
/** Seeded: trained and not compiled. */
const COMPILED = 'defects-resnet50';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[N1, N3, N4, N5] what notifiers say, in a browser', () => {
  let pictures: Pictures;
  let bot: Bot;
  let ahead = 0;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-recipe-'));
    // Harbor's recipe wants a file beside the model that nobody has put there.
    const recipe = join(folder, 'harbor.yaml');
    await writeFile(recipe, `${DEFAULT_RECIPE_TEMPLATE}      - Uri: s3://harbor-models/labels/cranes.txt\n`);
    pictures = await startPictures({
      world: withoutCompilationsOf('yolo-bolts-2', 'yolo-crane', COMPILED),
      age: 105_000,
      clock: { now: () => Date.now() + ahead },
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].onCall.levels.push(['U0ADA']);
        config.useCases[1].components.recipeTemplate = recipe;
        return stringify(config);
      },
    });
    ({ bot } = pictures);
    bot.sandbox.aws.configure({ compilationMs: 300, componentMs: 300 });
    for (const useCase of ['line-3', 'harbor']) {
      await bot.command('devika', GENERAL, `subscribe ${useCase}`, '/signalbox');
      await bot.message(GENERAL, `is now subscribed to \`${useCase}\``);
    }
  });
  afterAll(async () => {
    await pictures?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A message in a channel, replies aside, once it says all of this. */
  const said = async (channel: string, ...words: string[]): Promise<SandboxMessage> => {
    let seen: string[] = [];
    return until(
      async () => {
        const top = (await bot.messages(channel)).filter((one) => !one.thread_ts || one.thread_ts === one.ts);
        seen = top.map(wordsOf);
        return top.findLast((_, index) => words.every((word) => seen[index]!.includes(word)));
      },
      `a message in ${channel} that says ${words.join(', ')}`,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; they are:\n${seen.join('\n---\n')}`);
    });
  };

  const click = (user: string, message: SandboxMessage, action_id: string) =>
    bot.action(user, action_id, { channel: message.channel, message_ts: message.ts });

  /** Somebody else, so that the picture of what comes next says whose message it is. */
  async function othersSpeak(...channels: string[]): Promise<void> {
    for (const channel of channels)
      await bot.post('/sandbox/slack/message', { user: 'devika', channel, text: 'I am having a look.' });
  }

  const settle = (job: string, says: string, channel = CHANNEL, user = 'ada') =>
    settleJob(bot, channel, job, says, user);

  async function picture(name: string, channel: string, words: string | RegExp): Promise<void> {
    await pictures.visit(channel);
    await pictures.take(name, pictures.message(words));
  }

  /** Of a thread, the last reply with these words. */
  async function pictureOfReply(
    name: string,
    of: SandboxMessage,
    words: string,
    more: { as?: string } = {},
  ): Promise<void> {
    await until(
      async () => (await bot.thread(of.channel, of.ts)).slice(1).find((one) => wordsOf(one).includes(words)),
      `a reply that says ${words}`,
    );
    await pictures.visit(of.channel, { thread: of.ts, ...more });
    await pictures.take(name, pictures.message(words));
  }

  it('a training that failed, with the end of its log: alert, snoozed, acknowledged, resolved', async () => {
    await othersSpeak(ALERTS, GENERAL);
    await said(ALERTS, FAILING, 'Training failed');
    // Its last lines are waited for.
    ahead += 15_000;
    const alert = await said(ALERTS, FAILING, 'The traceback');
    // Takes a while to fail as well: until it is needed.
    const hyperparameters = { backbone: 'deeplabv3', 'image-size': '2048', 'batch-size': '8', epochs: '1' };
    await train(await line3Client(bot.sandbox, SageMakerClient), AGAIN, hyperparameters);
    await picture('alert-training', ALERTS, FAILING);
    await bot.message(GENERAL, 'Training failed');
    await picture('announcement-training', GENERAL, 'Training failed');
    await bot.action('ben', 'alert.snooze', {
      channel: ALERTS,
      message_ts: alert.ts,
      value: '60',
    });
    await said(ALERTS, FAILING, 'Snoozed until');
    await picture('alert-snoozed', ALERTS, 'Snoozed until');
    await click('ben', alert, 'alert.acknowledge');
    await said(ALERTS, FAILING, 'Acknowledged by');
    await picture('alert-acknowledged', ALERTS, 'Acknowledged by');
    await sendEvents(
      bot,
      trainingEvent(`${FAILING}-20261122`, 'Completed', { TrainingEndTime: Date.now() + 1000 }),
    );
    await said(ALERTS, FAILING, 'a later run succeeded');
    await picture('alert-resolved', ALERTS, 'a later run succeeded');
  });

  it('compilations: a failure as alert and in the card’s thread, the end of all of them', async () => {
    await othersSpeak(ALERTS, GENERAL);
    await bot.command('ada', CHANNEL, 'yolo-bolts-2 jetson-xavier', '/compile');
    await settle('yolo-bolts-2', '❌ *jetson-xavier* failed');
    await said(ALERTS, 'yolo-bolts-2', 'Compilation failed', 'The end of the log');
    await picture('alert-compilation', ALERTS, 'Compilation failed');
    await pictureOfReply('milestone-compilation', await card(bot, CHANNEL, 'yolo-bolts-2'), 'jetson-xavier');

    // Long enough to be told as a time.
    bot.sandbox.aws.configure({ compilationMs: 4_000 });
    await bot.command('ada', CHANNEL, `${COMPILED} x86_64-cuda arm64-cpu`, '/compile');
    await settle(COMPILED, '✅ *arm64-cpu* compiled');
    await settle(COMPILED, '✅ *x86_64-cuda* compiled');
    bot.sandbox.aws.configure({ compilationMs: 300 });
    await pictureOfReply('milestone-compiled', await card(bot, CHANNEL, COMPILED), 'arm64-cpu');
    await said(GENERAL, 'compiled*', COMPILED);
    await picture('announcement-compilation', GENERAL, COMPILED);
  });

  it('components: deployable and failed, in the thread and announced', async () => {
    const pack = async (user: string, of: SandboxMessage, block_id: string): Promise<void> => {
      const where = { channel: of.channel, message_ts: of.ts, block_id, value: 'package' };
      await bot.action(user, 'compile.more', where);
      const preview = await modal(bot, user, 'RecipeFormatVersion');
      await bot.post('/sandbox/slack/view', { user, view_id: preview.id });
    };
    await othersSpeak(GENERAL);
    const made = await card(bot, CHANNEL, COMPILED);
    await pack('ada', made, `line-3 ${COMPILED} arm64-cpu`);
    await settle(COMPILED, 'deployable');
    await pictureOfReply('milestone-component', made, 'deployable');
    await said(GENERAL, 'Component deployable');
    await picture('announcement-component', GENERAL, 'deployable');

    await othersSpeak(GENERAL);
    await bot.command('devika', HARBOR, 'yolo-crane x86_64-cuda', '/compile');
    await settle('yolo-crane', '✅ *x86_64-cuda*', HARBOR, 'devika');
    const crane = await card(bot, HARBOR, 'yolo-crane');
    await pack('devika', crane, 'harbor yolo-crane x86_64-cuda');
    await settle('yolo-crane', 'Package again', HARBOR, 'devika');
    await said(GENERAL, 'Component failed');
    await picture('announcement-component-failed', GENERAL, 'cranes.txt');
    await pictureOfReply('milestone-component-failed', crane, 'cranes.txt', { as: 'U0DEV' });
  });

  it('an alarm and a deployment', async () => {
    await othersSpeak(ALERTS, GENERAL);
    await sendEvents(
      bot,
      alarmEvent(
        'line-3-inference-latency',
        'ALARM',
        'Threshold Crossed: 3 datapoints (412.0, 398.5, 407.2) were greater than the threshold (250.0).',
      ),
    );
    await said(ALERTS, 'line-3-inference-latency');
    await picture('alert-alarm', ALERTS, 'line-3-inference-latency');
    await bot.message(GENERAL, 'line-3-inference-latency');
    await picture('announcement-alarm', GENERAL, 'line-3-inference-latency');

    await othersSpeak(ALERTS, GENERAL);
    await sendEvents(
      bot,
      awsEvent('Greengrass V2 Effective Deployment Status Change', 'greengrass coreDevices:line3-camera-04', {
        coreDeviceThingName: 'line3-camera-04',
        deploymentId: 'a1f3c7d2-5b1e-4c8e-9a55-3f0d2f7f1c11',
        effectiveDeploymentExecutionStatus: 'FAILED',
        statusDetails: {
          errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_UPDATE_ERROR', 'COMPONENT_BROKEN'],
        },
        reason: 'FAILED_ROLLBACK_NOT_REQUESTED: model-defects-resnet50 1.0.3 is broken',
      }),
    );
    await said(ALERTS, 'line3-camera-04');
    await picture('alert-deployment', ALERTS, 'line3-camera-04');
    await bot.message(GENERAL, 'Deployment failed');
    await picture('announcement-deployment', GENERAL, 'Deployment failed');
  });

  it('a flood: one event with 300 broken components, and the list of them in the thread', async () => {
    await othersSpeak(ALERTS);
    await sendEvents(
      bot,
      awsEvent('Greengrass V2 Installed Component Status Change', 'greengrass coreDevices:line3-edge-pc-2', {
        components: Array.from({ length: 300 }, (_, n) => ({
          componentName: `model-defects-${n + 1}`,
          componentVersion: '1.0.3',
          lifecycleState: 'BROKEN',
          lifecycleStatusCodes: ['INSTALL_ERROR'],
          lifecycleStateDetails:
            'An error occurred during installation. The install script exited with code 127.',
        })),
      }),
    );
    await said(ALERTS, 'line3-edge-pc-2', '300 failures');
    ahead += 6_000;
    await said(ALERTS, 'line3-edge-pc-2', 'All 300 are listed in the thread');
    await picture('alert-flood', ALERTS, 'line3-edge-pc-2');
  });

  it('the lists of alerts and of who is on call, and the settings', async () => {
    const alarm = await said(ALERTS, 'line-3-inference-latency');
    await click('ben', alarm, 'alert.mute');
    const form = await modal(bot, 'ben', 'raise no alert');
    await pictures.visit(ALERTS, { as: 'U0BEN' });
    await pictures.dialog().getByText('raise no alert').waitFor();
    await pictures.take('mute', pictures.dialog());
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
    const soon = new Date(Date.now() + ahead + 10 * MINUTE);
    await bot.post('/sandbox/slack/view', {
      user: 'devika',
      view_id: view.id,
      values: {
        digest: { digest: `${soon.getUTCMinutes()} ${soon.getUTCHours()} * * *` },
        digest_use_cases: { digest_use_cases: ['line-3'] },
      },
    });
    await bot.message(GENERAL, 'Saved', { user: 'devika' });
  });

  it('a training that is run again: the form, and the thread of the alert', async () => {
    const alert = await said(ALERTS, AGAIN, 'Training failed');
    await pictures.visit(ALERTS);
    await click('ada', alert, 'train.again');
    const form = await modal(bot, 'ada', 'Name of the new run');
    const field = pictures.dialog().getByLabel('Hyperparameters');
    // Filled in as the alert advises.
    expect(await field.inputValue()).toContain('batch-size=4');
    await pictures.take('run-again', pictures.dialog());
    const text = await field.inputValue();
    await bot.post('/sandbox/slack/view', {
      user: 'ada',
      view_id: form.id,
      values: { hyperparameters: { hyperparameters: text } },
    });
    await modal(bot, 'ada', 'Started');
    await closeAll(bot, 'ada');
    await said(ALERTS, AGAIN, 'Being retried by');
    await picture('alert-retried', ALERTS, 'Being retried by');
    await pictureOfReply('run-again-thread', alert, 'Run again');
  });

  it('the digest, and what it opens', async () => {
    // The bot has to see the setting before its time comes.
    await until(async () => {
      ahead += MINUTE / 6;
      return (await bot.messages(GENERAL)).find((one) => wordsOf(one).includes('Compilations:'));
    }, 'the digest');
    const digest = await said(GENERAL, 'Training:', 'Compilations:');
    expect(wordsOf(digest)).toContain('yolo-bolts-2');
    await picture('digest', GENERAL, 'Compilations:');
  });

  it('a run that prints nothing any more, and who is called next', async () => {
    await othersSpeak(ALERTS, GENERAL);
    ahead += HOUR;
    await said(ALERTS, 'No log line for');
    await picture('alert-stuck', ALERTS, 'No log line for');
    await said(GENERAL, 'No log line for');
    await picture('announcement-stuck', GENERAL, 'No log line for');
    await pictureOfReply('alert-escalated', await said(ALERTS, 'line3-camera-04'), 'Nobody has acknowledged');
  });
});
