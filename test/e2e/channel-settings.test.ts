/** What channels hear of, when, and the Home tab's part in it, in the sandbox's Slack; the bot's clock is set ahead. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { InteractionResult, SandboxMessage, SandboxView } from '#sandbox';
import { textsOf, wordsOf } from '../slack/sandbox-client.ts';
import { alarmEvent, sendEvents, trainingEvent } from './aws-events.ts';
import { type Bot, startBot } from './bot.ts';
import { card, closeAll, modal, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const GENERAL = 'C0GENERAL';
const HOUR = 3_600_000;
let bot: Bot;
let ahead = 0;
const now = (): number => Date.now() + ahead;

beforeAll(async () => {
  bot = await startBot({
    clock: { now },
    config: (yaml) => {
      const config = parse(yaml);
      // No level comes due while the clock is set ahead.
      config.useCases[0].onCall = { levels: [['U0BEN', 'U0DEV']], escalateAfter: '7d' };
      return stringify(config);
    },
  });
});
afterAll(() => bot?.stop());

/** By the bot's clock. */
const training = (job: string, status: string, more: Record<string, unknown> = {}) =>
  trainingEvent(job, status, { LastModifiedTime: now(), ...more });

async function signalbox(user: string, channel: string, text: string, says: string): Promise<SandboxMessage> {
  const since = await bot.now(channel);
  expect(await bot.command(user, channel, text, '/signalbox')).toMatchObject({ ok: true });
  return bot.message(channel, says, { user, since });
}

async function openSettings(): Promise<SandboxView> {
  await closeAll(bot, 'devika');
  await bot.command('devika', GENERAL, 'settings', '/signalbox');
  return modal(bot, 'devika', 'Quiet hours');
}

/** @param values block id → what is entered or chosen there */
const save = (view: SandboxView, values: Record<string, unknown>): Promise<InteractionResult> =>
  bot.post('/sandbox/slack/view', {
    user: 'devika',
    view_id: view.id,
    values: Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { [id]: value }])),
  });

const posts = async (channel: string, words: string): Promise<SandboxMessage[]> =>
  (await bot.messages(channel)).filter((one) => wordsOf(one).includes(words));

/** `HH:MM` in UTC, by the bot's clock, so many minutes from now. */
const timeIn = (minutes: number): string => new Date(now() + minutes * 60_000).toISOString().slice(11, 16);

async function homeOf(user: string, says: string): Promise<SandboxView> {
  await bot.post('/sandbox/slack/home', { user });
  return homeShows(user, says);
}

const homeShows = (user: string, says: string): Promise<SandboxView> =>
  until(async () => {
    const view = await bot.home(user);
    return view && textsOf(view.blocks).includes(says) ? view : undefined;
  }, `the Home tab of ${user} with ${says}`);

describe('[N5] subscriptions by command', () => {
  it('are made once, listed, taken back one by one or all, and hold to their kinds, names and outcomes', async () => {
    await signalbox(
      'devika',
      GENERAL,
      'subscribe line-3 training name:press-* failures-only',
      'is now subscribed to',
    );
    await signalbox(
      'devika',
      GENERAL,
      'subscribe line-3 failures-only training name:press-*',
      'already subscribed to',
    );
    await signalbox('devika', GENERAL, 'subscribe line-3 alarm', 'is now subscribed to');
    const list = await signalbox('chloe', GENERAL, 'subscriptions', 'Posted in this channel (2)');
    expect(list.ephemeral_to).toBe('U0CHLOE');
    expect(wordsOf(list)).toContain('names like `press-*`');
    await sendEvents(
      bot,
      training('press-good', 'Completed'),
      training('other-bad', 'Failed', { FailureReason: 'AlgorithmError: a' }),
      training('press-bad', 'Failed', { FailureReason: 'AlgorithmError: b' }),
      alarmEvent('press-cpu', 'OK'),
    );
    await bot.message(GENERAL, 'press-bad');
    await bot.message(GENERAL, 'press-cpu');
    expect([...(await posts(GENERAL, 'press-good')), ...(await posts(GENERAL, 'other-bad'))]).toEqual([]);
    await signalbox('chloe', GENERAL, 'unsubscribe line-3', 'change the notification settings');
    await signalbox('devika', GENERAL, 'unsubscribe line-3 alarm', 'is no longer subscribed to');
    await signalbox('devika', GENERAL, 'subscriptions', 'Posted in this channel (1)');
    await signalbox('devika', GENERAL, 'unsubscribe line-3 alarm', 'no such subscription');
    await signalbox('devika', GENERAL, 'unsubscribe line-3', 'is no longer subscribed to');
    await signalbox('devika', GENERAL, 'subscriptions', 'has no subscriptions');
  });

  it('say what is wrong with a wish and what was near it', async () => {
    await signalbox('devika', GENERAL, 'subscribe line3', 'Did you mean line-3?');
    await signalbox('devika', GENERAL, 'subscribe line-3 trainning', 'Did you mean training?');
    await signalbox('devika', GENERAL, 'subscrib line-3', 'Did you mean /signalbox subscribe?');
  });
});

describe('[N5] the settings window', () => {
  it('is refused without the right, by name', async () => {
    await signalbox('chloe', GENERAL, 'settings', 'change the notification settings');
    expect(await bot.views('chloe')).toEqual([]);
  });

  it('says at its field what is wrong, saves, shows it again, and removes', async () => {
    const view = await openSettings();
    const wrong = await save(view, {
      add: 'line-9 training',
      quiet: '22-7',
      time_zone: 'Berlin',
      digest: '25:00',
    });
    expect(Object.keys((wrong.response as { errors: object }).errors).sort()).toEqual([
      'add',
      'digest',
      'time_zone',
    ]);
    const noUseCase = await save(view, { add: '', quiet: '', time_zone: 'Europe/Berlin', digest: '09:00' });
    expect(wordsOf({ text: JSON.stringify(noUseCase.response) } as SandboxMessage)).toContain(
      'at least one use case',
    );
    await save(view, {
      add: 'line-3 compilation',
      quiet: '22:00-07:00',
      weekends: ['yes'],
      time_zone: 'Europe/Berlin',
      digest: '30 8 * * 1-5',
      digest_use_cases: ['line-3', 'harbor'],
    });
    await bot.message(GENERAL, 'Saved', { user: 'devika' });
    const list = await signalbox('devika', GENERAL, 'subscriptions', 'Posted in this channel (1)');
    expect(wordsOf(list)).toContain('Quiet from 22:00 to 07:00 and on weekends (Europe/Berlin)');
    expect(wordsOf(list)).toContain('Digest `30 8 * * 1-5` (Europe/Berlin): `line-3`, `harbor`');

    // The list's button opens the same window, with what was saved in its fields.
    await bot.action('devika', 'settings.open', { channel: GENERAL, message_ts: list.ts });
    const again = await modal(bot, 'devika', 'compilations');
    const shown = JSON.stringify(again.blocks);
    for (const saved of ['22:00-07:00', 'Europe/Berlin', '30 8 * * 1-5'])
      expect(shown).toContain(`"initial_value":"${saved}"`);
    await bot.action('devika', 'settings.remove', { view_id: again.id });
    await modal(bot, 'devika', 'None yet.');
    await save(again, { quiet: '', weekends: [], digest: '', digest_use_cases: [], time_zone: '' });
    await bot.message(GENERAL, 'Saved', { user: 'devika' });
    const empty = await signalbox('devika', GENERAL, 'subscriptions', 'has no subscriptions');
    expect(wordsOf(empty)).toMatch(/No quiet hours[\s\S]*No digest/);
  });
});

describe('[N5] a channel', () => {
  it('is left alone in its quiet hours and hears of it afterwards; the alert goes out at once', async () => {
    await signalbox('devika', GENERAL, 'subscribe line-3 training', 'is now subscribed to');
    await save(await openSettings(), { quiet: `${timeIn(-60)}-${timeIn(120)}` });
    await bot.message(GENERAL, 'Saved', { user: 'devika' });
    await sendEvents(bot, training('quiet-bad', 'Failed', { FailureReason: 'AlgorithmError: q' }));
    await bot.message(ALERTS, 'quiet-bad');
    await card(bot, CHANNEL, 'quiet-bad');
    expect(await posts(GENERAL, 'quiet-bad')).toEqual([]);
    ahead += 3 * HOUR;
    await sendEvents(bot, training('quiet-over', 'Completed'));
    await bot.message(GENERAL, 'quiet-bad');
    await bot.message(GENERAL, 'quiet-over');
    expect(await posts(GENERAL, 'quiet-bad')).toHaveLength(1);
  });

  it('gets its digest once at its time, whose button lists the open alerts to who may see them', async () => {
    await save(await openSettings(), {
      quiet: '',
      digest: timeIn(30),
      digest_use_cases: ['line-3'],
    });
    await bot.message(GENERAL, 'Saved', { user: 'devika' });
    // The bot has to see the setting before its time comes.
    await until(async () => {
      ahead += 5 * 60_000;
      return (await posts(GENERAL, 'Compilations:'))[0];
    }, 'the digest');
    const [digest] = await posts(GENERAL, 'Compilations:');
    expect(wordsOf(digest!)).toMatch(/Training: .*failed/);
    expect(wordsOf(digest!)).toContain('`quiet-bad`');
    ahead += HOUR;
    await sendEvents(bot, training('digest-marker', 'Completed'));
    await bot.message(GENERAL, 'digest-marker');
    expect(await posts(GENERAL, 'Compilations:')).toHaveLength(1);

    const open = (user: string) =>
      bot.action(user, 'alert.list', { channel: GENERAL, message_ts: digest!.ts });
    const since = await bot.now(GENERAL);
    await open('chloe');
    const list = await bot.message(GENERAL, 'open alert', { user: 'chloe', since });
    expect(list.ephemeral_to).toBe('U0CHLOE');
    expect(wordsOf(list)).toContain('`quiet-bad`');
    await open('eve');
    await bot.message(GENERAL, 'do not have permission', { user: 'eve' });
  });
});

describe('[C11, N4, N5] the Home tab', () => {
  it('shows open alerts, the channel’s subscriptions and what runs, and acts on them', async () => {
    await signalbox('devika', CHANNEL, 'subscribe line-3 stuck', 'is now subscribed to');
    await sendEvents(bot, training('home-bad', 'Failed', { FailureReason: 'AlgorithmError: h' }));
    await bot.message(ALERTS, 'home-bad');
    const home = await homeOf('ben', '`home-bad`');
    const words = textsOf(home.blocks);
    expect(words).toMatch(
      /Open alerts[\s\S]*:rotating_light: \*Training failed\*: `home-bad` · Line 3 defects/,
    );
    expect(words).toMatch(/Running now[\s\S]*`defects-convnext`/);
    expect(words).toMatch(/Subscriptions[\s\S]*<#C0LINE3> `line-3` · runs that print nothing any more/);
    // The newest alert stands first: acknowledged there, it says so there, and in its own message.
    await bot.action('ben', 'alert.acknowledge', { view_id: home.id });
    await homeShows('ben', 'Acknowledged by <@U0BEN>');
    await until(
      async () =>
        (await posts(ALERTS, 'Acknowledged by <@U0BEN>')).find(({ text }) => text.includes('`home-bad`')),
      'the alert’s own message',
    );
  });

  it('refuses a click of who may look and not act, and shows nothing to who may not look', async () => {
    await sendEvents(bot, training('home-bad-2', 'Failed', { FailureReason: 'AlgorithmError: h2' }));
    await bot.message(ALERTS, 'home-bad-2');
    const home = await homeOf('chloe', '`home-bad-2`');
    await bot.action('chloe', 'alert.acknowledge', { view_id: home.id });
    await bot.message('D00CHLOE', 'handle the alerts', { user: 'chloe' });
    expect(wordsOf((await posts(ALERTS, '`home-bad-2`'))[0]!)).toContain('Not acknowledged');
    const none = await homeOf('eve', 'You have no access to a use case yet');
    expect(textsOf(none.blocks)).not.toMatch(/Open alerts|Running now|My jobs|Subscriptions/);
  });

  it('lists jobs that a person had compiled under their name, and not under another’s', async () => {
    bot.sandbox.aws.configure({ compilationMs: 600_000 });
    await bot.command('ada', CHANNEL, 'defects-resnet50 x86_64-cuda', '/compile');
    await bot.message(CHANNEL, '1 started', { user: 'ada' });
    const mine = textsOf((await homeOf('ada', 'My jobs')).blocks);
    expect(mine).toMatch(/Running now[\s\S]*`defects-resnet50`[\s\S]*My jobs[\s\S]*`defects-resnet50`/);
    expect(textsOf((await homeOf('ben', 'My jobs')).blocks)).toMatch(/My jobs\s+None yet/);
  });
});

describe('[N5] nobody is called for their own act', () => {
  it('of two on call, only the one who did not start what failed', async () => {
    bot.sandbox.aws.configure({ compilationMs: 300 });
    const since = await bot.now(ALERTS);
    await bot.command('devika', CHANNEL, 'yolo-bolts-2 jetson-xavier', '/compile');
    // The world's own jobs fail when their time comes, perhaps now, and call both.
    const alert = await bot.message(ALERTS, 'yolo-bolts-2', { since });
    expect(wordsOf(alert)).toContain('Compilation failed');
    expect(await bot.calledBy(alert)).toEqual(['U0BEN']);
  });
});
