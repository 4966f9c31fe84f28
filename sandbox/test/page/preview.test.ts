import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { DESKTOP, PHONE, type SandboxPage, startPage } from './page.ts';

const noBrowser = await whyNoBrowser();
/** 300 lines that end with a traceback; `Error` stands in two of them, `error` in one more. */
const LOG = [
  'start of the log',
  ...Array.from({ length: 295 }, (_, index) => `epoch ${index} loss=0.${index}`),
  'no error so far',
  'Traceback (most recent call last):',
  '  raise ValueError("no samples")',
  'ValueError: no samples',
].join('\n');
const BIG_LINES = 40_000;
/** 2.3 MB, of which a preview loads half a megabyte. */
const BIG = Array.from({ length: BIG_LINES }, (_, index) =>
  index === 3 ? 'the needle at the start' : `line ${index} of a log that is rather long, says this line`,
).join('\n');

describe.skipIf(noBrowser)('[A2] the preview of a file', () => {
  let pages: SandboxPage;
  let page: Page;
  beforeAll(async () => {
    pages = await startPage();
    await share('failed.log', LOG);
    await share('notes.txt', LOG);
    await share('big.log', BIG);
    await share('packed.log.gz', new Uint8Array(gzipSync(BIG)));
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  async function share(filename: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> {
    const { files } = pages.app.client;
    const upload = await files.getUploadURLExternal({ filename, length: Buffer.byteLength(body) });
    await fetch(String(upload.upload_url), { method: 'POST', body });
    const file = { id: String(upload.file_id), title: filename };
    await files.completeUploadExternal({ channel_id: 'C0LINE3', files: [file] });
  }
  async function open(name: string, viewport = DESKTOP) {
    page = await pages.open('#/C0LINE3?as=U0ADA', { viewport });
    await page.getByRole('button', { name: `Preview ${name}` }).click();
    await content().locator('.preview-lines').first().waitFor();
  }
  const preview = () => page.getByRole('dialog', { name: /Preview of/ });
  const content = () => preview().getByRole('region', { name: 'Content' });
  const box = () => preview().getByRole('searchbox', { name: 'Find in file' });
  const count = (says: string) => preview().getByRole('status').getByText(says, { exact: true });
  const toEnd = () =>
    content().evaluate((one) => Math.round(one.scrollHeight - one.scrollTop - one.clientHeight));
  const current = () => preview().locator('mark[aria-current]');
  /** Whether the current match is within what is seen of the text. */
  const isSeen = () =>
    current().evaluate((mark) => {
      const seen = mark.closest('.preview-text')!.getBoundingClientRect();
      const { top, bottom } = mark.getBoundingClientRect();
      return top >= seen.top && bottom <= seen.bottom;
    });

  it('opens a log at its end, and other texts at their start', async () => {
    await open('failed.log');
    await expect.poll(toEnd).toBe(0);
    await preview().getByText('300 lines').waitFor();
    await preview().getByRole('button', { name: 'Start' }).click();
    await expect.poll(() => content().evaluate((one) => one.scrollTop)).toBe(0);
    await preview().getByRole('button', { name: 'End' }).click();
    await expect.poll(toEnd).toBe(0);
    await page.keyboard.press('Escape');
    await preview().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Preview notes.txt' }).click();
    await content().getByText('start of the log').waitFor();
    expect(await content().evaluate((one) => one.scrollTop)).toBe(0);
  });

  it('can be scrolled by keyboard at once', async () => {
    await open('failed.log');
    await expect.poll(toEnd).toBe(0);
    await page.keyboard.press('Home');
    await expect.poll(() => content().evaluate((one) => one.scrollTop)).toBe(0);
  });

  it('finds words in any case, counts them, and steps through them by key and by button', async () => {
    await open('failed.log');
    await page.keyboard.press('Control+f');
    expect(await box().evaluate((one) => one.matches(':focus'))).toBe(true);
    await box().pressSequentially('error');
    await count('1 of 3').waitFor();
    expect(await content().locator('mark').allTextContents()).toEqual(['error', 'Error', 'Error']);
    await page.keyboard.press('Enter');
    await count('2 of 3').waitFor();
    await preview().getByRole('button', { name: 'Next match' }).click();
    await count('3 of 3').waitFor();
    await page.keyboard.press('F3');
    await count('1 of 3').waitFor();
    await box().focus();
    await page.keyboard.press('Shift+Enter');
    await count('3 of 3').waitFor();
    await box().fill('epoch 17 ');
    await count('1 of 1').waitFor();
    await expect.poll(isSeen).toBe(true);
    await box().fill('(most recent [call');
    await count('No match').waitFor();
    await page.keyboard.press('Escape');
    expect(await box().inputValue()).toBe('');
    expect(await preview().isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    await preview().waitFor({ state: 'detached' });
  });

  it('loads only the end of a big log, says so, and the start or all of it when asked', async () => {
    const loaded: number[] = [];
    page = await pages.open('#/C0LINE3?as=U0ADA');
    page.on('response', (response) => {
      if (response.url().includes('/content')) loaded.push(Number(response.headers()['content-length']));
    });
    await page.getByRole('button', { name: 'Preview big.log' }).click();
    await content()
      .getByText(`line ${BIG_LINES - 1} of`)
      .waitFor();
    await expect.poll(toEnd).toBe(0);
    await preview()
      .getByText(/only the last 524 kB loaded/)
      .waitFor();
    // React's strict mode may ask twice.
    expect(new Set(loaded)).toEqual(new Set([512 * 1024]));
    await box().fill('needle');
    await count('No match in this part').waitFor();
    await preview().getByRole('button', { name: 'Load all' }).click();
    await count('1 of 1').waitFor();
    await expect.poll(isSeen).toBe(true);
    await preview().getByText('40,000 lines').waitFor();
    await preview().getByRole('button', { name: 'End' }).click();
    await content()
      .getByText(`line ${BIG_LINES - 1} of`)
      .waitFor();
    await expect.poll(toEnd).toBe(0);
  });

  it('shows the start of a big log when asked', async () => {
    await open('big.log');
    await preview().getByRole('button', { name: 'Start' }).click();
    await content().getByText('the needle at the start').waitFor();
    await preview()
      .getByText(/only the first 524 kB loaded/)
      .waitFor();
    await expect.poll(() => content().evaluate((one) => one.scrollTop)).toBe(0);
  });

  it('unpacks a compressed log', async () => {
    await open('packed.log.gz');
    await preview().getByText('40,000 lines').waitFor();
    await content()
      .getByText(`line ${BIG_LINES - 1} of`)
      .waitFor();
    await expect.poll(toEnd).toBe(0);
  });

  it('works on a phone, where lines wrap', async () => {
    await open('failed.log', PHONE);
    await expect.poll(toEnd).toBe(0);
    await box().fill('error');
    await count('1 of 3').waitFor();
    expect(await content().evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);
  });
});
