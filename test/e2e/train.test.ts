/** `/train`, Stop and Run again on two providers: the whole app on the whole sandbox and a real runner. */
import { existsSync } from 'node:fs';
import { DescribeTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { InteractionResult, SandboxView } from '#sandbox';
import { PROGRAM, RUNNER_TOKEN, RunnerHome } from '../fixtures/runner-process.ts';
import { textsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { card, closeAll, line3Client, modal } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const TEMPLATES = `
templates:
  press:
    command: [sh, -c, 'echo "lr $1"; sleep 600', sh, '{lr}']
    parameters: { lr: { type: number, min: 0, max: 1, default: 0.01 } }
`;

describe.skipIf(!existsSync(PROGRAM))('[P5] training from Slack', () => {
  let home: RunnerHome;
  let bot: Bot;
  let client: SageMakerClient;
  beforeAll(async () => {
    home = await RunnerHome.make(TEMPLATES);
    expect(await home.start(), home.stderr).toBeUndefined();
    bot = await startBot({
      config: (yaml) => {
        const config = parse(yaml);
        const [first] = config.useCases;
        first.providers = {
          sagemaker: true,
          local: { baseUrl: home.url, headers: { authorization: `Bearer ${RUNNER_TOKEN}` } },
        };
        first.train.templates.push({ name: 'press', provider: 'local', local: { template: 'press' } });
        return stringify(config);
      },
    });
    client = await line3Client(bot.sandbox, SageMakerClient);
  });
  afterAll(async () => {
    await bot?.stop();
    await home?.dispose();
  });

  const submit = (
    user: string,
    view: SandboxView,
    values: Record<string, string | { selected_option: { value: string } }>,
  ): Promise<InteractionResult> =>
    bot.post('/sandbox/slack/view', {
      user,
      view_id: view.id,
      values: Object.fromEntries(Object.entries(values).map(([field, value]) => [field, { [field]: value }])),
    });
  const open = async (args: string, says: string): Promise<SandboxView> => {
    await closeAll(bot, 'ada');
    expect(
      await bot.post('/sandbox/slack/command', {
        user: 'ada',
        channel: CHANNEL,
        command: '/train',
        text: args,
      }),
    ).toMatchObject({ ok: true });
    return await modal(bot, 'ada', says);
  };
  const stop = async (user: string, job: string) => {
    const shown = await card(bot, CHANNEL, job);
    return await bot.action(user, 'train.stop', { channel: CHANNEL, message_ts: shown.ts });
  };

  it('starts a job on SageMaker, says at each field what is wrong before, and has a card for it', async () => {
    const form = await open('sagemaker', 'Name of the run');
    const wrong = await submit('ada', form, { 'value.defects-swin.epochs': '0', 'name.defects-swin': '_' });
    expect(JSON.stringify(wrong)).toContain('Expected a whole number from 1 to 300.');
    expect(JSON.stringify(wrong)).toContain('letters, digits and dashes');
    const fields = { 'value.defects-swin.epochs': '2', 'name.defects-swin': 'swin-from-slack' };
    await Promise.all([submit('ada', form, fields), submit('ada', form, fields)]);
    await modal(bot, 'ada', 'swin-from-slack');
    const shown = await card(bot, CHANNEL, 'swin-from-slack', 'From the template');
    expect(textsOf(shown.blocks)).toContain('`defects-swin` by ada');
    expect(
      await client.send(new DescribeTrainingJobCommand({ TrainingJobName: 'swin-from-slack' })),
    ).toMatchObject({
      HyperParameters: { epochs: '2', backbone: 'swin-t', dataset: 'patches' },
      ResourceConfig: { InstanceType: 'ml.g5.xlarge' },
      StoppingCondition: { MaxRuntimeInSeconds: 6 * 3600 },
    });
  });

  it('stops it: asked first, for who may, and once', async () => {
    await stop('ada', 'swin-from-slack');
    await bot.message(CHANNEL, 'You do not have permission to stop training jobs', { user: 'ada' });
    await stop('ben', 'swin-from-slack');
    await expect
      .poll(
        async () =>
          (await client.send(new DescribeTrainingJobCommand({ TrainingJobName: 'swin-from-slack' })))
            .TrainingJobStatus,
      )
      .toMatch(/^Stop/);
    await bot.message(CHANNEL, 'Stopping `swin-from-slack`', { user: 'ben' });
  });

  it('starts a run on the runner with what its own template takes, and runs it again with changed parameters', async () => {
    const form = await open('local press', 'Name of the run');
    expect(textsOf(form.blocks)).toContain('Local runner');
    const wrong = await submit('ada', form, { 'value.press.lr': '7' });
    expect(JSON.stringify(wrong)).toContain('Expected a number from 0 to 1.');
    await submit('ada', form, { 'value.press.lr': '0.5', 'name.press': 'press-1' });
    await modal(bot, 'ada', 'Started');
    await home.until('press-1', ({ size }) => size > 5);
    expect((await home.ask('GET', '/runs/press-1')).body.parameters).toEqual({ lr: '0.5' });
    await stop('ben', 'press-1');
    await home.ended('press-1');
    await closeAll(bot, 'ada');
    const ended = await card(bot, CHANNEL, 'press-1', 'Run again');
    await bot.action('ada', 'train.again', { channel: CHANNEL, message_ts: ended.ts });
    const again = await modal(bot, 'ada', 'Name of the new run');
    expect(JSON.stringify(again)).toContain('lr=0.5');
    await submit('ada', again, { name: 'press-2', hyperparameters: 'lr=0.25' });
    await modal(bot, 'ada', 'Started');
    expect((await home.ask('GET', '/runs/press-2')).body.parameters).toEqual({ lr: '0.25' });
  });

  it('says so when the runner is down, and when a template is not there', async () => {
    await home.end('SIGTERM');
    const down = await open('local', 'The local runner does not answer');
    expect(JSON.stringify(down)).not.toContain('"submit"');
    await open('defects-swim', 'Did you mean defects-swin');
  });

  it('is refused to who may not', async () => {
    await bot.post('/sandbox/slack/command', { user: 'ben', channel: CHANNEL, command: '/train', text: '' });
    await modal(bot, 'ben', 'You do not have permission to start training jobs');
  });
});
