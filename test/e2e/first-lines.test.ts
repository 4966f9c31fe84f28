/** A log of 300 MB under AWS's own quota: its end is there while it is fetched, and that may be enough. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxMessage } from '#sandbox';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { until } from './jobs.ts';
import { BROKEN, HUGE, withLastWordsOf } from './large-logs.ts';

const CHANNEL = 'C0LINE3';
const TOKEN = `hf_${'AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh'}`;
const KEY = [
  ['-----BEGIN RSA', 'PRIVATE KEY-----'].join(' '),
  ...Array.from({ length: 30 }, (_, n) => `MIIEkeyLine${n}abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH`),
  ['-----END RSA', 'PRIVATE KEY-----'].join(' '),
];
const TRACE = [
  'Traceback (most recent call last):',
  '  File "/opt/ml/code/train.py", line 212, in <module>',
  '    loss = criterion(model(batch), target)',
  `RuntimeError: bad token=${TOKEN} for the registry`,
].join('\n');

let bot: Bot;
beforeAll(async () => {
  bot = await startBot({
    world: withLastWordsOf({
      completed: [...KEY, `\u001b[1mHF_TOKEN=${TOKEN}\u001b[0m`, 'good night'],
      failed: [TRACE],
    }),
  });
});
afterAll(() => bot.stop());
afterEach(async () => {
  bot.clearFaults();
  bot.sandbox.aws.configure({ latencyMs: 0 });
});

/** As far away as AWS is, so that its quota holds: 10 requests a second for some 300 pages. */
async function ask(user: string, text: string, contains: string): Promise<SandboxMessage> {
  bot.sandbox.aws.configure({ latencyMs: 40 });
  const since = await bot.now(CHANNEL);
  await bot.command(user, CHANNEL, text);
  const message = await bot.message(CHANNEL, contains, { since });
  // However slowly the test goes on, the rest of the log takes longer.
  bot.sandbox.aws.configure({ latencyMs: 5_000 });
  return message;
}
const at = (ts: string) => ({ channel: CHANNEL, message_ts: ts });
const newest = async (ts: string): Promise<SandboxMessage | undefined> =>
  (await bot.messages(CHANNEL)).find((one) => one.ts === ts);

describe('[L12] the end of a large log', () => {
  it('is in the progress message while the log is fetched, without its secrets, and is enough for a click', async () => {
    const message = await ask('ada', HUGE, 'good night');
    const words = wordsOf(message);
    expect(words).toContain('The end of the log');
    expect(words).toContain('algo-3  HF_TOKEN=');
    for (const secret of [TOKEN, 'hf_AbC', 'MIIEkeyLine'])
      expect(JSON.stringify(message)).not.toContain(secret);
    expect(JSON.stringify(message)).toMatch(/logs\.enough.*logs\.cancel/);
    // Nothing else is asked of people than what they see.
    await bot.action('ada', 'logs.enough', at(message.ts));
    const ended = await bot.message(CHANNEL, 'Only the last lines', {
      since: String(Number(message.ts) - 1),
    });
    expect(ended.ts).toBe(message.ts);
    expect(wordsOf(ended)).toContain('ended by ada');
    expect(wordsOf(ended)).toContain('good night');
    expect(JSON.stringify(ended)).not.toMatch(/logs\.(?:cancel|enough)/);
    expect(JSON.stringify(ended)).toContain('Get the file');
    // Like a cancelled one it leaves nothing.
    await until(async () => (await bot.spool()).length === 0 || undefined, 'an empty spool');
    expect(await bot.files(CHANNEL)).toEqual([]);
  });

  it('of a job that failed is its traceback, with the cause, what to do and, where that will do, its buttons', async () => {
    const message = await ask('ada', BROKEN, 'The traceback');
    const words = wordsOf(message);
    for (const part of ['of the time range', '*Cause:*', '*What to do:*', 'RuntimeError: bad token='])
      expect(words).toContain(part);
    expect(words).not.toContain(TOKEN);
    await bot.action('ada', 'logs.enough', at(message.ts));
    const ended = await bot.message(CHANNEL, 'Only the traceback', { since: String(Number(message.ts) - 1) });
    const after = JSON.stringify(ended);
    for (const part of ['Get the file', 'Run again', 'Details', 'RuntimeError'])
      expect(after).toContain(part);
  });

  it('does not keep anybody from cancelling, and others from ending what is not theirs', async () => {
    const message = await ask('ada', HUGE, 'good night');
    await bot.action('ben', 'logs.enough', at(message.ts));
    const refusal = await bot.message(CHANNEL, 'can end it', { user: 'ben' });
    expect(refusal.ephemeral_to).toBe('U0BEN');
    await bot.action('ada', 'logs.cancel', at(message.ts));
    await bot.message(CHANNEL, 'Cancelled:', { since: String(Number(message.ts) - 1) });
    expect(wordsOf((await newest(message.ts))!)).not.toContain('good night');
  });

  it('goes where who asked may not read it any more, whoever says that it will do', async () => {
    const message = await ask('chloe', HUGE, 'good night');
    await bot.post('/sandbox/slack/channel', { channel: CHANNEL, leave: 'chloe' });
    await bot.action('devika', 'logs.enough', at(message.ts));
    await until(async () => (await newest(message.ts)) === undefined || undefined, 'the message is gone');
    const since = (await bot.messages(CHANNEL)).filter(({ ts }) => ts > message.ts);
    expect(JSON.stringify(since)).not.toContain('good night');
    await bot.post('/sandbox/slack/channel', { channel: CHANNEL, join: 'chloe' });
  });

  it('stays where Signalbox is stopped in the middle, and nobody can click what is over', async () => {
    const message = await ask('ada', HUGE, 'good night');
    await bot.restart();
    const told = (await newest(message.ts))!;
    expect(wordsOf(told)).toContain('Signalbox is restarting');
    expect(wordsOf(told)).toContain('good night');
    expect(JSON.stringify(told)).toContain('logs.retry');
    expect(JSON.stringify(told)).not.toMatch(/logs\.(?:cancel|enough)/);
  });

  it('is asked for again where the service refuses it', async () => {
    await bot.fault({ on: 'logs:GetLogEvents', kind: 'ThrottlingException', every: 2, times: 12 });
    const message = await ask('ada', `${HUGE} --stream algo-1`, 'The end of the log');
    expect(wordsOf(message)).not.toContain('good night');
    await bot.action('ada', 'logs.cancel', at(message.ts));
    await bot.message(CHANNEL, 'Cancelled:', { since: String(Number(message.ts) - 1) });
  });
});
