/** The three-step upload, and what is known of files. */
import { setTimeout as delay } from 'node:timers/promises';
import { isObject, type Json } from '../block-kit/schema.ts';
import type { SandboxChannel } from '../protocol.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';
import { publicFile, type StoredFile, wireFile } from './files.ts';
import { parseJson } from './http.ts';
import { type Content, readContent } from './messages.ts';
import { type Method, optional, required } from './method.ts';
import { knownChannel, requireWritable } from './methods-chat.ts';

/** How late a share is when a fault says so and does not say how late. */
const LATE_SHARE_SECONDS = 10;

export const FILE_METHODS: Readonly<Record<string, Method>> = {
  'files.getUploadURLExternal': {
    scopes: ['files:write'],
    perMinute: 100,
    run: ({ context, args }) => {
      const name = required(args, 'filename');
      const length = Number(required(args, 'length'));
      if (!Number.isInteger(length) || length < 0) {
        throw new SlackError('invalid_arguments', {
          response_metadata: { messages: ['[ERROR] must be a valid number [json-pointer:/length]'] },
        });
      }
      // An empty file cannot be uploaded.
      if (length === 0) throw SlackError.missingField('length');
      const upload = context.files.announce(name, length);
      return { upload_url: upload.url, file_id: upload.id };
    },
  },

  'files.completeUploadExternal': {
    scopes: ['files:write'],
    perMinute: 100,
    run: async ({ context, args, fault }) => {
      const wanted = filesOf(args);
      const channels = channelsOf(context, args);
      const content = commentOf(args);
      for (const { id } of wanted) if (!context.files.isUploaded(id)) throw new SlackError('file_not_found');
      const files: StoredFile[] = [];
      for (const { id, title } of wanted) {
        const file = await context.files.complete(id, title);
        if (file === undefined) throw new SlackError('file_not_found');
        files.push(file);
      }
      const late = fault?.kind === 'late_share' ? (fault.seconds ?? LATE_SHARE_SECONDS) * 1000 : undefined;
      void shareLater(context, files, channels, content, optional(args, 'thread_ts'), late);
      // As Slack answers: the file is known, its shares are not yet.
      return {
        files: files.map((file) => ({
          ...wireFile(file, context.workspace),
          shares: {},
          channels: [],
          groups: [],
          ims: [],
        })),
      };
    },
  },

  'files.info': {
    scopes: ['files:read'],
    perMinute: 100,
    run: ({ context, args }) => {
      const id = required(args, 'file');
      if (context.files.wasDeleted(id)) throw new SlackError('file_deleted');
      const file = context.files.find(id);
      if (file === undefined) throw new SlackError('file_not_found');
      return {
        file: wireFile(file, context.workspace),
        comments: [],
        response_metadata: { next_cursor: '' },
      };
    },
  },

  'files.delete': {
    scopes: ['files:write'],
    perMinute: 50,
    run: async ({ context, args }) => {
      const id = required(args, 'file');
      if (context.files.wasDeleted(id)) throw new SlackError('file_deleted');
      const file = context.files.find(id);
      if (file === undefined) throw new SlackError('file_not_found');
      await context.files.delete(file);
      for (const { channel, ts } of file.shares) {
        const message = context.workspace.find(channel, ts);
        if (message === undefined) continue;
        const files = message.files?.filter((other) => other.id !== id) ?? [];
        // The message was there for the file only.
        if (files.length === 0 && message.text === '') context.workspace.delete(message);
        else context.workspace.edit(message, { files });
      }
      return {};
    },
  },
};

function filesOf(args: Json): { id: string; title: string | undefined }[] {
  const given = typeof args.files === 'string' ? parseJson(args.files) : args.files;
  if (!Array.isArray(given) || given.length === 0) throw SlackError.missingField('files');
  return given.map((one: unknown) => {
    if (!isObject(one) || typeof one.id !== 'string') throw SlackError.missingField('id');
    return { id: one.id, title: typeof one.title === 'string' ? one.title : undefined };
  });
}

function channelsOf(context: Context, args: Json): SandboxChannel[] {
  const given = [optional(args, 'channel_id'), ...(optional(args, 'channels') ?? '').split(',')];
  return given.flatMap((id) => {
    if (id === undefined || id === '') return [];
    // Not a user's id, unlike in chat.postMessage: a direct message must be given by its own (`D…`).
    if (!/^[CGDZ][A-Z0-9]+$/.test(id)) {
      const words = 'input must match regex pattern: ^[CGDZ][A-Z0-9]{8,}$';
      throw SlackError.withProblems('invalid_arguments', [{ message: words, pointer: '/channel_id' }]);
    }
    const channel = knownChannel(context, id);
    requireWritable(context, channel);
    return [channel];
  });
}

/** `initial_comment` wins over `blocks`. */
function commentOf(args: Json): Content {
  const comment = optional(args, 'initial_comment');
  return readContent(comment === undefined ? { blocks: args.blocks } : { text: comment });
}

async function shareLater(
  context: Context,
  files: StoredFile[],
  channels: SandboxChannel[],
  content: Content,
  thread: string | undefined,
  lateMs: number | undefined,
): Promise<void> {
  try {
    await delay(lateMs ?? context.timing.shareDelayMs, undefined, { signal: context.ended, ref: false });
  } catch (error) {
    if (context.ended.aborted) return;
    throw error;
  }
  for (const channel of channels) {
    const present = files.filter((file) => !file.deleted);
    if (present.length === 0) return;
    for (const file of present) file.channels = [...new Set([...file.channels, channel.id])];
    const message = context.workspace.post({
      ...content,
      channel: channel.id,
      user: context.workspace.app.user,
      bot_id: context.workspace.app.bot,
      files: present.map(publicFile),
      thread_ts: thread,
    });
    for (const file of present) {
      file.shares.push({
        channel: channel.id,
        channelName: channel.name,
        isPrivate: channel.is_private,
        ts: message.ts,
        thread_ts: thread,
      });
      context.events.emit('file_shared', {
        type: 'file_shared',
        file_id: file.id,
        file: { id: file.id },
        user_id: context.workspace.app.user,
        channel_id: channel.id,
        event_ts: message.ts,
      });
    }
    context.events.message(message, channel);
  }
}
