/**
 * A run's page on a log of 200 MB: `npx tsx bench/viewer-page.ts [megabytes]`. How soon the newest part is in the
 * picture, how long the whole is searched, and the longest time in which the page answers nothing.
 */
import { sees, startViewerHouse } from '../test/page/viewer-house.ts';

const megabytes = Number(process.argv[2] ?? 200);
/** Milliseconds of each task of the main thread that took more than 50. */
const WATCH_TASKS = `window.longTasks = [];
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longTasks.push(Math.round(duration));
}).observe({ type: 'longtask', buffered: true });`;

const house = await startViewerHouse();
try {
  let step = 0;
  for (let mb = 0; mb < megabytes; mb++) {
    let text = mb === 0 ? 'the needle at the beginning\r\n' : '';
    while (text.length < 1_000_000)
      text += `\x1b[2m${String(++step).padStart(8)}\x1b[0m step ${step} loss=\x1b[32m${(2 / step).toFixed(9)}\x1b[0m some more words\r\n`;
    await house.print(text);
  }
  const { page, context } = await house.open();
  await context.addInitScript(WATCH_TASKS);
  const opened = performance.now();
  await page.goto(house.url);
  await sees(page, `step ${step} `);
  const picture = performance.now() - opened;
  for (let presses = 0; presses < 200; presses++) await page.keyboard.press('PageUp');
  await page.keyboard.press('/');
  const asked = performance.now();
  await page.keyboard.type('the needle');
  await page.locator('#find-count').getByText('1 of 1', { exact: true }).waitFor({ timeout: 300_000 });
  const search = performance.now() - asked;
  const longest = Math.max(0, ...(await page.evaluate<number[]>('longTasks')));
  const heap = await page.evaluate<number>('performance.memory.usedJSHeapSize');
  console.log(`${megabytes} MB of history`);
  console.log(`the newest part in the picture after ${Math.round(picture)} ms`);
  console.log(`the whole searched in ${(search / 1000).toFixed(1)} s`);
  console.log(`longest task of the page's thread ${longest} ms`);
  console.log(`its heap ${Math.round(heap / 1e6)} MB`);
} finally {
  await house.close();
}
