/** A channel's settings window in the hands of those who manage only some of what the channel hears of. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { InteractionResult, SandboxMessage, SandboxView } from '#sandbox';
import { textsOf, wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { closeAll, modal } from './jobs.ts';

const LINE = 'C0LINE3';
let bot: Bot;

beforeAll(async () => {
  bot = await startBot({
    config: (yaml) => {
      const config = parse(yaml);
      // Devika leads line 3, Ben the harbour; nobody leads both.
      config.admins = [];
      config.useCases[1].access = { admin: ['U0BEN'] };
      config.useCases[1].discoverable = false;
      return stringify(config);
    },
  });
});
afterAll(() => bot?.stop());
beforeEach(async () => {
  await closeAll(bot, 'devika');
  await closeAll(bot, 'ben');
});

async function open(user: string, channel = LINE): Promise<SandboxView> {
  await bot.command(user, channel, 'settings', '/signalbox');
  return modal(bot, user, 'Quiet hours');
}

const save = (user: string, view: SandboxView, values: Record<string, unknown>): Promise<InteractionResult> =>
  bot.post('/sandbox/slack/view', {
    user,
    view_id: view.id,
    values: Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { [id]: value }])),
  });

async function saved(user: string, view: SandboxView, values: Record<string, unknown>): Promise<void> {
  const since = await bot.now(LINE);
  await save(user, view, values);
  await bot.message(LINE, 'Saved', { user, since });
}

async function listed(user: string): Promise<string> {
  const since = await bot.now(LINE);
  await bot.command(user, LINE, 'subscriptions', '/signalbox');
  const list: SandboxMessage = await bot.message(LINE, 'Settings…', { user, since });
  return wordsOf(list);
}

it('[N5] shows what is another’s as set and not as empty, and saving leaves it as it is', async () => {
  await saved('devika', await open('devika'), {
    add: 'line-3 training',
    quiet: '22:00-07:00',
    time_zone: 'Europe/Berlin',
    digest: '09:00',
    digest_use_cases: ['line-3'],
  });
  const view = await open('ben');
  const shown = textsOf(view.blocks);
  expect(shown).toContain('Quiet from 22:00 to 07:00 (Europe/Berlin)');
  expect(shown).toContain('It also covers 1 use case that you do not manage');
  expect(shown).toContain('1 more subscription is of a use case that is not yours.');
  expect(JSON.stringify(view.blocks)).not.toMatch(
    /line-3(?! training)|"block_id":"(?:quiet|digest|time_zone|weekends)"/,
  );
  await saved('ben', view, { add: 'harbor alarm', digest_use_cases: ['harbor'] });
  const forDevika = await listed('devika');
  expect(forDevika).toContain('Quiet from 22:00 to 07:00 (Europe/Berlin)');
  expect(forDevika).toContain('Digest `0 9 * * *` (Europe/Berlin): `line-3`, 1 other');
  expect(forDevika).toContain('Posted in this channel (1)');
  const forBen = await listed('ben');
  expect(forBen).toContain('`harbor`');
  expect(forBen).toContain('Digest `0 9 * * *` (Europe/Berlin): `line-3`, `harbor`');
  // Devika leads the channel, and yet takes nothing from the harbour's place in its digest.
  await saved('devika', await open('devika'), { quiet: '', digest_use_cases: [] });
  expect(await listed('devika')).toContain('Digest `0 9 * * *` (Europe/Berlin): 1 other');
  await saved('ben', await open('ben'), { digest: '', digest_use_cases: [] });
  expect(await listed('ben')).toContain('No digest');
});

it('[N5] tells the second of two that somebody was there before, and applies nothing of it', async () => {
  const first = await open('devika');
  await bot.post('/sandbox/slack/view', {
    user: 'devika',
    view_id: first.id,
    values: { quiet: { quiet: '21:00-06:00' }, time_zone: { time_zone: 'UTC' } },
  });
  await bot.message(LINE, 'Saved', { user: 'devika' });
  const early = await open('devika');
  const late = await open('ben');
  await saved('devika', early, { quiet: '20:00-06:00', time_zone: 'UTC' });
  const answer = await save('ben', late, { add: 'harbor training', digest_use_cases: ['harbor'] });
  expect(JSON.stringify(answer.response)).toMatch(
    /Nothing was saved[\s\S]*U0DEV[\s\S]*harbor training[\s\S]*Quiet from 20:00 to 06:00/,
  );
  expect(await listed('ben')).toContain('No digest');
  // The window shows what is there now: from here it can be saved.
  await saved('ben', await modal(bot, 'ben', 'Nothing was saved'), { digest_use_cases: [] });
  expect(await listed('devika')).toContain('Quiet from 20:00 to 06:00');
});

it('[N5] answers a mention, which can open no window, with the list and the button that opens it', async () => {
  const since = await bot.now(LINE);
  const text = '<@U0SIGNALBOX> signalbox settings';
  await bot.post('/sandbox/slack/message', { user: 'devika', channel: LINE, text });
  const list = await bot.message(LINE, 'Settings…', { user: 'devika', since });
  expect(wordsOf(list)).not.toContain('Something went wrong');
  await bot.action('devika', 'settings.open', { channel: LINE, message_ts: list.ts });
  expect(textsOf((await modal(bot, 'devika', 'Quiet hours')).blocks)).toContain('Digest');
});
