import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { DESKTOP, PHONE, type SandboxPage, startPage } from './page.ts';

const noBrowser = await whyNoBrowser();
const raw = (text: string) => ({ type: 'raw_text', text });
const JOB = 'defects-resnet101-distributed-relabelled-2026';
const ROW = [
  JOB,
  '❌ failed',
  '❌ failed',
  '0/2 compiled',
  'sagemaker',
  'ml.p3.2xlarge',
  'yesterday at 8:59',
];
const HEAD = ['Job', 'Training', 'Compilation', 'Compiled', 'Provider', 'Machine', 'Created'];
const table = (more: object, extra = 0) => ({
  type: 'data_table',
  caption: 'Jobs',
  rows: [HEAD, ROW].map((row) => [
    ...row.map(raw),
    ...Array.from({ length: extra }, (_, column) => raw(`extra column ${column}`)),
  ]),
  ...more,
});

describe.skipIf(noBrowser)('[A3] tables on the page', () => {
  let pages: SandboxPage;
  let page: Page;
  beforeAll(async () => {
    pages = await startPage();
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  async function show(name: string, block: object, viewport: { width: number; height: number }) {
    page = await pages.open('#/C0ALERTS?as=U0ADA', { viewport });
    await pages.post('C0ALERTS', { text: name, blocks: [{ type: 'header', text: plain(name) }, block] });
    const message = pages.message(name).last();
    await message.getByRole('table').waitFor();
    return message;
  }
  const plain = (text: string) => ({ type: 'plain_text', text });
  const hidden = (message: Locator) =>
    message.locator('.table-frame').evaluate((frame) => frame.scrollWidth - frame.clientWidth);
  const right = async (cell: Locator) => {
    const box = await cell.boundingBox();
    return Math.ceil((box?.x ?? 0) + (box?.width ?? 0));
  };

  it('has seven columns of a job in sight on a desktop', async () => {
    const message = await show('Seven columns', table({ row_header_column_index: 0 }), DESKTOP);
    expect(await hidden(message)).toBe(0);
    expect(await right(message.getByRole('cell').last())).toBeLessThanOrEqual(DESKTOP.width);
  });

  it('keeps the name of a row in sight while the rest of a very wide table is scrolled', async () => {
    const message = await show('Very wide', table({ row_header_column_index: 0 }, 12), DESKTOP);
    const frame = message.locator('.table-frame');
    const name = message.getByRole('rowheader', { name: JOB });
    const before = await name.boundingBox();
    await frame.evaluate((element) => element.scrollTo(element.scrollWidth, 0));
    expect(await right(message.getByRole('cell').last())).toBeLessThanOrEqual(DESKTOP.width);
    expect((await name.boundingBox())?.x).toBeCloseTo(before?.x ?? 0, 0);
  });

  it.each([
    ['a data table that names its rows', { row_header_column_index: 0 }],
    ['a data table that does not', {}],
    ['a plain table', { type: 'table', caption: undefined }],
  ])('shows every cell of %s on a phone, each with its column’s name', async (name, more) => {
    const message = await show(`On a phone: ${name}`, table(more), PHONE);
    expect(await hidden(message)).toBe(0);
    for (const cell of await message.getByRole('row').last().locator('th, td').all())
      expect(await right(cell)).toBeLessThanOrEqual(PHONE.width);
    const state = message.getByRole('cell', { name: 'failed' }).first();
    await state.waitFor();
    expect(
      await state.evaluate(
        (cell) => cell.ownerDocument.defaultView!.getComputedStyle(cell, '::before').content,
      ),
    ).toContain('Training');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);
  });

  it('sorts on a phone, too', async () => {
    const rows = [[raw('Job')], ...['b', 'c', 'a'].map((name) => [raw(`job-${name}`)])];
    const message = await show('Sorted', { type: 'data_table', caption: 'Sorted', rows }, PHONE);
    await message.getByRole('button', { name: 'Job' }).click();
    await message.getByRole('row').nth(1).getByText('job-a').waitFor();
  });
});
