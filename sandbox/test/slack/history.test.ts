/** What stands in a channel as the real service keeps it: pages, encoded text, threads, what is left of the deleted. */
import { SocketModeReceiver } from '@slack/bolt';
import type { LogLevel } from '@slack/web-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encoded } from '../../src/slack/messages.ts';
import { codeOf, MANIFEST, type Rig, startRig } from './support.ts';

const CHANNEL = 'C0LINE3';

let rig: Rig;
beforeAll(async () => {
  const { settings, oauth_config } = MANIFEST;
  rig = await startRig({
    manifest: {
      ...MANIFEST,
      oauth_config: {
        scopes: { bot: [...oauth_config.scopes.bot, 'reactions:write', 'chat:write.customize'] },
      },
      settings: {
        ...settings,
        event_subscriptions: { bot_events: ['message.channels', 'message.im'] },
      },
    },
  });
});
afterAll(() => rig.close());

const socketOf = ({ sandbox }: Rig) =>
  new SocketModeReceiver({
    appToken: sandbox.appToken,
    logLevel: 'error' as LogLevel,
    installerOptions: { clientOptions: { slackApiUrl: sandbox.apiUrl } },
  }).client;

const post = async (text: string, more: object = {}) =>
  (await rig.client.chat.postMessage({ channel: CHANNEL, text, ...more })).ts!;
const historyOf = async (more: object = {}) =>
  rig.client.conversations.history({ channel: CHANNEL, ...more });

describe('[O7] pages of a history', () => {
  it('hold each message once, whatever is posted or deleted meanwhile', async () => {
    const given: string[] = [];
    for (let index = 0; index < 9; index++) given.unshift(await post(`page ${index}`));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await historyOf({
        limit: 2,
        oldest: given.at(-1),
        inclusive: true,
        ...(cursor ? { cursor } : {}),
      });
      seen.push(...page.messages!.map(({ ts }) => ts!));
      cursor = page.response_metadata?.next_cursor;
      await post('one more');
      // The message that the next page would begin with.
      if (seen.length === 4) await rig.client.chat.delete({ channel: CHANNEL, ts: given[4]! });
    } while (cursor);
    expect(seen).toEqual(given.filter((_, index) => index !== 4));
  });

  it.each([
    'bogus',
    'bmV4dDox',
    Buffer.from('next_ts:').toString('base64'),
    Buffer.from('user:U1').toString('base64'),
  ])('begin at no made-up cursor: %s', async (cursor) => {
    expect(await codeOf(historyOf({ cursor }))).toBe('invalid_cursor');
    expect(await codeOf(rig.client.users.list({ cursor }))).toBe('invalid_cursor');
  });

  it('take times with or without a fraction, and nothing else', async () => {
    const ts = await post('timed');
    const [seconds] = ts.split('.');
    const texts = async (more: object) => (await historyOf(more)).messages!.map(({ text }) => text);
    expect(await texts({ oldest: seconds })).toContain('timed');
    expect(await texts({ oldest: String(Number(seconds) + 10) })).toEqual([]);
    expect(await texts({ latest: seconds })).not.toContain('timed');
    expect(await codeOf(historyOf({ oldest: 'abc' }))).toBe('invalid_ts_oldest');
    expect(await codeOf(historyOf({ latest: '12.x' }))).toBe('invalid_ts_latest');
  });
});

describe('[O7] text', () => {
  it('comes back encoded, in messages, blocks, events and commands, but for Slack’s own notation', async () => {
    const ts = await post('R&D: a < b > c <@U0ADA> <https://x.example/?a=1&b=2|x & y> &lt;kept&gt;', {
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*p* < 0.05 & <!here>' } }],
    });
    const { messages } = await historyOf({ latest: ts, oldest: ts, inclusive: true });
    expect(messages![0]).toMatchObject({
      text: 'R&amp;D: a &lt; b &gt; c <@U0ADA> <https://x.example/?a=1&amp;b=2|x &amp; y> &lt;kept&gt;',
      blocks: [{ text: { text: '*p* &lt; 0.05 &amp; <!here>' } }],
    });
    const socket = socketOf(rig);
    const command = new Promise<string>((resolve) => {
      socket.on('slash_commands', ({ ack, body }) => {
        resolve(body.text);
        return ack();
      });
    });
    const typed = new Promise<string>((resolve) => {
      socket.on('message', ({ ack, event }) => {
        if (event.subtype === undefined && event.user === 'U0ADA') resolve(event.text);
        return ack();
      });
    });
    await socket.start();
    await rig.post('/sandbox/slack/command', {
      user: 'ada',
      channel: 'line-3',
      command: 'logs',
      text: 'a --grep <x> & y',
    });
    await rig.post('/sandbox/slack/message', {
      user: 'ada',
      channel: 'line-3',
      text: 'loss < 0.1 & falling',
    });
    expect(await command).toBe('a --grep &lt;x&gt; &amp; y');
    expect(await typed).toBe('loss &lt; 0.1 &amp; falling');
    await socket.disconnect();
  });

  it('is the same when it is encoded again, and decodes to what it was', () => {
    const decoded = (text: string) => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
    const piece = fc.constantFrom(
      '&',
      '<',
      '>',
      '&amp;',
      '&lt;',
      '<@U1>',
      '<https://a.b/?c&d|e>',
      '<!here>',
      'x',
      ' ',
      '\n',
      '|',
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => {
          expect(encoded(encoded(text))).toBe(encoded(text));
          expect(decoded(encoded(text))).toBe(decoded(text));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('[O7] threads', () => {
  it('say who answered whom, how many, and when last; a broadcast stands in the channel too', async () => {
    const parent = await post('parent');
    const first = await post('first', { thread_ts: parent });
    await rig.post('/sandbox/slack/message', {
      user: 'ben',
      channel: 'line-3',
      text: 'second',
      thread_ts: parent,
    });
    const told = await post('told to all', { thread_ts: parent, reply_broadcast: true });
    const { messages } = await historyOf({ oldest: parent, inclusive: true });
    expect(messages!.map(({ ts }) => ts)).toEqual([told, parent]);
    expect(messages![0]).toMatchObject({ subtype: 'thread_broadcast', thread_ts: parent });
    expect(messages![1]).toMatchObject({
      thread_ts: parent,
      reply_count: 3,
      reply_users_count: 2,
      reply_users: [messages![1]!.user, 'U0BEN'],
      latest_reply: told,
    });
    const replies = await rig.client.conversations.replies({ channel: CHANNEL, ts: parent });
    expect(replies.messages!.map(({ ts }) => ts)).toEqual([parent, first, expect.any(String), told]);
    expect(replies.messages![2]).toMatchObject({ user: 'U0BEN', parent_user_id: messages![1]!.user });
  });

  it('keep a tombstone of a deleted parent until the last answer goes', async () => {
    const parent = await post('gone soon', { blocks: [{ type: 'divider' }] });
    const reply = await post('an answer', { thread_ts: parent });
    await rig.client.chat.delete({ channel: CHANNEL, ts: parent });
    const left = (await historyOf({ oldest: parent, inclusive: true })).messages!.find(
      ({ ts }) => ts === parent,
    );
    expect(left).toMatchObject({
      subtype: 'tombstone',
      user: 'USLACKBOT',
      text: 'This message was deleted.',
      hidden: true,
      reply_count: 1,
    });
    expect(left).not.toHaveProperty('blocks');
    expect(left).not.toHaveProperty('bot_id');
    expect(await codeOf(rig.client.chat.update({ channel: CHANNEL, ts: parent, text: 'back' }))).toBe(
      'message_not_found',
    );
    await rig.client.chat.delete({ channel: CHANNEL, ts: reply });
    expect(
      (await historyOf({ oldest: parent, inclusive: true })).messages!.map(({ ts }) => ts),
    ).not.toContain(parent);
  });
});

describe('[O7] events of edits and deletions', () => {
  it('carry the message before and after, and come to the app for its own messages too', async () => {
    const socket = socketOf(rig);
    const got: Record<string, unknown>[] = [];
    socket.on('message', ({ ack, event }) => {
      if (event.hidden) got.push(event);
      return ack();
    });
    await socket.start();
    const ts = await post('before');
    await rig.client.chat.update({ channel: CHANNEL, ts, text: 'after' });
    await rig.client.chat.delete({ channel: CHANNEL, ts });
    await rig.sandbox.eventsSettled();
    await socket.disconnect();
    const about = { channel: CHANNEL, channel_type: 'channel', hidden: true };
    expect(got).toEqual([
      expect.objectContaining({
        ...about,
        subtype: 'message_changed',
        message: expect.objectContaining({ ts, text: 'after' }),
        previous_message: expect.objectContaining({ ts, text: 'before' }),
      }),
      expect.objectContaining({
        ...about,
        subtype: 'message_deleted',
        deleted_ts: ts,
        previous_message: expect.objectContaining({ ts, text: 'after' }),
      }),
    ]);
  });
});

describe('[O7] names and reactions', () => {
  it('keeps the name and picture that a message was posted under', async () => {
    const ts = await post('named', { username: 'Night watch', icon_emoji: ':owl:' });
    const { messages } = await historyOf({ latest: ts, oldest: ts, inclusive: true });
    expect(messages![0]).toMatchObject({ username: 'Night watch', icons: { emoji: ':owl:' } });
  });

  it('takes reactions that exist, skin tones included', async () => {
    const timestamp = await post('react');
    const react = (name: string) => codeOf(rig.client.reactions.add({ channel: CHANNEL, timestamp, name }));
    for (const name of ['eyes', 'white_check_mark', 'thumbsup::skin-tone-3', 'large_green_circle'])
      expect(await react(name)).toBe('ok');
    for (const name of ['no_such_emoji', 'skin-tone-9', 'constructor'])
      expect(await react(name)).toBe('invalid_name');
  });
});

describe('[O7] a request URL', () => {
  it('can be taken back: Socket Mode again', async () => {
    const own = await startRig();
    const { createServer } = await import('node:http');
    const app = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => response.end(JSON.parse(body).challenge));
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    const { port } = app.address() as { port: number };
    expect(await own.post('/sandbox/slack/request-url', { url: `http://127.0.0.1:${port}` })).toEqual({
      ok: true,
    });
    const open = () =>
      own.api('apps.connections.open', {}, { authorization: `Bearer ${own.sandbox.appToken}` });
    expect((await open()).body.ok).toBe(false);
    expect(await own.post('/sandbox/slack/request-url', { url: null })).toEqual({ ok: true });
    const socket = socketOf(own);
    socket.on('slash_commands', ({ ack }) => ack());
    await socket.start();
    expect(
      await own.post('/sandbox/slack/command', { user: 'ada', channel: 'line-3', command: 'logs' }),
    ).toEqual({ ok: true });
    await socket.disconnect();
    app.closeAllConnections();
    app.close();
    await own.close();
  });
});
