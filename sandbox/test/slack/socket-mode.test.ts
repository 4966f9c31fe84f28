import { App, type BlockAction, type MessageShortcut, SocketModeReceiver } from '@slack/bolt';
import type { LogLevel } from '@slack/web-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxFile, SandboxMessage, SandboxView } from '../../src/protocol.ts';
import { codeOf, type Rig, startRig } from './support.ts';

const text = (words: string) => ({ type: 'plain_text' as const, text: words });
const input = (block: string, action: string) => ({
  type: 'input' as const,
  block_id: block,
  label: text('Name'),
  element: { type: 'plain_text_input' as const, action_id: action },
});
const modal = (title: string, blocks: object[] = [input('name', 'value')]) => ({
  type: 'modal' as const,
  callback_id: title,
  title: text(title),
  submit: text('Go'),
  notify_on_close: true,
  blocks: blocks as never,
});

describe('[O7] an unmodified Bolt app over Socket Mode', () => {
  let rig: Rig;
  let app: App;
  /** Kept before each ack: once the ack is out, the sandbox answers the test. */
  const seen: Record<string, unknown>[] = [];

  beforeAll(async () => {
    rig = await startRig();
    app = new App({
      token: rig.sandbox.botToken,
      appToken: rig.sandbox.appToken,
      socketMode: true,
      logLevel: 'error' as LogLevel,
      clientOptions: { slackApiUrl: rig.sandbox.apiUrl },
    });
    app.command('/logs', async ({ command, ack, respond, client }) => {
      seen.push({ ...command });
      const [what] = command.text.split(' ');
      if (what === 'ack') return ack('Fetching');
      if (what === 'public') return ack({ response_type: 'in_channel', text: 'For all' });
      await ack();
      if (what === 'modal') await client.views.open({ trigger_id: command.trigger_id, view: modal('First') });
      else if (what === 'respond') for (let use = 1; use <= 5; use += 1) await respond(`answer ${use}`);
      else {
        await client.chat.postMessage({
          channel: command.channel_id,
          text: `Log of ${command.text}`,
          blocks: [
            { type: 'section', text: { type: 'mrkdwn', text: `Log of *${command.text}*` } },
            {
              type: 'actions',
              block_id: 'choices',
              elements: [
                { type: 'button', action_id: 'cancel', text: text('Cancel'), value: command.text },
                {
                  type: 'static_select',
                  action_id: 'target',
                  options: [
                    { text: text('Jetson'), value: 'jetson' },
                    { text: text('CPU'), value: 'cpu' },
                  ],
                },
                { type: 'external_select', action_id: 'job', min_query_length: 1 },
              ],
            },
          ],
        });
      }
    });
    app.action('cancel', async ({ ack, body, client }) => {
      seen.push({ ...body });
      await ack();
      const { channel, message } = body as BlockAction;
      await client.chat.update({
        channel: channel?.id ?? '',
        ts: message?.ts ?? '',
        text: 'Cancelled',
        blocks: [],
      });
    });
    app.action('target', async ({ ack, body }) => {
      seen.push({ ...body });
      await ack();
    });
    app.options('job', async ({ ack, options }) => {
      await ack({ options: [{ text: text(`train-${options.value}`), value: `train-${options.value}` }] });
    });
    app.action('job', async ({ ack, body }) => {
      seen.push({ ...body });
      await ack();
    });
    app.view('First', async ({ ack, view }) => {
      const value = view.state.values.name?.value?.value;
      if (value === 'bad') return ack({ response_action: 'errors', errors: { name: 'No such job' } });
      if (value === 'push') return ack({ response_action: 'push', view: modal('Second') });
      if (value === 'update') return ack({ response_action: 'update', view: modal('Changed') });
      if (value === 'broken') return ack({ response_action: 'update', view: modal('x'.repeat(25)) });
      return ack();
    });
    app.view('Second', async ({ ack }) => ack({ response_action: 'clear' }));
    app.view({ callback_id: 'First', type: 'view_closed' }, async ({ ack, body }) => {
      seen.push({ ...body });
      await ack();
    });
    app.shortcut('get_logs', async ({ ack, shortcut, client }) => {
      seen.push({ ...shortcut });
      await ack();
      const { channel, message_ts } = shortcut as MessageShortcut;
      await client.chat.postMessage({ channel: channel.id, thread_ts: message_ts, text: 'In the thread' });
    });
    app.event('app_mention', async ({ event, client }) => {
      await client.chat.postMessage({
        channel: event.channel,
        thread_ts: event.ts,
        text: `Heard ${event.text}`,
      });
    });
    app.message(async ({ message, say }) => {
      await say(`DM ${'text' in message ? message.text : ''}`);
    });
    app.event('app_home_opened', async ({ event, client }) => {
      await client.views.publish({
        user_id: event.user,
        view: { type: 'home', blocks: [{ type: 'section', text: text(`Hello ${event.user}`) }] },
      });
    });
    app.error(async (error) => {
      seen.push({ failed: String(error) });
    });
    await app.start();
  });

  afterAll(async () => {
    await app.stop();
    await rig.close();
  });

  const command = (words: string) =>
    rig.post('/sandbox/slack/command', { user: 'ada', channel: '#line-3', command: '/logs', text: words });

  it('takes a command with the fields Slack sends, acknowledges it and posts', async () => {
    expect(await command('train-1')).toEqual({ ok: true });
    const [message] = await rig.messages('#line-3', '&contains=train-1&wait=5');
    expect(message).toMatchObject({ text: 'Log of train-1', user: 'U0SIGNALBOX', bot_id: 'B0SIGNALBOX' });
    expect(message?.ts).toMatch(/^\d{10}\.\d{6}$/);
    expect(seen.at(-1)).toMatchObject({
      command: '/logs',
      text: 'train-1',
      user_id: 'U0ADA',
      user_name: 'ada',
      channel_id: 'C0LINE3',
      channel_name: 'line-3',
      team_id: 'T0SANDBOX',
      api_app_id: 'A0SIGNALBOX',
      is_enterprise_install: 'false',
    });
  });

  it('accepts the command without its slash, and shows the text of an ack to the user only', async () => {
    await rig.post('/sandbox/slack/command', {
      user: 'U0ADA',
      channel: 'C0LINE3',
      command: 'logs',
      text: 'ack',
    });
    await command('public');
    const ephemeral = (await rig.messages('#line-3')).find((message) => message.text === 'Fetching');
    const shown = (await rig.messages('#line-3')).find((message) => message.text === 'For all');
    expect(ephemeral?.ephemeral_to).toBe('U0ADA');
    expect(shown).not.toHaveProperty('ephemeral_to');
    expect((await rig.messages('#line-3', '&user=ben')).map(({ text }) => text)).not.toContain('Fetching');
  });

  it('refuses a command that is not in the manifest', async () => {
    const result = await rig.post('/sandbox/slack/command', {
      user: 'ada',
      channel: '#line-3',
      command: '/xyz',
    });
    expect(result).toMatchObject({
      ok: false,
      error: 'unknown_command',
      detail: '/xyz is not a valid command.',
    });
  });

  it('sends a click, and the app edits the message', async () => {
    await command('train-click');
    const [message] = await rig.messages('#line-3', '&contains=train-click&wait=5');
    expect(
      await rig.post('/sandbox/slack/action', { user: 'ada', channel: '#line-3', action_id: 'cancel' }),
    ).toEqual({
      ok: true,
    });
    const [edited] = await rig.messages('#line-3', '&contains=Cancelled&wait=5');
    expect(edited).toMatchObject({ ts: message?.ts, text: 'Cancelled', edited: { user: 'U0SIGNALBOX' } });
    expect(edited).not.toHaveProperty('blocks');
    expect(seen.at(-1)).toMatchObject({
      type: 'block_actions',
      container: { type: 'message', message_ts: message?.ts, channel_id: 'C0LINE3', is_ephemeral: false },
      actions: [{ type: 'button', action_id: 'cancel', block_id: 'choices', value: 'train-click' }],
    });
  });

  it('keeps what was chosen in a message, loads options and refuses what is not offered', async () => {
    await command('train-select');
    const [message] = await rig.messages('#line-3', '&contains=train-select&wait=5');
    const at = { user: 'ada', channel: '#line-3', message_ts: message?.ts };
    expect(
      await rig.post('/sandbox/slack/action', { ...at, action_id: 'target', value: 'nowhere' }),
    ).toMatchObject({
      ok: false,
      error: 'invalid_option',
    });
    await rig.post('/sandbox/slack/action', { ...at, action_id: 'target', value: 'jetson' });
    const offered = await rig.post('/sandbox/slack/options', { ...at, action_id: 'job', value: '77' });
    expect(offered).toMatchObject({ ok: true, options: [{ value: 'train-77' }] });
    const held = { type: 'static_select', selected_option: { text: text('CPU'), value: 'cpu' } };
    await rig.post('/sandbox/slack/action', {
      ...at,
      action_id: 'job',
      value: 'train-77',
      values: { choices: { target: held, job: 'not a value', gone: held } },
    });
    expect(seen.at(-1)).toMatchObject({ state: { values: { choices: { target: held } } } });
    await rig.post('/sandbox/slack/action', { ...at, action_id: 'target', value: 'jetson' });
    await rig.post('/sandbox/slack/action', { ...at, action_id: 'job', value: 'train-77' });
    expect(seen.at(-1)).toMatchObject({
      actions: [{ selected_option: { value: 'train-77' } }],
      state: { values: { choices: { target: { selected_option: { value: 'jetson' } } } } },
    });
  });

  describe('a modal', () => {
    const open = async (): Promise<SandboxView> => {
      const opened = rig.sandbox.workspace;
      const view = new Promise<SandboxView>((resolve) => {
        const stop = opened.listen((event) => {
          if (event.type !== 'views' || event.views.length === 0) return;
          stop();
          resolve(event.views.at(-1) as SandboxView);
        });
      });
      await command('modal');
      return view;
    };
    const submit = (view: SandboxView, value: string) =>
      rig.post('/sandbox/slack/view', {
        user: 'ada',
        view_id: view.id,
        values: { name: { value: { type: 'plain_text_input', value } } },
      });

    it('closes on an empty ack', async () => {
      const view = await open();
      expect(await submit(view, 'fine')).toEqual({ ok: true });
      expect(await rig.views('ada')).toEqual([]);
    });

    it('stays open with errors, and is changed, pushed onto and cleared by responses', async () => {
      const view = await open();
      expect(await submit(view, 'bad')).toMatchObject({ ok: true, errors: { name: 'No such job' } });
      expect(await submit(view, 'push')).toMatchObject({ ok: true });
      expect((await rig.views('ada')).map(({ title }) => title?.text)).toEqual(['First', 'Second']);
      const [, second] = await rig.views('ada');
      await submit(second as SandboxView, 'anything');
      expect(await rig.views('ada')).toEqual([]);
      const again = await open();
      await submit(again, 'update');
      expect((await rig.views('ada')).map(({ title, id }) => [title?.text, id])).toEqual([
        ['Changed', again.id],
      ]);
    });

    it('does not ask the app while a required field is empty', async () => {
      const view = await open();
      const result = await rig.post('/sandbox/slack/view', { user: 'ada', view_id: view.id });
      expect(result).toMatchObject({ ok: false, errors: { name: 'Please complete this required field.' } });
    });

    it('tells who builds the app why a response cannot be shown', async () => {
      const result = await submit(await open(), 'broken');
      expect(result).toMatchObject({ ok: false, error: 'invalid_arguments' });
      expect(result.detail).toContain('must be less than 25 characters [json-pointer:/view/title/text]');
    });

    it('tells the app when it is closed, if it asked for that', async () => {
      const view = await open();
      await rig.post('/sandbox/slack/view', { user: 'ada', view_id: view.id, close: true });
      expect(seen.at(-1)).toMatchObject({ type: 'view_closed', is_cleared: false, view: { id: view.id } });
      expect(await rig.views('ada')).toEqual([]);
    });
  });

  it('answers mentions, direct messages, message shortcuts and an opened Home', async () => {
    await rig.post('/sandbox/slack/message', {
      user: 'ada',
      channel: '#line-3',
      text: '@signalbox logs train-9',
    });
    const [heard] = await rig.messages('#line-3', '&contains=Heard&wait=5');
    expect(heard?.text).toBe('Heard <@U0SIGNALBOX> logs train-9');

    await rig.post('/sandbox/slack/message', { user: 'ada', channel: '@signalbox', text: 'hello' });
    expect(await rig.messages('@signalbox', '&user=ada&contains=DM%20hello&wait=5')).toHaveLength(1);

    const { ts } = await rig.post<{ ts: string }>('/sandbox/slack/message', {
      user: 'ben',
      channel: '#line-3',
      text: 'train-5 failed',
    });
    const shortcut = { user: 'ben', callback_id: 'get_logs', channel: '#line-3', message_ts: ts };
    expect(await rig.post('/sandbox/slack/shortcut', shortcut)).toEqual({ ok: true });
    const [answer] = await rig.messages('#line-3', `&contains=thread&wait=5`);
    expect(answer?.thread_ts).toBe(ts);

    const { view } = await rig.post<{ view: SandboxView }>('/sandbox/slack/home', { user: 'ada' });
    expect(view.blocks[0]).toMatchObject({ type: 'section', text: { text: 'Hello U0ADA' } });
  });

  it('lets a response_url be used five times', async () => {
    await command('respond');
    expect(await rig.messages('#line-3', '&contains=answer%205&wait=5')).toHaveLength(1);
    const url = String(seen.findLast((one) => one.text === 'respond')?.response_url);
    const sixth = await fetch(url, { method: 'POST', body: JSON.stringify({ text: 'answer 6' }) });
    expect(sixth.status).toBe(404);
    expect(await sixth.json()).toEqual({ ok: false, error: 'used_url' });
  });

  it('answers a click where the message is: in the channel below a thread’s parent, in the thread below its replies', async () => {
    await command('train-parent');
    const [parent] = await rig.messages('#line-3', '&contains=train-parent&wait=5');
    const button = { type: 'button', action_id: 'target', text: text('In the thread'), value: 'jetson' };
    const reply = await rig.client.chat.postMessage({
      channel: 'C0LINE3',
      thread_ts: parent!.ts,
      text: 'A reply',
      blocks: [{ type: 'actions', elements: [button] }] as never,
    });
    const answered = async (message_ts: string, value: string): Promise<SandboxMessage | undefined> => {
      const at = { user: 'ada', channel: '#line-3', message_ts };
      expect(await rig.post('/sandbox/slack/action', { ...at, action_id: 'target', value })).toEqual({
        ok: true,
      });
      const said = `answer to ${message_ts}`;
      await fetch(String(seen.at(-1)?.response_url), {
        method: 'POST',
        body: JSON.stringify({ text: said }),
      });
      return rig.sandbox.workspace.messages('C0LINE3').find((one) => one.text === said);
    };
    const below = await answered(parent!.ts, 'jetson');
    expect(below).toMatchObject({ ephemeral_to: 'U0ADA' });
    expect(below).not.toHaveProperty('thread_ts');
    expect(await answered(reply.ts!, 'jetson')).toMatchObject({
      ephemeral_to: 'U0ADA',
      thread_ts: parent!.ts,
    });
  });

  it('stores an upload by the library, and shares it a little later', async () => {
    const bytes = Buffer.from('epoch 1\n'.repeat(2000));
    const shared = nextFileMessage(rig);
    await rig.client.files.uploadV2({
      channel_id: 'C0LINE3',
      filename: 'train.log',
      file: bytes,
      title: 'Log',
    });
    const found = await shared;
    expect(found.files?.[0]).toMatchObject({ name: 'train.log', title: 'Log', size: bytes.length });
    const { files } = await rig.get<{ files: SandboxFile[] }>('/sandbox/slack/files?channel=line-3');
    const content = await fetch(`${rig.sandbox.url}/sandbox/slack/files/${files[0]?.id}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('does not send events that the manifest does not subscribe to', async () => {
    const before = seen.length;
    await rig.post('/sandbox/slack/message', { user: 'ada', channel: '#line-3', text: 'just talking' });
    await rig.sandbox.eventsSettled();
    expect(seen.slice(before)).toEqual([]);
    expect(await codeOf(rig.client.auth.test())).toBe('ok');
  });
});

function nextFileMessage(rig: Rig) {
  return new Promise<Awaited<ReturnType<Rig['messages']>>[number]>((resolve) => {
    const stop = rig.sandbox.workspace.listen((event) => {
      if (event.type !== 'message' || event.message.files === undefined) return;
      stop();
      resolve(event.message);
    });
  });
}

describe('[O7] Socket Mode connections', () => {
  it('sends each payload to exactly one of two, and loses none when one is asked to reconnect', async () => {
    const rig = await startRig();
    const got: string[][] = [[], []];
    const clients = got.map((mine) => {
      const { client } = new SocketModeReceiver({
        appToken: rig.sandbox.appToken,
        logLevel: 'error' as LogLevel,
        installerOptions: { clientOptions: { slackApiUrl: rig.sandbox.apiUrl } },
        // A connection that has gone stays gone here: what matters is where its payloads go.
        autoReconnectEnabled: false,
      });
      client.on('slash_commands', async ({ body, ack }) => {
        mine.push(body.text);
        await ack();
      });
      return client;
    });
    await Promise.all(clients.map((client) => client.start()));
    const send = (text: number) =>
      rig.post('/sandbox/slack/command', {
        user: 'ada',
        channel: 'line-3',
        command: 'logs',
        text: String(text),
      });
    const first = await Promise.all([0, 1, 2, 3].map(send));
    await rig.post('/sandbox/slack/socket', { do: 'refresh_requested' });
    const second = await Promise.all([4, 5, 6, 7].map(send));
    expect([...first, ...second]).toEqual(Array(8).fill({ ok: true }));
    expect(got.flat().sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(got.every((mine) => mine.length >= 2)).toBe(true);
    await Promise.all(clients.map((client) => client.disconnect().catch(() => undefined)));
    await rig.close();
  });

  it('hands a payload to the other connection when one is cut, and retries an event whose ack is lost', async () => {
    const rig = await startRig({ ackTimeoutMs: 100 });
    const tries: number[] = [];
    const receivers = [1, 2].map(() => {
      const { client } = new SocketModeReceiver({
        appToken: rig.sandbox.appToken,
        logLevel: 'error' as LogLevel,
        installerOptions: { clientOptions: { slackApiUrl: rig.sandbox.apiUrl } },
        autoReconnectEnabled: false,
      });
      client.on('slash_commands', ({ ack }) => ack());
      client.on('app_mention', ({ ack, retry_num }) => {
        tries.push(retry_num);
        // The connection may be gone already: that is the point.
        return ack().catch(() => undefined);
      });
      return client;
    });
    await Promise.all(receivers.map((client) => client.start()));
    await rig.post('/sandbox/faults', { on: 'socket', kind: 'lost_answer' });
    await rig.post('/sandbox/slack/message', { user: 'ada', channel: 'line-3', text: '@signalbox hi' });
    await rig.sandbox.eventsSettled();
    expect(tries.at(-1)).toBe(1);
    expect(rig.sandbox.connections).toBe(1);
    await rig.post('/sandbox/faults', { on: 'socket', kind: 'drop', after: 1 });
    const send = () =>
      rig.post('/sandbox/slack/command', { user: 'ada', channel: 'line-3', command: 'logs' });
    expect(await send()).toEqual({ ok: true });
    expect(await send()).toMatchObject({ ok: false, error: 'dispatch_failed' });
    await Promise.all(receivers.map((client) => client.disconnect().catch(() => undefined)));
    await rig.close();
  });

  it('takes a ticket once, ten connections, and says hello', async () => {
    const rig = await startRig();
    const ticket = async () => {
      const { body } = await rig.api(
        'apps.connections.open',
        {},
        { authorization: `Bearer ${rig.sandbox.appToken}` },
      );
      return String(body.url);
    };
    const first = (url: string) =>
      new Promise<Record<string, unknown>>((resolve, reject) => {
        const socket = new WebSocketClass(url);
        sockets.push(socket);
        socket.once('message', (data) => resolve(JSON.parse(String(data))));
        socket.once('error', reject);
      });
    const { WebSocket: WebSocketClass } = await import('ws');
    const sockets: InstanceType<typeof WebSocketClass>[] = [];
    const url = await ticket();
    expect(await first(url)).toMatchObject({
      type: 'hello',
      num_connections: 1,
      connection_info: { app_id: 'A0SIGNALBOX' },
      debug_info: { approximate_connection_time: expect.any(Number) },
    });
    await expect(first(url)).rejects.toThrow('408');
    for (let more = 2; more <= 10; more += 1) await first(await ticket());
    expect(await first(await ticket())).toMatchObject({ type: 'disconnect', reason: 'too_many_websockets' });
    for (const socket of sockets) socket.terminate();
    await rig.close();
  });

  it('shows a dispatch failure when nobody is connected, and a timeout when nobody acknowledges', async () => {
    const rig = await startRig({ ackTimeoutMs: 30 });
    const send = () =>
      rig.post('/sandbox/slack/command', { user: 'ada', channel: 'line-3', command: 'logs', text: '' });
    expect(await send()).toMatchObject({ ok: false, error: 'dispatch_failed' });
    const { client: silent } = new SocketModeReceiver({
      appToken: rig.sandbox.appToken,
      logLevel: 'error' as LogLevel,
      installerOptions: { clientOptions: { slackApiUrl: rig.sandbox.apiUrl } },
      autoReconnectEnabled: false,
    });
    await silent.start();
    expect(await send()).toMatchObject({
      ok: false,
      error: 'operation_timeout',
      detail: '/logs failed with the error "operation_timeout"',
    });
    await silent.disconnect();
    await rig.close();
  });
});
