/** Curves as people see them: on a card, on request, side by side. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { cardsOf, closeAll, modal, until } from '../e2e/jobs.ts';
import { type Pictures, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const KERAS = 'glare-segmenter-keras';
/** Seeded: it runs, and fails two minutes after the world's beginning. */
const ENDING = 'defects-deeplab-hires';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[W8] curves, in a browser', () => {
  let pictures: Pictures;
  let ahead = 0;

  beforeAll(async () => {
    pictures = await startPictures({
      clock: { now: () => Date.now() + ahead },
      age: 90_000,
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].metrics = { auto: true };
        return stringify(config);
      },
    });
    // As high as the highest message.
    await pictures.page.setViewportSize({ width: 1180, height: 1900 });
  });
  afterAll(() => pictures?.stop());

  async function known(job: string): Promise<SandboxMessage> {
    const { bot } = pictures;
    return until(async () => {
      const since = await bot.now(CHANNEL);
      await bot.command('ada', CHANNEL, job, '/jobs');
      const table = await bot.message(CHANNEL, `\`${job}\``, { since });
      return table.text.startsWith('No training jobs') ? undefined : table;
    }, `${job} is known`);
  }

  it('on request', async () => {
    const { bot, visit, take, message } = pictures;
    const table = await known(KERAS);
    const since = await bot.now(CHANNEL);
    await bot.action('ada', 'compile.details:0', { channel: CHANNEL, message_ts: table.ts });
    const view = await modal(bot, 'ada', 'Hyperparameters');
    await bot.action('ada', 'curves.show', { view_id: view.id });
    await closeAll(bot, 'ada');
    await bot.message(CHANNEL, `Curves of \`${KERAS}\``, { since });
    await visit(CHANNEL);
    await take('curves', message('Curves of'));
  });

  it('side by side', async () => {
    const { bot, visit, take, message } = pictures;
    for (const job of ['defects-resnet101-ddp', 'defects-resnet50']) await known(job);
    const began = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, '', '/jobs');
    const table = await until(
      async () =>
        (await bot.messages(CHANNEL)).find(
          ({ ts, blocks }) => ts > began && JSON.stringify(blocks).includes('"curves.compare"'),
        ),
      'the table of jobs',
    );
    await bot.action('ada', 'curves.compare', { channel: CHANNEL, message_ts: table.ts });
    const view = await modal(bot, 'ada', 'Compare');
    const since = await bot.now(CHANNEL);
    await bot.post('/sandbox/slack/options', {
      user: 'ada',
      view_id: view.id,
      action_id: 'curves.job',
      value: '',
    });
    const runs = ['defects-resnet101-ddp', 'defects-resnet50', 'defects-vit-b16'];
    await bot.post('/sandbox/slack/view', {
      user: 'ada',
      view_id: view.id,
      values: { 'curves.job': runs.map((job) => `line-3 ${job}`) },
    });
    await bot.message(CHANNEL, 'runs compared', { since });
    await visit(CHANNEL);
    await take('curves-compared', message('runs compared'));
  });

  it('on a card, once the run has ended', async () => {
    const { bot, visit, take, message } = pictures;
    const ended = await until(
      async () => (await cardsOf(bot, CHANNEL, ENDING)).find((one) => one.text.includes('failed')),
      `${ENDING} has ended`,
    );
    // Its last lines are waited for.
    ahead += 60_000;
    await until(
      async () =>
        (await bot.messages(CHANNEL)).find(
          ({ ts, blocks }) => ts === ended.ts && JSON.stringify(blocks).includes('data_visualization'),
        ),
      'its card has a chart',
    );
    await visit(CHANNEL);
    await take('curves-card', message(`Training job ${ENDING}`));
  });
});
