/** *Watch* as people see it: the message in a thread while the run prints, and how it ends. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { until } from '../e2e/jobs.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Pictures, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const JOB = 'press-defects-7';
const RUN = `line-3~push~${JOB}`;
const noBrowser = await whyNoBrowser();

const epoch = (n: number, loss: number): string =>
  [25, 50, 75]
    .map(
      (part) =>
        `\rEpoch ${n}/30: ${part}%|${'█'.repeat(part / 5)}${' '.repeat(20 - part / 5)}| loss ${loss.toFixed(3)}`,
    )
    .join('') +
  `\rEpoch ${n}/30: 100%|${'█'.repeat(20)}| loss ${loss.toFixed(3)}\n  val_loss ${(loss * 1.1).toFixed(3)}  val_acc 0.9${n}\n`;

describe.skipIf(noBrowser)('[W6] Watch, in a browser', () => {
  let pictures: Pictures;
  let logs: RunLogStore;

  beforeAll(async () => {
    pictures = await startPictures({
      mode: 'http',
      env: { PUSH_TOKEN: 'a-token-for-pictures-0123456789' },
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].providers = { sagemaker: true, push: { tokenEnv: 'PUSH_TOKEN' } };
        return stringify({ ...config, viewer: { publicUrl: 'https://signalbox.example.com' } });
      },
    });
    const { bot } = pictures;
    logs = await openFileRunLogs({
      folder: join(bot.dataDir, 'bot', 'runs'),
      clock: { now: () => Date.now() },
    });
    const { size } = await logs.create(RUN);
    await logs.append(
      RUN,
      size,
      Buffer.from(`Found 4812 images in 6 classes\n${epoch(1, 0.913)}${epoch(2, 0.512)}`),
    );
  }, 240_000);
  afterAll(async () => {
    await logs?.close();
    await pictures?.stop();
  });

  it('is a message in the thread where it was asked for, which goes with the run to its end', async () => {
    const { bot, page } = pictures;
    const say = (user: string, text: string, thread_ts?: string) =>
      bot.post<{ ts: string }>('/sandbox/slack/message', { user, channel: CHANNEL, text, thread_ts });
    const { ts } = await say('ben', `How is ${JOB} doing?`);
    await say('ada', `<@U0SIGNALBOX> watch ${JOB}`, ts);
    const shows = (says: string) =>
      until(
        async () =>
          (await bot.thread(CHANNEL, ts)).find((one) => one.metadata && wordsOf(one).includes(says)),
        `a message that says ${says}`,
      );
    await page.setViewportSize({ width: 1400, height: 820 });
    await pictures.visit(CHANNEL, { thread: ts });
    await shows('Epoch 2/30: 100%');
    const { size } = (await logs.info(RUN))!;
    await logs.append(RUN, size, Buffer.from('\rEpoch 3/30:  25%|█████               | loss 0.498'));
    await shows('Epoch 3/30:  25%');
    await page.getByText('Epoch 3/30: 25%').first().waitFor();
    await pictures.take('watch', page.locator('body'));
    const info = (await logs.info(RUN))!;
    await logs.append(
      RUN,
      info.size,
      Buffer.from('\nRuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB\n'),
    );
    await logs.finish(RUN, { state: 'failed', exitCode: 1, signal: null, at: Date.now() });
    await shows('exit code 1');
    await page.getByText('exit code 1').first().waitFor();
    await pictures.take('watch-ended', page.locator('body'));
  }, 240_000);
});
