import { type LogLevel, WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, MANIFEST, type Rig, startRig, TestClock } from './support.ts';

let rig: Rig;
const clock = new TestClock();
const restart = async (options: Parameters<typeof startRig>[0]): Promise<void> => {
  await rig.close();
  rig = await startRig({ clock, ...options });
};
beforeEach(async () => {
  rig = await startRig({ clock });
});
afterEach(() => rig.close());

const post = (channel: string, more: object = { text: 'hi' }) =>
  rig.client.chat.postMessage({ channel, ...more } as never);
const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });

describe('[O7] tokens and scopes', () => {
  it('names the scopes of the token, and knows no other', async () => {
    const { body, headers } = await rig.api('auth.test', {});
    expect(body).toMatchObject({
      ok: true,
      user_id: 'U0SIGNALBOX',
      bot_id: 'B0SIGNALBOX',
      team_id: 'T0SANDBOX',
    });
    expect(headers.get('x-oauth-scopes')).toBe(MANIFEST.oauth_config.scopes.bot.join(','));
    expect((await rig.api('auth.test', {}, { authorization: 'Bearer xoxb-other' })).body.error).toBe(
      'invalid_auth',
    );
    expect((await rig.api('auth.test', {}, { authorization: '' })).body.error).toBe('not_authed');
    expect(await codeOf(rig.client.apps.connections.open())).toBe('not_allowed_token_type');
    expect((await rig.api('chat.nothing', {})).body.error).toBe('unknown_method');
  });

  it('takes form and JSON, the token in the header or in the form', async () => {
    const form = new URLSearchParams({
      token: rig.sandbox.botToken,
      channel: 'C0LINE3',
      text: 'by form',
      blocks: JSON.stringify([section('by form')]),
    });
    const response = await fetch(`${rig.sandbox.apiUrl}chat.postMessage`, { method: 'POST', body: form });
    expect(await response.json()).toMatchObject({ ok: true, message: { blocks: [{ type: 'section' }] } });
  });

  it('says which scope is missing', async () => {
    const { body } = await rig.api('reactions.add', { channel: 'C0LINE3', name: 'eyes', timestamp: '1.1' });
    expect(body).toMatchObject({
      ok: false,
      error: 'missing_scope',
      needed: 'reactions:write',
      provided: MANIFEST.oauth_config.scopes.bot.join(','),
    });
    expect((await rig.api('conversations.list', { types: 'mpim' })).body).toMatchObject({
      needed: 'mpim:read',
    });
  });

  it('keeps its secrets over a restart of the same folder', async () => {
    const { startSlackSandbox } = await import('../../src/slack/index.ts');
    const again = await startSlackSandbox({ dataDir: rig.dataDir, manifest: MANIFEST });
    expect([again.botToken, again.appToken, again.signingSecret]).toEqual([
      rig.sandbox.botToken,
      rig.sandbox.appToken,
      rig.sandbox.signingSecret,
    ]);
    await again.close();
  });

  it('answers this machine only', async () => {
    const { request } = await import('node:http');
    const status = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${rig.sandbox.url}/sandbox/state`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status({})).toBe(200);
    expect(await status({ host: `localhost:${rig.sandbox.port}` })).toBe(200);
    expect(await status({ host: 'rebound.example.com' })).toBe(403);
    expect(await status({ origin: 'https://example.com' })).toBe(403);
    expect(await status({ origin: 'null' })).toBe(403);
  });
});

describe('[O7] messages', () => {
  it('refuses where the app may not write, in the words of Slack', async () => {
    expect(await codeOf(post('C0RANDOM'))).toBe('not_in_channel');
    expect(await codeOf(post('C0NOWHERE'))).toBe('channel_not_found');
    expect(await codeOf(post('C0LINE3', {}))).toBe('no_text');
    await rig.post('/sandbox/slack/channel', { channel: '#harbor', is_archived: true });
    expect(await codeOf(post('C0HARBOR'))).toBe('is_archived');
    expect(await codeOf(post('C0LINE3', { text: 'x', thread_ts: '1763716800.000009' }))).toBe(
      'thread_not_found',
    );
    await rig.post('/sandbox/slack/command', {
      user: 'ada',
      channel: 'random',
      command: '/invite',
      text: '@signalbox',
    });
    expect(await codeOf(post('C0RANDOM'))).toBe('ok');
  });

  it('edits and deletes only what the app has posted', async () => {
    const { ts } = await post('C0LINE3');
    const theirs = await rig.post<{ ts: string }>('/sandbox/slack/message', {
      user: 'ada',
      channel: 'line-3',
      text: 'mine',
    });
    const update = (at: string | undefined, text: string) =>
      rig.client.chat.update({ channel: 'C0LINE3', ts: at ?? '', text });
    expect(await codeOf(update(theirs.ts, 'x'))).toBe('cant_update_message');
    expect(await codeOf(update('1763716800.999999', 'x'))).toBe('message_not_found');
    expect(await codeOf(update(ts, 'x'.repeat(4001)))).toBe('msg_too_long');
    expect((await update(ts, 'changed')).text).toBe('changed');
    expect(await codeOf(rig.client.chat.delete({ channel: 'C0LINE3', ts: theirs.ts }))).toBe(
      'cant_delete_message',
    );
    expect(await codeOf(rig.client.chat.delete({ channel: 'C0LINE3', ts: ts ?? '' }))).toBe('ok');
  });

  it('keeps blocks that an edit does not mention, and cuts text at 40,000', async () => {
    const { ts } = await post('C0LINE3', { text: 'a', blocks: [section('kept')] });
    const kept = await rig.client.chat.update({ channel: 'C0LINE3', ts: ts ?? '', text: 'b' });
    expect(kept.message).toMatchObject({ text: 'b', blocks: [{ text: { text: 'kept' } }] });
    const { message } = await post('C0LINE3', { text: 'x'.repeat(40_500) });
    expect(message?.text).toHaveLength(40_000);
  });

  it('names the place of what is wrong in blocks', async () => {
    const { body } = await rig.api('chat.postMessage', {
      channel: 'C0LINE3',
      text: 'x',
      blocks: [section('ok'), section('x'.repeat(3001))],
    });
    expect(body).toMatchObject({
      ok: false,
      error: 'invalid_blocks',
      errors: ['must be less than 3001 characters [json-pointer:/blocks/1/text/text]'],
      response_metadata: {
        messages: ['[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]'],
      },
    });
  });

  it('has unique, ordered timestamps, threads, and a history without ephemeral messages', async () => {
    const posted = await Promise.all(
      Array.from({ length: 20 }, (_, index) => post('C0LINE3', { text: `m${index}` })),
    );
    expect(new Set(posted.map(({ ts }) => ts)).size).toBe(20);
    const parent = posted[0]?.ts ?? '';
    await post('C0LINE3', { text: 'reply', thread_ts: parent });
    await rig.client.chat.postEphemeral({ channel: 'C0LINE3', user: 'U0ADA', text: 'only you' });
    const history = await rig.client.conversations.history({ channel: 'C0LINE3', limit: 15 });
    expect(history.messages?.map(({ text }) => text)).toEqual(
      Array.from({ length: 15 }, (_, at) => `m${19 - at}`),
    );
    expect(history.has_more).toBe(true);
    const replies = await rig.client.conversations.replies({ channel: 'C0LINE3', ts: parent });
    expect(replies.messages?.map(({ text }) => text)).toEqual(['m0', 'reply']);
    expect(await rig.messages('#line-3', '&user=ben&contains=only')).toEqual([]);
    expect(await rig.messages('#line-3', '&contains=only')).toMatchObject([{ ephemeral_to: 'U0ADA' }]);
  });

  it('opens a direct message on demand, and counts whom a message calls', async () => {
    const { channel } = await rig.client.conversations.open({ users: 'U0ADA' });
    await post('U0ADA', { text: 'for you' });
    expect(await rig.messages(channel?.id ?? '')).toMatchObject([{ text: 'for you' }]);
    await post('C0LINE3', {
      text: '<@U0BEN> look',
      blocks: [section('<@U0BEN> <!subteam^S0OPS> <!channel>')],
    });
    const { pings } = await rig.get<{ pings: object[] }>('/sandbox/slack/pings?channel=line-3');
    expect(pings).toMatchObject([
      { kind: 'user', id: 'U0BEN' },
      { kind: 'group', id: 'S0OPS' },
      { kind: 'channel' },
    ]);
  });
});

describe('[O7] views', () => {
  const view = (more: object = {}) => ({
    type: 'modal' as const,
    title: { type: 'plain_text' as const, text: 'Title' },
    blocks: [],
    ...more,
  });
  /** A trigger as a global shortcut gives it: the payload goes to nobody, its id is what counts. */
  const trigger = async (): Promise<string> => {
    const { createServer } = await import('node:http');
    let id = '';
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const payload = new URLSearchParams(body).get('payload');
      if (payload === null) response.end(JSON.parse(body).challenge);
      else {
        id = JSON.parse(payload).trigger_id;
        response.end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await rig.sandbox.setRequestUrl(`http://127.0.0.1:${port}/`);
    await rig.post('/sandbox/slack/shortcut', { user: 'ada', callback_id: 'start' });
    server.closeAllConnections();
    server.close();
    return id;
  };
  const open = (trigger_id: string, more: object = {}) =>
    rig.client.views.open({ trigger_id, view: view(more) as never });

  it('lets a trigger be used once, within three seconds', async () => {
    const id = await trigger();
    expect(await codeOf(open(id))).toBe('ok');
    expect(await codeOf(open(id))).toBe('exchanged_trigger_id');
    const late = await trigger();
    clock.advance(3001);
    expect(await codeOf(open(late))).toBe('expired_trigger_id');
    expect(await codeOf(open('1.2.abc'))).toBe('invalid_trigger_id');
  });

  it('refuses views that are too large or wrong, old hashes, and pushes onto nothing', async () => {
    const id = await trigger();
    const large = Array.from({ length: 90 }, () => section('x'.repeat(2900)));
    expect(await codeOf(open(id, { blocks: large }))).toBe('view_too_large');
    expect(await codeOf(open(id, { title: undefined }))).toBe('invalid_arguments');
    const { view: opened } = await open(id, { external_id: 'mine' });
    const update = (hash?: string) =>
      rig.client.views.update({ external_id: 'mine', view: view({ external_id: 'mine' }) as never, hash });
    expect(await codeOf(update('old'))).toBe('hash_conflict');
    expect(await codeOf(update(opened?.hash))).toBe('ok');
    expect(await codeOf(rig.client.views.update({ view_id: 'V0', view: view() as never }))).toBe('not_found');
    const outside = await trigger();
    expect(await codeOf(rig.client.views.push({ trigger_id: outside, view: view() as never }))).toBe(
      'invalid_arguments',
    );
  });
});

describe('[O7] files', () => {
  const announce = (length: number, filename = 'a.log') =>
    rig.client.files.getUploadURLExternal({ filename, length }) as Promise<{
      upload_url: string;
      file_id: string;
    }>;
  const complete = (id: string, channel = 'C0LINE3') =>
    rig.client.files.completeUploadExternal({ files: [{ id, title: 'A' }], channel_id: channel });

  it('takes raw bytes and a form, and shares asynchronously', async () => {
    const { upload_url, file_id } = await announce(5);
    expect(await (await fetch(upload_url, { method: 'POST', body: 'hello' })).text()).toBe('OK - 5');
    const answer = await complete(file_id);
    expect(answer.files?.[0]).toMatchObject({ id: file_id, shares: {} });
    const form = new FormData();
    form.append('note', 'ignored');
    form.append('file', new Blob(['--\r\n--bytes\r\n']), 'b.bin');
    const second = await announce(13, 'b.bin');
    expect((await fetch(second.upload_url, { method: 'POST', body: form })).status).toBe(200);
    const [message] = await rig.messages('line-3', '&wait=5');
    const { file } = await rig.client.files.info({ file: file_id });
    expect(file?.shares?.public?.C0LINE3?.[0]?.ts).toBe(message?.ts);
  });

  it('refuses empty files, wrong lengths, unknown files and channels the app is not in', async () => {
    expect(await codeOf(announce(0))).toBe('invalid_arguments');
    const { upload_url, file_id } = await announce(4);
    expect((await fetch(upload_url, { method: 'POST', body: 'hello' })).status).toBe(400);
    expect(await codeOf(complete(file_id))).toBe('file_not_found');
    expect((await fetch(upload_url, { method: 'POST', body: 'four' })).status).toBe(200);
    expect(await codeOf(complete(file_id, 'C0RANDOM'))).toBe('not_in_channel');
    expect(await codeOf(complete(file_id, 'U0ADA'))).toBe('invalid_arguments');
    expect(await codeOf(complete(file_id))).toBe('ok');
    expect(await codeOf(complete(file_id))).toBe('file_not_found');
    expect(await codeOf(rig.client.files.delete({ file: file_id }))).toBe('ok');
    expect(await codeOf(rig.client.files.info({ file: file_id }))).toBe('file_deleted');
  });

  it('breaks an upload half-way when told so, and nothing is left of it', async () => {
    await rig.post('/sandbox/faults', { on: 'files.upload', kind: 'drop' });
    const { upload_url, file_id } = await announce(200_000);
    await expect(fetch(upload_url, { method: 'POST', body: 'x'.repeat(200_000) })).rejects.toThrow();
    expect(await codeOf(complete(file_id))).toBe('file_not_found');
    expect((await fetch(upload_url, { method: 'POST', body: 'x'.repeat(200_000) })).status).toBe(200);
  });
});

describe('[O7] quotas', () => {
  it('answers 429 with the seconds to wait, for each method and for each channel', async () => {
    await restart({ rateLimits: true });
    const info = () => rig.api('conversations.list', {});
    for (let call = 1; call <= 20; call += 1) expect((await info()).status).toBe(200);
    clock.advance(10_000);
    const refused = await info();
    expect(refused).toMatchObject({ status: 429, body: { ok: false, error: 'ratelimited' } });
    expect(refused.headers.get('retry-after')).toBe('50');
    clock.advance(50_000);
    expect((await info()).status).toBe(200);

    const burst = await Promise.all(
      Array.from({ length: 6 }, () => rig.api('chat.postMessage', { channel: 'C0LINE3', text: 'x' })),
    );
    expect(burst.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(burst[5]?.headers.get('retry-after')).toBe('1');
    expect((await rig.api('chat.postMessage', { channel: 'C0GENERAL', text: 'x' })).status).toBe(200);
    clock.advance(1000);
    expect((await rig.api('chat.postMessage', { channel: 'C0LINE3', text: 'x' })).status).toBe(200);
    expect([...rig.sandbox.tooOften]).toEqual([
      ['conversations.list', 1],
      ['chat.postMessage', 1],
    ]);
  });
});

describe('[O7] faults', () => {
  it('fails calls as told: after some, every so many, so many times', async () => {
    await rig.post('/sandbox/faults', [
      { on: 'auth.test', kind: '429', seconds: 7, after: 1, every: 2, times: 2 },
      { on: 'chat.update', kind: 'not_in_channel' },
    ]);
    const statuses = [];
    for (let call = 1; call <= 7; call += 1) statuses.push((await rig.api('auth.test', {})).status);
    expect(statuses).toEqual([200, 200, 429, 200, 429, 200, 200]);
    expect((await rig.api('chat.update', {})).body.error).toBe('not_in_channel');
    expect(await rig.get('/sandbox/faults')).toMatchObject({ faults: [] });
  });

  it('answers 500, cuts connections, loses answers, and is cleared', async () => {
    await rig.post('/sandbox/faults', [
      { on: '*', kind: '500', times: 1 },
      { on: 'api.test', kind: 'drop' },
      { on: 'chat.postMessage', kind: 'lost_answer' },
      { on: 'users.info', kind: '500', times: 0 },
    ]);
    expect((await rig.api('api.test', {})).status).toBe(500);
    await expect(rig.api('api.test', {})).rejects.toThrow();
    await expect(rig.api('chat.postMessage', { channel: 'C0LINE3', text: 'posted' })).rejects.toThrow();
    expect(await rig.messages('line-3')).toMatchObject([{ text: 'posted' }]);
    expect((await rig.api('users.info', { user: 'U0ADA' })).status).toBe(500);
    await rig.post('/sandbox/faults', undefined, 'DELETE');
    expect((await rig.api('users.info', { user: 'U0ADA' })).status).toBe(200);
    expect(await rig.post('/sandbox/faults', { on: 'x' })).toMatchObject({
      ok: false,
      error: 'invalid_arguments',
    });
  });

  it('makes one share late', async () => {
    await restart({ shareDelayMs: 0 });
    const upload = async () => {
      const { upload_url, file_id } = await rig.client.files.getUploadURLExternal({
        filename: 'a',
        length: 1,
      });
      await fetch(upload_url ?? '', { method: 'POST', body: 'x' });
      await rig.client.files.completeUploadExternal({
        files: [{ id: file_id ?? '' }],
        channel_id: 'C0LINE3',
      });
      return file_id ?? '';
    };
    await rig.post('/sandbox/faults', {
      on: 'files.completeUploadExternal',
      kind: 'late_share',
      seconds: 3600,
    });
    const late = await upload();
    const prompt = await upload();
    const [shared] = await rig.messages('line-3', '&wait=5');
    expect(shared?.files?.map(({ id }) => id)).toEqual([prompt]);
    expect((await rig.client.files.info({ file: late })).file?.shares).toEqual({});
  });

  it('is obeyed by the library: a 429 is tried again', async () => {
    await rig.post('/sandbox/faults', { on: 'auth.test', kind: '429', seconds: 0 });
    const client = new WebClient(rig.sandbox.botToken, {
      slackApiUrl: rig.sandbox.apiUrl,
      logLevel: 'error' as LogLevel,
    });
    expect((await client.auth.test()).ok).toBe(true);
    expect(await rig.get('/sandbox/faults')).toMatchObject({ faults: [] });
  });
});
