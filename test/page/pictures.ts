/**
 * Bot, sandbox and a browser on the sandbox's page, for pictures of what people see. With UPDATE_SCREENSHOTS=1 they
 * become those of the documentation; without, it is only seen that they could be taken.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchBrowser, PATIENCE } from '../../sandbox/test/page/browser.ts';
import { buildPage } from '../../sandbox/test/page/built-page.ts';
import { type Bot, type BotOptions, startBot } from '../e2e/bot.ts';
import { card, closeAll, modal, until } from '../e2e/jobs.ts';

const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url));
const UPDATE = process.env.UPDATE_SCREENSHOTS === '1';

export interface Pictures {
  bot: Bot;
  page: Page;
  /** Goes to a channel, as Ada unless said otherwise. */
  visit(place: string, more?: { as?: string; thread?: string }): Promise<void>;
  take: typeof takePicture;
  dialog(): Locator;
  /** The newest message with these words. */
  message(words: string | RegExp): Locator;
  stop(): Promise<void>;
}

export async function startPictures(options: BotOptions = {}): Promise<Pictures> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-pictures-'));
  const bot = await startBot({ ...options, pageDir: await buildPage(folder) });
  const browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1180, height: 1150 }, deviceScaleFactor: 1.5 });
  page.setDefaultTimeout(PATIENCE);
  await page.addInitScript("localStorage.setItem('sandbox.hint-seen', 'yes')");
  return {
    bot,
    page,
    visit: async (place, { as = 'U0ADA', thread } = {}) => {
      const at = thread === undefined ? '' : `&thread=${thread}`;
      await page.goto(`${bot.sandbox.url}/#/${place}?as=${as}${at}`);
    },
    take: takePicture,
    dialog: () => page.getByRole('dialog').last(),
    message: (words) => page.getByRole('article').filter({ hasText: words }).last(),
    stop: async () => {
      await browser.close();
      await bot.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @param name of the file in docs/images, without .png */
export async function takePicture(name: string, of: Locator): Promise<void> {
  if (UPDATE) await mkdir(IMAGES, { recursive: true });
  const taken = await settled(of, UPDATE ? { path: join(IMAGES, `${name}.png`) } : {});
  expect(taken.length).toBeGreaterThan(5000);
}

/** A message that is edited at this very moment, or a window that is drawn anew, is another element than the one found. */
async function settled(of: Locator, options: { path?: string }, tries = 10): Promise<Buffer> {
  try {
    await of.waitFor();
    await of.scrollIntoViewIfNeeded();
    return await of.screenshot(options);
  } catch (error) {
    if (tries === 0 || !/not attached|detached/.test(String(error))) throw error;
    return settled(of, options, tries - 1);
  }
}

/** Looks at a job's details until its card says these words. */
export async function settleJob(
  bot: Bot,
  channel: string,
  job: string,
  says: string,
  user = 'ada',
): Promise<void> {
  await until(async () => {
    await closeAll(bot, user);
    const found = await card(bot, channel, job);
    await bot.action(user, 'compile.details', { channel, message_ts: found.ts });
    const view = await modal(bot, user, 'Refresh');
    await bot.action(user, 'compile.refresh', { view_id: view.id });
    return card(bot, channel, job, says, 1000).catch(() => undefined);
  }, says);
  await closeAll(bot, user);
}
