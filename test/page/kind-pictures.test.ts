/** The pictures of docs/sagemaker-kinds.md: a tuning job's card, a pipeline's details, the question which job is meant. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { closeAll, modal, until } from '../e2e/jobs.ts';
import { starting, startNightSearch, withKinds } from '../e2e/kind-worlds.ts';
import { type Pictures, startPictures } from './pictures.ts';

const CHANNEL = 'C0LINE3';

describe('pictures of SageMaker’s kinds of jobs', () => {
  let pictures: Pictures;
  let ahead = 0;
  beforeAll(async () => {
    pictures = await startPictures({
      ...{ config: withKinds('all'), world: starting },
      clock: { now: () => Date.now() + ahead, elapsed: () => performance.now() + ahead },
    });
  }, 180_000);
  afterAll(() => pictures?.stop());

  it('has a tuning job on one card, with its trainings as a table', async () => {
    const { bot, visit, take, message } = pictures;
    await startNightSearch(bot.sandbox, { trainings: 8, atATime: 8 });
    await until(async () => {
      ahead += 30_000;
      const all = await bot.messages(CHANNEL);
      return all.find(({ text }) => text.startsWith('Tuning job `night-search`: tuning completed'));
    }, 'the card of night-search');
    await visit(CHANNEL);
    await take('tuning-card', message('8 training jobs'));
  }, 240_000);

  it('asks which job is meant', async () => {
    const { bot, visit, take, message } = pictures;
    await visit(CHANNEL);
    await bot.command('ada', CHANNEL, 'panels-score');
    await take('which-kind', message('2 jobs are called'));
  }, 60_000);

  it.each([
    ['line-3-retrain-q6b', '6 steps', 'pipeline-details'],
    ['kind:tuning defects-lr', '50 training jobs', 'tuning-details'],
  ])(
    'has the details of %s, with what it is made of',
    async (name, says, picture) => {
      const { bot, visit, take, dialog } = pictures;
      await visit(CHANNEL);
      const since = await bot.now(CHANNEL);
      await bot.command('ada', CHANNEL, name, '/jobs');
      const table = await bot.message(CHANNEL, 'Jobs', { since, user: 'ada' });
      await bot.action('ada', 'compile.details:0', { channel: CHANNEL, message_ts: table.ts });
      await modal(bot, 'ada', says);
      await dialog().getByText(says).waitFor();
      await take(picture, dialog());
      await closeAll(bot, 'ada');
    },
    120_000,
  );
});
