/** [W4] Finding text on a run's page: what it says and what is marked agree, whatever else goes on. */
import type { Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import type { RunEnd } from '../../src/domain/runs.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { badge, columnsOf, RUN, sees, startViewerHouse, type ViewerHouse } from './viewer-house.ts';

const noBrowser = await whyNoBrowser();
/** Bytes that the page reads at a time; its search reads twice as many. */
const STEP = 512 * 1024;
const COMPLETED: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: 5 };

describe.skipIf(noBrowser)('[W4] finding text on a run’s page', () => {
  let house: ViewerHouse;
  const pages: Page[] = [];

  beforeAll(async () => {
    house = await startViewerHouse(new MemoryRunLogs({ cap: 1e9 }));
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    await house.logs.remove(RUN);
    expect(house.problems.splice(0)).toEqual([]);
  });
  afterAll(() => house?.close());

  async function open(): Promise<Page> {
    const { page } = await house.open();
    pages.push(page);
    await page.goto(house.url);
    return page;
  }

  it('shows what was found although the end, asked for before that, is not loaded yet', async () => {
    const page = await openInTheMiddle();
    const reads = await holdReads(page, ({ offset, limit }) => offset === 0 && limit === STEP);
    await page.keyboard.press('Home');
    await reads.held(1);
    await page.keyboard.press('End');
    await find(page, 'needle');
    // Counted, and not said to be shown.
    await says(page, '1 found');
    reads.release();
    await says(page, '1 of 1');
    expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
    await page.getByRole('button', { name: 'Jump to end' }).waitFor();
    // The end was not asked for any more: who asked for it has asked for something else since.
    expect(reads.asked.filter(({ limit }) => limit === 0)).toEqual([]);
  });

  it('goes to the end, if that was asked for after what was found, and says no more than that it was found', async () => {
    const page = await openInTheMiddle();
    const needle = lines(1, 20_000).length;
    const reads = await holdReads(page, ({ offset }) => offset === needle);
    await page.keyboard.press('PageUp');
    await find(page, 'needle');
    await reads.held(1);
    await says(page, '1 found');
    await page.getByRole('button', { name: 'Jump to end' }).click();
    reads.release();
    await sees(page, 'line 40000');
    await page.locator('#to-end').waitFor({ state: 'hidden' });
    await says(page, '1 found');
    expect(await isMarked(page)).toBe(false);
    await page.getByRole('button', { name: 'Next match' }).click();
    await says(page, '1 of 1');
    expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
  });

  it('leaves the reader at the end who went there while it was still searching', async () => {
    const page = await openInTheMiddle();
    await page.keyboard.press('PageUp');
    const reads = await holdReads(page, ({ limit }) => limit > STEP);
    await find(page, 'needle');
    await reads.held(1);
    await page.getByRole('button', { name: 'Jump to end' }).click();
    await page.locator('#to-end').waitFor({ state: 'hidden' });
    reads.release();
    await says(page, '1 found');
    expect(await isMarked(page)).toBe(false);
    await sees(page, 'line 40000');
  });

  it('goes to the last one of those that were asked for while the first was loading', async () => {
    await house.print(lines(1, 20_000));
    const starts = new Set<number>();
    for (let n = 1; n <= 5; n++) {
      starts.add((await house.logs.info(RUN))!.size);
      await house.print(`needle ${n}\r\n${lines(n * 20_000 + 1, (n + 1) * 20_000)}`);
    }
    const page = await open();
    await badge(page, 'Live');
    const reads = await holdReads(page, ({ offset }) => starts.has(offset));
    await find(page, 'needle');
    await says(page, '5 found');
    for (let presses = 0; presses < 3; presses++) await page.keyboard.press('Shift+Enter');
    reads.release();
    await says(page, '2 of 5');
    expect(await marked(page)).toEqual({ row: 'needle 2', text: 'needle' });
    await page.keyboard.press('Enter');
    await says(page, '3 of 5');
    expect(await marked(page)).toEqual({ row: 'needle 3', text: 'needle' });
  });

  it('keeps it marked where it is while the log goes on, wherever it is in it', async () => {
    for (const before of [3, 15, 500]) {
      await house.print(`${lines(1, before)}the needle\r\n${lines(1, 3)}`);
      const page = await open();
      await badge(page, 'Live');
      await find(page, 'needle');
      await says(page, '1 of 1');
      for (let n = 0; n < 40; n++) {
        await house.print(lines(n * 20, n * 20 + 19));
        expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
      }
      const { size } = (await house.logs.info(RUN))!;
      await page
        .locator('#size')
        .getByText(`${(size / 1000).toFixed(1)} kB`)
        .waitFor();
      await frames(page);
      expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
      await says(page, '1 of 1');
      await page.getByRole('button', { name: 'Jump to end' }).click();
      await house.print('the end\r\n');
      await sees(page, 'the end');
      await page.context().close();
      pages.pop();
      await house.logs.remove(RUN);
    }
  });

  it('keeps it marked while more is printed than can be drawn', async () => {
    await house.print(`${lines(1, 500)}the needle\r\n`);
    const page = await open();
    await badge(page, 'Live');
    await find(page, 'needle');
    await says(page, '1 of 1');
    const block = lines(1, 20_000);
    for (let n = 0; n < 20; n++) await house.print(block);
    await page
      .locator('#size')
      .getByText(/^2\d\.\d MB$/)
      .waitFor();
    await frames(page);
    expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
    await says(page, '1 of 1');
  });

  it('keeps it marked in another size, wrapped or not, light or dark', async () => {
    await house.print(`${lines(1, 900, 4)}a needle, and the needle\r\n${lines(901, 1_800, 4)}`);
    const page = await open();
    await badge(page, 'Live');
    await find(page, 'needle');
    await says(page, '2 of 2');
    const wanted = { row: 'a needle, and the needle', text: 'needle', column: 18, cells: 6 };
    const expectMarked = async (): Promise<void> => {
      await frames(page);
      await expect.poll(() => markedIn(page)).toEqual(wanted);
      await says(page, '2 of 2');
    };
    await expectMarked();
    for (const [width, height] of [
      [1180, 500],
      [1180, 300],
      [1180, 720],
      [700, 720],
      [1400, 400],
    ] as const) {
      await page.setViewportSize({ width, height });
      await expectMarked();
    }
    await page.getByRole('button', { name: 'Wrap' }).click();
    await expectMarked();
    await page.getByRole('button', { name: 'Wrap' }).click();
    await expectMarked();
    await page.getByRole('button', { name: 'Theme' }).click();
    await expectMarked();
  });

  it('keeps it marked when the connection was lost and is there again', async () => {
    await house.print(`${lines(1, 500)}the needle\r\n${lines(1, 40)}`);
    const page = await open();
    await badge(page, 'Live');
    await find(page, 'needle');
    await says(page, '1 of 1');
    await house.down();
    await badge(page, 'Reconnecting…');
    expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
    await house.up();
    await page.getByRole('button', { name: 'Try now' }).click();
    await badge(page, 'Live');
    await house.print(lines(501, 700));
    await page.locator('#notice').waitFor({ state: 'hidden' });
    await frames(page);
    expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
  });

  it('marks what it counts, also beside others, wide characters and moves to other lines', async () => {
    await house.logs.create(RUN);
    const page = await open();
    await badge(page, 'Live');
    await house.print('学習 needle 学習 needle 🚀needle\r\n');
    await sees(page, 'needle');
    const columns = await columnsOf(page);
    // Wide ones, of which the last in the row leaves a cell empty.
    const inRow = Math.ceil(columns / 2) - 1;
    await house.print(`${columns % 2 === 0 ? 'x' : ''}${'学'.repeat(inRow + 10)}needle\r\n`);
    // Two bars below each other, as they are drawn over and over.
    for (let step = 0; step <= 50; step++)
      await house.print(`needle ${step}/50\x1b[K\r\ninner ${step % 7}\x1b[K\r\n\x1b[2A`);
    await house.print('\r\n\r\nneedle done\r\n');
    await house.logs.finish(RUN, COMPLETED);
    await badge(page, 'Completed · exit 0');
    await find(page, 'needle');
    await says(page, '56 of 56');
    expect(await markedIn(page)).toEqual({ row: 'needle done', text: 'needle', column: 0, cells: 6 });
    // What was printed in this place before was the same text, up to its number.
    await page.keyboard.press('Shift+Enter');
    await says(page, '55 of 56');
    expect(await markedIn(page)).toMatchObject({ row: 'needle 50/50', column: 0, cells: 6 });
    for (let n = 0; n < 51; n++) await page.keyboard.press('Shift+Enter');
    for (const [nth, column] of [
      [4, 20],
      [3, 26],
      [2, 17],
      [1, 5],
    ] as const) {
      await says(page, `${nth} of 56`);
      expect(await markedIn(page)).toMatchObject({ column, cells: 6 });
      await page.keyboard.press('Shift+Enter');
    }
  });

  it('says so where what it counts cannot be seen any more: erased, written over, on another screen', async () => {
    await house.print(`${lines(1, 100)}the needle that is erased\r\n\x1b[2J\x1b[H`);
    await house.print('the needle that is written over\r\n\x1b[Asomething longer than all of that\r\n');
    await house.print('\x1b[?1049hthe needle on another screen\r\n\x1b[?1049l');
    await house.print('the needle that stays\r\n');
    const page = await open();
    await badge(page, 'Live');
    await find(page, 'needle');
    await says(page, '4 of 4');
    expect(await marked(page)).toEqual({ row: 'the needle that stays', text: 'needle' });
    for (const n of [3, 2, 1]) {
      await page.keyboard.press('Shift+Enter');
      await says(page, `${n} of 4 · no longer on the screen`);
      expect(await isMarked(page)).toBe(false);
    }
    await page.keyboard.press('Shift+Enter');
    await says(page, '4 of 4');
    expect(await marked(page)).toEqual({ row: 'the needle that stays', text: 'needle' });
    // While it is being looked at.
    await house.print('\x1b[?1049hanother screen');
    await says(page, '4 of 4 · no longer on the screen');
    await house.print('\x1b[?1049l');
    await says(page, '4 of 4');
    expect(await marked(page)).toEqual({ row: 'the needle that stays', text: 'needle' });
    await house.print('\x1b[A\x1b[2K');
    await says(page, '4 of 4 · no longer on the screen');
    expect(await isMarked(page)).toBe(false);
  });

  it('does not go on to another match when a bar no longer shows the one that is marked', async () => {
    await house.print(`needle one\r\n${lines(1, 100)}\rneedle two`);
    const page = await open();
    await badge(page, 'Live');
    await find(page, 'needle');
    await says(page, '2 of 2');
    expect(await marked(page)).toEqual({ row: 'needle two', text: 'needle' });
    await house.print('\rsomething else');
    await says(page, '1 found');
    await expect.poll(() => isMarked(page)).toBe(false);
    await sees(page, 'something else');
    await page.keyboard.press('Enter');
    await says(page, '1 of 1');
    expect(await marked(page)).toEqual({ row: 'needle one', text: 'needle' });
  });

  it('says why it could not search, and searches again when asked to', async () => {
    const page = await openInTheMiddle();
    await page.route(/\/logs\?/, (route) => route.abort());
    await find(page, 'needle');
    await says(page, 'The server does not answer.');
    await page.unroute(/\/logs\?/);
    await page.keyboard.press('Enter');
    await says(page, '1 of 1');
    expect(await marked(page)).toEqual({ row: 'the needle', text: 'needle' });
    await page.keyboard.press('Escape');
    await says(page, '');
    expect(await isMarked(page)).toBe(false);
    await sees(page, 'the needle');
  });

  it('leaves what the reader selects with the mouse, and marks nothing of an earlier search', async () => {
    await house.print(`${lines(1, 15)}the needle and other words\r\n`);
    const page = await open();
    await badge(page, 'Live');
    await find(page, 'needle');
    await says(page, '1 of 1');
    const row = (await page
      .locator('.pane.front .xterm-rows > div')
      .filter({ hasText: 'line 11' })
      .boundingBox())!;
    await page.mouse.dblclick(row.x + 5, row.y + row.height / 2);
    expect(await marked(page)).toMatchObject({ text: 'line' });
    await house.print('another needle\r\n');
    await says(page, '1 of 2');
    // It has its colour too.
    await expect.poll(() => page.locator('.pane.front .xterm-decoration').count()).toBe(2);
    expect(await marked(page)).toMatchObject({ text: 'line' });
    await page.locator('#find-text').fill('nothing of the kind');
    await says(page, 'Not found');
    await page.locator('#find-text').fill('other words');
    await says(page, '1 of 1');
    expect(await marked(page)).toMatchObject({ text: 'other words' });
    await page.locator('#find-text').fill('nothing of the kind');
    await says(page, 'Not found');
    expect(await isMarked(page)).toBe(false);
  });

  /** A log of which neither end has what is found. */
  async function openInTheMiddle(): Promise<Page> {
    await house.print(`${lines(1, 20_000)}the needle\r\n${lines(20_001, 40_000)}`);
    const page = await open();
    await badge(page, 'Live');
    return page;
  }
});

/** Lines of about 60 characters, with their numbers, or of so many times that. */
const lines = (from: number, to: number, times = 1): string =>
  Array.from({ length: to - from + 1 }, (_, n) => `line ${from + n}${WORDS.repeat(times)}\r\n`).join('');
const WORDS = ' and some more words, so that it is long enough';

interface Read {
  offset: number;
  limit: number;
}

/** Keeps back what the page asks of the log, until it is released. */
async function holdReads(page: Page, wanted: (read: Read) => boolean) {
  const waiting: Route[] = [];
  let isHeld = true;
  const asked: Read[] = [];
  await page.route(/\/logs\?/, async (route) => {
    const { searchParams } = new URL(route.request().url());
    const read = { offset: Number(searchParams.get('offset')), limit: Number(searchParams.get('limit')) };
    asked.push(read);
    if (!isHeld || !wanted(read)) return route.continue();
    waiting.push(route);
  });
  return {
    asked,
    held: (count: number) => expect.poll(() => waiting.length).toBe(count),
    release: () => {
      isHeld = false;
      for (const route of waiting.splice(0)) void route.continue();
    },
  };
}

async function find(page: Page, text: string): Promise<void> {
  await page.keyboard.press('/');
  await page.keyboard.type(text);
}

/** Resolves when the bar says so, and what was said at the same time is drawn. */
async function says(page: Page, text: string): Promise<void> {
  await expect.poll(() => page.locator('#find-count').textContent()).toBe(text);
  await frames(page);
}

/** Two of them have been drawn. */
const frames = (page: Page): Promise<void> =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))');

const SELECTION = '.pane.front .xterm-selection > div';

const isMarked = async (page: Page): Promise<boolean> => (await page.locator(SELECTION).count()) > 0;

interface Marked {
  row: string;
  /** Where no wide characters are before it. */
  text: string;
  column: number;
  cells: number;
}

/** What is selected of what can be seen, and in which row. */
async function markedIn(page: Page): Promise<Marked> {
  await page.locator(SELECTION).first().waitFor();
  return page.evaluate(`(() => {
    const selection = document.querySelector('${SELECTION}').getBoundingClientRect();
    const rows = [...document.querySelectorAll('.pane.front .xterm-rows > div')];
    const row = rows.find((one) => Math.abs(one.getBoundingClientRect().top - selection.top) < 3);
    const measured = document.querySelector('.pane.front .xterm-char-measure-element');
    const cell = measured.getBoundingClientRect().width / measured.textContent.length;
    const column = Math.round((selection.left - row.getBoundingClientRect().left) / cell);
    const cells = Math.round(selection.width / cell);
    return { row: row.textContent.trimEnd(), text: row.textContent.substr(column, cells), column, cells };
  })()`);
}

async function marked(page: Page): Promise<{ row: string; text: string }> {
  const { row, text } = await markedIn(page);
  return { row, text };
}
