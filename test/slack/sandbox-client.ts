/** What people do and see in a sandbox's Slack, over its control endpoints. */
import type { InteractionResult, SandboxFile, SandboxMessage, SandboxView } from '#sandbox';

export interface SlackClient {
  /** @param command with its slash; left out: `/logs` */
  command(user: string, channel: string, text: string, command?: string): Promise<InteractionResult>;
  action(user: string, action_id: string, where?: Record<string, unknown>): Promise<InteractionResult>;
  post<T = InteractionResult>(path: string, body: unknown): Promise<T>;
  /** Waits for a message with these words that is newer than `since`; as `user` sees it. */
  message(
    channel: string,
    contains: string,
    more?: { user?: string; since?: string },
  ): Promise<SandboxMessage>;
  messages(channel: string, user?: string): Promise<SandboxMessage[]>;
  /** Of one thread, oldest first, the message that it hangs on included. */
  thread(channel: string, ts: string): Promise<SandboxMessage[]>;
  /** Ids of the users and groups that messages newer than `since` called, oldest first. */
  pinged(channel: string, since?: string): Promise<(string | undefined)[]>;
  /** Of one message only, whatever else is posted beside it. */
  calledBy(message: SandboxMessage): Promise<(string | undefined)[]>;
  files(channel: string): Promise<SandboxFile[]>;
  content(file: SandboxFile): Promise<Buffer>;
  /** The open modals, the one on top last. */
  views(user: string): Promise<SandboxView[]>;
  home(user: string): Promise<SandboxView | null>;
}

/** Seconds that the sandbox keeps one question waiting, and how often it is asked. */
const WAIT = 8;
const TRIES = 12;

/** @param url of the sandbox */
export function slackClient(url: string): SlackClient {
  const request = async <T>(path: string, init?: RequestInit): Promise<T> =>
    (await (await fetch(`${url}${path}`, init)).json()) as T;
  const post = <T>(path: string, body: unknown): Promise<T> =>
    request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const list = async (query: Record<string, string | undefined>): Promise<SandboxMessage[]> => {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const answer = await request<{ ok: boolean; messages: SandboxMessage[]; detail?: string }>(
      `/sandbox/slack/messages?${new URLSearchParams(given)}`,
    );
    if (!answer.ok) throw new Error(answer.detail);
    return answer.messages;
  };
  const pings = async (channel: string) =>
    (await request<{ pings: { ts: string; id?: string }[] }>(`/sandbox/slack/pings?channel=${channel}`))
      .pings;
  return {
    post,
    command: (user, channel, text, command = '/logs') =>
      post('/sandbox/slack/command', { user, channel, command, text }),
    action: (user, action_id, where = {}) => post('/sandbox/slack/action', { user, action_id, ...where }),
    message: async (channel, contains, { user, since } = {}) => {
      const query = { channel, user, since };
      let found: SandboxMessage[] = [];
      for (let tries = 0; found.length === 0 && tries < TRIES; tries += 1)
        found = await list({ ...query, contains, wait: String(WAIT) });
      if (found.length > 0) return found.at(-1)!;
      const all = await list(query);
      throw new Error(
        `No message in ${channel} says “${contains}”; there are:\n${all.map((one) => `${one.text} ${JSON.stringify(one.blocks)}`).join('\n')}`,
      );
    },
    messages: (channel, user) => list({ channel, user }),
    thread: (channel, thread_ts) => list({ channel, thread_ts }),
    pinged: async (channel, since = '0') =>
      (await pings(channel)).filter(({ ts }) => ts > since).map(({ id }) => id),
    calledBy: async ({ channel, ts }) =>
      (await pings(channel)).filter((ping) => ping.ts === ts).map(({ id }) => id),
    files: async (channel) =>
      (await request<{ files: SandboxFile[] }>(`/sandbox/slack/files?channel=${channel}`)).files,
    content: async (file) =>
      Buffer.from(await (await fetch(`${url}/sandbox/slack/files/${file.id}/content`)).arrayBuffer()),
    views: async (user) =>
      (await request<{ views: SandboxView[] }>(`/sandbox/slack/views?user=${user}`)).views,
    home: async (user) =>
      (await request<{ view: SandboxView | null }>(`/sandbox/slack/home?user=${user}`)).view,
  };
}

/** Every text of blocks, joined. */
export function textsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textsOf).join('\n');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, inner]) => (key === 'text' && typeof inner === 'string' ? inner : textsOf(inner)))
    .join('\n');
}

/** Every word of a message: its text, and those of its blocks. */
export function wordsOf(message: SandboxMessage): string {
  return `${message.text}\n${textsOf(message.blocks)}`;
}
