/** What on-call sees and clicks of alerts, in the sandbox's Slack; the bot has a clock that is set ahead. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { InteractionResult, SandboxMessage, SandboxView } from '#sandbox';
import { wordsOf } from '../slack/sandbox-client.ts';
import { sendEvents, trainingEvent } from './aws-events.ts';
import { type Bot, startBot } from './bot.ts';
import { closeAll, modal, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const MINUTE = 60_000;
let bot: Bot;
let ahead = 0;

beforeAll(async () => {
  bot = await startBot({
    clock: { now: () => Date.now() + ahead },
    config: (yaml) => {
      const config = parse(yaml);
      // Nobody below is called by a level that comes due in between.
      config.useCases[0].onCall = { levels: [['U0BEN'], ['U0DEV']], escalateAfter: '7d' };
      // Nor because a run of the seeded ones is silent by the clock that is set ahead.
      config.useCases[0].alerts = { stuckAfter: 'off' };
      return stringify(config);
    },
  });
});
afterAll(() => bot?.stop());

/** By the bot's clock. */
const failed = (job: string) =>
  trainingEvent(job, 'Failed', {
    FailureReason: `AlgorithmError: ${job} broke`,
    LastModifiedTime: Date.now() + ahead,
  });

/** Ben (`S0OPS`) and Devika (admin) handle alerts; Ada compiles and does not. */
async function fail(job: string): Promise<SandboxMessage> {
  await sendEvents(bot, failed(job));
  return alertOf(job);
}

function alertOf(job: string, ...says: string[]): Promise<SandboxMessage> {
  return until(
    async () =>
      (await bot.messages(ALERTS)).find(
        (one) => one.text.includes(`\`${job}\``) && says.every((word) => wordsOf(one).includes(word)),
      ),
    `an alert of ${job} that says ${says.join(', ')}`,
  );
}

const click = (
  user: string,
  { channel, ts }: Pick<SandboxMessage, 'channel' | 'ts'>,
  action_id: string,
  value?: string,
) => bot.action(user, action_id, { channel, message_ts: ts, ...(value === undefined ? {} : { value }) });

/** Replies only. */
const repliesTo = async ({ ts }: SandboxMessage): Promise<SandboxMessage[]> =>
  (await bot.thread(ALERTS, ts)).slice(1);

const replyTo = (alert: SandboxMessage, says: string): Promise<SandboxMessage> =>
  until(
    async () => (await repliesTo(alert)).find((one) => wordsOf(one).includes(says)),
    `a reply that says ${says}`,
  );

const hasButton = (message: SandboxMessage, action_id: string): boolean =>
  JSON.stringify(message.blocks).includes(`"${action_id}"`);

describe('[N4] an alert’s buttons', () => {
  it('need the right: who lacks it is refused and told who can give it', async () => {
    const alert = await fail('rights-a');
    expect(await bot.pinged(ALERTS)).toEqual(['U0BEN']);
    for (const action of ['alert.acknowledge', 'alert.close']) {
      const since = await bot.now(ALERTS);
      await click('ada', alert, action);
      const refusal = await bot.message(ALERTS, 'do not have permission', { user: 'ada', since });
      expect(refusal.ephemeral_to).toBe('U0ADA');
      expect(wordsOf(refusal)).toContain('handle the alerts');
      // The admins of the use case, who can give it.
      expect(wordsOf(refusal)).toContain('<@U0DEV>');
    }
    const since = await bot.now(ALERTS);
    await click('ada', alert, 'alert.snooze', '30');
    await bot.message(ALERTS, 'do not have permission', { user: 'ada', since });
    await click('ada', alert, 'alert.mute');
    expect(await bot.views('ada')).toEqual([]);
    const shown = await alertOf('rights-a', 'Not acknowledged');
    expect(hasButton(shown, 'alert.acknowledge')).toBe(true);
  });

  it('snooze: nobody is called until it is over, then the same person, in the thread', async () => {
    const alert = await fail('snooze-a');
    const before = await bot.now(ALERTS);
    await click('ben', alert, 'alert.snooze', '30');
    const snoozed = await alertOf('snooze-a', 'Snoozed until');
    expect(wordsOf(snoozed)).toContain(':zzz:');
    expect(hasButton(snoozed, 'alert.acknowledge')).toBe(true);
    ahead += 29 * MINUTE;
    await fail('snooze-marker');
    expect(await repliesTo(alert)).toEqual([]);
    ahead += 2 * MINUTE;
    const reply = await replyTo(alert, 'The snooze is over');
    expect(await bot.pinged(ALERTS, before)).toContain('U0BEN');
    expect(wordsOf(await alertOf('snooze-a'))).not.toContain('Snoozed until');
    // The call has its button, which acts on the alert and leaves the call as it is.
    await click('ben', reply, 'alert.acknowledge');
    await alertOf('snooze-a', 'Acknowledged by <@U0BEN>');
    expect(wordsOf((await repliesTo(alert))[0]!)).toContain('The snooze is over');
  });

  it('pass: it is somebody else’s, who is called in the thread; passing it to oneself calls nobody', async () => {
    const alert = await fail('pass-a');
    const before = await bot.now(ALERTS);
    await click('ben', alert, 'alert.pass', 'U0DEV');
    await replyTo(alert, 'Passed to you');
    expect(await bot.pinged(ALERTS, before)).toEqual(['U0DEV']);
    await alertOf('pass-a', 'Passed to <@U0DEV>', 'Not acknowledged');
    const later = await bot.now(ALERTS);
    await click('devika', alert, 'alert.acknowledge');
    await alertOf('pass-a', 'Acknowledged by <@U0DEV>');
    await click('ben', alert, 'alert.pass', 'U0BEN');
    await alertOf('pass-a', 'Passed to <@U0BEN>', 'Not acknowledged');
    expect(await bot.pinged(ALERTS, later)).toEqual([]);
    expect(await repliesTo(alert)).toHaveLength(1);
  });

  it('close: it is over, told in the thread without calling who closed it, and gone from the list', async () => {
    const alert = await fail('close-a');
    const before = await bot.now(ALERTS);
    await click('ben', alert, 'alert.close');
    const closed = await alertOf('close-a', 'Closed by <@U0BEN>');
    expect(hasButton(closed, 'alert.acknowledge')).toBe(false);
    expect(hasButton(closed, 'alert.close')).toBe(false);
    await replyTo(alert, 'Closed');
    expect(await bot.pinged(ALERTS, before)).toEqual([]);
    const since = await bot.now(CHANNEL);
    await bot.command('ben', CHANNEL, 'alerts', '/signalbox');
    expect(wordsOf(await bot.message(CHANNEL, 'open alert', { user: 'ben', since }))).not.toContain(
      'close-a',
    );
  });

  it('clicked in the list that somebody still has open: told how it stands, and the list is drawn anew', async () => {
    const alert = await fail('late-a');
    const list = await openList('devika');
    expect(wordsOf(list)).toContain('`late-a`');
    await click('ben', alert, 'alert.acknowledge');
    await alertOf('late-a', 'Acknowledged by <@U0BEN>');
    await clickInList('devika', list, 'late-a', 'alert.acknowledge');
    await bot.message(CHANNEL, 'Acknowledged already by <@U0BEN>', { user: 'devika' });
    await until(async () => {
      const drawn = (await bot.messages(CHANNEL, 'devika')).find(({ ts }) => ts === list.ts);
      return drawn && wordsOf(drawn).includes(':eyes: *Training failed*: `late-a`') ? drawn : undefined;
    }, 'the list with late-a acknowledged');
  });
});

interface ListBlock {
  block_id: string;
  text?: { text: string };
  accessory?: { action_id: string; value: string };
}

async function openList(user: string): Promise<SandboxMessage> {
  const since = await bot.now(CHANNEL);
  await bot.command(user, CHANNEL, 'alerts', '/signalbox');
  return bot.message(CHANNEL, 'open alert', { user, since });
}

async function clickInList(
  user: string,
  list: SandboxMessage,
  about: string,
  action_id: string,
): Promise<void> {
  const block = (list.blocks as unknown as ListBlock[]).find(
    ({ text, accessory }) => accessory?.action_id === action_id && text?.text.includes(`\`${about}\``),
  );
  if (!block) throw new Error(`no ${action_id} for ${about} in ${wordsOf(list)}`);
  const where = { channel: list.channel, message_ts: list.ts, block_id: block.block_id };
  expect(await bot.action(user, action_id, where)).toMatchObject({ ok: true });
}

describe('[N4] a mute', () => {
  const alertsOf = async (job: string): Promise<SandboxMessage[]> =>
    (await bot.messages(ALERTS)).filter(({ text }) => text.includes(`\`${job}\``));

  async function openForm(alert: SandboxMessage): Promise<SandboxView> {
    await closeAll(bot, 'ben');
    await click('ben', alert, 'alert.mute');
    return modal(bot, 'ben', 'raise no alert');
  }

  const submit = (form: SandboxView, pattern?: string, hours?: string): Promise<InteractionResult> =>
    bot.post('/sandbox/slack/view', {
      user: 'ben',
      view_id: form.id,
      values: {
        ...(pattern === undefined ? {} : { pattern: { pattern } }),
        ...(hours === undefined ? {} : { hours: { hours } }),
      },
    });

  /** A muted failure is dealt with once one that came after it is: the queue's order is that of arrival. */
  async function failsSilently(job: string): Promise<void> {
    await sendEvents(bot, failed(job));
    await until(
      async () => (await bot.messages(CHANNEL)).find(({ text }) => text.includes(`\`${job}\``)),
      `the card of ${job}`,
    );
    await fail(`after-${job}`);
    expect(await alertsOf(job)).toEqual([]);
  }

  it('of the job’s own name ends the alert, and holds for no other job', async () => {
    const form = await openForm(await fail('mute-one'));
    expect(JSON.stringify(form.blocks)).toContain('"initial_value":"mute-one"');
    await submit(form);
    await alertOf('mute-one', 'Muted by <@U0BEN>');
    await fail('mute-one-2');
  });

  it('of a pattern: what fails has its card and no alert; taken back, it raises alerts again', async () => {
    const alert = await fail('nightly-a');
    const form = await openForm(alert);
    const { response } = await submit(form, '**');
    expect(response).toMatchObject({ response_action: 'errors' });
    await submit(form, 'nightly-*', '168');
    await alertOf('nightly-a', 'Muted by <@U0BEN>');
    await failsSilently('nightly-b');

    const list = await openList('ben');
    expect(wordsOf(list)).toContain('`nightly-*` is muted by <@U0BEN>');
    await clickInList('ben', list, 'nightly-*', 'alert.unmute');
    await bot.message(CHANNEL, '`nightly-*` raises alerts again', { user: 'ben' });
    await until(async () => {
      const drawn = (await bot.messages(CHANNEL, 'ben')).find(({ ts }) => ts === list.ts);
      return drawn && !wordsOf(drawn).includes('nightly-*') ? drawn : undefined;
    }, 'the list without the mute');
    await fail('nightly-c');
  });

  it('is over by itself when its time has passed', async () => {
    await submit(await openForm(await fail('brief-a')), 'brief-*', '24');
    await alertOf('brief-a', 'Muted by <@U0BEN>');
    ahead += 23 * 60 * MINUTE;
    await failsSilently('brief-b');
    ahead += 60 * MINUTE;
    await fail('brief-c');
  });
});
