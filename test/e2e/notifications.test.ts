/** Events in by the queue, posts and alerts out; the whole app against the whole sandbox. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { textsOf, wordsOf } from '../slack/sandbox-client.ts';
import { alarmEvent, sendEvents, sendRaw, trainingEvent } from './aws-events.ts';
import { type Bot, startBot } from './bot.ts';
import { card, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
let bot: Bot;

beforeAll(async () => {
  bot = await startBot({
    config: (yaml) => {
      const config = parse(yaml);
      config.useCases[0].onCall = { levels: [['S0EMPTY'], ['U0ADA']], escalateAfter: '10m' };
      config.useCases[0].access.operator = ['U0ADA'];
      return stringify(config);
    },
  });
});
afterAll(() => bot.stop());

function alertOf(job: string, says: string | RegExp = ''): Promise<SandboxMessage> {
  return until(
    async () =>
      (await bot.messages(ALERTS)).find((one) => {
        const words = wordsOf(one);
        return words.includes(job) && (typeof says === 'string' ? words.includes(says) : says.test(words));
      }),
    `an alert of ${job} with ${says}`,
  );
}

const alertsOf = async (job: string): Promise<SandboxMessage[]> =>
  (await bot.messages(ALERTS)).filter(
    (one) => one.text.includes(job) && (!one.thread_ts || one.thread_ts === one.ts),
  );

const shown = async (): Promise<number> =>
  [...(await bot.messages(ALERTS)), ...(await bot.messages(CHANNEL))].filter(
    (one) => one.ephemeral_to === undefined,
  ).length;

const buttonOf = (message: SandboxMessage, id: string): { value: string; block: string } => {
  for (const block of (message.blocks ?? []) as { block_id?: string; elements?: Record<string, string>[] }[])
    for (const element of block.elements ?? [])
      if (element.action_id === id) return { value: element.value ?? '', block: block.block_id ?? '' };
  throw new Error(`no ${id} in ${JSON.stringify(message.blocks)}`);
};

const click = (user: string, message: SandboxMessage, action_id: string) =>
  bot.action(user, action_id, { channel: message.channel, ts: message.ts });

describe('[N1, N2, N4] a failed training job', () => {
  const JOB = 'press-failed-20261121';
  const EVIL = 'AlgorithmError: <!channel> <@U0ADA> key AKIAIOSFODNN7EXAMPLE Exit Code: 1';

  it('is one alert, whatever the queue brings twice, late and out of order', async () => {
    const failed = trainingEvent(JOB, 'Failed', { FailureReason: EVIL });
    await sendEvents(
      bot,
      failed,
      trainingEvent(JOB, 'InProgress', { LastModifiedTime: Date.now() - 60_000 }),
      failed,
      { ...failed, id: randomUUID() },
      'not json',
    );
    const alert = await alertOf(JOB);
    const words = wordsOf(alert);
    expect(words).toContain('Training failed');
    // [O6] nothing from outside mentions anybody, no secret is shown
    expect(words).not.toContain('<!channel>');
    expect(words).not.toContain('AKIAIOSFODNN7EXAMPLE');
    expect(words).toContain('[masked]');
    // Nobody is in the first level's group: said, and the next level is told at once.
    expect(words).toContain('S0EMPTY');
    expect(words).toContain('<@U0ADA>');
    await card(bot, CHANNEL, JOB, 'failed');
    expect(await alertsOf(JOB)).toHaveLength(1);
  });

  it('[N4] is listed, acknowledged with the right alone, and the message says by whom', async () => {
    const alert = await alertOf(JOB);
    await click('chloe', alert, 'alert.acknowledge');
    expect(textsOf((await alertOf(JOB)).blocks)).not.toContain('Acknowledged by');
    await click('ada', alert, 'alert.acknowledge');
    const shown = await alertOf(JOB, 'Acknowledged by <@U0ADA>');
    expect(() => buttonOf(shown, 'alert.acknowledge')).toThrow();
    await bot.command('ada', CHANNEL, 'alerts', '/signalbox');
    await bot.message(CHANNEL, '1 open alert', { user: 'ada' });
  });

  it('[N4] ends by itself when a later run of the same pipeline succeeds', async () => {
    const good = 'press-failed-20261122';
    await sendEvents(bot, trainingEvent(good, 'Completed', { TrainingEndTime: Date.now() + 1000 }));
    const shown = await alertOf(JOB, 'a later run succeeded');
    // The edit of the alert and the reply to it are told each in its own time.
    await until(
      async () =>
        (await bot.thread(ALERTS, shown.ts)).find(
          ({ ts, text }) => ts !== shown.ts && text.includes('a later run succeeded'),
        ),
      'the reply',
    );
  });

  it('[N2] tells nothing twice after a restart', async () => {
    const before = await shown();
    await bot.restart();
    await sendEvents(bot, trainingEvent(JOB, 'Failed', { FailureReason: EVIL }));
    await sendEvents(bot, trainingEvent('press-marker', 'Failed', { FailureReason: 'x' }));
    await alertOf('press-marker');
    const later = await shown();
    expect(await alertsOf(JOB)).toHaveLength(1);
    expect(later - before).toBeLessThanOrEqual(2);
  });
});

describe('[N4] a mute', () => {
  it('is listed, and taken back by who may handle alerts', async () => {
    await click('ada', await alertOf('press-marker'), 'alert.mute');
    const form = await until(async () => (await bot.views('ada')).at(-1), 'the form of a mute');
    await bot.post('/sandbox/slack/view', { user: 'ada', view_id: form.id });
    await alertOf('press-marker', 'Muted by <@U0ADA>');
    const unmute = async (user: string, says: string): Promise<void> => {
      await bot.command(user, CHANNEL, 'alerts', '/signalbox');
      const list = await bot.message(CHANNEL, 'open alerts', { user });
      expect(textsOf(list.blocks)).toContain('`press-marker` is muted by <@U0ADA>');
      await bot.action(user, 'alert.unmute', { channel: CHANNEL, message_ts: list.ts });
      await bot.message(CHANNEL, says, { user });
    };
    await unmute('chloe', 'handle the alerts');
    await unmute('ada', 'raises alerts again');
  });
});

describe('[N5] subscriptions', () => {
  it('need the right, and bring what they name', async () => {
    await bot.command('chloe', 'C0GENERAL', 'subscribe line-3 alarm', '/signalbox');
    await bot.message('C0GENERAL', 'do not have permission', { user: 'chloe' });
    await bot.command('devika', 'C0GENERAL', 'subscribe line-3 alarm name:press-*', '/signalbox');
    await bot.message('C0GENERAL', 'is now subscribed to');
    await sendEvents(bot, alarmEvent('other-cpu', 'OK'), alarmEvent('press-cpu', 'OK'));
    const post = await bot.message('C0GENERAL', 'press-cpu');
    expect(post.text).toContain('Alarm OK');
    expect((await bot.messages('C0GENERAL')).filter(({ text }) => text.includes('other-cpu'))).toEqual([]);
    await bot.command('devika', 'C0GENERAL', 'unsubscribe line-3', '/signalbox');
    await bot.message('C0GENERAL', 'is no longer subscribed to');
  });

  it('opens a window with all of it', async () => {
    await bot.command('devika', 'C0GENERAL', 'settings', '/signalbox');
    const view = await until(async () => (await bot.views('devika')).at(-1), 'the settings');
    expect(textsOf(view.blocks)).toContain('Quiet hours');
    await bot.post('/sandbox/slack/view', {
      user: 'devika',
      view_id: view.id,
      values: {
        add: { add: 'line-3 training failures-only' },
        quiet: { quiet: '22:00-07:00' },
        time_zone: { time_zone: 'Europe/Berlin' },
        digest: { digest: '09:00' },
        digest_use_cases: { digest_use_cases: ['line-3'] },
      },
    });
    await bot.message('C0GENERAL', 'Saved', { user: 'devika' });
    await bot.command('devika', 'C0GENERAL', 'subscriptions', '/signalbox');
    const list = await bot.message('C0GENERAL', 'Posted in this channel (1)', { user: 'devika' });
    expect(textsOf(list.blocks)).toContain('failures only');
    expect(textsOf(list.blocks)).toContain('Quiet from 22:00 to 07:00');
  });

  it('[N4] says who is on call', async () => {
    await bot.command('ada', CHANNEL, 'oncall', '/signalbox');
    const said = await bot.message(CHANNEL, 'On call in', { user: 'ada' });
    expect(textsOf(said.blocks)).toContain('1. nobody: <!subteam^S0EMPTY> is empty (at once)');
    expect(textsOf(said.blocks)).toContain('2. <@U0ADA> (after 10 min without an answer)');
  });
});

describe('[N1] an event that somebody made up', () => {
  it('calls nobody: of another source, of a job that SageMaker does not have, or that it says is running', async () => {
    const made = ['made-source', 'made-job', 'made-end'] as const;
    const [source, job, end] = made.map((name) =>
      trainingEvent(name, 'Failed', { FailureReason: 'AlgorithmError: made up' }),
    );
    await sendEvents(bot, trainingEvent('made-end', 'InProgress'));
    await sendRaw(
      bot,
      [{ ...source, source: 'my.own.app' }, job, end].map((event) => JSON.stringify(event)),
    );
    // What comes after them is told: they were dealt with.
    await sendEvents(bot, trainingEvent('true-marker', 'Failed', { FailureReason: 'AlgorithmError: true' }));
    await alertOf('true-marker');
    await card(bot, CHANNEL, 'made-end');
    for (const name of made) expect(await alertsOf(name)).toEqual([]);
    expect((await bot.messages(CHANNEL)).filter(({ text }) => /made-(source|job)/.test(text))).toEqual([]);
  });
});
