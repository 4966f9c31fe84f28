import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkspaceEvent } from '../../src/protocol.ts';
import { type Rig, startRig } from './support.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

const status = async (path: string, init?: RequestInit): Promise<[number, string]> => {
  const response = await fetch(rig.sandbox.url + path, init);
  return [response.status, ((await response.json()) as { error: string }).error];
};
const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('[O7] control endpoints', () => {
  it('answer in clear errors, with what there is instead', async () => {
    expect(await status('/sandbox/nothing')).toEqual([404, 'not_found']);
    expect(await status('/sandbox/slack/command')).toEqual([405, 'method_not_allowed']);
    expect(await status('/sandbox/slack/command', json('{'))).toEqual([400, 'invalid_json']);
    expect(await status('/sandbox/slack/command', json({ user: 'ada', channel: 'line-3' }))).toEqual([
      400,
      'invalid_arguments',
    ]);
    expect(await status('/sandbox/slack/messages?channel=nowhere')).toEqual([404, 'channel_not_found']);
    expect(await status('/sandbox/slack/views?user=nobody')).toEqual([404, 'user_not_found']);
    const eve = { user: 'eve', channel: '#line-3', command: 'logs' };
    expect(await status('/sandbox/slack/command', json(eve))).toEqual([403, 'not_in_channel']);
    const action = { user: 'ada', channel: '#line-3', action_id: 'none' };
    expect(await status('/sandbox/slack/action', json(action))).toEqual([404, 'element_not_found']);
    const { detail } = await rig.post<{ detail: string }>('/sandbox/slack/message', { user: 'bob' });
    expect(detail).toContain('ada, ben, chloe');
  });

  it('let any number of scripts wait for a message, without a warning of Node', async () => {
    const warnings: Error[] = [];
    const keep = (warning: Error): void => void warnings.push(warning);
    process.on('warning', keep);
    const waiting = Array.from({ length: 30 }, () =>
      rig.get<{ messages: unknown[] }>(
        '/sandbox/slack/messages?channel=ml-alerts&contains=all%20of%20you&wait=30',
      ),
    );
    await rig.post('/sandbox/slack/message', { user: 'ada', channel: '#ml-alerts', text: 'all of you' });
    expect((await Promise.all(waiting)).every(({ messages }) => messages.length === 1)).toBe(true);
    process.off('warning', keep);
    expect(warnings).toEqual([]);
  });

  it('tell the state of the workspace as one user sees it', async () => {
    const state = await rig.get<{ channels: { name: string }[]; app: object }>('/sandbox/state?user=ada');
    expect(state.channels.map(({ name }) => name)).toEqual([
      'general',
      'line-3',
      'harbor',
      'ml-alerts',
      'random',
      'U0ADA',
    ]);
    expect(state.app).toMatchObject({
      name: 'Signalbox',
      connected: false,
      home_tab: true,
      commands: [{ command: '/logs', usage_hint: '<job>' }, { command: '/escaped' }],
      message_shortcuts: [{ callback_id: 'get_logs' }],
      global_shortcuts: [{ callback_id: 'start' }],
    });
  });

  it('stream what happens to whom it concerns', async () => {
    const ended = new AbortController();
    const response = await fetch(`${rig.sandbox.url}/sandbox/stream?user=ben`, { signal: ended.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let received = decoder.decode((await reader.read()).value);
    await rig.client.chat.postEphemeral({ channel: 'C0LINE3', user: 'U0ADA', text: 'for ada' });
    await rig.client.chat.postMessage({ channel: 'C0LINE3', text: 'for all' });
    while (!received.includes('for all')) received += decoder.decode((await reader.read()).value);
    ended.abort();
    const events = received
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)) as WorkspaceEvent);
    expect(events).toMatchObject([{ type: 'message', message: { text: 'for all' } }]);
  });

  it('wait for a message that is yet to come, and give only what came since', async () => {
    const first = await rig.client.chat.postMessage({ channel: 'C0ALERTS', text: 'one' });
    const waiting = rig.messages('#ml-alerts', `&since=${first.ts}&wait=10`);
    await rig.client.chat.postMessage({ channel: 'C0ALERTS', text: 'two' });
    expect((await waiting).map(({ text }) => text)).toEqual(['two']);
  });

  it('turn what a person types into what Slack sends', async () => {
    const say = (text: string) =>
      rig.post('/sandbox/slack/message', { user: 'ada', channel: '#general', text });
    await say('@ben see #line-3 at https://example.com/a?b=1, cc <@U0DEV> @nobody a@b.c @here');
    const [message] = await rig.messages('#general');
    expect(message?.text).toBe(
      '<@U0BEN> see <#C0LINE3|line-3> at <https://example.com/a?b=1>, cc <@U0DEV> @nobody a@b.c <!here>',
    );
  });

  it('keep a script from leaving the page folder or reading files as pages', async () => {
    expect(await status('/..%2f..%2fetc/passwd')).toEqual([404, 'not_found']);
    expect(await status('/files-pri/T-F123/x.log')).toEqual([403, 'not_allowed']);
    expect(await status('/sandbox/slack/files/F123/content')).toEqual([404, 'file_not_found']);
  });
});
