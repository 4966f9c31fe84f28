/** Channels, direct messages and their history. */

import type { Json } from '../block-kit/schema.ts';
import type { SandboxChannel, SandboxMessage } from '../protocol.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';
import { wireMessage } from './messages.ts';
import { flag, type Method, optional, page, required, requireScope } from './method.ts';
import { knownChannel } from './methods-chat.ts';

type Kind = 'public_channel' | 'private_channel' | 'im' | 'mpim';

const PREFIX: Readonly<Record<Kind, string>> = {
  public_channel: 'channels',
  private_channel: 'groups',
  im: 'im',
  mpim: 'mpim',
};

const kindOf = (channel: SandboxChannel): Kind =>
  channel.is_im ? 'im' : channel.is_private ? 'private_channel' : 'public_channel';

/** The channel, once the scope for its kind is there. */
function readable(context: Context, args: Json, right: 'read' | 'history'): SandboxChannel {
  const channel = knownChannel(context, required(args, 'channel'));
  requireScope(context, [`${PREFIX[kindOf(channel)]}:${right}`]);
  return channel;
}

const anyOf = (right: string): string[] => Object.values(PREFIX).map((prefix) => `${prefix}:${right}`);

export const CONVERSATION_METHODS: Readonly<Record<string, Method>> = {
  'conversations.list': {
    scopes: anyOf('read'),
    perMinute: 20,
    run: ({ context, args }) =>
      listed(context, args, (channel) => context.workspace.isVisible(channel, context.workspace.app.user)),
  },

  'users.conversations': {
    scopes: anyOf('read'),
    perMinute: 50,
    run: ({ context, args }) => {
      const user = optional(args, 'user') ?? context.workspace.app.user;
      if (!context.workspace.users.has(user)) throw new SlackError('user_not_found');
      return listed(
        context,
        args,
        (channel) =>
          channel.members.includes(user) && context.workspace.isVisible(channel, context.workspace.app.user),
      );
    },
  },

  'conversations.info': {
    scopes: anyOf('read'),
    perMinute: 50,
    run: ({ context, args }) => {
      const channel = readable(context, args, 'read');
      const members = flag(args, 'include_num_members') ? { num_members: channel.members.length } : {};
      return { channel: { ...wireChannel(context, channel), ...members } };
    },
  },

  'conversations.members': {
    scopes: anyOf('read'),
    perMinute: 100,
    run: ({ context, args }) => {
      const { items, metadata } = page(args, readable(context, args, 'read').members, {
        max: 1000,
        prefix: 'user',
        keyOf: (id) => id,
      });
      return { members: items, response_metadata: metadata };
    },
  },

  'conversations.history': {
    scopes: anyOf('history'),
    perMinute: 50,
    run: ({ context, args }) => {
      const channel = readable(context, args, 'history');
      if (!channel.members.includes(context.workspace.app.user)) throw new SlackError('not_in_channel');
      const inMain = (message: SandboxMessage): boolean =>
        message.thread_ts === undefined ||
        message.thread_ts === message.ts ||
        message.subtype === 'thread_broadcast';
      const isIn = spanOf(args);
      return history(
        context,
        args,
        lasting(context, channel)
          .filter((message) => inMain(message) && isIn(message))
          .reverse(),
        (message, ts) => message.ts < ts,
      );
    },
  },

  'conversations.replies': {
    scopes: anyOf('history'),
    perMinute: 50,
    run: ({ context, args }) => {
      const channel = readable(context, args, 'history');
      if (!channel.members.includes(context.workspace.app.user)) throw new SlackError('not_in_channel');
      const ts = required(args, 'ts');
      const isIn = spanOf(args);
      const thread = lasting(context, channel).filter(
        (message) => message.ts === ts || message.thread_ts === ts,
      );
      if (thread.length === 0) throw new SlackError('thread_not_found');
      return history(
        context,
        args,
        thread.filter((message) => message.ts === ts || isIn(message)),
        (message, ts) => message.ts > ts,
      );
    },
  },

  'conversations.open': {
    scopes: ['im:write', 'mpim:write', 'channels:manage', 'groups:write'],
    perMinute: 50,
    run: ({ context, args }) => {
      const id = optional(args, 'channel');
      const users = (optional(args, 'users') ?? '').split(',').filter((user) => user !== '');
      if (id === undefined && users.length === 0) throw new SlackError('users_list_not_supplied');
      if (users.length > 1) throw new SlackError('not_enough_users');
      const user = users[0] ?? context.workspace.channels.get(id ?? '')?.name ?? '';
      const found = context.workspace.users.get(user);
      if (found === undefined)
        throw new SlackError(id === undefined ? 'user_not_found' : 'channel_not_found');
      if (found.is_bot) throw new SlackError('cannot_dm_bot');
      const channel = context.workspace.im(found.id);
      return { channel: flag(args, 'return_im') ? wireChannel(context, channel) : { id: channel.id } };
    },
  },

  'conversations.join': {
    scopes: ['channels:join'],
    perMinute: 50,
    run: ({ context, args }) => {
      const channel = knownChannel(context, required(args, 'channel'));
      if (channel.is_private) throw new SlackError('method_not_supported_for_channel_type');
      if (channel.is_archived) throw new SlackError('is_archived');
      const joined = context.workspace.join(channel, context.workspace.app.user);
      if (joined) context.events.memberJoined(context.workspace.app.user, channel);
      const already = {
        warning: 'already_in_channel',
        response_metadata: { warnings: ['already_in_channel'] },
      };
      return { channel: wireChannel(context, channel), ...(joined ? {} : already) };
    },
  },
};

function listed(context: Context, args: Json, isIn: (channel: SandboxChannel) => boolean): Json {
  const types = (optional(args, 'types') ?? 'public_channel').split(',').map((type) => type.trim());
  for (const type of types) {
    if (!Object.hasOwn(PREFIX, type)) throw new SlackError('invalid_types');
    requireScope(context, [`${PREFIX[type as Kind]}:read`]);
  }
  const withArchived = !flag(args, 'exclude_archived');
  const found = [...context.workspace.channels.values()].filter(
    (channel) => types.includes(kindOf(channel)) && isIn(channel) && (withArchived || !channel.is_archived),
  );
  const { items, metadata } = page(args, found, { max: 1000, prefix: 'team', keyOf: ({ id }) => id });
  return { channels: items.map((channel) => wireChannel(context, channel)), response_metadata: metadata };
}

/** Without ephemeral messages: those are never part of a history. */
const lasting = (context: Context, channel: SandboxChannel): SandboxMessage[] =>
  context.workspace.messages(channel.id).filter((message) => message.ephemeral_to === undefined);

/** @throws SlackError invalid_ts_oldest, invalid_ts_latest */
function spanOf(args: Json): (message: SandboxMessage) => boolean {
  const oldest = microsOf(optional(args, 'oldest') ?? '0', 'invalid_ts_oldest');
  const given = microsOf(optional(args, 'latest') ?? '0', 'invalid_ts_latest');
  const latest = given === 0 ? Number.POSITIVE_INFINITY : given;
  const inclusive = flag(args, 'inclusive');
  return ({ ts }) => {
    const at = microsOf(ts, 'invalid_ts');
    return inclusive ? at >= oldest && at <= latest : at > oldest && at < latest;
  };
}

/** Seconds with or without a fraction, as microseconds: exact until the year 2255. */
function microsOf(ts: string, refusal: string): number {
  const [, seconds, fraction = ''] = /^(\d{1,10})(?:\.(\d{0,6}))?$/.exec(ts) ?? [];
  if (seconds === undefined) throw new SlackError(refusal);
  return Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

function history(
  context: Context,
  args: Json,
  messages: readonly SandboxMessage[],
  isAfter: (message: SandboxMessage, ts: string) => boolean,
): Json {
  const { items, metadata } = page(args, messages, {
    max: 999,
    prefix: 'next_ts',
    keyOf: ({ ts }) => ts,
    isAfter,
  });
  return {
    messages: items.map((message) => wireMessage(message, context.workspace)),
    has_more: metadata.next_cursor !== '',
    ...(metadata.next_cursor === '' ? {} : { response_metadata: metadata }),
  };
}

function wireChannel(context: Context, channel: SandboxChannel): Json {
  const { id, name, topic, is_private, is_archived, is_im, members } = channel;
  const common = {
    id,
    created: 0,
    is_archived,
    is_org_shared: false,
    context_team_id: context.workspace.team.id,
  };
  if (is_im) return { ...common, is_im, user: name, is_user_deleted: false, priority: 0 };
  return {
    ...common,
    name,
    name_normalized: name,
    is_channel: !is_private,
    is_group: is_private,
    is_im,
    is_mpim: false,
    is_private,
    is_general: name === 'general',
    is_shared: false,
    is_ext_shared: false,
    is_member: members.includes(context.workspace.app.user),
    creator: members[0] ?? context.workspace.app.user,
    topic: { value: topic, creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
    previous_names: [],
    num_members: members.length,
  };
}
