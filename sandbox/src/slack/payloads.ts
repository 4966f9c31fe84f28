/** The parts that payloads to the app have in common: who acted, in which workspace, and on what. */
import { isObject, type Json } from '../block-kit/schema.ts';
import type { SandboxChannel, SandboxMessage } from '../protocol.ts';
import type { Context } from './context.ts';
import { initialState } from './inputs.ts';
import { wireMessage } from './messages.ts';
import { type StoredView, wireView } from './views.ts';

/** Where an element is: in a message or in a view. */
export type Place =
  | { message: SandboxMessage; channel: SandboxChannel; view?: undefined }
  | { view: StoredView; message?: undefined; channel?: undefined };

/** The workspace, the person and the app. */
export function commonPart(context: Context, user: string): Json {
  const { team, app } = context.workspace;
  return {
    team: { id: team.id, domain: 'sandbox' },
    user: { id: user, username: userName(context, user), name: userName(context, user), team_id: team.id },
    api_app_id: app.id,
    token: context.secrets.verificationToken,
    enterprise: null,
    is_enterprise_install: false,
  };
}

/** `container`, and the message or view around an element. */
export function placePart(context: Context, user: string, place: Place): Json {
  if (place.view !== undefined) {
    return {
      container: { type: 'view', view_id: place.view.id },
      view: wireView(place.view, context.workspace),
    };
  }
  const { message, channel } = place;
  const { workspace, responseUrls } = context;
  const isEphemeral = message.ephemeral_to !== undefined;
  const initial = initialState(message.blocks ?? []);
  const chosen = workspace.state(message, user);
  const values = Object.fromEntries(
    Object.entries(initial).map(([block, actions]) => [block, { ...actions, ...chosen[block] }]),
  );
  return {
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: isEphemeral,
      ...(message.thread_ts === undefined ? {} : { thread_ts: message.thread_ts }),
    },
    channel: { id: channel.id, name: nameOf(channel) },
    // An ephemeral message cannot be looked up, and Slack does not send it along either.
    ...(isEphemeral ? {} : { message: wireMessage(message, context.workspace) }),
    state: { values },
    response_url: responseUrls.issue({ channel: channel.id, user, message }),
  };
}

/** Selects that ask for one get a response_url for the chosen conversation. */
export function viewResponseUrls(context: Context, view: StoredView): Json[] {
  return view.blocks.flatMap((block) => {
    const element = block.element;
    if (block.type !== 'input' || !isObject(element) || element.response_url_enabled !== true) return [];
    const value = view.state.values[String(block.block_id)]?.[String(element.action_id)];
    const channel = value?.selected_conversation ?? value?.selected_channel;
    if (typeof channel !== 'string') return [];
    const url = context.responseUrls.issue({ channel, user: view.user });
    return [
      { block_id: block.block_id, action_id: element.action_id, channel_id: channel, response_url: url },
    ];
  });
}

export function userName(context: Context, user: string): string {
  return context.workspace.users.get(user)?.name ?? user;
}

/** As payloads name a channel. */
export const nameOf = (channel: SandboxChannel): string => (channel.is_im ? 'directmessage' : channel.name);
