/**
 * The sandbox's own HTTP interface, for its page and for tests. Everything under `/sandbox/`; JSON both ways.
 * `user` and `channel` are ids or names (`U0ANN` or `ann`, `C0GENERAL` or `#general`).
 * Errors: status 4xx and `{ ok: false, error: <slack-style code>, detail?: <words> }`.
 *
 * GET  /sandbox/state?user=                    → WorkspaceState
 * GET  /sandbox/stream?user=                   → server-sent events, each `data:` one WorkspaceEvent
 * GET  /sandbox/slack/messages?channel=&user=&thread_ts=  → { ok, messages: SandboxMessage[] } oldest first;
 *        without `user` every ephemeral message is listed, with it only that user's. Also `since=` (a ts),
 *        `contains=` (in text or blocks) and `wait=` (seconds, until there is one)
 * POST /sandbox/slack/message  { user, channel, text, thread_ts? }            → { ok, ts }
 * POST /sandbox/slack/command  { user, channel, command, text }               → InteractionResult
 * POST /sandbox/slack/action   { user, channel, message_ts, action_id, block_id?, value? } or
 *                              { user, view_id, action_id, block_id?, value? } → InteractionResult
 *        `value` is the button's value (default: the element's own), or the selected value(s) of a select;
 *        `values` may carry what else is entered there by now, as `state.values`. Without `message_ts` the newest
 *        message of the channel with that element is meant, without `view_id` the open view or the Home tab.
 *        in a view also `values`, the view's whole `state.values` at that moment
 * POST /sandbox/slack/shortcut { user, callback_id, channel, message_ts }     → InteractionResult
 * POST /sandbox/slack/view     { user, view_id, values?, close? }             → InteractionResult
 *        `values` is Slack's own `state.values`; `close: true` closes instead of submitting
 * POST /sandbox/slack/options  { user, action_id, block_id, value, view_id | (channel, message_ts) } → { ok, options?, option_groups? }
 * GET  /sandbox/slack/views?user=              → { ok, views: SandboxView[] } bottom of the stack first
 * POST /sandbox/slack/home     { user }        → fires app_home_opened; { ok, view: SandboxView | null }
 * GET  /sandbox/slack/home?user=               → { ok, view: SandboxView | null }
 * POST /sandbox/slack/channel { channel, join?, leave?, is_archived? }        → { ok, channel }; `join`, `leave`: a user
 * GET  /sandbox/slack/files?channel=           → { ok, files: SandboxFile[] } newest first
 * GET  /sandbox/slack/files/{id}/content       → the bytes, or the one `Range` of them that is asked for
 * GET  /sandbox/slack/pings?channel=&user=     → { ok, pings } who was called by a message, oldest first
 * POST /sandbox/slack/socket { do: 'drop' | 'warning' | 'refresh_requested' } → { ok, connections } that it met
 * POST /sandbox/slack/request-url { url }      → { ok }; HTTP mode from now on, once the URL answered the challenge;
 *        `url: null` takes it back: Socket Mode again
 * POST /sandbox/faults  Fault | Fault[]        → { ok, faults }   · GET lists · DELETE clears
 */

/** Block Kit as it travels; the sandbox validates it, the page renders it. */
export type Block = Record<string, unknown> & { type: string; block_id?: string };

export interface SandboxUser {
  id: string;
  name: string;
  real_name: string;
  title: string;
  /** CSS colour of the avatar. */
  color: string;
  is_bot: boolean;
}

export interface SandboxChannel {
  id: string;
  name: string;
  topic: string;
  is_private: boolean;
  is_im: boolean;
  is_archived: boolean;
  members: string[];
}

export interface SandboxUserGroup {
  id: string;
  handle: string;
  name: string;
  users: string[];
}

export interface WorkspaceState {
  ok: true;
  team: { id: string; name: string };
  users: SandboxUser[];
  /** Only those the user may see, when a user is given; IMs of that user included. */
  channels: SandboxChannel[];
  usergroups: SandboxUserGroup[];
  app: {
    id: string;
    name: string;
    bot_user: string;
    /** Whether a bot is connected (socket) or a request URL is set. */
    connected: boolean;
    commands: { command: string; description: string; usage_hint: string }[];
    message_shortcuts: { name: string; callback_id: string; description: string }[];
    global_shortcuts: { name: string; callback_id: string; description: string }[];
    home_tab: boolean;
  };
}

export interface SandboxFile {
  id: string;
  name: string;
  title: string;
  size: number;
  mimetype: string;
  user: string;
  created: number;
  channels: string[];
  /** First 2 kB as text, for the preview; absent for binary files. */
  preview?: string;
  url_private: string;
  url_private_download: string;
}

export interface SandboxMessage {
  type: 'message';
  ts: string;
  channel: string;
  user: string;
  bot_id?: string;
  text: string;
  blocks?: Block[];
  /** Legacy secondary attachments, kept as they came. */
  attachments?: unknown[];
  files?: SandboxFile[];
  reactions?: { name: string; users: string[]; count: number }[];
  thread_ts?: string;
  /** `thread_broadcast`: an answer that stands in the channel too. `tombstone`: a deleted message with answers. */
  subtype?: 'thread_broadcast' | 'tombstone';
  hidden?: boolean;
  /** Of an answer: who wrote the message that it answers. */
  parent_user_id?: string;
  /** Of a message with answers. At most five people are named. */
  reply_count?: number;
  reply_users?: string[];
  reply_users_count?: number;
  latest_reply?: string;
  /** In place of the app's own name and picture. */
  username?: string;
  icons?: { emoji?: string; image_48?: string };
  edited?: { user: string; ts: string };
  /** Set on ephemeral messages: the only user who sees it. */
  ephemeral_to?: string;
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
}

export interface SandboxView {
  id: string;
  /** What the user has entered so far, or what was preselected: `state.values` as Slack sends it. */
  state?: { values: Record<string, Record<string, unknown>> };
  external_id?: string;
  type: 'modal' | 'home';
  callback_id?: string;
  title?: { text: string };
  submit?: { text: string };
  close?: { text: string };
  blocks: Block[];
  private_metadata?: string;
  hash: string;
}

export interface InteractionResult {
  ok: boolean;
  /** `operation_timeout` after 3 s without an ack, `dispatch_failed` when nothing is connected, … as Slack names it. */
  error?: string;
  /** What Slack would show the user for that error. */
  detail?: string;
  /** The ack's own body, if it had one. */
  response?: unknown;
  /** View submissions: field errors by block id. */
  errors?: Record<string, string>;
}

export type WorkspaceEvent =
  | { type: 'message'; message: SandboxMessage }
  | { type: 'message_changed'; message: SandboxMessage }
  | { type: 'message_deleted'; channel: string; ts: string }
  | { type: 'views'; user: string; views: SandboxView[] }
  | { type: 'home'; user: string; view: SandboxView }
  | { type: 'state' };

export interface Fault {
  /** Which calls: a Web API method (`chat.update`), `files.upload` (the byte POST), `socket`, an AWS operation (`logs:GetLogEvents`), one of RunPod's (`runpod:GetPodLogs`), or `*`. */
  on: string;
  /**
   * `429`, `500`, `drop` (connection cut), `late_share`, `lost_answer` (Slack side: done, but the answer or ack is
   * lost), `page` and `empty` (HTTP 200 by something other than Slack), `lost_page` (done, but such a page comes back),
   * `429_bare` (without Retry-After), or a Slack/AWS error code (`not_in_channel`, `ThrottlingException`).
   */
  kind: string;
  /** How many calls it meets; default 1. `0` means until cleared. */
  times?: number;
  /** Let so many calls pass first (then fail `times`); default 0. */
  after?: number;
  /** Fail each so-many-th call only (2: every second call). */
  every?: number;
  /** Seconds: Retry-After, or how late a share is. */
  seconds?: number;
}
