/** *Open live* as people see it: the button on a card, and the link that only who pressed gets. */
import { join } from 'node:path';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { sendEvents, trainingEvent } from '../e2e/aws-events.ts';
import { card, line3Client, train } from '../e2e/jobs.ts';
import { type Pictures, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const JOB = 'defects-resnet50-live';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[W5] Open live, in a browser', () => {
  let pictures: Pictures;

  beforeAll(async () => {
    pictures = await startPictures({
      mode: 'http',
      config: (yaml) => stringify({ ...parse(yaml), viewer: { publicUrl: 'https://signalbox.example.com' } }),
    });
    const { bot } = pictures;
    const logs = await openFileRunLogs({
      folder: join(bot.dataDir, 'bot', 'runs'),
      clock: { now: () => Date.now() },
    });
    await logs.create(`line-3~sagemaker~${JOB}`);
    await logs.close();
    await train(await line3Client(bot.sandbox, SageMakerClient), JOB, { epochs: '3' });
    // Said by an event, its card is there while it runs.
    await sendEvents(bot, trainingEvent(JOB, 'InProgress'));
    await card(bot, CHANNEL, JOB, 'Open live');
  });
  afterAll(() => pictures?.stop());

  it('is a button on the card, and a link below it that nobody else sees', async () => {
    const { bot, page } = pictures;
    await page.setViewportSize({ width: 1180, height: 560 });
    await pictures.visit(CHANNEL);
    await pictures.message(JOB).getByRole('button', { name: 'Open live' }).click();
    await bot.message(CHANNEL, 'Your link to the log', { user: 'ada' });
    await pictures.message('Here is your link').waitFor();
    await pictures.take('open-live', page.getByRole('main'));
  });
});
