import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { PHONE, type SandboxPage, startPage } from './page.ts';

const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[A9] the focus on the page, and its times', () => {
  let pages: SandboxPage;
  let page: Page;
  beforeAll(async () => {
    pages = await startPage();
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  const focused = () =>
    page.evaluate<string>(`document.activeElement.getAttribute('aria-label') ?? document.activeElement.id`);
  const channel = (name: string) => page.getByRole('button', { name, exact: true });

  it('goes to the composer when a channel is chosen, also one that is open, so that one types at once', async () => {
    page = await pages.open('#/C0LINE3?as=U0ADA');
    await expect.poll(focused).toBe('Message #line-3');
    await channel('general').click();
    await expect.poll(focused).toBe('Message #general');
    await page.getByRole('log').click();
    await channel('general').click();
    await expect.poll(focused).toBe('Message #general');
    await page.getByRole('tab', { name: 'Messages' }).waitFor({ state: 'detached' });
    await channel('line-3').focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Message #line-3');
    await page.keyboard.type('typed at once');
    expect(await pages.composer().inputValue()).toBe('typed at once');
  });

  it('follows a channel that a message names', async () => {
    await pages.post('C0LINE3', { text: 'More in <#C0ALERTS>' });
    page = await pages.open('#/C0LINE3?as=U0ADA');
    await pages.message('More in').getByRole('button', { name: '#ml-alerts' }).click();
    await expect.poll(focused).toBe('Message #ml-alerts');
  });

  it('stays on the tabs of the app while they are gone through by keyboard', async () => {
    page = await pages.open('#/app/home?as=U0ADA');
    await page.getByRole('tab', { name: 'Home' }).focus();
    await page.keyboard.press('ArrowRight');
    await pages.composer().waitFor();
    expect(await focused()).toBe('tab-messages');
    await page.keyboard.press('ArrowRight');
    await page.getByText('Posts a report and its file').waitFor();
    expect(await focused()).toBe('tab-about');
    await page.getByRole('tab', { name: 'Messages' }).click();
    await expect.poll(focused).toBe('Message Signalbox');
  });

  it('is not taken on a phone, where a keyboard would cover half of the channel', async () => {
    page = await pages.open('#/C0LINE3?as=U0ADA', { viewport: PHONE, hasTouch: true, isMobile: true });
    await page.getByRole('button', { name: /Channel list/ }).tap();
    await channel('general').tap();
    await page.getByRole('heading', { name: 'general', level: 1 }).waitFor();
    await pages.composer().waitFor();
    expect(await focused()).not.toBe('Message #general');
  });

  it('goes into a window without a ring around it, until somebody uses the keyboard', async () => {
    page = await pages.open('#/C0LINE3?as=U0ADA');
    await pages.run('/report ring');
    await pages
      .message('training-logs-ring')
      .last()
      .getByRole('button', { name: /actions/i })
      .focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Name this' }).waitFor();
    await page.keyboard.press('Enter');
    const body = page.getByRole('dialog').locator('.modal-body');
    await body.waitFor();
    const ring = () =>
      body.evaluate((element) => element.ownerDocument.defaultView?.getComputedStyle(element).outlineStyle);
    await expect
      .poll(() => body.evaluate((element) => element === element.ownerDocument.activeElement))
      .toBe(true);
    expect(await ring()).toBe('none');
    await page.keyboard.press('ArrowDown');
    await expect.poll(ring).toBe('solid');
  });

  it('tells every time in the zone of who looks', async () => {
    const date = { type: 'date', timestamp: 1_700_000_000, format: '{date_num} {time}', fallback: '?' };
    const cell = { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [date] }] };
    await pages.post('C0ALERTS', {
      text: 'Ended',
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: 'Ended <!date^1700000000^{date_num} {time}|?>' } },
        { type: 'data_table', caption: 'Times', rows: [[{ type: 'raw_text', text: 'Ended' }], [cell]] },
      ],
    });
    page = await pages.open('#/C0ALERTS?as=U0ADA', { timezoneId: 'Asia/Kolkata', locale: 'en-GB' });
    const times = pages.message('Ended').last().locator('.message-body time');
    await times.nth(1).waitFor();
    expect(await times.allTextContents()).toEqual(['2023-11-15 3:43', '2023-11-15 3:43']);
    for (const title of await times.evaluateAll((all) => all.map((time) => time.getAttribute('title'))))
      expect(title).toMatch(/15 November 2023.*03:43:20.*(?:IST|GMT\+5:30)/);
  });
});
