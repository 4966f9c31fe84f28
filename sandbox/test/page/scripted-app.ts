/** A small Bolt app with one example of everything that the page must be able to do, and its manifest. */
import { App, LogLevel, type types } from '@slack/bolt';

export const MANIFEST = {
  display_information: { name: 'Signalbox' },
  features: {
    app_home: { home_tab_enabled: true, messages_tab_enabled: true },
    bot_user: { display_name: 'signalbox', always_online: true },
    shortcuts: [
      { name: 'Name this', type: 'message', callback_id: 'name_this', description: 'Names a message' },
    ],
    slash_commands: [
      {
        command: '/report',
        description: 'Posts a report and its file',
        usage_hint: '<name>',
        should_escape: false,
      },
      { command: '/form', description: 'Opens a form', usage_hint: '', should_escape: false },
      { command: '/slow', description: 'Never answers', usage_hint: '', should_escape: false },
    ],
  },
  oauth_config: {
    scopes: {
      bot: [
        'app_mentions:read',
        'channels:read',
        'chat:write',
        'commands',
        'files:write',
        'files:read',
        'im:history',
      ],
    },
  },
  settings: {
    event_subscriptions: { bot_events: ['app_home_opened', 'app_mention', 'message.im'] },
    interactivity: { is_enabled: true },
    socket_mode_enabled: true,
  },
};

const NAMES = ['defects-resnet50-0412', 'defects-effnet-0398', 'harbor-yolo-0077'];
export const REPORT_LINES = Array.from(
  { length: 300 },
  (_, index) => `epoch ${index} loss=${(1 / (index + 1)).toFixed(4)}`,
);

const plain = (text: string) => ({ type: 'plain_text', text }) as const;

const reportBlocks = (name: string): types.KnownBlock[] => [
  { type: 'section', text: { type: 'mrkdwn', text: `Report of *${name}*` } },
  {
    type: 'actions',
    elements: [
      { type: 'button', action_id: 'acknowledge', style: 'primary', text: plain('Acknowledge'), value: name },
      {
        type: 'button',
        action_id: 'discard',
        style: 'danger',
        text: plain('Discard'),
        value: name,
        confirm: {
          title: plain('Discard it?'),
          text: plain('It cannot be had back.'),
          confirm: plain('Discard'),
        },
      },
      {
        type: 'static_select',
        action_id: 'priority',
        placeholder: plain('Priority'),
        options: [
          { text: plain('High'), value: 'high' },
          { text: plain('Low'), value: 'low' },
        ],
      },
    ],
  },
];

const form: types.View = {
  type: 'modal',
  callback_id: 'form',
  title: plain('Ask for logs'),
  submit: plain('Ask'),
  close: plain('Never mind'),
  blocks: [
    {
      type: 'input',
      block_id: 'job',
      label: plain('Training job'),
      element: {
        type: 'external_select',
        action_id: 'job',
        min_query_length: 2,
        placeholder: plain('Type a name'),
      },
    },
    {
      type: 'input',
      block_id: 'last',
      optional: true,
      label: plain('Only the last'),
      hint: plain('Such as 2h'),
      element: { type: 'plain_text_input', action_id: 'last' },
    },
    {
      type: 'input',
      block_id: 'targets',
      optional: true,
      label: plain('Targets'),
      element: {
        type: 'checkboxes',
        action_id: 'targets',
        options: [
          { text: plain('jetson-xavier'), value: 'jetson' },
          { text: plain('x86_64-cpu'), value: 'x86' },
        ],
      },
    },
    {
      type: 'actions',
      block_id: 'check',
      elements: [{ type: 'button', action_id: 'check', text: plain('Check') }],
    },
  ],
};

/** Starts it by Socket Mode against the sandbox and resolves once it is connected. */
export async function startScriptedApp(sandbox: {
  apiUrl: string;
  botToken: string;
  appToken: string;
}): Promise<App> {
  const app = new App({
    token: sandbox.botToken,
    appToken: sandbox.appToken,
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: sandbox.apiUrl },
  });

  app.command('/report', async ({ ack, command, client, respond }) => {
    await ack();
    const name = command.text;
    await respond({ response_type: 'ephemeral', text: `Fetching \`${name}\`…` });
    await client.chat.postMessage({
      channel: command.channel_id,
      text: `Report of ${name}`,
      blocks: reportBlocks(name),
    });
    const body = REPORT_LINES.join('\n');
    const filename = `training-logs-${name}.log`;
    const upload = await client.files.getUploadURLExternal({ filename, length: body.length });
    await fetch(String(upload.upload_url), { method: 'POST', body });
    await client.files.completeUploadExternal({
      channel_id: command.channel_id,
      files: [{ id: String(upload.file_id), title: filename }],
    });
  });
  app.command('/form', async ({ ack, command, client }) => {
    await ack();
    await client.views.open({
      trigger_id: command.trigger_id,
      view: { ...form, private_metadata: command.channel_id },
    });
  });
  app.command('/slow', async () => {});

  app.action({ type: 'block_actions', action_id: 'acknowledge' }, async ({ ack, body, client }) => {
    await ack();
    const { channel, message, user } = body;
    if (!channel || !message) return;
    await client.chat.update({
      channel: channel.id,
      ts: message.ts,
      text: 'Acknowledged',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `Acknowledged by <@${user.id}>` } }],
    });
  });
  app.action({ type: 'block_actions', action_id: 'discard' }, async ({ ack, body, client }) => {
    await ack();
    if (body.channel && body.message)
      await client.chat.delete({ channel: body.channel.id, ts: body.message.ts });
  });
  app.action({ type: 'block_actions', action_id: 'priority' }, async ({ ack, action, body, client }) => {
    await ack();
    if (action.type !== 'static_select' || !body.channel || !body.message) return;
    await client.chat.postMessage({
      channel: body.channel.id,
      thread_ts: body.message.ts,
      text: `Priority is now ${action.selected_option.value}`,
    });
  });

  app.action({ type: 'block_actions', action_id: 'check' }, async ({ ack, body, client }) => {
    await ack();
    await client.views.push({
      trigger_id: body.trigger_id,
      view: {
        type: 'modal',
        title: plain('Checked'),
        blocks: [
          {
            type: 'section',
            text: plain(`It would be the last ${body.view?.state.values.last?.last?.value}`),
          },
        ],
      },
    });
  });
  app.options('job', async ({ ack, payload }) => {
    await ack({
      options: NAMES.filter((name) => name.includes(payload.value)).map((name) => ({
        text: plain(name),
        value: name,
      })),
    });
  });
  app.view('form', async ({ ack, view, client, body }) => {
    const { job, last, targets } = view.state.values;
    const span = last?.last?.value ?? '';
    if (span && !/^\d+[mhd]$/.test(span)) {
      await ack({ response_action: 'errors', errors: { last: `Expected a time such as 2h, got "${span}"` } });
      return;
    }
    await ack();
    const chosen = (targets?.targets?.selected_options ?? []).map(({ value }) => value).join('+');
    await client.chat.postMessage({
      channel: view.private_metadata,
      text: `<@${body.user.id}> asked for ${job?.job?.selected_option?.value} ${span} ${chosen}`,
    });
  });

  app.shortcut({ type: 'message_action', callback_id: 'name_this' }, async ({ ack, shortcut, client }) => {
    await ack();
    await client.views.open({
      trigger_id: shortcut.trigger_id,
      view: {
        type: 'modal',
        title: plain('The message'),
        blocks: [{ type: 'section', text: plain(`It says: ${shortcut.message.text}`) }],
      },
    });
  });
  app.event('app_home_opened', async ({ event, client }) => {
    if (event.tab !== 'home') return;
    await client.views.publish({
      user_id: event.user,
      view: {
        type: 'home',
        blocks: [
          { type: 'header', text: plain('Your jobs') },
          { type: 'section', text: { type: 'mrkdwn', text: `For <@${event.user}> only` } },
        ],
      },
    });
  });
  await app.start();
  return app;
}
