/** Messages on the wire: checked as Slack checks them on the way in, shaped as Slack shapes them on the way out. */
import { LIMITS } from '../block-kit/limits.ts';
import { isObject, type Json } from '../block-kit/schema.ts';
import { textLength, validateBlocks } from '../block-kit/validate.ts';
import type { Block, SandboxMessage } from '../protocol.ts';
import { SlackError } from './errors.ts';
import { parseJson } from './http.ts';
import { withIds } from './inputs.ts';
import type { Installation } from './workspace.ts';

export interface Content {
  text: string;
  blocks?: Block[] | undefined;
  attachments?: unknown[] | undefined;
  metadata?: SandboxMessage['metadata'] | undefined;
}

/**
 * @param kind `posted` messages have Slack's undocumented limit on the text of all blocks together; what goes by
 * `response_url` or an ack has not
 * @throws SlackError no_text, msg_too_long, invalid_blocks_format, invalid_blocks with the places
 */
export function readContent(args: Json, kind: 'posted' | 'response' = 'posted'): Content {
  const blocks = decoded(args.blocks, 'invalid_blocks_format');
  const attachments = decoded(args.attachments, 'invalid_attachments_format');
  const markdown = typeof args.markdown_text === 'string' ? args.markdown_text : undefined;
  let text =
    typeof args.text === 'string' ? args.text : typeof args.text === 'number' ? String(args.text) : '';
  if (markdown !== undefined) {
    if (text !== '' || (blocks?.length ?? 0) > 0) throw new SlackError('markdown_text_conflict');
    if (markdown.length > LIMITS.markdown.text) throw new SlackError('msg_too_long');
    text = markdown;
  }
  if (blocks !== undefined) checkMessageBlocks(blocks, kind);
  // Slack cuts, and says nothing.
  text = text.slice(0, LIMITS.messageText.cut);
  return {
    text: encoded(text),
    blocks: blocks === undefined ? undefined : withIds(blocks.map(encodedBlock) as Block[]),
    attachments,
    metadata: readMetadata(args.metadata),
  };
}

/** What stands between `<` and `>` and is not text. */
const TOKEN =
  /<(?:[@#][A-Z0-9]+|![a-z][^<>\n]*|(?:https?|mailto|tel|ftp|slack|skype|sip|facetime):[^<>\n]+)(?:\|[^<>\n]*)?>/g;

/**
 * As Slack keeps text and gives it back: `&`, `<` and `>` that are not part of its own notation are `&amp;`, `&lt;` and
 * `&gt;` (https://docs.slack.dev/messaging/formatting-message-text). What is encoded already stays.
 */
export function encoded(text: string): string {
  let done = 0;
  let out = '';
  for (const match of text.matchAll(TOKEN)) {
    out += plain(text.slice(done, match.index)) + withAmpersands(match[0]);
    done = match.index + match[0].length;
  }
  return out + plain(text.slice(done));
}

const withAmpersands = (text: string) => text.replace(/&(?!(?:amp|lt|gt);)/g, '&amp;');
const plain = (text: string) => withAmpersands(text).replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The mrkdwn texts of a block, wherever they stand in it. */
function encodedBlock(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(encodedBlock);
  if (!isObject(value)) return value;
  if (value.type === 'mrkdwn' && typeof value.text === 'string')
    return { ...value, text: encoded(value.text) };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, encodedBlock(inner)]));
}

function checkMessageBlocks(blocks: unknown, kind: 'posted' | 'response'): void {
  const problems = validateBlocks(blocks, 'message');
  if (problems.length > 0) throw SlackError.withProblems('invalid_blocks', problems);
  if (kind === 'posted' && textLength(blocks) > LIMITS.blocksText)
    throw new SlackError('msg_blocks_too_long');
}

export const isEmpty = ({ text, blocks, attachments }: Content): boolean =>
  text.trim() === '' && (blocks ?? []).length === 0 && (attachments ?? []).length === 0;

function decoded(given: unknown, code: string): unknown[] | undefined {
  if (given === undefined || given === null || given === '') return undefined;
  const value = typeof given === 'string' ? parseJson(given) : given;
  if (!Array.isArray(value)) throw new SlackError(code);
  return value;
}

function readMetadata(given: unknown): SandboxMessage['metadata'] | undefined {
  const value = typeof given === 'string' ? parseJson(given) : given;
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new SlackError('invalid_metadata_format');
  if (typeof value.event_type !== 'string' || !isObject(value.event_payload)) {
    throw new SlackError('invalid_metadata_schema');
  }
  return { event_type: value.event_type, event_payload: value.event_payload };
}

/** As in Slack's answers, histories and events. */
export function wireMessage(message: SandboxMessage, { team, app }: Installation): Json {
  const { channel: _channel, ephemeral_to: _ephemeral, ...rest } = message;
  const isBot = message.bot_id !== undefined;
  return {
    ...rest,
    team: team.id,
    ...(message.files === undefined ? {} : { files: message.files, upload: false }),
    ...(isBot
      ? {
          app_id: app.id,
          bot_profile: {
            id: app.bot,
            app_id: app.id,
            user_id: app.user,
            name: app.name,
            icons: {},
            deleted: false,
            updated: 0,
            team_id: team.id,
          },
        }
      : {}),
  };
}
