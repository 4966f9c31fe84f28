/** `/train` and Stop as people see them, and what is said of a rented machine. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { POD_TEMPLATE } from '../../src/demo/line-3-pods.ts';
import { card, cardsOf, closeAll, modal, until, untilDue } from '../e2e/jobs.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Pictures, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
/** Seeded: a pod that runs, 40 minutes old. Half a minute from now the two hours are over that its template allows. */
const POD = 'inspection-notes-lora.l3notes0live00';
const AGE = 79.5 * 60_000;
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[P5] /train, in a browser', () => {
  let pictures: Pictures;
  beforeAll(async () => {
    pictures = await startPictures({
      age: AGE,
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].providers = { sagemaker: true, runpod: { apiKeyEnv: 'RUNPOD_API_KEY' } };
        config.useCases[0].train.templates.push(POD_TEMPLATE);
        return stringify(config);
      },
    });
    pictures.bot.sandbox.runpod.configure({ quotas: 'off' });
    // Not stopped either: a stopped pod costs nothing an hour.
    for (const call of ['PodAction', 'DeletePod'])
      await pictures.bot.fault({ on: `runpod:${call}`, kind: '403', times: 0 });
  });
  afterAll(() => pictures?.stop());

  it('is a form, the run that was started, and a question before it is stopped', async () => {
    const { bot, page } = pictures;
    await pictures.visit(CHANNEL);
    await bot.post('/sandbox/slack/command', { user: 'ada', channel: CHANNEL, command: '/train', text: '' });
    const form = await modal(bot, 'ada', 'Name of the run', 30_000);
    await pictures.dialog().getByText('Name of the run').waitFor();
    await pictures.take('train-form', pictures.dialog());
    await bot.post('/sandbox/slack/view', {
      ...{ user: 'ada', view_id: form.id },
      values: { 'name.defects-swin': { 'name.defects-swin': 'defects-swin-night' } },
    });
    await modal(bot, 'ada', 'Started', 30_000);
    await pictures.dialog().getByText('Its card is in').waitFor();
    await pictures.take('train-started', pictures.dialog());
    await pictures.dialog().getByRole('button', { name: 'Close' }).last().click();
    await card(bot, CHANNEL, 'defects-swin-night', 'From the template', 30_000);
    await pictures.message('defects-swin-night').getByRole('button', { name: 'Stop…' }).click();
    await page.getByText('Stop this training?').waitFor();
    await pictures.take('train-stop', pictures.dialog());
  });

  it('[P3] on RunPod is a card with what the pod costs, and an alert if a pod can be neither stopped nor deleted', async () => {
    const { bot, page } = pictures;
    await bot.command('ada', CHANNEL, POD_TEMPLATE.name, '/train');
    const form = await modal(bot, 'ada', 'Name of the run');
    // Somebody else speaks before it, so that the picture says whose message it is.
    const say = (channel: string, text: string) =>
      bot.post('/sandbox/slack/message', { user: 'ben', channel, text });
    await say(CHANNEL, 'The inspection notes can go to the rented GPU.');
    await bot.post('/sandbox/slack/view', {
      ...{ user: 'ada', view_id: form.id },
      values: { 'name.inspection-notes': { 'name.inspection-notes': 'notes-lora-16' } },
    });
    await closeAll(bot, 'ada');
    await untilDue(
      bot,
      async () =>
        (await cardsOf(bot, CHANNEL, `notes-lora-16.${await podOf('notes-lora-16')}`)).find((one) =>
          /Training running[\s\S]*an hour/.test(wordsOf(one)),
        ),
      'its card, once it runs',
    );
    await pictures.visit(CHANNEL);
    await page.mouse.move(0, 0);
    await pictures.take('pod-card', pictures.message('notes-lora-16'));

    await say(ALERTS, 'I am on call today.');
    await until(async () => {
      // It is tried for five minutes before anybody hears of it.
      bot.pass(10_000);
      return (await bot.messages(ALERTS)).find((one) => {
        const words = wordsOf(one);
        return words.includes(POD) && words.includes('an hour') && words.includes('costing money');
      });
    }, 'an alert of the pod');
    await pictures.visit(ALERTS);
    await page.mouse.move(0, 0);
    await pictures.take('pod-alert', pictures.message(/costing money.*an hour/));
  });

  const podOf = async (name: string): Promise<string | undefined> =>
    pictures.bot.sandbox.runpod.pods().find((pod) => pod.name === name)?.id;
});
