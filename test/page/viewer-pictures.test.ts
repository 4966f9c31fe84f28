/** The page of a run as docs/live-logs.md shows it, as pictures.ts says. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { takePicture } from './pictures.ts';
import { RUN, sees, startViewerHouse, type ViewerHouse } from './viewer-house.ts';

const noBrowser = await whyNoBrowser();
const BATCHES = 312;

const dim = (text: string): string => `\x1b[2m${text}\x1b[22m`;
const green = (text: string): string => `\x1b[32m${text}\x1b[39m`;
const cyan = (text: string): string => `\x1b[36m${text}\x1b[39m`;

/** As a training prints it; the bar is drawn anew for each tenth of an epoch. */
function training(epochs: number, lastTenths: number): string {
  let text =
    `${dim('09:14:02')} ${cyan('data')}   41,208 images, 6 classes; 10% held out\r\n` +
    `${dim('09:14:03')} ${cyan('model')}  resnet50, 23.5 M parameters, mixed precision on cuda:0\r\n` +
    `${dim('09:14:03')} ${cyan('optim')}  AdamW, lr 0.0003, cosine over 40 epochs\r\n\r\n`;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const last = epoch === epochs ? lastTenths : 10;
    const loss = 0.11 + 1.9 / (epoch + 1.5);
    for (let tenth = 0; tenth <= last; tenth++) {
      const done = Math.round((BATCHES * tenth) / 10);
      const bar = `\x1b[35m${'━'.repeat(tenth * 3)}\x1b[39m${dim('─'.repeat(30 - tenth * 3))}`;
      text += `\rEpoch ${String(epoch).padStart(2)}/40  ${bar} ${String(done).padStart(3)}/${BATCHES}  loss ${(loss + 0.02 * (10 - tenth)).toFixed(4)}\x1b[K`;
    }
    if (last < 10) return text;
    const accuracy = 0.97 - 0.42 / (epoch + 0.6);
    text += `\r\n${dim(`           val loss ${(loss * 1.08).toFixed(4)}`)}  accuracy ${green(accuracy.toFixed(4))}${epoch % 4 === 1 ? `  ${green('✓ best, saved')}` : ''}\r\n`;
  }
  return text;
}

const TRACEBACK =
  'Traceback (most recent call last):\r\n' +
  '  File "/opt/ml/code/train.py", line 214, in <module>\r\n    main(parse_args())\r\n' +
  '  File "/opt/ml/code/train.py", line 171, in main\r\n    loss.backward()\r\n' +
  '\x1b[1;31mtorch.OutOfMemoryError\x1b[0m: CUDA out of memory. Tried to allocate 392.00 MiB. ' +
  'GPU 0 has a total capacity of 14.58 GiB of which 121.62 MiB is free.\r\n';

describe.skipIf(noBrowser)('[W4] pictures of a run’s page', () => {
  let house: ViewerHouse;
  beforeAll(async () => {
    house = await startViewerHouse();
  });
  afterEach(async () => {
    await house.logs.remove(RUN);
    expect(house.problems.splice(0)).toEqual([]);
  });
  afterAll(() => house?.close());

  it('a run that goes on', async () => {
    await house.print(training(17, 6));
    const { page, context } = await house.open({ deviceScaleFactor: 1.5, reducedMotion: 'reduce' });
    await page.goto(house.url);
    await sees(page, 'Epoch 17/40');
    await takePicture('live-log', page.locator('html'));
    await context.close();
  });

  it('one that failed, in the dark, with something found', async () => {
    await house.print(training(19, 4));
    await house.print(`\r\n${TRACEBACK}`);
    await house.logs.finish(RUN, { state: 'failed', exitCode: 1, signal: null, at: 5 });
    const { page, context } = await house.open({
      ...{ deviceScaleFactor: 1.5, colorScheme: 'dark', reducedMotion: 'reduce' },
    });
    await page.goto(house.url);
    await sees(page, 'OutOfMemoryError');
    await page.keyboard.press('/');
    await page.keyboard.type('best, saved');
    await page.locator('#find-count').getByText('5 of 5').waitFor();
    await page.locator('.pane.front .xterm-selection > div').first().waitFor();
    await takePicture('live-log-dark', page.locator('html'));
    await context.close();
  });

  it('on a phone', async () => {
    await house.print(training(17, 6));
    const { page, context } = await house.open({
      ...{ viewport: { width: 390, height: 760 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
      reducedMotion: 'reduce',
    });
    await page.goto(house.url);
    await sees(page, 'Epoch 17/40');
    await takePicture('live-log-phone', page.locator('html'));
    await context.close();
  });
});
