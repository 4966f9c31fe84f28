/** The end of a large log in its progress message, and after This will do, as people see it. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import type { Bot } from '../e2e/bot.ts';
import { BROKEN, HUGE, withLastWordsOf } from '../e2e/large-logs.ts';
import { type Pictures, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const noBrowser = await whyNoBrowser();

const TRACE = [
  'Traceback (most recent call last):',
  '  File "/opt/ml/code/pretrain.py", line 412, in <module>',
  '    loss = model(batch.to(device), mask_ratio=0.75)',
  '  File "/opt/ml/code/masked.py", line 88, in forward',
  '    latent = self.encoder(patches[:, keep])',
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB. GPU 0 has a total capacity of 21.99 GiB of which 1.31 GiB is free.',
].join('\n');

describe.skipIf(noBrowser)('[L12] the last lines of a log, in a browser', () => {
  let pictures: Pictures;
  let bot: Bot;

  beforeAll(async () => {
    const completed = [
      'epoch 8/8 done · val_loss=0.3121 (best)',
      'uploading model.tar.gz · token=hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh',
    ];
    const world = withLastWordsOf({ completed, failed: [TRACE] });
    // At Slack's own pace: a message that changes 50 times a second is nothing to click on.
    pictures = await startPictures({ world, rateLimits: true });
    ({ bot } = pictures);
    await pictures.visit(CHANNEL);
  });
  afterAll(() => pictures?.stop());

  /** Asks, and has the service take its time once the end is there: nothing else is to happen in the picture. */
  async function ask(job: string, words: string): Promise<void> {
    const since = await bot.now(CHANNEL);
    bot.sandbox.aws.configure({ latencyMs: 40 });
    await bot.command('ada', CHANNEL, job, '/logs');
    await bot.message(CHANNEL, words, { since });
    bot.sandbox.aws.configure({ latencyMs: 5_000 });
    await pictures.page.mouse.move(0, 0);
  }
  const enough = (words: string) =>
    pictures.message(words).getByRole('button', { name: 'This will do' }).click();

  it('while it is fetched', async () => {
    await ask(HUGE, 'The end of the log');
    await pictures.take('logs-first-lines', pictures.message('The end of the log'));
    await enough('The end of the log');
    await pictures.message('Only the last lines').getByRole('button', { name: 'Get the file' }).waitFor();
  });

  it('of a run that failed', async () => {
    // Somebody else speaks, so that the next message says whose it is.
    await bot.post('/sandbox/slack/message', {
      user: 'ben',
      channel: CHANNEL,
      text: 'Why did that one stop?',
    });
    await ask(BROKEN, 'The traceback');
    await pictures.take('logs-first-lines-failed', pictures.message('The traceback'));
    await enough('The traceback');
    await pictures.message('Only the traceback').getByRole('button', { name: 'Run again…' }).waitFor();
  });
});
