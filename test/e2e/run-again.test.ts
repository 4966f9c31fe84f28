/** Run again: from the alert of a failed training to the run that makes it good; the whole app on the whole sandbox. */
import { DescribeTrainingJobCommand, ListTagsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InteractionResult, SandboxMessage, SandboxView } from '#sandbox';
import { textsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { card, closeAll, line3Client, modal, train, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const JOB = 'presses-hires';
const TOO_MUCH = { 'image-size': '2048', 'batch-size': '8', epochs: '1' };
let bot: Bot;
let client: SageMakerClient;

beforeAll(async () => {
  bot = await startBot();
  client = await line3Client(bot.sandbox, SageMakerClient);
});
afterAll(() => bot.stop());

const described = (name: string) => client.send(new DescribeTrainingJobCommand({ TrainingJobName: name }));

const alertOf = (job: string, says: string): Promise<SandboxMessage> =>
  until(
    async () =>
      (await bot.messages(ALERTS)).find((one) => {
        const words = `${one.text}\n${textsOf(one.blocks)}`;
        return (!one.thread_ts || one.thread_ts === one.ts) && words.includes(job) && words.includes(says);
      }),
    `an alert of ${job} that says ${says}`,
  );

const click = (user: string, message: SandboxMessage, action_id: string) =>
  bot.action(user, action_id, { channel: message.channel, message_ts: message.ts });

/** What stands in a field of the form. */
function initial(view: SandboxView, field: string): string {
  const blocks = view.blocks as { block_id?: string; element?: { initial_value?: string } }[];
  return blocks.find(({ block_id }) => block_id === field)?.element?.initial_value ?? '';
}

const submit = (
  user: string,
  view: SandboxView,
  values: Record<string, string>,
): Promise<InteractionResult> =>
  bot.post('/sandbox/slack/view', {
    user,
    view_id: view.id,
    values: Object.fromEntries(Object.entries(values).map(([field, value]) => [field, { [field]: value }])),
  });

describe('[N4] Retry on the alert of a failed training', () => {
  let name: string;

  it('opens a form with what the job had', async () => {
    await train(client, JOB, TOO_MUCH);
    const alert = await alertOf(JOB, 'GPU');
    expect(textsOf(alert.blocks)).toContain('Training failed');
    await click('ada', alert, 'train.again');
    const form = await modal(bot, 'ada', 'Name of the new run');
    name = initial(form, 'name');
    expect(name).toMatch(/^presses-hires-\d{4}(-\d\d){5}-\d{3}$/);
    expect(initial(form, 'type')).toBe('ml.g5.2xlarge');
    expect(initial(form, 'hyperparameters').split('\n').sort()).toEqual([
      // As the alert advises, and said so.
      'batch-size=4',
      'epochs=1',
      'image-size=2048',
    ]);
    expect(textsOf(form.blocks)).toContain('batch-size 8 → 4, since the GPU ran out of memory');
    // The same path for checkpoints: the new run goes on from the old one's.
    expect(textsOf(form.blocks)).toContain('s3://line-3-models/checkpoints/presses/');
  });

  it('says which line cannot be read, in the form', async () => {
    const form = await modal(bot, 'ada', 'Name of the new run');
    const answer = await submit('ada', form, {
      name: JOB,
      type: 'a large one',
      hyperparameters: 'batch-size 4\nepochs=1\nepochs=2',
    });
    const said = JSON.stringify(answer);
    expect(said).toContain('Line 1: expected name=value');
    expect(said).toContain('Line 3: “epochs” stands here a second time');
    expect(said).toContain('old run’s name');
    expect(said).toContain('ml.g5.2xlarge');
  });

  it('starts it once, however often it is submitted, with everything else as it was', async () => {
    const form = await modal(bot, 'ada', 'Name of the new run');
    const hyperparameters = 'batch-size=4\nepochs=1\nimage-size=2048';
    const values = { name, type: 'ml.g5.2xlarge', hyperparameters };
    await Promise.all([submit('ada', form, values), submit('ada', form, values)]);
    await modal(bot, 'ada', 'Started');
    const job = await described(name);
    expect(job).toMatchObject({
      HyperParameters: { 'batch-size': '4', epochs: '1', 'image-size': '2048' },
      Environment: { STAGE: 'night' },
      CheckpointConfig: { S3Uri: 's3://line-3-models/checkpoints/presses/' },
    });
    const tags = await client.send(new ListTagsCommand({ ResourceArn: job.TrainingJobArn }));
    expect(tags.Tags).toEqual([{ Key: 'owner', Value: 'ada' }]);
  });

  it('is shown as being retried by the alert, and refused a second time with a link to the first', async () => {
    const alert = await alertOf(JOB, 'Being retried by <@U0ADA>');
    const said = textsOf(alert.blocks);
    expect(said).toContain(`|${name}>`);
    expect(said).toContain('See the retry');
    expect(said).not.toContain('Not acknowledged');
    expect(JSON.stringify(alert.blocks)).not.toContain('train.again');
    await closeAll(bot, 'ada');
    await click('ada', await card(bot, CHANNEL, JOB), 'train.again');
    const second = await modal(bot, 'ada', 'is being run again already');
    expect(textsOf(second.blocks)).toContain(`|${name}>`);
    expect(textsOf(second.blocks)).toContain('See that run');
  });

  it('says so in the threads of the old job, pings nobody about it, and gives the new run its card', async () => {
    const shown = await card(bot, CHANNEL, name, 'Run again from');
    expect(textsOf(shown.blocks)).toContain('batch-size: 8 → 4');
    const alert = await alertOf(JOB, 'Training failed');
    const told = await until(async () => {
      const thread = await bot.thread(ALERTS, alert.ts);
      return thread.filter(({ text }) => text.includes('Run again') && text.includes(name)).at(0);
    }, 'the thread of the alert');
    expect(told.text).toContain('by ada');
    expect(told.text).not.toContain('<@');
    const all = (await bot.thread(ALERTS, alert.ts)).filter(({ text }) => text.includes(name));
    expect(all).toHaveLength(1);
    const old = await card(bot, CHANNEL, JOB);
    await until(
      async () => (await bot.thread(CHANNEL, old.ts)).find(({ text }) => text.includes(name)),
      'the thread of the old card',
    );
  });

  it('resolves the alert when the new run succeeds', async () => {
    await alertOf(JOB, 'a later run succeeded');
    expect((await described(name)).TrainingJobStatus).toBe('Completed');
  });
});

describe('without the right', () => {
  it('it is refused, also to operators, who handle alerts and stop trainings', async () => {
    await click('ben', await card(bot, CHANNEL, JOB), 'train.again');
    await modal(bot, 'ben', 'You do not have permission to start training jobs');
  });
});

describe('what AWS refuses', () => {
  it('is explained in the form, which keeps what was written', async () => {
    await closeAll(bot, 'ada');
    await click('ada', await card(bot, CHANNEL, JOB), 'train.again');
    const form = await modal(bot, 'ada', 'Name of the new run');
    await submit('ada', form, { name: 'presses-large', type: 'ml.p5.48xlarge' });
    let refused = await modal(bot, 'ada', 'ml.p5.48xlarge for training job usage');
    expect(textsOf(refused.blocks)).toContain('raise the quota');
    expect(initial(refused, 'type')).toBe('ml.p5.48xlarge');
    await submit('ada', refused, { name: 'defects-resnet50', type: 'ml.g5.2xlarge' });
    refused = await modal(bot, 'ada', 'Another training job is called defects-resnet50');
    expect(initial(refused, 'name')).toBe('defects-resnet50');
  });
});
