/**
 * The whole way in a browser: the sandbox's page shows what the bot made. With UPDATE_SCREENSHOTS=1 the pictures of
 * the documentation are taken anew; without, only that they could be.
 */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { type Bot, withoutCompilationsOf } from '../e2e/bot.ts';
import { CARD_SETTLES, card, cardsOf, closeAll, modal } from '../e2e/jobs.ts';
import { type Pictures, settleJob, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const JOB = 'defects-resnet101-ddp';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[C1, C3, C11, C12, G2] in a browser', () => {
  let pictures: Pictures;
  let bot: Bot;
  let page: Page;

  beforeAll(async () => {
    pictures = await startPictures({ world: withoutCompilationsOf(JOB, 'yolo-bolts-2') });
    ({ bot, page } = pictures);
    bot.sandbox.aws.configure({ compilationMs: 3000, componentMs: 300 });
    await pictures.visit(CHANNEL);
  });
  afterAll(() => pictures?.stop());

  it('[L1, O7] a log delivered', async () => {
    await page.setViewportSize({ width: 1180, height: 1080 });
    await bot.command('ada', CHANNEL, 'defects-unet', '/logs');
    await pictures.message('There is no training job').waitFor();
    // Somebody else speaks, so that the next message says whose it is.
    await bot.post('/sandbox/slack/message', { user: 'ben', channel: CHANNEL, text: 'Why did it stop?' });
    await bot.command('ada', CHANNEL, 'defects-unet-relabelled', '/logs');
    await page.locator('.file').last().waitFor();
    await pictures.take('logs-delivered', pictures.message(/Log of defects-unet-relabelled/));
    await page.setViewportSize({ width: 1180, height: 1150 });
  });

  it('the compile form', async () => {
    await bot.command('ada', CHANNEL, JOB, '/compile');
    await modal(bot, 'ada', 'Targets');
    await pictures.dialog().getByText('Input shape').waitFor();
    await pictures.take('compile-form', pictures.dialog());
    const [view] = await bot.views('ada');
    await bot.post('/sandbox/slack/view', { user: 'ada', view_id: view!.id });
    await modal(bot, 'ada', /jetson-xavier\* (?:starting|compiling)/);
    await pictures.dialog().getByText('This window stays up to date').waitFor();
    await pictures.take('compile-status', pictures.dialog());
    await closeAll(bot, 'ada');
  });

  it('the job card while it runs and when something failed', async () => {
    await bot.command('ada', CHANNEL, 'yolo-bolts-2 jetson-xavier', '/compile');
    await card(bot, CHANNEL, 'yolo-bolts-2');
    await settle('yolo-bolts-2', '❌ *jetson-xavier* failed');
    // It must still run when the card's turn among Slack's edits comes.
    bot.sandbox.aws.configure({ compilationMs: 600_000 });
    await bot.command('ada', CHANNEL, 'yolo-bolts-2 x86_64-cpu', '/compile');
    await card(bot, CHANNEL, 'yolo-bolts-2', /x86_64-cpu\* (?:starting|compiling|requested)/, CARD_SETTLES);
    bot.sandbox.aws.configure({ compilationMs: 3000 });
    await pictures.take('job-card', pictures.message('What to do'));
    await settle(JOB, '2/2 compiled');
  });

  it('the table of jobs', async () => {
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, '', '/jobs');
    await bot.message(CHANNEL, 'newest first', { since });
    await pictures.take('jobs', pictures.message('newest first'));
  });

  it('a job’s details', async () => {
    const [found] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('ada', 'compile.details', { channel: CHANNEL, message_ts: found!.ts });
    const view = await modal(bot, 'ada', 'Overview');
    await bot.action('ada', 'compile.tab:2', { view_id: view.id });
    await modal(bot, 'ada', /Neo (?:does not report|reports neither)/);
    await pictures.dialog().getByText('Compile log').first().waitFor();
    await pictures.take('job-details', pictures.dialog());
    await closeAll(bot, 'ada');
  });

  it('a component with its devices', async () => {
    const [found] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('ada', 'compile.more', {
      channel: CHANNEL,
      message_ts: found!.ts,
      block_id: `line-3 ${JOB} jetson-xavier`,
      value: 'package',
    });
    const preview = await modal(bot, 'ada', 'RecipeFormatVersion');
    await pictures.dialog().getByText('Recipe', { exact: false }).first().waitFor();
    await pictures.take('package', pictures.dialog());
    await bot.post('/sandbox/slack/view', { user: 'ada', view_id: preview.id });
    await settle(JOB, 'deployable');
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, 'resnet101', '/components');
    const list = await bot.message(CHANNEL, 'component versions', { since });
    await pictures.take('components', pictures.message('component versions'));
    await bot.action('ada', 'components.details:0', { channel: CHANNEL, message_ts: list.ts });
    await modal(bot, 'ada', 'have this component now');
    await pictures.dialog().getByText('have this component now').waitFor();
    await pictures.take('component', pictures.dialog());
    await closeAll(bot, 'ada');
  });

  it('the Home tab', async () => {
    await page.setViewportSize({ width: 1180, height: 2200 });
    await pictures.visit('app/home');
    await page.getByText('My jobs').waitFor();
    await pictures.take('home', page.locator('.home'));
  });

  const settle = (job: string, says: string) => settleJob(bot, CHANNEL, job, says);
});
