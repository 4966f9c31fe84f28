/** Posting, editing and deleting messages. */
import { LIMITS } from '../block-kit/limits.ts';
import type { Json } from '../block-kit/schema.ts';
import type { SandboxChannel, SandboxMessage } from '../protocol.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';
import { isEmpty, readContent, wireMessage } from './messages.ts';
import { type Call, flag, type Method, optional, RateLimited, required, requireScope } from './method.ts';

const WRITE = ['chat:write'] as const;

export const CHAT_METHODS: Readonly<Record<string, Method>> = {
  'chat.postMessage': {
    scopes: WRITE,
    // The real limit is by channel; several hundred a minute over the whole workspace.
    perMinute: 600,
    run: ({ context, args }) => {
      const channel = addressed(context, required(args, 'channel'));
      requireWritable(context, channel);
      const wait = context.rateLimits.message(channel.id);
      if (wait > 0) throw new RateLimited(wait);
      const [username, emoji, picture] = ['username', 'icon_emoji', 'icon_url'].map((field) =>
        optional(args, field),
      );
      if ((username ?? emoji ?? picture) !== undefined) requireScope(context, ['chat:write.customize']);
      const content = readContent(args);
      if (isEmpty(content)) throw new SlackError('no_text');
      const message = context.workspace.post({
        ...content,
        channel: channel.id,
        user: context.workspace.app.user,
        bot_id: context.workspace.app.bot,
        thread_ts: threadOf(context, channel, args),
        broadcast: flag(args, 'reply_broadcast'),
        username,
        ...(emoji === undefined && picture === undefined
          ? {}
          : { icons: emoji === undefined ? { image_48: picture as string } : { emoji } }),
      });
      context.events.message(message, channel);
      return { channel: channel.id, ts: message.ts, message: wireMessage(message, context.workspace) };
    },
  },

  'chat.postEphemeral': {
    scopes: WRITE,
    perMinute: 100,
    run: ({ context, args }) => {
      const channel = addressed(context, required(args, 'channel'));
      requireWritable(context, channel);
      const user = context.workspace.users.get(required(args, 'user'));
      if (user === undefined || !channel.members.includes(user.id))
        throw new SlackError('user_not_in_channel');
      const content = readContent(args);
      if (isEmpty(content)) throw new SlackError('no_text');
      const message = context.workspace.post({
        ...content,
        channel: channel.id,
        user: context.workspace.app.user,
        bot_id: context.workspace.app.bot,
        thread_ts: threadOf(context, channel, args),
        ephemeral_to: user.id,
      });
      return { message_ts: message.ts };
    },
  },

  'chat.update': {
    scopes: WRITE,
    perMinute: 50,
    run: (call) => {
      const { context, args } = call;
      const [channel, message] = ownMessage(call, 'cant_update_message');
      const given = readContent(args);
      // Slack is stricter here than with a new message.
      if (given.text.length > LIMITS.messageText.recommended) throw new SlackError('msg_too_long');
      if (args.text === undefined && args.blocks === undefined && args.attachments === undefined) {
        if (args.markdown_text === undefined && args.metadata === undefined) throw new SlackError('no_text');
      }
      const hasText = args.text !== undefined || args.markdown_text !== undefined;
      context.workspace.edit(
        message,
        {
          text: hasText ? given.text : message.text,
          ...(given.blocks === undefined ? {} : { blocks: given.blocks }),
          ...(given.attachments === undefined ? {} : { attachments: given.attachments }),
          ...(given.metadata === undefined ? {} : { metadata: given.metadata }),
        },
        context.workspace.app.user,
      );
      return {
        channel: channel.id,
        ts: message.ts,
        text: message.text,
        message: wireMessage(message, context.workspace),
      };
    },
  },

  'chat.delete': {
    scopes: WRITE,
    perMinute: 50,
    run: (call) => {
      const [channel, message] = ownMessage(call, 'cant_delete_message');
      call.context.workspace.delete(message);
      return { channel: channel.id, ts: message.ts };
    },
  },

  'chat.getPermalink': {
    perMinute: 600,
    run: ({ context, args }) => {
      const channel = knownChannel(context, required(args, 'channel'));
      const ts = required(args, 'message_ts');
      const message = context.workspace.find(channel.id, ts);
      if (message === undefined || message.ephemeral_to !== undefined)
        throw new SlackError('message_not_found');
      return { channel: channel.id, permalink: permalink(context, message) };
    },
  },

  'reactions.add': {
    scopes: ['reactions:write'],
    perMinute: 50,
    run: async ({ context, args }) => {
      const channel = knownChannel(context, required(args, 'channel'));
      const name = required(args, 'name').replaceAll(':', '');
      const isEmoji = await isEmojiName(name);
      const message = context.workspace.find(channel.id, required(args, 'timestamp'));
      if (message === undefined) throw new SlackError('message_not_found');
      if (!isEmoji) throw new SlackError('invalid_name');
      const reactions = message.reactions ?? [];
      message.reactions = reactions;
      const known = reactions.find((reaction) => reaction.name === name);
      if (known?.users.includes(context.workspace.app.user)) throw new SlackError('already_reacted');
      if (known === undefined) reactions.push({ name, users: [context.workspace.app.user], count: 1 });
      else {
        known.users.push(context.workspace.app.user);
        known.count += 1;
      }
      context.workspace.announce({ type: 'message_changed', message });
      return {};
    },
  },
};

/** With or without a skin tone behind it: `thumbsup::skin-tone-3`. */
async function isEmojiName(name: string): Promise<boolean> {
  // The table of names is a third of the program, and most apps never react.
  const { emojiFor } = await import('../page/mrkdwn/emoji.ts');
  return emojiFor(name.replace(/:*skin-tone-[2-6]$/, '')) !== undefined;
}

function permalink(context: Context, message: SandboxMessage): string {
  const thread = message.thread_ts === undefined || message.thread_ts === message.ts ? '' : message.thread_ts;
  const query = thread === '' ? '' : `?thread_ts=${thread}&cid=${message.channel}`;
  return `${context.url}/archives/${message.channel}/p${message.ts.replace('.', '')}${query}`;
}

/** By id only. Private ones the app is not in do not exist for it. */
export function knownChannel(context: Context, id: string): SandboxChannel {
  const channel = context.workspace.channels.get(id);
  if (channel === undefined || !context.workspace.isVisible(channel, context.workspace.app.user)) {
    throw new SlackError('channel_not_found');
  }
  return channel;
}

/** New messages, and no other method, also take a channel's name, and a user's id for the direct message with them. */
function addressed(context: Context, given: string): SandboxChannel {
  const user = context.workspace.users.get(given);
  if (user !== undefined && !user.is_bot) return context.workspace.im(user.id);
  return knownChannel(context, context.workspace.findChannel(given)?.id ?? given);
}

/** @throws SlackError is_archived, not_in_channel */
export function requireWritable(context: Context, channel: SandboxChannel): void {
  if (channel.is_archived) throw new SlackError('is_archived');
  const mayWriteAnywhere = context.manifest.botScopes.has('chat:write.public') && !channel.is_private;
  if (!channel.members.includes(context.workspace.app.user) && !mayWriteAnywhere)
    throw new SlackError('not_in_channel');
}

function threadOf(context: Context, channel: SandboxChannel, args: Json): string | undefined {
  const ts = optional(args, 'thread_ts');
  if (ts === undefined) return undefined;
  if (!/^\d{10}\.\d{6}$/.test(ts)) throw new SlackError('invalid_thread_ts');
  const parent = context.workspace.find(channel.id, ts);
  if (parent === undefined) throw new SlackError('thread_not_found');
  // An answer to an answer goes to the same thread.
  return parent.thread_ts ?? ts;
}

function ownMessage({ context, args }: Call, refusal: string): [SandboxChannel, SandboxMessage] {
  const channel = knownChannel(context, required(args, 'channel'));
  const message = context.workspace.find(channel.id, required(args, 'ts'));
  // An ephemeral message can only be changed by its response_url.
  if (message === undefined || message.ephemeral_to !== undefined || message.subtype === 'tombstone')
    throw new SlackError('message_not_found');
  if (message.bot_id !== context.workspace.app.bot) throw new SlackError(refusal);
  return [channel, message];
}
