/** [W4] The page of a run in Chromium: what is seen of its log, and what it says when something is wrong. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import type { RunEnd } from '../../src/domain/runs.ts';
import { AppError } from '../../src/ground/errors.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { numberedBytes } from '../fixtures/numbered-bytes.ts';
import { xtermRows } from '../fixtures/xterm.ts';
import {
  badge,
  columnsOf,
  notice,
  RUN,
  sees,
  shownText,
  startViewerHouse,
  type ViewerHouse,
} from './viewer-house.ts';

const noBrowser = await whyNoBrowser();
const COMPLETED: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: 5 };
/** What real programs printed in a terminal of 80 columns: bars, colours, moves to other lines. */
const PROGRAMS = ['tqdm-nested', 'rich-progress', 'ora', 'multibar', 'pv', 'tqdm-write'];

describe.skipIf(noBrowser)('[W4] a run’s page in a browser', () => {
  let house: ViewerHouse;
  const pages: Page[] = [];

  beforeAll(async () => {
    house = await startViewerHouse(new MemoryRunLogs({ cap: 1e9 }));
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    house.refusal = undefined;
    house.tokens = undefined;
    await house.logs.remove(RUN);
    // Nothing that its policy forbids, and no error.
    expect(house.problems.splice(0)).toEqual([]);
  });
  afterAll(() => house?.close());

  async function open(options: Parameters<ViewerHouse['open']>[0] & { hash?: string } = {}): Promise<Page> {
    const { hash = '', ...more } = options;
    const { page } = await house.open(more);
    pages.push(page);
    await page.goto(`${house.url}${hash}`);
    return page;
  }

  it('shows a run as a terminal does while it grows: reloaded in the middle, in two tabs, to its end', async () => {
    const recorded = await Promise.all(
      PROGRAMS.map((name) => readFile(new URL(`../fixtures/terminal/${name}.pty`, import.meta.url))),
    );
    const all = Buffer.concat(recorded.flatMap((bytes) => [bytes, Buffer.from('\r\n')]));
    await house.logs.create(RUN);
    const first = await open();
    await badge(first, 'Live');
    await first.getByText('Nothing printed yet.').waitFor();
    const half = Math.floor(all.length / 2);
    let sent = 0;
    const printTo = async (end: number): Promise<void> => {
      for (; sent < end; sent += 997) await house.print(all.subarray(sent, Math.min(end, sent + 997)));
      sent = end;
    };
    await printTo(half);
    const second = await open();
    await badge(second, 'Live');
    await printTo(half + 5_000);
    await first.reload();
    await badge(first, 'Live');
    await printTo(all.length);
    await house.print('\x1b[1mthe end\x1b[0m\r\n');
    await house.logs.finish(RUN, COMPLETED);
    for (const page of [first, second]) {
      await badge(page, 'Completed · exit 0');
      await sees(page, 'the end');
      const rows = await page.locator('.pane.front .xterm-rows > div').count();
      const text = `${all.toString()}the end\r\n`;
      expect(await shownText(page)).toEqual(await xtermRows(text, { columns: 140, rows }));
      expect(await page.title()).toBe('defects-resnet50');
    }
  });

  it('goes on at the right byte after the server was gone, and says so', async () => {
    const line = (n: number): string => `line ${n}\r\n`;
    const wanted: string[] = [];
    const print = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n++) {
        wanted.push(`line ${n}`);
        await house.print(line(n));
      }
    };
    await print(0, 300);
    const page = await open();
    await badge(page, 'Live');
    await print(300, 400);
    await sees(page, 'line 399');
    await house.down();
    await badge(page, 'Reconnecting…');
    await notice(page, 'The connection is gone.');
    await print(400, 700);
    await house.up();
    await page.getByRole('button', { name: 'Try now' }).click();
    await badge(page, 'Live');
    await notice(page, 'Connected again. Nothing was missed.');
    await print(700, 800);
    await sees(page, 'line 799');
    expect(await shownText(page)).toEqual(wanted);
  });

  it.each<[Partial<RunEnd>, string]>([
    [{ state: 'failed', exitCode: 3 }, 'Failed · exit 3'],
    [{ state: 'failed', exitCode: null, signal: 'SIGKILL' }, 'Failed · SIGKILL'],
    [{ state: 'stopped', exitCode: 143, signal: 'SIGTERM' }, 'Stopped · SIGTERM'],
    [{ state: 'lost', exitCode: null }, 'Lost'],
    [{ state: 'completed', exitCode: null }, 'Completed'],
  ])('says how a run ended: %j', async (end, words) => {
    await house.print('some words\r\n');
    await house.logs.finish(RUN, { ...COMPLETED, ...end });
    const page = await open();
    await badge(page, words);
    await sees(page, 'some words');
  });

  it('marks what is missing, and where nothing was printed says that', async () => {
    await house.print('before\r\n');
    await house.logs.skip(RUN, 8, 12_345_678);
    const page = await open();
    await sees(page, '12,345,670 bytes are missing here: they could not be stored');
    await house.logs.skip(RUN, 12_345_678, 12_345_679);
    await sees(page, '1 byte is missing here');
    await house.print('after\r\n');
    await sees(page, 'after');
    await house.logs.create('line-3~local~silent');
    await house.logs.finish('line-3~local~silent', COMPLETED);
    await page.goto(house.url.replace('defects-resnet50', 'silent'));
    await page.getByText('The run printed nothing.').waitFor();
  });

  it('uses a link’s token once, takes it out of the address, and stays signed in', async () => {
    await house.print('some words\r\n');
    house.tokens = new Set(['one']);
    const page = await open({ hash: '#t=one' });
    await badge(page, 'Live');
    expect([page.url(), [...house.tokens]]).toEqual([house.url, []]);
    await page.reload();
    await badge(page, 'Live');
    // The same link again, where there is a session already.
    await page.goto('about:blank');
    await page.goto(`${house.url}#t=one`);
    await badge(page, 'Live');
    // By somebody else.
    const other = await open({ hash: '#t=one' });
    await notice(other, 'This link was used before.');
    await badge(other, 'Not connected');
  });

  it('tells what keeps a log from going on, until it goes on', async () => {
    await house.logs.create(RUN);
    await house.logs.note(RUN, 'The job is Pending.');
    const page = await open();
    await page.locator('#empty').getByText('The job is Pending.').waitFor();
    await house.print('some words\r\n');
    await page.locator('#note').getByText('The job is Pending.').waitFor();
    await house.logs.note(RUN, undefined);
    await page.locator('#note').waitFor({ state: 'hidden' });
    await sees(page, 'some words');
  });

  it('waits for a log that is not there yet, and tries a link again where nobody could be asked', async () => {
    house.tokens = new Set(['one']);
    house.refusal = new AppError('unavailable', 'Slack does not answer.', { retryAfterMs: 1_000 });
    await house.print('some words\r\n');
    const page = await open({ hash: '#t=one' });
    await notice(page, 'Slack does not answer. Trying again in 1 s.');
    await badge(page, 'Reconnecting…');
    house.refusal = undefined;
    await badge(page, 'Live');
    await sees(page, 'some words');
  });

  it('says what to do when the session is over, a right is lost, a run removed or never was', async () => {
    await house.print('some words\r\n');
    house.tokens = new Set();
    const page = await open();
    await notice(page, 'Your session has expired. Open the run again from its message in Slack.');
    house.tokens = undefined;
    await page.getByRole('button', { name: 'Reload' }).click();
    await sees(page, 'some words');
    await badge(page, 'Live');
    house.refusal = new AppError('permission_denied', 'You may not read the logs of line-3.');
    await notice(page, 'You may not read the logs of line-3. If you should see it, ask an admin');
    await notice(page, 'What was loaded (12 bytes) stays here.');
    await sees(page, 'some words');
    house.refusal = undefined;
    await house.logs.remove(RUN);
    await page.reload();
    await notice(page, 'There is no such run.');
    expect((await page.goto(`${house.url}%20`))!.status()).toBe(404);
    await notice(page, 'There is no such run.');
  });

  it('is light or dark as the system is, or as was chosen, which it remembers', async () => {
    await house.print('some words\r\n');
    const page = await open({ colorScheme: 'dark' });
    const background = (): Promise<string> =>
      page.evaluate(
        `getComputedStyle(document.querySelector('.pane.front .xterm-scrollable-element')).backgroundColor`,
      );
    await sees(page, 'some words');
    expect(await background()).toBe('rgb(15, 20, 27)');
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(background).toBe('rgb(255, 255, 255)');
    await page.getByRole('button', { name: 'Theme: as the system' }).click();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    await expect.poll(background).toBe('rgb(15, 20, 27)');
    await page.reload();
    await sees(page, 'some words');
    expect(await background()).toBe('rgb(15, 20, 27)');
  });

  it('can be used by keyboard alone, and lists its keys', async () => {
    await house.print(Array.from({ length: 900 }, (_, n) => `line ${n}\r\n`).join(''));
    const page = await open();
    await sees(page, 'line 899');
    const focused = (): Promise<string> =>
      page.evaluate(
        `(() => { const one = document.activeElement; return one.ariaLabel || one.textContent.trim() || one.tagName; })()`,
      );
    await expect.poll(focused).toMatch(/^Log of defects-resnet50\. Arrow keys/);
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowUp');
    await page.getByRole('button', { name: 'Jump to end' }).waitFor();
    await page.keyboard.press('Home');
    await sees(page, 'line 0');
    await page.keyboard.press('End');
    await sees(page, 'line 899');
    expect(await page.locator('#to-end').isHidden()).toBe(true);
    // Backwards from the log through all that there is.
    const order: string[] = [];
    for (let n = 0; n < 6; n++) {
      await page.keyboard.press('Shift+Tab');
      order.unshift(await focused());
    }
    expect(order).toEqual(['Find', 'Wrap', 'Copy', 'Download', 'Theme: as the system', 'Keys']);
    await page.keyboard.press('Enter');
    await page.locator('.pane.front textarea').focus();
    await page.keyboard.press('/');
    await page.keyboard.type('line 77');
    await page.locator('#find-count').getByText('11 of 11').waitFor();
    await page.keyboard.press('Shift+Enter');
    await page.locator('#find-count').getByText('10 of 11').waitFor();
    await sees(page, 'line 778');
    await page.keyboard.press('Escape');
    await expect.poll(focused).toMatch(/^Log of/);
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keys in the log' });
    await help.getByText('the beginning of the whole log').waitFor();
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'hidden' });
    await page.keyboard.press('w');
    await page.getByRole('button', { name: 'Wrap', pressed: false }).waitFor();
  });

  it('fits a phone, where fingers scroll it', async () => {
    await house.print(Array.from({ length: 900 }, (_, n) => `${`line ${n} `.repeat(30)}\r\n`).join(''));
    const page = await open({ viewport: { width: 375, height: 700 }, isMobile: true, hasTouch: true });
    await sees(page, 'line 899');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
    for (const button of await page.locator('#tools > *').all()) {
      const box = (await button.boundingBox())!;
      expect(box.x + box.width).toBeLessThanOrEqual(375);
      expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(38);
    }
    const client = await page.context().newCDPSession(page);
    const drag = async (from: [number, number], to: [number, number]): Promise<void> => {
      const at = (part: number) => [
        { x: from[0] + (to[0] - from[0]) * part, y: from[1] + (to[1] - from[1]) * part },
      ];
      await client.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
      for (let step = 1; step <= 10; step++)
        await client.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(step / 10) });
      await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    };
    await drag([200, 200], [200, 600]);
    await page.getByRole('button', { name: 'Jump to end' }).click();
    await sees(page, 'line 899');
    // Too narrow for what programs print, so it does not wrap, and is pushed sideways.
    await page.getByRole('button', { name: 'Wrap', pressed: false }).waitFor();
    await drag([300, 300], [100, 300]);
    await expect
      .poll(() => page.evaluate(`document.querySelector('#screen').scrollLeft`))
      .toBeGreaterThan(50);
    await page.getByRole('button', { name: 'Wrap' }).click();
    expect(await page.evaluate(`document.querySelector('#screen').scrollLeft`)).toBe(0);
  });

  it('shows 200 MB from the newest part on, finds what is at its beginning, and holds no more than a window', async () => {
    let n = 0;
    for (let mb = 0; mb < 200; mb++) {
      let text = mb === 0 ? 'the needle \x1b[31mat the beginning\x1b[0m\r\n' : '';
      while (text.length < 1_000_000)
        text += `\x1b[2m${String(++n).padStart(8)}\x1b[0m step ${n} loss=\x1b[32m${(2 / n).toFixed(9)}\x1b[0m some more words\r\n`;
      await house.print(text);
    }
    let loaded = 0;
    const page = await open();
    page.on('response', (response) => {
      if (/\/logs\?/.test(response.url())) loaded += 1;
    });
    await sees(page, `step ${n} `);
    await badge(page, 'Live');
    // What was asked for is its size and half a megabyte; the picture does not wait for more.
    expect(loaded).toBeLessThanOrEqual(2);
    const shown = async (): Promise<number> =>
      Number(/step (\d+)/.exec(await page.locator('.pane.front .xterm-rows > div').first().innerText())![1]);
    for (const far of [5_000, 20_000])
      await expect
        .poll(
          async () => {
            for (let presses = 0; presses < 40; presses++) await page.keyboard.press('PageUp');
            return shown();
          },
          { timeout: 60_000 },
        )
        .toBeLessThan(n - far);
    await page.keyboard.press('Home');
    await sees(page, 'the needle at the beginning');
    await page.keyboard.press('End');
    await sees(page, `step ${n} `);
    await page.keyboard.press('/');
    await page.keyboard.type('needle at the');
    await page.locator('#find-count').getByText('1 of 1', { exact: true }).waitFor({ timeout: 120_000 });
    await sees(page, 'the needle at the beginning');
    // What it has let go may not have been collected yet.
    const client = await page.context().newCDPSession(page);
    await client.send('HeapProfiler.collectGarbage');
    const heap = await page.evaluate<number>('performance.memory.usedJSHeapSize');
    expect(heap).toBeLessThan(200e6);
  }, 400_000);

  it.each<[string, () => Buffer]>([
    ['a line of 10 MB', () => Buffer.from(`${'x'.repeat(5e6)} needle ${'y '.repeat(25e5)}`)],
    ['newlines alone', () => Buffer.from(`${'\n'.repeat(5e6)}needle${'\n'.repeat(1e6)}`)],
    ['a bar drawn over and over', () => Buffer.from(`${'\rstep of a bar '.repeat(4e5)}needle`)],
    [
      'any bytes',
      () =>
        Buffer.concat([numberedBytes(0, 3e6), Buffer.from('\x18\r\n needle\r\n'), numberedBytes(3e6, 32e5)]),
    ],
  ])('opens %s, goes to both ends of it and finds what is in it', async (_, make) => {
    const bytes = make();
    for (let at = 0; at < bytes.length; at += 1e6) await house.print(bytes.subarray(at, at + 1e6));
    const page = await open();
    await badge(page, 'Live');
    await page.keyboard.press('PageUp');
    await page.keyboard.press('Home');
    await page.keyboard.press('End');
    await page.keyboard.press('/');
    await page.keyboard.type('needle');
    // All of it is searched, in a line of 10 MB as one piece.
    await page.locator('#find-count').getByText('1 of 1', { exact: true }).waitFor({ timeout: 120_000 });
    await page.locator('.pane.front .xterm-selection > div').first().waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('End');
    await house.print('\x18\r\n\x1b[0mthe end\r\n');
    await sees(page, 'the end');
  });

  it('is not taken over by what a log says', async () => {
    const history = Array.from({ length: 300 }, (_, n) => `history ${n}`);
    await house.print(`${history.join('\r\n')}\r\n`);
    // Reports of the mouse, history thrown away, another screen and back, the clipboard, a title, questions, links.
    await house.print(
      '\x1b[?1000h\x1b[?1006h\x1b[?1003h\x1b[3J\x1b[?1049h other \x1b[?1049l\x1b]52;c;aGFja2Vk\x07',
    );
    await house.print('\x1b]0;taken over\x07\x1b[6n\x1b[c\x1b[8;5;5t<img src=x onerror=alert(1)>\r\n');
    await house.print(
      'see https://example.com/a?b=1 and \x1b]8;;javascript:alert(1)\x07this script\x1b]8;;\x07\r\n',
    );
    const page = await open();
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.message());
      void dialog.dismiss();
    });
    await sees(page, 'this script');
    expect(await page.title()).toBe('● defects-resnet50');
    expect(await shownText(page)).toEqual([
      ...history,
      '<img src=x onerror=alert(1)>',
      'see https://example.com/a?b=1 and this script',
    ]);
    const click = async (words: string): Promise<void> => {
      const row = (await page
        .locator('.pane.front .xterm-rows > div')
        .filter({ hasText: words })
        .boundingBox())!;
      const text = 'see https://example.com/a?b=1 and this script';
      const cell =
        (await page.locator('.pane.front .xterm-screen').boundingBox())!.width / (await columnsOf(page));
      const at = [row.x + cell * (text.indexOf(words) + 3), row.y + row.height / 2] as const;
      await page.mouse.move(at[0] - 2, at[1]);
      await page.mouse.move(...at);
      await page.mouse.click(...at);
    };
    await click('this script');
    await click('https://example.com');
    await expect.poll(() => asked).toEqual(['Open this address from the log?\n\nhttps://example.com/a?b=1']);
    expect(page.context().pages()).toHaveLength(1);
    for (let turns = 0; turns < 150; turns++) await page.mouse.wheel(0, -120);
    await sees(page, 'history 0');
  });

  it('keeps up with a run that prints faster than it can be drawn, by going on at its end', async () => {
    await house.print('the beginning\r\n');
    const page = await open();
    await badge(page, 'Live');
    const block = Array.from({ length: 20_000 }, (_, n) => `fast ${n} and some more words\r\n`).join('');
    for (let n = 0; n < 60; n++) await house.print(block);
    await house.print('the end\r\n');
    await sees(page, 'the end');
    expect(await page.locator('#to-end').isHidden()).toBe(true);
  });

  it('draws by itself where the graphics card is taken away', async () => {
    await house.print('some words\r\n');
    const { page } = await house.open();
    pages.push(page);
    await page.addInitScript(`{
      const { getParameter } = WebGL2RenderingContext.prototype;
      WebGL2RenderingContext.prototype.getParameter = function (name) {
        return name === 0x9246 ? 'A real card' : getParameter.call(this, name);
      };
    }`);
    await page.goto(house.url);
    await badge(page, 'Live');
    const canvases = page.locator('.pane.front .xterm-screen > canvas');
    await expect.poll(() => canvases.count()).toBeGreaterThan(1);
    await page.evaluate(`for (const one of document.querySelectorAll('canvas'))
      one.getContext('webgl2')?.getExtension('WEBGL_lose_context').loseContext();`);
    await sees(page, 'some words');
    expect(await shownText(page)).toEqual(['some words']);
  });
});
