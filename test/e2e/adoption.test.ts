/** The seeded world was compiled before the bot came: what it knows of that after its first look. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { card, cardsOf, modal, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
let bot: Bot;
beforeAll(async () => {
  // The one that is compiling ends two minutes after the world's beginning.
  bot = await startBot({ age: 0 });
});
afterAll(() => bot.stop());

async function jobs(text: string): Promise<string> {
  const since = await bot.now(CHANNEL);
  await bot.command('ada', CHANNEL, text, '/jobs');
  const message = await bot.message(CHANNEL, 'raining jobs', { since });
  return textsOf(message.blocks);
}

describe('[C1, C5, C11] the seeded world', () => {
  it('shows every state within a look, with what nobody asked Signalbox for', async () => {
    const states = ['compiling', 'compiled', 'partly compiled', 'failed', 'stopped', 'not compiled'];
    const examples: Record<string, string> = {
      compiled: 'defects-resnet101-ddp',
      'partly compiled': 'yolo-bolts-2',
      failed: 'glare-segmenter-keras',
      stopped: 'defects-vit-b16',
      compiling: 'defects-resnet50',
      'not compiled': 'colour-drift-xgb',
    };
    for (const state of states)
      await until(async () => {
        const table = await jobs(`state:${state.replace(' ', '-')}`);
        return table.includes(examples[state]!) ? table : undefined;
      }, `a job that is ${state}`);
    expect(await jobs('yolo-bolts')).toContain('❌ failed');
  });

  it('announces none of what was over, and forbids to compile it again', async () => {
    for (const job of ['defects-resnet101-ddp', 'yolo-bolts-2', 'glare-segmenter-keras'])
      expect(await cardsOf(bot, CHANNEL, job)).toEqual([]);
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, 'defects-resnet101-ddp x86_64-cpu', '/compile');
    const answer = await bot.message(CHANNEL, 'already compiled', { since });
    expect(answer.text).toBe('Nothing to start for `defects-resnet101-ddp`: 1 there already');
  });

  it('shows who wants to compile it the job’s card all the same, once', async () => {
    const shown = await card(bot, CHANNEL, 'defects-resnet101-ddp', '2/2 compiled');
    await bot.command('devika', CHANNEL, 'defects-resnet101-ddp x86_64-cpu', '/compile');
    await bot.message(CHANNEL, 'there already', { user: 'devika' });
    expect((await cardsOf(bot, CHANNEL, 'defects-resnet101-ddp')).map(({ ts }) => ts)).toEqual([shown.ts]);
    // What was over before is told by the card, not again in its thread.
    expect(await bot.thread(CHANNEL, shown.ts)).toHaveLength(1);
  });

  it('tells in the history that it was started outside Signalbox', async () => {
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, 'yolo-bolts-2', '/jobs');
    const table = await bot.message(CHANNEL, 'with `yolo-bolts-2`', { since });
    await bot.action('ada', 'compile.details:0', { channel: CHANNEL, message_ts: table.ts });
    const view = await modal(bot, 'ada', 'Overview');
    await bot.action('ada', 'compile.tab:2', { view_id: view.id });
    await modal(bot, 'ada', 'Compile log');
    await bot.action('ada', 'compile.history', { view_id: view.id });
    const history = await modal(bot, 'ada', 'outside Signalbox');
    expect(textsOf(history.blocks)).toContain('yolo-bolts-2-jetson-xavier-w4n8ug');
  });
});
