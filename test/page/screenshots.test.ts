/**
 * The whole way in a browser: the sandbox's page shows what the bot made. With UPDATE_SCREENSHOTS=1 the pictures of
 * the documentation are taken anew; without, only that they could be.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bot, startBot } from '../e2e/bot.ts';
import { card, cardsOf, closeAll, modal, until } from '../e2e/jobs.ts';
import { launchBrowser, whyNoBrowser } from './browser.ts';

const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url));
const UPDATE = process.env.UPDATE_SCREENSHOTS === '1';
const CHANNEL = 'C0LINE3';
const JOB = 'defects-resnet101-ddp';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[C1, C3, C11, C12, G2] in a browser', () => {
  let folder: string;
  let bot: Bot;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-pictures-'));
    await build({
      root: fileURLToPath(new URL('../../src/sandbox/page', import.meta.url)),
      build: { outDir: join(folder, 'page') },
      logLevel: 'error',
    });
    bot = await startBot({ pageDir: join(folder, 'page') });
    bot.sandbox.aws.configure({ compilationMs: 3000, componentMs: 300 });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1180, height: 1150 }, deviceScaleFactor: 1.5 });
    await page.addInitScript("localStorage.setItem('sandbox.hint-seen', 'yes')");
    await page.goto(`${bot.sandbox.url}/#/${CHANNEL}?as=U0ADA`);
    if (UPDATE) await mkdir(IMAGES, { recursive: true });
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await bot?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function picture(name: string, of: Locator): Promise<void> {
    await of.waitFor();
    await of.scrollIntoViewIfNeeded();
    const taken = await of.screenshot(UPDATE ? { path: join(IMAGES, `${name}.png`) } : {});
    expect(taken.length).toBeGreaterThan(5000);
  }

  const dialog = (): Locator => page.getByRole('dialog').last();
  const message = (words: string): Locator => page.getByRole('article').filter({ hasText: words }).last();

  it('[L1, O7] a log delivered', async () => {
    await page.setViewportSize({ width: 1180, height: 800 });
    await bot.command('ada', CHANNEL, 'defects-unet', '/logs');
    await message('There is no training job').waitFor();
    await bot.command('ada', CHANNEL, 'defects-unet-relabelled', '/logs');
    await page.locator('.file').last().waitFor();
    await picture('logs-delivered', page.locator('body'));
    await page.setViewportSize({ width: 1180, height: 1150 });
  });

  it('the compile form', async () => {
    await bot.command('ada', CHANNEL, JOB, '/compile');
    await modal(bot, 'ada', 'Targets');
    await dialog().getByText('Input shape').waitFor();
    await picture('compile-form', dialog());
    const [view] = await bot.views('ada');
    await bot.post('/sandbox/slack/view', { user: 'ada', view_id: view!.id });
    await modal(bot, 'ada', /jetson-xavier\* (?:starting|compiling)/);
    await dialog().getByText('This window follows').waitFor();
    await picture('compile-status', dialog());
    await closeAll(bot, 'ada');
  });

  it('the job card while it runs and when something failed', async () => {
    await bot.command('ada', CHANNEL, 'yolo-bolts-2 jetson-xavier', '/compile');
    await card(bot, CHANNEL, 'yolo-bolts-2');
    await settle('yolo-bolts-2', '❌ *jetson-xavier* failed');
    await bot.command('ada', CHANNEL, 'yolo-bolts-2 x86_64-cpu', '/compile');
    await card(bot, CHANNEL, 'yolo-bolts-2', /x86_64-cpu\* (?:starting|compiling|requested)/);
    await picture('job-card', message('What to do'));
    await settle(JOB, '2/2 compiled');
  });

  it('the table of jobs', async () => {
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, '', '/jobs');
    await bot.message(CHANNEL, 'Training jobs', { since });
    await picture('jobs', message('newest first'));
  });

  it('a job’s details', async () => {
    const [found] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('ada', 'compile.details', { channel: CHANNEL, message_ts: found!.ts });
    const view = await modal(bot, 'ada', 'Overview');
    await bot.action('ada', 'compile.tab:2', { view_id: view.id });
    await modal(bot, 'ada', 'Progress in percent');
    await dialog().getByText('Compile log').first().waitFor();
    await picture('job-details', dialog());
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
    await dialog().getByText('Recipe', { exact: false }).first().waitFor();
    await picture('package', dialog());
    await bot.post('/sandbox/slack/view', { user: 'ada', view_id: preview.id });
    await settle(JOB, 'deployable');
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, 'resnet101', '/components');
    const list = await bot.message(CHANNEL, 'component versions', { since });
    await picture('components', message('component versions'));
    await bot.action('ada', 'components.details:0', { channel: CHANNEL, message_ts: list.ts });
    await modal(bot, 'ada', 'have this component now');
    await dialog().getByText('have this component now').waitFor();
    await picture('component', dialog());
    await closeAll(bot, 'ada');
  });

  it('the Home tab', async () => {
    await page.goto(`${bot.sandbox.url}/#/app/home?as=U0ADA`);
    await page.getByText('My jobs').waitFor();
    await picture('home', page.locator('.home'));
  });

  async function settle(job: string, says: string): Promise<void> {
    await until(async () => {
      await closeAll(bot, 'ada');
      const [found] = await cardsOf(bot, CHANNEL, job);
      await bot.action('ada', 'compile.details', { channel: CHANNEL, message_ts: found!.ts });
      const view = await modal(bot, 'ada', 'Refresh');
      await bot.action('ada', 'compile.refresh', { view_id: view.id });
      return card(bot, CHANNEL, job, says, 1000).catch(() => undefined);
    }, says);
    await closeAll(bot, 'ada');
  }
});
