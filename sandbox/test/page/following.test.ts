import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { type SandboxPage, startPage } from './page.ts';

const noBrowser = await whyNoBrowser();
const TALL_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="400"/>';
const lines = (count: number, word: string) =>
  Array.from({ length: count }, (_, index) => `${word} ${index}`).join('\n');

describe.skipIf(noBrowser)('[A1] the page and the end of a conversation', () => {
  let pages: SandboxPage;
  let page: Page;

  beforeAll(async () => {
    pages = await startPage();
    for (let index = 0; index < 30; index += 1)
      await pages.post('C0LINE3', { text: `Old message ${index}\nwith a second line` });
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  const open = async (hash = '#/C0LINE3?as=U0ADA', options = {}) => {
    page = await pages.open(hash, options);
    await page.getByText('Old message 29').waitFor();
  };
  const channel = () => page.getByRole('log', { name: 'Messages in #line-3' });
  const thread = () => page.getByRole('log', { name: 'Messages in the thread' });
  const toEnd = (list: Locator) =>
    list.evaluate((element) => Math.round(element.scrollHeight - element.scrollTop - element.clientHeight));
  const top = (list: Locator) => list.evaluate((element) => Math.round(element.scrollTop));
  const isAtEnd = (list: Locator) => expect.poll(() => toEnd(list)).toBe(0);
  /** As a reader does: resolves when the page has heard of it. */
  const scrollTo = (list: Locator, to: number) =>
    list.evaluate(
      (element, y) =>
        new Promise<void>((done) => {
          const { defaultView: view } = element.ownerDocument;
          element.addEventListener('scroll', () => view?.requestAnimationFrame(() => done()), { once: true });
          element.scrollTop = y;
        }),
      to,
    );
  const pill = (words: string) => page.getByRole('button', { name: words });
  const answer = (text: string) => pages.post('C0LINE3', { text });

  it('shows the answer to each own command, though the first one also closes the hint', async () => {
    await open();
    await page.getByRole('complementary', { name: 'What to try' }).waitFor();
    for (const name of ['one', 'two', 'three']) {
      await pages.run(`/report ${name}`);
      await page.getByRole('region', { name: `File training-logs-${name}.log` }).waitFor();
      await isAtEnd(channel());
    }
  });

  it('is not led astray by a scroll that is only told after the list has grown', async () => {
    await open();
    await isAtEnd(channel());
    await channel().evaluate((element) => {
      // What a browser does when the composer shrinks just before a message comes.
      element.scrollTop -= 1;
      const filling = element.ownerDocument.createElement('p');
      filling.style.height = '700px';
      element.firstElementChild?.append(filling);
    });
    await isAtEnd(channel());
    await answer('After that');
    await page.getByText('After that').waitFor();
    await isAtEnd(channel());
  });

  it('leaves alone who has scrolled up, counts what is new, and leads there', async () => {
    await open();
    await scrollTo(channel(), 200);
    await answer('First news');
    await answer('Second news');
    await pill('2 new messages').waitFor();
    expect(await top(channel())).toBe(200);
    await pill('2 new messages').click();
    await isAtEnd(channel());
    await expect.poll(() => pill('2 new messages').count()).toBe(0);
    await answer('Third news');
    await page.getByText('Third news').waitFor();
    await isAtEnd(channel());
  });

  it('brings who has scrolled up to the answer of an own command', async () => {
    await open();
    await scrollTo(channel(), 100);
    await pages.run('/report from-above');
    await page.getByRole('region', { name: 'File training-logs-from-above.log' }).waitFor();
    await isAtEnd(channel());
  });

  it('lets who scrolled up after a command go on reading', async () => {
    await open();
    await pages.run('/slow');
    await isAtEnd(channel());
    await scrollTo(channel(), 150);
    await page.getByText('/slow failed with the error').last().waitFor({ state: 'attached' });
    await pill('1 new message').waitFor();
    expect(await top(channel())).toBe(150);
  });

  it('stays at the end when the last message is edited, and grows, as a progress bar does', async () => {
    await open();
    const ts = await answer('▏ 0 %');
    await page.getByText('▏ 0 %').last().waitFor();
    for (const rows of [3, 12, 40, 2]) {
      await pages.app.client.chat.update({ channel: 'C0LINE3', ts, text: lines(rows, `of ${rows} row`) });
      await page.getByText(`of ${rows} row 0`).waitFor();
      await isAtEnd(channel());
    }
  });

  it('shows the end of an answer that is longer than the screen', async () => {
    await open();
    await answer(lines(80, 'long answer, line'));
    await page.getByText('long answer, line 0').waitFor();
    await isAtEnd(channel());
  });

  it('keeps what the reader unfolds in sight, rather than its end', async () => {
    await open();
    await answer(lines(70, 'folded line'));
    const message = pages.message('folded line 0').last();
    await message.getByRole('button', { name: 'Show more' }).click();
    await message.getByText('folded line 69').waitFor({ state: 'attached' });
    expect(await toEnd(channel())).toBeGreaterThan(500);
    await message.getByRole('button', { name: 'Show less' }).click();
    await isAtEnd(channel());
    await answer('After unfolding');
    await page.getByText('After unfolding').waitFor();
    await isAtEnd(channel());
  });

  it('stays at the end when a picture loads later', async () => {
    await open();
    let show: (() => void) | undefined;
    const shown = new Promise<void>((resolve) => (show = resolve));
    await page.route('**/late.svg', async (route) => {
      await shown;
      await route.fulfill({ contentType: 'image/svg+xml', body: TALL_SVG });
    });
    const picture = `${pages.sandbox.url}/late.svg`;
    await pages.post('C0LINE3', {
      text: 'A picture',
      blocks: [{ type: 'image', image_url: picture, alt_text: 'A late picture' }],
    });
    const image = page.getByRole('img', { name: 'A late picture' });
    await image.waitFor({ state: 'attached' });
    show?.();
    await expect.poll(() => image.evaluate((one) => one.clientHeight)).toBeGreaterThan(300);
    await isAtEnd(channel());
  });

  it('shows what a form that was sent has posted, also to who has scrolled up behind it', async () => {
    await open();
    await pages.run('/form');
    const modal = page.getByRole('dialog', { name: 'Ask for logs' });
    await modal.getByRole('combobox', { name: /Training job/ }).fill('resnet');
    await page.getByRole('option', { name: 'defects-resnet50-0412' }).click();
    // Behind a modal it is hidden from screen readers, and so from roles.
    const behind = page.getByRole('log', { name: 'Messages in #line-3', includeHidden: true });
    await scrollTo(behind, 100);
    await modal.getByRole('button', { name: 'Ask', exact: true }).click();
    await pages.message('asked for defects-resnet50-0412').last().waitFor();
    await isAtEnd(channel());
  });

  it('follows the replies in a thread, and leaves its reader alone too', async () => {
    const thread_ts = await answer('A root');
    for (let index = 0; index < 25; index += 1)
      await pages.post('C0LINE3', { text: `Reply ${index}\nsecond line`, thread_ts });
    await open(`#/C0LINE3?as=U0ADA&thread=${thread_ts}`);
    await thread().getByText('Reply 24').waitFor();
    await isAtEnd(thread());
    await pages.post('C0LINE3', { text: lines(30, 'reply line'), thread_ts });
    await thread().getByText('reply line 29').waitFor();
    await isAtEnd(thread());
    await scrollTo(thread(), 120);
    await pages.post('C0LINE3', { text: 'One more reply', thread_ts });
    await pill('1 new message').waitFor();
    expect(await top(thread())).toBe(120);
    const reply = page.getByRole('combobox', { name: 'Reply in thread' });
    await reply.fill('Mine');
    await reply.press('Enter');
    await thread().getByText('Mine').waitFor();
    await isAtEnd(thread());
  });

  it('keeps its place below a thread that covers it', async () => {
    await open('#/C0LINE3?as=U0ADA', { viewport: { width: 900, height: 700 } });
    await scrollTo(channel(), 300);
    const line = channel().getByRole('article').filter({ hasText: 'Old message 8' });
    await line.hover();
    const before = await top(channel());
    await line.getByRole('button', { name: 'Reply in thread' }).click();
    await thread().waitFor();
    await channel().waitFor({ state: 'hidden' });
    await answer('Meanwhile');
    await page.getByRole('button', { name: 'Close thread' }).click();
    await pill('1 new message').waitFor();
    expect(await top(channel())).toBe(before);
  });

  it('puts earlier messages in above without moving what is read, and drops none while it is read', async () => {
    for (let index = 0; index < 160; index += 1) await pages.post('C0ALERTS', { text: `Line ${index}` });
    page = await pages.open('#/C0ALERTS?as=U0ADA');
    const list = page.getByRole('log');
    await page.getByText('Line 159', { exact: true }).waitFor();
    const first = await list.getByRole('article').first().textContent();
    await scrollTo(list, 0);
    await pages.post('C0ALERTS', { text: 'Line 160' });
    await pill('1 new message').waitFor();
    expect(await list.getByRole('article').first().textContent()).toBe(first);
    const readLine = list.getByRole('article').first();
    const marked = await readLine.evaluate((element) => {
      element.id = 'read';
      return Math.round(element.getBoundingClientRect().bottom);
    });
    await page.getByRole('button', { name: /Show earlier messages/ }).click();
    await page.getByText('Line 0', { exact: true }).waitFor({ state: 'attached' });
    // Its head goes, for it follows others of the same author now; its words stay.
    const now = await page.locator('#read').evaluate((element) => element.getBoundingClientRect().bottom);
    expect(Math.abs(now - marked)).toBeLessThan(2);
  });
});
