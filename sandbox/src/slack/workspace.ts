/** The workspace's people, places and messages, and who may see them. Everything is in memory, and bounded. */

import { isObject, type Json } from '../block-kit/schema.ts';
import type {
  Block,
  SandboxChannel,
  SandboxFile,
  SandboxMessage,
  SandboxUser,
  SandboxUserGroup,
  WorkspaceEvent,
} from '../protocol.ts';
import type { Clock } from '../time.ts';

/** What a workspace starts with. */
export interface SlackWorld {
  /** Default: `T0SANDBOX`, “Sandbox”. */
  team?: { id: string; name: string };
  /** The installed app's ids; default `A0APP`, `B0APP` and `U0APP`. Its names are those of the manifest. */
  app?: { id: string; bot: string; user: string };
  /** The app's own user may be left out. */
  users: readonly SandboxUser[];
  /** The app is in those that list its user. */
  channels: readonly SandboxChannel[];
  userGroups?: readonly SandboxUserGroup[];
}

export const DEFAULT_TEAM = { id: 'T0SANDBOX', name: 'Sandbox' };
export const DEFAULT_APP = { id: 'A0APP', bot: 'B0APP', user: 'U0APP' };

/** Where the app is, and who it is there. */
export interface Installation {
  readonly team: { id: string; name: string };
  /** Ids of the app, its bot and its user; the user's name, as in `@name`. */
  readonly app: { id: string; bot: string; user: string; name: string };
}

/** Who was called by a message, once, when it was posted: edits do not notify. */
export interface Ping {
  channel: string;
  ts: string;
  by: string;
  kind: 'user' | 'group' | 'channel' | 'here' | 'everyone';
  /** Of the user or group. */
  id?: string;
}

/** Values of a message's inputs, per user: block id, action id, value. */
export type StateValues = Record<string, Record<string, Json>>;

/** The oldest messages of a channel go beyond this. */
const MESSAGES_PER_CHANNEL = 5000;
const PINGS = 10_000;

export interface NewMessage {
  channel: string;
  user: string;
  text: string;
  bot_id?: string;
  blocks?: Block[] | undefined;
  attachments?: unknown[] | undefined;
  files?: SandboxFile[] | undefined;
  thread_ts?: string | undefined;
  ephemeral_to?: string | undefined;
  metadata?: SandboxMessage['metadata'] | undefined;
  username?: string | undefined;
  icons?: SandboxMessage['icons'] | undefined;
  /** An answer that stands in the channel too. */
  broadcast?: boolean;
}

/** A message before and after it was edited; without `after` it was deleted. */
export interface MessageEdit {
  before: SandboxMessage;
  after?: SandboxMessage;
}

/** Slack's own user, by whom what is left of a deleted message stands. */
const SLACKBOT = 'USLACKBOT';
/** People that a message with answers names. */
const REPLY_USERS = 5;

export class Workspace implements Installation {
  readonly team: Installation['team'];
  readonly app: Installation['app'];
  readonly users: ReadonlyMap<string, SandboxUser>;
  readonly channels: Map<string, SandboxChannel>;
  readonly userGroups: readonly SandboxUserGroup[];
  readonly pings: Ping[] = [];
  readonly #clock: Clock;
  readonly #messages = new Map<string, SandboxMessage[]>();
  readonly #state = new WeakMap<SandboxMessage, Map<string, StateValues>>();
  readonly #listeners = new Set<(event: WorkspaceEvent) => void>();
  readonly #editListeners = new Set<(edit: MessageEdit) => void>();
  #lastMicros = 0;

  /** @param appNames as the manifest has them: of the app, and of its user */
  constructor(world: SlackWorld, clock: Clock, appNames = { name: 'App', botName: 'app' }) {
    this.#clock = clock;
    this.team = world.team ?? DEFAULT_TEAM;
    this.app = { ...(world.app ?? DEFAULT_APP), name: userName(appNames.botName) };
    const users = new Map(world.users.map((user) => [user.id, { ...user }]));
    if (!users.has(this.app.user)) users.set(this.app.user, appUser(this.app, appNames.name));
    this.users = users;
    this.channels = new Map(
      world.channels.map((channel) => [channel.id, { ...channel, members: [...channel.members] }]),
    );
    this.userGroups = world.userGroups ?? [];
  }

  /** Seconds and microseconds, never the same twice: a message's identity within its channel. */
  nextTs(): string {
    this.#lastMicros = Math.max(this.#clock.now() * 1000, this.#lastMicros + 1);
    const seconds = Math.floor(this.#lastMicros / 1_000_000);
    return `${seconds}.${String(this.#lastMicros % 1_000_000).padStart(6, '0')}`;
  }

  // --- People and places ---

  /** By id, name, `@name` or `<@U…>`. */
  findUser(given: string): SandboxUser | undefined {
    const plain = given.replace(/^<?@|>$/g, '');
    return this.users.get(plain) ?? [...this.users.values()].find((user) => user.name === plain);
  }

  /** By id, name or `#name`. */
  findChannel(given: string): SandboxChannel | undefined {
    const plain = given.replace(/^#/, '');
    return (
      this.channels.get(plain) ?? [...this.channels.values()].find((one) => !one.is_im && one.name === plain)
    );
  }

  /** The direct-message channel of the app and a user; made at the first call. */
  im(user: string): SandboxChannel {
    const id = `D0${user.slice(1)}`;
    const known = this.channels.get(id);
    if (known !== undefined) return known;
    const channel: SandboxChannel = {
      id,
      name: user,
      topic: '',
      is_private: true,
      is_im: true,
      is_archived: false,
      members: [user, this.app.user],
    };
    this.channels.set(id, channel);
    this.announce({ type: 'state' });
    return channel;
  }

  isVisible(channel: SandboxChannel, user: string): boolean {
    return !channel.is_private || channel.members.includes(user);
  }

  /** @returns false when they were in it already */
  join(channel: SandboxChannel, user: string): boolean {
    if (channel.members.includes(user)) return false;
    channel.members.push(user);
    this.announce({ type: 'state' });
    return true;
  }

  leave(channel: SandboxChannel, user: string): boolean {
    if (!channel.members.includes(user)) return false;
    channel.members = channel.members.filter((member) => member !== user);
    this.announce({ type: 'state' });
    return true;
  }

  // --- Messages ---

  post({ broadcast, ...given }: NewMessage): SandboxMessage {
    const parent = given.thread_ts === undefined ? undefined : this.find(given.channel, given.thread_ts);
    const message: SandboxMessage = {
      type: 'message',
      ts: this.nextTs(),
      ...defined(given),
      ...(parent === undefined ? {} : { parent_user_id: parent.user }),
      ...(parent !== undefined && broadcast ? { subtype: 'thread_broadcast' } : {}),
    };
    const messages = this.#messages.get(message.channel) ?? [];
    this.#messages.set(message.channel, messages);
    messages.push(message);
    if (messages.length > MESSAGES_PER_CHANNEL) messages.splice(0, messages.length - MESSAGES_PER_CHANNEL);
    this.#recordPings(message);
    this.announce({ type: 'message', message });
    if (parent !== undefined && message.ephemeral_to === undefined) {
      parent.thread_ts ??= parent.ts;
      this.#countReplies(parent);
      this.announce({ type: 'message_changed', message: parent });
    }
    return message;
  }

  edit(
    message: SandboxMessage,
    change: Partial<Pick<SandboxMessage, 'text' | 'blocks' | 'metadata' | 'files' | 'attachments'>>,
    editor?: string,
  ): void {
    const before = { ...message };
    Object.assign(message, defined(change));
    if (message.blocks?.length === 0) delete message.blocks;
    if (message.attachments?.length === 0) delete message.attachments;
    if (editor !== undefined) message.edited = { user: editor, ts: this.nextTs() };
    this.#edited({ before, after: message });
    this.announce({ type: 'message_changed', message });
  }

  /** A message with answers leaves a tombstone, which goes with the last of them. */
  delete(message: SandboxMessage): void {
    const before = { ...message };
    if (message.reply_count) {
      const { type, ts, channel, thread_ts, reply_count, reply_users, reply_users_count, latest_reply } =
        before;
      for (const key of Object.keys(message)) delete (message as unknown as Json)[key];
      const rest = { thread_ts, reply_count, reply_users, reply_users_count, latest_reply };
      Object.assign(message, defined({ type, ts, channel, ...rest }), {
        user: SLACKBOT,
        text: 'This message was deleted.',
        subtype: 'tombstone',
        hidden: true,
      } satisfies Partial<SandboxMessage>);
      this.#edited({ before, after: message });
      this.announce({ type: 'message_changed', message });
      return;
    }
    this.#remove(message);
    this.#edited({ before });
    const parent =
      message.thread_ts === undefined ? undefined : this.find(message.channel, message.thread_ts);
    if (parent === undefined || parent === message || message.ephemeral_to !== undefined) return;
    this.#countReplies(parent);
    if (parent.subtype === 'tombstone' && parent.reply_count === 0) this.#remove(parent);
    else this.announce({ type: 'message_changed', message: parent });
  }

  #remove(message: SandboxMessage): void {
    const messages = this.#messages.get(message.channel) ?? [];
    this.#messages.set(
      message.channel,
      messages.filter((other) => other !== message),
    );
    this.announce({ type: 'message_deleted', channel: message.channel, ts: message.ts });
  }

  #countReplies(parent: SandboxMessage): void {
    const replies = this.messages(parent.channel).filter(
      (one) => one.thread_ts === parent.ts && one !== parent && one.ephemeral_to === undefined,
    );
    const users = [...new Set(replies.map(({ user }) => user))];
    parent.reply_count = replies.length;
    parent.reply_users = users.slice(0, REPLY_USERS);
    parent.reply_users_count = users.length;
    const latest = replies.at(-1)?.ts;
    if (latest === undefined) delete parent.latest_reply;
    else parent.latest_reply = latest;
  }

  find(channel: string, ts: string): SandboxMessage | undefined {
    return this.#messages.get(channel)?.findLast((message) => message.ts === ts);
  }

  /** Oldest first; ephemeral messages included. */
  messages(channel: string): readonly SandboxMessage[] {
    return this.#messages.get(channel) ?? [];
  }

  /** What a user has chosen in a message's inputs so far. */
  state(message: SandboxMessage, user: string): StateValues {
    const perUser = this.#state.get(message) ?? new Map<string, StateValues>();
    this.#state.set(message, perUser);
    const values = perUser.get(user) ?? {};
    perUser.set(user, values);
    return values;
  }

  // --- Listening ---

  /** @returns a function that ends it */
  listen(listener: (event: WorkspaceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Edits and deletions of messages that everybody in the channel sees. */
  listenToEdits(listener: (edit: MessageEdit) => void): void {
    this.#editListeners.add(listener);
  }

  #edited(edit: MessageEdit): void {
    if (edit.before.ephemeral_to !== undefined) return;
    for (const listener of this.#editListeners) listener(edit);
  }

  announce(event: WorkspaceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #recordPings(message: SandboxMessage): void {
    const found = new Set<string>();
    for (const text of textsOf([message.text, message.blocks, message.attachments])) {
      for (const match of text.matchAll(/<(@U\w+|!subteam\^S\w+|!channel|!here|!everyone)(?:\|[^>]*)?>/g)) {
        found.add(match[1] as string);
      }
    }
    const base = { channel: message.channel, ts: message.ts, by: message.user };
    for (const mention of found) {
      if (mention.startsWith('@')) this.pings.push({ ...base, kind: 'user', id: mention.slice(1) });
      else if (mention.startsWith('!subteam^'))
        this.pings.push({ ...base, kind: 'group', id: mention.slice(9) });
      else this.pings.push({ ...base, kind: mention.slice(1) as 'channel' | 'here' | 'everyone' });
    }
    if (this.pings.length > PINGS) this.pings.splice(0, this.pings.length - PINGS);
  }
}

/** As Slack makes a user name of a display name. */
const userName = (displayName: string): string =>
  displayName
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '_')
    .slice(0, 80);

const appUser = ({ user, name }: Installation['app'], realName: string): SandboxUser => ({
  id: user,
  name,
  real_name: realName,
  title: 'App',
  color: '#4a154b',
  is_bot: true,
});

/** Every text that Slack reads mentions in: mrkdwn, not plain text. Rich text's own mentions are written alike. */
function* textsOf(value: unknown): Generator<string> {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') yield next;
    else if (Array.isArray(next)) open.push(...next);
    else if (isObject(next)) {
      if (next.type === 'mrkdwn' || next.type === 'markdown') yield String(next.text);
      else if (next.type === 'user' && typeof next.user_id === 'string') yield `<@${next.user_id}>`;
      else if (next.type === 'usergroup' && typeof next.usergroup_id === 'string') {
        yield `<!subteam^${next.usergroup_id}>`;
      } else if (next.type === 'broadcast') yield `<!${String(next.range)}>`;
      else open.push(...Object.values(next).filter((inner) => typeof inner === 'object'));
    }
  }
}

/** Without the fields that are undefined, so that JSON and deep equality see what Slack sends. */
function defined<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
