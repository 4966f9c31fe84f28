/** What somebody sends who has got hold of the address, of a request, or of the signing secret; and who is a guest. */
import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SlackDirectory } from '../../src/slack/directory.ts';
import { readAction, readMessage, readView } from '../../src/slack/payloads.ts';
import { isOf } from '../../src/slack/workspaces.ts';
import { job, startWorkspace, type TestWorkspace } from './workspace.ts';

let team: TestWorkspace;
beforeEach(async () => {
  team = await startWorkspace({ mode: 'http' });
  team.world.jobs = [job('train-resnet-1', 'line-3')];
});
afterEach(() => team.stop());

const FORM = 'application/x-www-form-urlencoded';
const command = (more: Record<string, string> = {}): string =>
  new URLSearchParams({
    ...{ command: '/logs', text: 'help', user_id: 'U0ADA', user_name: 'ada', team_id: 'T0SANDBOX' },
    ...{ channel_id: 'C0LINE3', ...more },
  }).toString();

/** As Slack would sign it. */
function signed(body: string, { type = FORM, second = Math.floor(Date.now() / 1000) } = {}) {
  const base = `v0:${second}:${body}`;
  const digest = createHmac('sha256', team.sandbox.signingSecret).update(base).digest('hex');
  return {
    body,
    headers: {
      'content-type': type,
      'x-slack-request-timestamp': String(second),
      'x-slack-signature': `v0=${digest}`,
    },
  };
}
async function send(request: { body: string; headers: Record<string, string> }): Promise<number> {
  const response = await fetch(team.requestUrl!, { method: 'POST', ...request });
  await response.text();
  return response.status;
}
/** Whatever the bot has said to anybody by now. */
async function said(): Promise<string> {
  await team.idle();
  const all = await Promise.all(
    (['ada', 'eve'] as const).flatMap((user) => [
      team.messages('C0LINE3', user),
      team.messages('C0GENERAL', user),
      team.messages('dm', user),
    ]),
  );
  return JSON.stringify(all.flat());
}

describe('the address for Slack’s requests', () => {
  it('answers a signed body that is nothing at once, and goes on', async () => {
    for (const [body, type] of [
      ['null', 'application/json'],
      ['payload=null', FORM],
      ['[]', 'application/json'],
      ['payload=%7B%7D', FORM],
      ['', FORM],
    ] as const)
      expect(await send(signed(body, { type }))).toBe(400);
    expect(await send(signed(command()))).toBe(200);
    expect(await said()).toContain('one file');
  });

  it('does a request once, however often it comes, and none from another time', async () => {
    const once = signed(command());
    expect(await send(once)).toBe(200);
    const answers = (await said()).match(/one file/g)!.length;
    expect([await send(once), await send(once)]).toEqual([409, 409]);
    const now = Math.floor(Date.now() / 1000);
    for (const away of [365 * 86_400, 310, -310])
      expect(await send(signed(command(), { second: now + away }))).toBe(401);
    expect((await said()).match(/one file/g)!.length).toBe(answers);
  });

  it('is not taken while the bot starts or stops, and may come again', async () => {
    const once = signed(command());
    await team.slack.stopIntake();
    const refused = await fetch(team.requestUrl!, { method: 'POST', ...once });
    expect([refused.status, refused.headers.get('x-slack-no-retry')]).toEqual([503, null]);
    expect(team.slack.problem()).toContain('not taking');
    await team.intake.start();
    expect(await send(once)).toBe(200);
    expect(await said()).toContain('one file');
  });

  it('does nothing for another workspace, though it is signed', async () => {
    const payload = (more: object) =>
      `payload=${encodeURIComponent(JSON.stringify({ type: 'block_actions', user: { id: 'U0ADA' }, actions: [{ type: 'button', action_id: 'logs.get', block_id: 'b', value: '{"a":"help"}' }], channel: { id: 'C0LINE3' }, ...more }))}`;
    const before = await said();
    await send(signed(command({ team_id: 'T0OTHER' })));
    await send(signed(payload({ team: { id: 'T0OTHER' } })));
    await send(signed(payload({ team: null, user: { id: 'U0ADA', team_id: 'T0OTHER' } })));
    await send(
      signed(
        JSON.stringify({
          ...{ type: 'event_callback', event_id: 'Ev1', team_id: 'T0OTHER' },
          event: {
            type: 'app_mention',
            user: 'U0ADA',
            channel: 'C0LINE3',
            ts: '1.1',
            text: '<@U0SIGNALBOX> logs help',
          },
        }),
        { type: 'application/json' },
      ),
    );
    expect(await said()).toBe(before);
  });

  it('survives odd and large bodies, paths and people', async () => {
    const odd = [
      { type: 'block_actions' },
      { type: 'block_actions', team: { id: 'T0SANDBOX' }, user: {}, actions: [{}] },
      {
        type: 'block_actions',
        team: { id: 'T0SANDBOX' },
        user: { id: 'U0ADA' },
        actions: [{ type: 'button', action_id: 5 }],
      },
      {
        type: 'block_actions',
        team: { id: 'T0SANDBOX' },
        user: { id: 'U0ADA' },
        actions: [{ type: 'button', action_id: '__proto__', block_id: 'b', value: 'x'.repeat(5000) }],
      },
      {
        type: 'view_submission',
        team: { id: 'T0SANDBOX' },
        user: { id: 'U0ADA' },
        view: {
          id: 'V',
          type: 'modal',
          callback_id: 'settings.form',
          private_metadata: '[1]',
          state: { values: { quiet: { quiet: { value: 7 } } } },
        },
      },
      {
        type: 'view_submission',
        team: { id: 'T0SANDBOX' },
        user: { id: 'U0ADA' },
        view: { id: 'V', type: 'modal', callback_id: 'constructor', state: { values: {} } },
      },
      {
        type: 'message_action',
        callback_id: 'logs.from_message',
        team: { id: 'T0SANDBOX' },
        user: { id: 'U0ADA' },
        channel: { id: 'C0LINE3' },
        message: null,
      },
    ].map((payload) => signed(`payload=${encodeURIComponent(JSON.stringify(payload))}`));
    const events = [
      { type: 'event_callback', team_id: 'T0SANDBOX', event_id: 'Ev2', event: null },
      {
        type: 'event_callback',
        team_id: 'T0SANDBOX',
        event_id: 'Ev3',
        event: { type: 'app_mention', channel: 'C0LINE3', ts: '1.2', text: 'x' },
      },
      {
        type: 'event_callback',
        team_id: 'T0SANDBOX',
        event_id: 'Ev4',
        event: {
          type: 'message',
          channel_type: 'im',
          bot_id: 'B1',
          channel: 'D1',
          ts: '1.3',
          text: 'logs x',
        },
      },
      {
        type: 'event_callback',
        team_id: 'T0SANDBOX',
        event_id: 'Ev5',
        event: { type: 'app_home_opened', tab: 'home' },
      },
    ].map((event) => signed(JSON.stringify(event), { type: 'application/json' }));
    const answers = await Promise.all(
      [
        ...odd,
        ...events,
        signed(command({ text: '<'.repeat(200_000) })),
        signed(command({ command: '/' })),
      ].map(send),
    );
    expect(answers.every((status) => status >= 200)).toBe(true);
    expect(await send(signed(command({ text: 'x'.repeat(1_100_000) })))).toBe(413);
    expect(await send({ ...signed('ssl_check=1&payload=null'), headers: { 'content-type': FORM } })).toBe(
      200,
    );
    // A path that is no address, as no client of ours would send it.
    const { port } = new URL(team.requestUrl!);
    const status = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write('GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
      );
      socket.once('data', (data) => resolve(data.toString().split('\r\n', 1)[0]!));
      socket.once('error', reject);
    });
    expect(status).toContain('400');
    // A body that breaks off.
    await new Promise<void>((resolve) => {
      const half = httpRequest(team.requestUrl!, { method: 'POST', headers: { 'content-length': '100' } });
      half.once('error', () => resolve());
      half.write('half', () => half.destroy());
    });
    expect(await send(signed(command()))).toBe(200);
    expect(await said()).toContain('one file');
  });
});

describe('people of other workspaces', () => {
  const home = { team: 'T0HOME', organisation: 'E0HOUSE' };

  it('are told from those of the same organisation', () => {
    expect(isOf(home, { team: 'T0HOME' })).toBe(true);
    expect(isOf(home, { team: 'T0SISTER', organisation: 'E0HOUSE' })).toBe(true);
    expect(isOf(home, { team: undefined, organisation: 'E0HOUSE' })).toBe(true);
    expect(isOf(home, { team: 'T0OTHER', organisation: 'E0OTHER' })).toBe(false);
    expect(isOf({ team: 'T0HOME' }, { team: 'T0OTHER' })).toBe(false);
    expect(isOf({ team: 'T0HOME' }, {})).toBe(false);
  });

  it('are recognised by their own team, whose channel it ever is', () => {
    const user = { id: 'U0GUEST', team_id: 'T0OTHER' };
    const action = { action_id: 'a', type: 'button' };
    expect(readAction({ user, team: { id: 'T0HOME' } }, action).actor.team).toBe('T0OTHER');
    const view = { callback_id: 'x', state: { values: {} } };
    expect(readView({ user, team: { id: 'T0HOME' }, view }).actor.team).toBe('T0OTHER');
    const event = { channel: 'C1', user: 'U0GUEST', user_team: 'T0OTHER', team: 'T0OTHER', ts: '1.1' };
    expect(readMessage(event, { team_id: 'T0HOME' }).actor.team).toBe('T0OTHER');
    expect(readMessage({ channel: 'C1', user: 'U1', ts: '1.1' }, { team_id: 'T0HOME' }).actor.team).toBe(
      'T0HOME',
    );
  });

  it('are not of our organisation because the event was sent to it', () => {
    const own = (event: object, body: object): boolean => {
      const { actor, organisation } = readMessage({ channel: 'C1', user: 'U1', ts: '1.1', ...event }, body);
      return isOf(home, { team: actor.team, organisation });
    };
    const body = { team_id: 'T0HOME', enterprise_id: 'E0HOUSE' };
    expect(own({ user_team: 'T0HOME' }, body)).toBe(true);
    expect(own({}, body)).toBe(true);
    expect(own({ user_team: 'T0OTHER', team: 'T0OTHER' }, body)).toBe(false);
    expect(own({ user_team: 'T0OTHER' }, { ...body, is_ext_shared_channel: true })).toBe(false);
    expect(own({ user_team: 'E0OTHER' }, { ...body, is_ext_shared_channel: true })).toBe(false);
    // Another workspace of ours: where nobody else can be, or named by the organisation itself.
    expect(own({ user_team: 'T0SISTER' }, { ...body, is_ext_shared_channel: false })).toBe(true);
    expect(own({ user_team: 'E0HOUSE' }, { ...body, is_ext_shared_channel: true })).toBe(true);
    const clicked = readAction(
      {
        ...{ user: { id: 'U1', team_id: 'T0OTHER' }, team: { id: 'T0HOME' } },
        enterprise: { id: 'E0HOUSE' },
      },
      { action_id: 'a', type: 'button' },
    );
    expect(isOf(home, { team: clicked.actor.team, organisation: clicked.organisation })).toBe(false);
  });

  it('[L8] do not get in by being in a shared channel or a group, and do by their name', async () => {
    const directory = new SlackDirectory({
      conversations: { members: async () => ({ ok: true, members: ['U0ADA', 'U0GUEST'] }) },
      usergroups: { users: { list: async () => ({ ok: true, users: ['U0ADA', 'U0GUEST'] }) } },
    } as unknown as ConstructorParameters<typeof SlackDirectory>[0]);
    directory.meet('U0GUEST', false);
    directory.meet('U0ADA', true);
    expect(await directory.isInChannel('U0ADA', 'C0LINE3')).toBe(true);
    expect(await directory.isInChannel('U0GUEST', 'C0LINE3')).toBe(false);
    expect(await directory.isInGroup('U0ADA', 'S0SCIENCE')).toBe(true);
    expect(await directory.isInGroup('U0GUEST', 'S0SCIENCE')).toBe(false);
    // The workspaces were joined: the next thing they send says so.
    directory.meet('U0GUEST', true);
    expect(await directory.isInChannel('U0GUEST', 'C0LINE3')).toBe(true);
  });

  const mention = (user_team: string, event_id: string) =>
    signed(
      JSON.stringify({
        ...{
          type: 'event_callback',
          event_id,
          team_id: 'T0SANDBOX',
          authorizations: [
            { team_id: 'T0SANDBOX', enterprise_id: null, user_id: 'U0SIGNALBOX', is_bot: true },
          ],
        },
        event: {
          type: 'app_mention',
          user: 'U0CHLOE',
          user_team,
          channel: 'C0LINE3',
          ts: '1.1',
          text: '<@U0SIGNALBOX> logs train-resnet-1',
        },
      }),
      { type: 'application/json' },
    );

  it('[L8] is so from the command on', async () => {
    expect(await send(mention('T0OTHER', 'Ev10'))).toBe(200);
    await team.message('C0LINE3', 'do not have permission', { user: 'chloe' });
    expect(await send(mention('T0SANDBOX', 'Ev11'))).toBe(200);
    expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).files).toHaveLength(1);
  });

  it('[N2] is answered once, however many instances Slack sends the event to', async () => {
    const answers = async () =>
      (await team.messages('C0LINE3')).filter(({ text }) => text.includes('Log of `train-resnet-1`')).length;
    expect(await send(mention('T0SANDBOX', 'Ev12'))).toBe(200);
    await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    expect(team.taken.has('slack-event/Ev12')).toBe(true);
    // Another instance has had this one.
    team.taken.add('slack-event/Ev13');
    expect(await send(mention('T0SANDBOX', 'Ev13'))).toBe(200);
    await team.idle();
    expect(await answers()).toBe(1);
  });
});
