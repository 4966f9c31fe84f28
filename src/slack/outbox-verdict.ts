/** What a failed call means for an outbox message: whether it may have arrived, and whether to retry. */
import { webApi } from '@slack/bolt';
import { NotSlacksAnswer } from './answers.ts';
import { slackErrorCode } from './errors.ts';

export type Verdict =
  /** Slack asks to wait; nothing was done. */
  | { kind: 'wait'; ms: number; code: string }
  /** Worth retrying. `arrived: 'maybe'`: first check whether it is there. */
  | { kind: 'again'; arrived: 'no' | 'maybe'; code: string }
  /** Nothing can be posted in this channel. */
  | { kind: 'channel'; code: string }
  /** Slack refuses this content. */
  | { kind: 'content'; code: string }
  /** The message to edit, or to reply to, is gone or unknown. */
  | { kind: 'lost'; code: string };

const CHANNEL = new Set([
  'channel_not_found',
  'not_in_channel',
  'is_archived',
  'is_inactive',
  'channel_is_limited_access',
  'restricted_action',
  'restricted_action_read_only_channel',
  'restricted_action_non_threadable_channel',
  'restricted_action_thread_only_channel',
  'user_not_found',
  'cannot_dm_bot',
  'user_disabled',
  'team_access_not_granted',
  'messages_tab_disabled',
  'no_permission',
]);

const CONTENT = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'markdown_text_conflict',
  'too_many_attachments',
  'invalid_metadata_format',
  'invalid_metadata_schema',
  'metadata_too_large',
  'slack_connect_blocked_file_type',
]);

/** The operator has to fix something; until then every message waits. */
const OPERATOR = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'missing_scope',
  'no_permission_scope',
  'org_login_required',
  'access_denied',
  'ekm_access_denied',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
]);

/** Slack: "It's possible some aspect of the operation succeeded before the error was raised." */
const MAYBE = new Set(['internal_error', 'fatal_error']);

export function verdictOf(error: unknown): Verdict {
  if (error instanceof webApi.WebAPIRateLimitedError)
    return { kind: 'wait', ms: Math.max(1, error.retryAfter) * 1000, code: 'ratelimited' };
  const code = slackErrorCode(error);
  // Not an answer from Slack: the real one may have been lost on the way back.
  if (code === undefined) return { kind: 'again', arrived: 'maybe', code: nameOf(error) };
  if (MAYBE.has(code)) return { kind: 'again', arrived: 'maybe', code };
  if (OPERATOR.has(code)) return { kind: 'again', arrived: 'no', code };
  if (CHANNEL.has(code)) return { kind: 'channel', code };
  if (CONTENT.has(code)) return { kind: 'content', code };
  return { kind: 'lost', code };
}

function nameOf(error: unknown): string {
  const { code, name, original } = (error ?? {}) as { code?: unknown; name?: unknown; original?: unknown };
  if (original instanceof NotSlacksAnswer || error instanceof webApi.WebAPIPlatformError)
    return 'not_slacks_answer';
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unreachable';
}
