/** Slack's errors in words for people: the one table of its error codes. */
import { webApi } from '@slack/bolt';
import type { Block, Message } from '../blocks/message.ts';
import { AppError, type ErrorCode } from '../ground/errors.ts';
import { NotSlacksAnswer, SLACK_CODE } from './answers.ts';

const { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } = webApi;

type Entry = readonly [code: ErrorCode, message: string, hint: string];

const INVITE = 'Type /invite @signalbox in the channel, or ask with --dm and get it as a direct message.';
const REINSTALL = 'Whoever runs Signalbox installs the app again in Slack and sets the new token.';

const TABLE: Readonly<Record<string, Entry>> = {
  not_in_channel: ['permission_denied', 'Signalbox is not a member of this channel.', INVITE],
  channel_not_found: ['permission_denied', 'Signalbox cannot see this channel.', INVITE],
  is_archived: ['conflict', 'This channel is archived.', 'Ask in another channel, or with --dm.'],
  message_not_found: ['not_found', 'The message is not there any more.', 'Ask again with the command.'],
  restricted_action: [
    'permission_denied',
    'The workspace does not let apps post in this channel.',
    'Ask in another channel or with --dm, or have a workspace admin allow it.',
  ],
  restricted_action_read_only_channel: [
    'permission_denied',
    'This channel is read-only.',
    'Ask in another channel, or with --dm.',
  ],
  cannot_dm_bot: ['invalid_input', 'A bot gets no direct messages.', 'Ask as a person.'],
  file_uploads_disabled: [
    'permission_denied',
    'File uploads are disabled in this workspace.',
    'A workspace admin can allow them in the settings; until then `signalbox logs` on the command line brings the file.',
  ],
  file_uploads_except_images_disabled: [
    'permission_denied',
    'This workspace allows uploads of images only.',
    'A workspace admin can allow other files in the settings.',
  ],
  file_type_not_allowed: [
    'permission_denied',
    'The workspace does not allow files of this kind.',
    'A workspace admin can allow .log and .gz files in the settings.',
  ],
  blocked_file_type: [
    'permission_denied',
    'The workspace does not allow files of this kind.',
    'A workspace admin can allow .log and .gz files in the settings.',
  ],
  storage_limit_reached: [
    'unavailable',
    'The file storage of this workspace is full.',
    'Delete old files, or narrow the log down: --last 2h, --tail 500, --grep text.',
  ],
  team_storage_limit_reached: [
    'unavailable',
    'The file storage of this workspace is full.',
    'Delete old files, or narrow the log down: --last 2h, --tail 500, --grep text.',
  ],
  file_size_limit_exceeded: [
    'invalid_input',
    'The file is larger than this workspace allows.',
    'Narrow the log down: --last 2h, --tail 500, --grep text.',
  ],
  expired_trigger_id: ['timeout', 'The window could not be opened in time.', 'Try again.'],
  exchanged_trigger_id: ['conflict', 'The window was opened already.', 'Click again.'],
  trigger_expired: ['timeout', 'The window could not be opened in time.', 'Try again.'],
  ratelimited: ['rate_limited', 'Slack asks us to slow down.', 'Try again in a minute.'],
  rate_limited: ['rate_limited', 'Slack asks us to slow down.', 'Try again in a minute.'],
  invalid_auth: ['unavailable', 'Slack does not accept the bot’s token.', REINSTALL],
  not_authed: ['unavailable', 'Slack does not accept the bot’s token.', REINSTALL],
  account_inactive: ['unavailable', 'The Slack app was removed from the workspace.', REINSTALL],
  token_revoked: ['unavailable', 'The bot’s token was revoked.', REINSTALL],
  token_expired: ['unavailable', 'The bot’s token has expired.', REINSTALL],
  internal_error: ['unavailable', 'Slack had an internal error.', 'Try again in a minute.'],
  fatal_error: ['unavailable', 'Slack had an internal error.', 'Try again in a minute.'],
  service_unavailable: ['unavailable', 'Slack is not available.', 'Try again in a minute.'],
  request_timeout: ['timeout', 'Slack took too long to answer.', 'Try again in a minute.'],
};

/** Slack's error code from what a Web API call threw: `not_in_channel`. */
export function slackErrorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof WebAPIPlatformError)) return undefined;
  // Anything else did not come from Slack: its client takes a proxy's page for a code.
  return SLACK_CODE.test(thrown.data.error) ? thrown.data.error : undefined;
}

/** The answer was not Slack's own. */
const isStrangers = (thrown: unknown): boolean =>
  thrown instanceof WebAPIPlatformError ||
  (thrown instanceof WebAPIRequestError && thrown.original instanceof NotSlacksAnswer);

/** What came back instead of a good answer, for the operator: `HTTP 404`, `ECONNREFUSED`, `invalid_auth`. */
export function whatCame(thrown: unknown): string {
  const code = slackErrorCode(thrown);
  if (code !== undefined) return code;
  if (thrown instanceof WebAPIHTTPError) return `HTTP ${thrown.statusCode}`;
  if (thrown instanceof WebAPIRateLimitedError) return 'HTTP 429';
  const original = thrown instanceof WebAPIRequestError ? thrown.original : thrown;
  if (!(original instanceof Error)) return 'no answer';
  if (original.name === 'TimeoutError') return 'no answer in time';
  // `fetch failed` says nothing; its cause says why.
  const { code: system, message } = (original.cause ?? {}) as { code?: unknown; message?: unknown };
  if (typeof system === 'string') return system;
  return typeof message === 'string' && message !== '' ? message : original.message;
}

/** Slack's codes for refusing a message's blocks. */
export const BLOCKS_REFUSED = /\b(?:invalid_blocks|invalid_blocks_format|msg_blocks_too_long)\b/;

/** Sends a message's blocks, or its fallback blocks if Slack refuses the first. */
export async function withFallback<T>(
  message: Message,
  send: (content: { text: string; blocks?: Block[] }) => Promise<T>,
): Promise<T> {
  const { text, blocks, fallback } = message;
  try {
    return await send({ text, ...(blocks ? { blocks } : {}) });
  } catch (error) {
    const said = slackErrorCode(error) ?? (error instanceof Error ? error.message : '');
    if (!fallback || !BLOCKS_REFUSED.test(said)) throw error;
    const sent = await send({ text, blocks: fallback });
    message.refused?.();
    return sent;
  }
}

/** Whatever a Web API call threw, as an AppError. Our own errors stay as they are. */
function slackFailure(thrown: unknown, doing: string): Error {
  if (thrown instanceof WebAPIRateLimitedError)
    return new AppError('rate_limited', 'Slack asks us to slow down.', {
      retryAfterMs: thrown.retryAfter * 1000,
      hint: 'Try again after that time.',
      cause: thrown,
    });
  const error = slackErrorCode(thrown);
  if (thrown instanceof WebAPIPlatformError && error !== undefined) {
    const entry = TABLE[error];
    if (entry) return new AppError(entry[0], entry[1], { hint: entry[2], cause: thrown });
    if (error === 'missing_scope') {
      const needed = (thrown.data as { needed?: unknown }).needed;
      return new AppError('unavailable', `The Slack app lacks the scope ${String(needed ?? 'for this')}.`, {
        hint: 'Whoever runs Signalbox imports its manifest again and reinstalls the app.',
        cause: thrown,
      });
    }
    return new AppError('internal', `Slack refused ${doing}: ${error}.`, {
      hint: 'Give the reference to whoever runs Signalbox: what Slack said is in its log.',
      cause: thrown,
    });
  }
  if (isStrangers(thrown))
    return new AppError('unavailable', `Something other than Slack answered for ${doing}.`, {
      hint: 'Try again in a minute. If it stays so, whoever runs Signalbox looks at the proxy between it and Slack.',
      cause: thrown,
    });
  if (thrown instanceof WebAPIHTTPError || thrown instanceof WebAPIRequestError)
    return new AppError('unavailable', `Slack could not be reached for ${doing}.`, {
      hint: 'Try again in a minute.',
      cause: thrown,
    });
  return thrown instanceof Error ? thrown : new AppError('internal', String(thrown), { cause: thrown });
}

/** Runs a Web API call and turns its failure into an AppError. */
export async function slackCall<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw slackFailure(error, doing);
  }
}
